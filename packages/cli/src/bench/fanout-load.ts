/** In each room one connection publishes, and the others count what comes. */
import { BroadcastChannel } from "node:worker_threads";
import { Connections, type Player } from "./connections.js";
import type { Load, LoadStart } from "./load.js";
import { Payload } from "./payload.js";
import { type Member, membersOf, type Plan } from "./plan.js";
import { Listeners, Publisher } from "./room.js";
import { Schedule } from "./schedule.js";
import { findStamp, NO_STAMP, stampMicros, stampSender } from "./stamp.js";
import type { Counters } from "./tally.js";

const STALL_CHECK_MS = 1000;

/** How far a thread's listeners are: a room's publisher may live in another thread. */
interface Progress {
  readonly room: number;
  readonly thread: number;
  readonly rounds: number;
}

/** All that a room's publisher has sent, at the end. */
interface Published {
  readonly room: number;
  readonly published: number;
}

export class FanoutLoad implements Load {
  readonly #plan: Plan;
  readonly #thread: number;
  readonly #counters: Counters;
  readonly #connections: Connections;
  readonly #payload: Payload;
  readonly #publishers = new Map<number, Publisher>();
  readonly #listeners = new Map<number, Listeners>();
  readonly #channel: BroadcastChannel;
  readonly #news = new Map<number, number>();
  /** By room, when its publisher has said how many messages there were. */
  readonly #published = new Map<number, number>();
  #schedule: Schedule | null = null;
  #stallTimer: NodeJS.Timeout | null = null;
  #turn = 0;
  #isOver = false;

  /** @param run the same for all threads of the run, and no other's */
  constructor(plan: Plan, thread: number, counters: Counters, run: string) {
    this.#plan = plan;
    this.#thread = thread;
    this.#counters = counters;
    this.#connections = new Connections(plan, counters);
    this.#payload = new Payload(plan.size, plan.isBinary);
    this.#channel = new BroadcastChannel(`hawser-bench-${run}`);
    this.#channel.addEventListener("message", (event) => {
      for (const news of (event as unknown as { data: (Progress | Published)[] }).data)
        if ("rounds" in news) this.#onProgress(news);
        else this.#published.set(news.room, news.published);
    });
  }

  async open(): Promise<void> {
    await this.#connections.open(membersOf(this.#plan, this.#thread), (member) =>
      member.isPublisher ? this.#publisher(member) : this.#listener(member),
    );
    await this.#connections.settle();
  }

  #publisher({ id, room }: Member): Player {
    const publisher = new Publisher(id, room, this.#payload, this.#counters);
    this.#publishers.set(room, publisher);
    return {
      join: (client) => publisher.join(client),
      leave: () => publisher.leave(),
      onDrain: () => publisher.onDrain(),
      // A server that sends to all sends to the publisher too; it is no listener.
      onMessage: () => void this.#counters.foreign++,
    };
  }

  #listener({ room }: Member): Player {
    const listeners = this.#listeners.get(room) ?? new Listeners((rounds) => this.#tell(room, rounds));
    this.#listeners.set(room, listeners);
    const { delivered, listeners: counted } = this.#counters;
    return {
      join: () => {
        listeners.join();
        counted[room] = (counted[room] ?? 0) + 1;
      },
      leave: () => listeners.leave(),
      onMessage: (bytes, start, end) => {
        if (!this.#isOfRoom(room, bytes, start, end)) {
          this.#counters.foreign++;
          return;
        }
        this.#counters.countReceived(end - start);
        delivered[room] = (delivered[room] ?? 0) + 1;
        listeners.received();
      },
    };
  }

  /** Records how long it took, if it says when it was due. */
  #isOfRoom(room: number, bytes: Buffer, start: number, end: number): boolean {
    if (!this.#payload.isStamped) return end - start === this.#payload.size;
    const at = findStamp(bytes, start, end);
    // The first members are the publishers, one for each room.
    if (at === NO_STAMP || stampSender(bytes, at) !== room) return false;
    this.#counters.recordLatency(stampMicros(bytes, at) / 1000);
    return true;
  }

  /** Once a turn, since many rounds may be over in one. */
  #tell(room: number, rounds: number): void {
    if (this.#isOver) return;
    if (this.#news.size === 0) setImmediate(() => this.#sendNews());
    this.#news.set(room, rounds);
  }

  #sendNews(): void {
    if (this.#isOver) return;
    const news = [...this.#news].map(([room, rounds]) => ({ room, thread: this.#thread, rounds }));
    this.#news.clear();
    for (const progress of news) this.#onProgress(progress);
    const foreign = news.filter(({ room }) => !this.#publishers.has(room));
    if (foreign.length > 0) this.#channel.postMessage(foreign satisfies Progress[]);
  }

  #onProgress({ room, thread, rounds }: Progress): void {
    this.#publishers.get(room)?.onProgress(thread, rounds);
  }

  stopOpening(): void {
    this.#connections.stopOpening();
  }

  begin(at: number, { listenerThreads }: LoadStart): void {
    const { rate, inFlight, rooms } = this.#plan;
    const publishers = [...this.#publishers.entries()].filter(([, publisher]) => publisher.isOpen);
    if (rate === null) {
      for (const [room, publisher] of publishers) publisher.keepInFlight(inFlight, listenerThreads[room] ?? []);
      this.#stallTimer = setInterval(() => {
        for (const [, publisher] of publishers) publisher.checkStall();
      }, STALL_CHECK_MS);
      return;
    }
    const share = (rate * publishers.length) / rooms;
    if (share === 0) return;
    this.#schedule = new Schedule(this.#counters, share, this.#plan.threads, (due) => {
      const next = publishers[this.#turn++ % publishers.length];
      if (next?.[1].isOpen === true) next[1].publishDue(due);
    });
    this.#schedule.start(at + (this.#thread * 1000) / rate);
  }

  stopSending(end: number): void {
    this.#isOver = true;
    this.#schedule?.stop(end);
    if (this.#stallTimer !== null) clearInterval(this.#stallTimer);
    const all: Published[] = [];
    for (const [room, publisher] of this.#publishers) {
      publisher.stop();
      const published = this.#counters.published[room] ?? 0;
      this.#published.set(room, published);
      all.push({ room, published });
    }
    this.#channel.postMessage(all);
  }

  get backlog(): number {
    const unsent = [...this.#publishers.values()].reduce((sum, publisher) => sum + publisher.unsent, 0);
    return unsent + (this.#schedule?.behind ?? 0);
  }

  get isOver(): boolean {
    return this.#connections.size === 0;
  }

  get isQuiet(): boolean {
    const { delivered, listeners } = this.#counters;
    return [...this.#listeners.keys()].every((room) => {
      const published = this.#published.get(room);
      return published !== undefined && (delivered[room] ?? 0) >= published * (listeners[room] ?? 0);
    });
  }

  async close(): Promise<void> {
    await this.#connections.close();
    this.#channel.close();
  }
}
