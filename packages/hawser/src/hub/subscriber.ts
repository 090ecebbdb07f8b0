import type { Client } from "../server/api/client.js";
import { byeWords, type ByeWord } from "@hawser/wire";
import type { Timed } from "../server/base/deadlines.js";
import { type Attached, type ClientPort, portOf } from "../server/session/client-port.js";
import type { GapWord } from "./recovery/audience.js";
import type { Position } from "./brokers/broker.js";
import type { HubUser } from "./hub-options.js";
import type { TopicFrame } from "./topic-frame.js";

/** Somebody whom topics are delivered to. */
export abstract class Subscriber implements Attached {
  readonly client: Client;
  readonly port: ClientPort;
  /** Who is behind it; undefined where nobody has said so. */
  user: unknown = undefined;
  #topics: Set<string> | null = null;

  constructor(client: Client, port: ClientPort) {
    this.client = client;
    this.port = port;
  }

  /** Names of the topics it is subscribed to, or about to be. */
  get topics(): ReadonlySet<string> {
    return this.#topics ?? NONE;
  }

  addTopic(name: string): void {
    (this.#topics ??= new Set()).add(name);
  }

  /** @returns whether it was there */
  removeTopic(name: string): boolean {
    return this.#topics?.delete(name) === true;
  }

  removeAllTopics(): void {
    this.#topics = null;
  }

  /** What it is counted under where members are told: its user, most often. */
  abstract get key(): string;
  /** @returns whether there was room */
  abstract offer(frame: TopicFrame): boolean;
  /** Tells it of a gap. @returns whether there was room */
  abstract offerGap(topic: string, position: Position, word: GapWord): boolean;
  abstract onShutdown(): void;
  abstract onGone(): void;
  /** The connection is over, and all topics are left. */
  abstract onClosed(): void;
}

const NONE: ReadonlySet<string> = new Set();

/** The topics of a client, whatever it is to a hub. */
export function topicsOf(client: Client): ReadonlySet<string> {
  const { attached } = portOf(client);
  return attached instanceof Subscriber ? attached.topics : NONE;
}

/** A client that knows nothing of hubs: it is put into topics by the server, and gets the bare payloads. */
export class PlainSubscriber extends Subscriber implements Timed {
  override user: HubUser | undefined = undefined;
  /** When its time here is over, Infinity for never. */
  endsAt: number = Infinity;
  wheelAt = 0;
  wheelPrevious: Timed | null = null;
  wheelNext: Timed | null = null;

  get key(): string {
    return this.user?.user ?? this.client.id;
  }

  checkDeadlines(now: number): number {
    if (now < this.endsAt) return this.endsAt;
    this.end("expired");
    return Infinity;
  }

  /** It understands nothing but the close code. */
  end(word: ByeWord): void {
    this.client.close(byeWords[word].code, word);
  }

  /** What it sent itself it knows. */
  offer(frame: TopicFrame): boolean {
    return frame.from === this.client.id || this.port.offer(frame.plain(this.port));
  }

  /** There is no way to tell it. */
  offerGap(): boolean {
    return true;
  }

  onShutdown(): void {}

  onGone(): void {}

  onClosed(): void {}
}
