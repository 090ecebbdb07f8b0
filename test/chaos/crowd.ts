/** Clients of every kind, which write down what they are told: those of @hawser/client, some that were written after docs/wire.md, and plain ones. */
import { systemClock } from "#client/clock.js";
import { bytes } from "#client/bytes.js";
import { fullTopic, type Topic } from "#client/full-topic.js";
import { type AnyLive, goLive } from "#client/live.js";
import { WebSocket } from "ws";
import type { Random } from "../harness/random.js";
import { sleep, until } from "../harness/concurrency.js";
import type { Follower, Ledger } from "./ledger.js";

export interface CrowdSize {
  /** Clients of @hawser/client, written after docs/wire.md, plain, and how many of the first publish. */
  readonly clients: number;
  readonly wire: number;
  readonly plain: number;
  readonly publishers: number;
  /** Topics that there are, and that each client follows. */
  readonly topics: number;
  readonly follows: number;
  /** Messages a second of each publisher. */
  readonly rate: number;
}

/** What is published: the name that it has in the ledger. */
interface Said {
  readonly id: string;
}

/** A position is told to nobody before the subscription has begun. */
const NOWHERE = { epoch: "", offset: 0 };

export class Crowd {
  readonly topics: readonly string[];
  readonly counts = { published: 0, rejected: {} as Record<string, number>, reconnects: 0, clockSteps: 0 };
  readonly #url: string;
  readonly #ledger: Ledger;
  readonly #random: Random;
  readonly #lives: { live: AnyLive<Topic<unknown>>; skewMs: number }[] = [];
  readonly #wires: WireFollower[] = [];
  readonly #plains: PlainListener[] = [];
  readonly #publishing: Promise<void>[] = [];
  #isEnough = false;

  constructor(url: string, size: CrowdSize, ledger: Ledger, random: Random) {
    this.#url = url;
    this.#ledger = ledger;
    this.#random = random;
    this.topics = Array.from({ length: size.topics }, (_, n) => `/topic-${n}`);
    const some = (): string[] => Array.from({ length: size.follows }, () => random.pick(this.topics));
    for (let n = 0; n < size.clients; n++) this.#addClient(`client ${n}`, new Set(some()));
    for (let n = 0; n < size.wire; n++) {
      const followers = [...new Set(some())].map((topic) => ledger.follow(`wire ${n}`, topic));
      this.#wires.push(new WireFollower(url, followers, random));
    }
    for (let n = 0; n < size.plain; n++) {
      this.#plains.push(new PlainListener(url, ledger.listen(`plain ${n}`, random.pick(this.topics)), random));
    }
    for (let n = 0; n < size.publishers; n++) this.#publishing.push(this.#publish(n, 1000 / size.rate));
  }

  /** Everybody has subscribed. */
  async gathered(): Promise<void> {
    const { followers } = this.#ledger;
    const missing = (): string[] =>
      followers.filter(({ entries }) => entries.length === 0).map(({ name, topic }) => `${name} in ${topic}`);
    await until(() => missing().length === 0, "all subscriptions", 180_000).catch((error: Error) => {
      throw new Error(`${error.message}: ${missing().join(", ")}`);
    });
  }

  /** The clock of some clients goes on by up to two minutes at once, as after a sleep. */
  stepClocks(percent: number): number {
    const chosen = this.#lives.filter(() => this.#random.chance(percent));
    for (const one of chosen) one.skewMs += 1000 + this.#random.below(120_000);
    this.counts.clockSteps += chosen.length;
    return chosen.length;
  }

  /** Some clients read nothing for a while. */
  stall(percent: number, ms: number): number {
    return this.#wires.filter((wire) => this.#random.chance(percent) && wire.stall(ms)).length;
  }

  /** Ends the publishing, and waits for what is under way. */
  async quiet(): Promise<void> {
    this.#isEnough = true;
    await Promise.all(this.#publishing);
  }

  /** Publishes one more to each topic, until all are through. @returns whether everybody is where the topics end within this time */
  async meet(timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    for (let round = 0; performance.now() < deadline; round++) {
      const heads = new Map(
        await Promise.all(
          this.topics.map(async (topic) => [topic, await this.#say(0, topic, `end ${round}`)] as const),
        ),
      );
      const isThere = ({ topic, place }: Follower): boolean => {
        const head = heads.get(topic);
        return head !== undefined && place?.epoch === head.epoch && place.offset >= head.offset;
      };
      for (let looks = 0; looks < 40; looks++) {
        if (this.#ledger.followers.every(isThere)) return true;
        await sleep(100);
      }
    }
    return false;
  }

  close(): void {
    for (const { live } of this.#lives) live.close();
    for (const one of [...this.#wires, ...this.#plains]) one.close();
  }

  #addClient(name: string, topics: ReadonlySet<string>): void {
    const system = systemClock();
    const one = { skewMs: 0, live: undefined as unknown as AnyLive<Topic<unknown>> };
    const clock = { now: () => system.now() + one.skewMs, after: system.after };
    const world = { clock, random: Math.random, WebSocket, page: {}, report: console.error };
    one.live = goLive<Topic<unknown>>(fullTopic, bytes, this.#url, undefined, {}, world);
    one.live.state.subscribe(({ phase }) => phase === "waiting" && this.counts.reconnects++);
    this.#lives.push(one);
    for (const name_ of topics) {
      const follower = this.#ledger.follow(name, name_);
      const topic = one.live.topic(name_);
      const begin = (): void => {
        if (follower.entries.length === 0) follower.begin(subscription.position ?? NOWHERE);
      };
      const subscription = topic.subscribe({
        message: (data, { replayed }) =>
          follower.message((data as Said).id, subscription.position ?? NOWHERE, replayed),
        gap: ({ why, position }) => follower.gap(why, position ?? NOWHERE),
      });
      subscription.ready.then(() => queueMicrotask(begin), console.error);
    }
  }

  async #publish(number: number, everyMs: number): Promise<void> {
    const under: Promise<unknown>[] = [];
    for (let n = 0; !this.#isEnough; n++) {
      under.push(this.#say(number, this.#random.pick(this.topics), `${number}/${n}`));
      await sleep(everyMs * 2 * Math.random());
    }
    await Promise.all(under);
  }

  /** By a client, with a key of its own: as often as it takes. */
  async #say(number: number, topic: string, id: string): Promise<{ epoch: string; offset: number } | undefined> {
    this.counts.published++;
    const { live } = this.#lives[number % this.#lives.length]!;
    const said = `${id} ${topic}`;
    try {
      const { epoch, offset } = await live.topic(topic).publish({ id: said }, { key: said, timeoutMs: 60_000 });
      const place = { epoch: epoch!, offset: offset! };
      this.#ledger.acknowledged(topic, said, place);
      return place;
    } catch (error) {
      const { code = String(error) } = error as { code?: string };
      this.counts.rejected[code] = (this.counts.rejected[code] ?? 0) + 1;
      return undefined;
    }
  }
}

/** Again and again a socket to somewhere. */
abstract class Reconnecting {
  readonly #url: string;
  readonly #random: Random;
  #isOver = false;
  #again: NodeJS.Timeout | undefined;
  protected socket: WebSocket | undefined;

  constructor(url: string, random: Random) {
    this.#url = url;
    this.#random = random;
  }

  protected open(path: string, subprotocols: string[]): void {
    const socket = new WebSocket(this.#url + path, subprotocols, { perMessageDeflate: false, handshakeTimeout: 5_000 });
    this.socket = socket;
    // Somebody who hears nothing for long leaves.
    let heardAt = performance.now();
    const watch = setInterval(() => performance.now() - heardAt > 40_000 && socket.terminate(), 5_000);
    socket.on("ping", () => (heardAt = performance.now()));
    socket.on("open", () => this.opened(socket));
    socket.on("message", (data: Buffer) => {
      heardAt = performance.now();
      if (!this.#isOver) this.received(data.toString());
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      clearInterval(watch);
      if (!this.#isOver) this.#again = setTimeout(() => this.open(path, subprotocols), 100 + this.#random.below(1500));
    });
  }

  /** @returns whether there is a connection that can be left unread */
  stall(ms: number): boolean {
    const { socket } = this;
    if (socket?.readyState !== WebSocket.OPEN) return false;
    socket.pause();
    setTimeout(() => socket.resume(), ms);
    return true;
  }

  close(): void {
    this.#isOver = true;
    clearTimeout(this.#again);
    this.socket?.terminate();
  }

  protected abstract opened(socket: WebSocket): void;
  protected abstract received(text: string): void;
}

interface Frame {
  readonly ok?: number;
  readonly err?: number;
  readonly o?: number;
  readonly e?: string;
  readonly replay?: number;
  readonly missed?: boolean;
  readonly pub?: string;
  readonly d?: Said;
  readonly gap?: string;
  readonly code?: string;
}

/** After docs/wire.md, "A client, step by step", and nothing else. */
class WireFollower extends Reconnecting {
  readonly #followers: readonly Follower[];
  /** By id, the subscriptions that have no answer yet. */
  readonly #asked = new Map<number, Follower>();
  /** Per topic: messages of the replay that are still to come, and the position after the last of them. */
  readonly #replays = new Map<Follower, { left: number; epoch: string; offset: number }>();
  /** Topics whose subscription was answered in this connection. */
  readonly #live = new Set<Follower>();
  #id = 1;

  constructor(url: string, followers: readonly Follower[], random: Random) {
    super(url, random);
    this.#followers = followers;
    this.open("/", ["hawser.v1"]);
  }

  protected opened(socket: WebSocket): void {
    for (const state of [this.#asked, this.#replays, this.#live]) state.clear();
    const id = this.#id++;
    const subs = this.#followers.map((follower) => {
      this.#asked.set(this.#id++, follower);
      const { place } = follower;
      return place === undefined ? [follower.topic] : [follower.topic, place.offset, place.epoch];
    });
    socket.send(JSON.stringify({ hello: 1, id, subs }));
  }

  protected received(text: string): void {
    const frame = JSON.parse(text) as Frame;
    const of = (topic: string): Follower => this.#followers.find((follower) => follower.topic === topic)!;
    if (frame.ok !== undefined) this.#answered(frame.ok, frame);
    else if (frame.err !== undefined) this.#refused(frame.err);
    else if (frame.pub !== undefined) this.#published(of(frame.pub), frame);
    else if (frame.gap !== undefined) this.#gap(of(frame.gap), frame);
  }

  #answered(id: number, { o: offset = 0, e: epoch = "", replay = 0, missed }: Frame): void {
    const follower = this.#asked.get(id);
    if (follower === undefined) return;
    this.#asked.delete(id);
    this.#live.add(follower);
    if (missed === true) follower.gap("missed", { epoch, offset });
    else if (follower.place === undefined) follower.begin({ epoch, offset });
    if (replay > 0) this.#replays.set(follower, { left: replay, epoch, offset });
  }

  /** What the hub cannot do at the moment is asked again, as the document has it. */
  #refused(id: number): void {
    const follower = this.#asked.get(id);
    this.#asked.delete(id);
    const { socket } = this;
    if (follower === undefined || socket === undefined) return;
    setTimeout(() => {
      if (this.socket !== socket || socket.readyState !== WebSocket.OPEN) return;
      const { place, topic } = follower;
      this.#asked.set(this.#id, follower);
      socket.send(JSON.stringify({ sub: topic, id: this.#id++, o: place?.offset, e: place?.epoch }));
    }, 1_000);
  }

  #published(follower: Follower, { o: offset = 0, d }: Frame): void {
    if (!this.#live.has(follower)) return;
    const replay = this.#replays.get(follower);
    const epoch = replay?.epoch ?? follower.place!.epoch;
    follower.message(d!.id, { epoch, offset }, replay !== undefined);
    if (replay !== undefined && --replay.left === 0) this.#replays.delete(follower);
  }

  #gap(follower: Follower, { o: offset = 0, e: epoch = "", code = "" }: Frame): void {
    if (!this.#live.has(follower)) return;
    this.#replays.delete(follower);
    follower.gap(code, { epoch, offset });
  }
}

/** What comes while it is there. */
class PlainListener extends Reconnecting {
  readonly #ids: string[];

  constructor(url: string, { topic, ids }: { topic: string; ids: string[] }, random: Random) {
    super(url, random);
    this.#ids = ids;
    this.open(topic, []);
  }

  protected opened(): void {}

  protected received(text: string): void {
    this.#ids.push((JSON.parse(text) as Said).id);
  }
}
