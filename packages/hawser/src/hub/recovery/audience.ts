import type { Position } from "../brokers/broker.js";
import type { Ring } from "./ring.js";

/** Why messages are missing: the words of hawser.v1. */
export type GapWord = "expired" | "lost" | "slow" | "reset";

/** Messages that clients were handed, one for each client. */
export interface DeliveryCount {
  deliveries: number;
}

/** How a topic reaches its clients. What was accepted for a client is sent in this order; what was not is never sent. */
export interface AudiencePort<Client, Frame> {
  /** One frame for many. @returns those who have no room for it */
  deliver(frame: Frame, clients: ReadonlySet<Client>): readonly Client[];
  /** @returns whether there was room */
  send(client: Client, frame: Frame): boolean;
  /** Tells one client of a gap. @returns whether there was room */
  gap(client: Client, topic: string, position: Position, word: GapWord): boolean;
  /** There was no room for something: `drained` has to be called for this client and topic when there is. */
  slow(client: Client, topic: string): void;
  /** Of all topics. */
  readonly counts: DeliveryCount;
}

/** What clients catch up with. */
export interface Chain<Frame> {
  readonly epoch: string;
  readonly top: number;
  readonly ring: Ring<Frame>;
}

/**
 * The clients of a topic. A client is live, and has everything up to the top, or behind: then it has a position of its own, and is sent nothing
 * until it catches up. So a slow client costs a number, and not a copy of what it misses.
 */
export class Audience<Client, Frame> {
  readonly #topic: string;
  readonly #port: AudiencePort<Client, Frame>;
  readonly #count: DeliveryCount;
  readonly #live = new Set<Client>();
  readonly #behind = new Map<Client, Position>();

  /** @param count of this topic */
  constructor(topic: string, port: AudiencePort<Client, Frame>, count: DeliveryCount) {
    this.#topic = topic;
    this.#port = port;
    this.#count = count;
  }

  get size(): number {
    return this.#live.size + this.#behind.size;
  }

  has(client: Client): boolean {
    return this.#live.has(client) || this.#behind.has(client);
  }

  remove(client: Client): void {
    this.#live.delete(client);
    this.#behind.delete(client);
  }

  /** The next message. Whoever has no room for it stays at the position before it. */
  deliver(frame: Frame, epoch: string, prev: number): void {
    for (const client of this.#deliver(frame)) this.#fallBehind(client, { epoch, offset: prev });
  }

  /** A message of a topic without history: who has no room for it does without. */
  pass(frame: Frame): void {
    this.#deliver(frame);
  }

  /** Tells all who are live that messages are missing between `from` and `to`. */
  gap(from: Position, to: Position, word: GapWord): void {
    for (const client of this.#live) {
      if (!this.#port.gap(client, this.#topic, to, word)) this.#fallBehind(client, from);
    }
  }

  addLive(client: Client): void {
    this.#live.add(client);
  }

  /** A client that has everything up to here, and catches up with the rest by `advance`. */
  addBehind(client: Client, position: Position): void {
    this.#behind.set(client, position);
  }

  /** Sends a client what it lacks, as far as there is room. What is no longer there is told as a gap, and what is still there follows. */
  advance(client: Client, { epoch, top, ring }: Chain<Frame>): void {
    // The client may be gone after each send: a full backlog closes some connections.
    for (let at = this.#behind.get(client); at !== undefined; at = this.#behind.get(client)) {
      const hasAll = at.epoch === epoch && at.offset === top;
      if (hasAll) {
        this.#behind.delete(client);
        this.#live.add(client);
        return;
      }
      const canGoOn = at.epoch === epoch && ring.goesOnFrom(at.offset);
      const next = canGoOn ? ring.next(at.offset) : undefined;
      const to = { epoch, offset: next?.offset ?? gapEnd(at, epoch, top, ring) };
      const word = at.epoch === epoch ? "slow" : "reset";
      const hadRoom =
        next === undefined ? this.#port.gap(client, this.#topic, to, word) : this.#port.send(client, next.frame);
      if (next !== undefined && hadRoom) this.#counted(1);
      if (!this.#behind.has(client)) return;
      if (!hadRoom) {
        this.#port.slow(client, this.#topic);
        return;
      }
      this.#behind.set(client, to);
    }
  }

  /** @returns who had no room for it */
  #deliver(frame: Frame): readonly Client[] {
    const { size } = this.#live;
    if (size === 0) return [];
    const full = this.#port.deliver(frame, this.#live);
    this.#counted(size - full.length);
    return full;
  }

  #counted(deliveries: number): void {
    this.#count.deliveries += deliveries;
    this.#port.counts.deliveries += deliveries;
  }

  #fallBehind(client: Client, position: Position): void {
    if (!this.#live.delete(client)) return;
    this.#behind.set(client, position);
    this.#port.slow(client, this.#topic);
  }
}

/** Before the oldest message that is kept, if it is one that the client cannot have had: what it had in another epoch is not known. */
function gapEnd(at: Position, epoch: string, top: number, { first }: Ring<unknown>): number {
  return first !== undefined && at.epoch === epoch && first.prev > at.offset ? first.prev : top;
}
