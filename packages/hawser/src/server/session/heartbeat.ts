import { encodePing } from "../../protocol/encoder.js";

/** Pings are numbered, so that a pong tells which one it answers. */
const PAYLOAD_BYTES = 4;

/** Makes ping frames. All pings of one tick of the deadline wheel share one frame. */
export class PingSource {
  #number = 0;
  #madeAt = -1;
  #frame: Buffer = Buffer.alloc(0);

  next(now: number): { number: number; frame: Buffer } {
    if (now !== this.#madeAt) {
      this.#madeAt = now;
      this.#number = (this.#number + 1) >>> 0;
      const payload = Buffer.allocUnsafe(PAYLOAD_BYTES);
      payload.writeUInt32BE(this.#number);
      this.#frame = encodePing(payload);
    }
    return { number: this.#number, frame: this.#frame };
  }
}

/** What is taken off the time to answer: so late may a ping leave, and the deadline is not to be later for it. */
const LATE_MS = 100;

/** The heartbeat of one client: when its next ping is due, how long the last one took to come back, and when its silence means something. */
export class Heartbeat {
  #dueAt: number;
  #number = 0;
  #sentAt = 0;
  /** When the first of the pings left that nothing has been heard since. Before `heardAt`: none of them is unanswered. */
  #askedAt = 0;
  /** Round-trip time of the last ping that was answered, in milliseconds; null before the first. */
  rttMs: number | null = null;

  /**
   * The first ping comes after three quarters of a period to a whole one, at random: clients that all came back at once are not
   * pinged at once for ever.
   */
  constructor(now: number, periodMs: number) {
    this.#dueAt = now + Math.round(periodMs * (0.75 + Math.random() / 4));
  }

  /**
   * Sends a ping when one is due.
   * @param heardAt when the client was heard last
   * @param send answers whether the frame is on its way
   * @returns when the next one is
   */
  beat(now: number, heardAt: number, periodMs: number, pings: PingSource, send: (frame: Buffer) => boolean): number {
    if (now >= this.#dueAt) {
      const { number, frame } = pings.next(now);
      if (send(frame)) {
        this.#number = number;
        this.#sentAt = now;
        if (this.#askedAt < heardAt) this.#askedAt = now;
      }
      this.#dueAt = Math.max(this.#dueAt + periodMs, now + (periodMs >> 1));
    }
    return this.#dueAt;
  }

  /**
   * When a client that was last heard at `heardAt` is to be called silent: `pongWaitMs` later, but not before it has been asked and has
   * had the time to answer that the settings leave.
   * @returns Infinity: it has not been asked since
   */
  silentAt(heardAt: number, pongWaitMs: number, periodMs: number): number {
    if (this.#askedAt < heardAt || periodMs === Infinity) return Infinity;
    const answerMs = pongWaitMs - periodMs;
    return Math.max(heardAt + pongWaitMs, this.#askedAt + Math.max(answerMs - LATE_MS, answerMs >> 1));
  }

  /**
   * A pong has come. One that answers no ping of ours says nothing about time (RFC 6455 5.5.3).
   * @returns the round-trip time; null: it says nothing
   */
  onPong(payload: Buffer, now: number): number | null {
    if (this.#sentAt === 0 || payload.length !== PAYLOAD_BYTES || payload.readUInt32BE() !== this.#number) return null;
    this.rttMs = now - this.#sentAt;
    this.#sentAt = 0;
    return this.rttMs;
  }
}
