import type { Client } from "../server/api/client.js";
import type { Attached, ClientPort } from "../server/session/client-port.js";
import type { GapWord } from "./recovery/audience.js";
import type { Position } from "./brokers/broker.js";
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
  /** The connection is over, and all topics are left. */
  abstract onClosed(): void;
}

const NONE: ReadonlySet<string> = new Set();

/** A client that knows nothing of hubs: it is put into topics by the server, and gets the bare payloads. */
export class PlainSubscriber extends Subscriber {
  get key(): string {
    return (this.user as { user: string } | undefined)?.user ?? this.client.id;
  }

  offer(frame: TopicFrame): boolean {
    return this.port.offer(frame.plain(this.port));
  }

  /** There is no way to tell it. */
  offerGap(): boolean {
    return true;
  }

  onShutdown(): void {}

  onClosed(): void {}
}
