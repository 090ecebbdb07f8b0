import { encodePing } from "../protocol/encoder.js";

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

/** The heartbeat of one client: when its next ping is due, and how long the last one took to come back. */
export class Heartbeat {
  #dueAt: number;
  #number = 0;
  #sentAt = 0;
  /** Round-trip time of the last ping that was answered, in milliseconds; null before the first. */
  rttMs: number | null = null;

  /**
   * The first ping comes after three quarters of a period to a whole one, at random: clients that all came back at once are not
   * pinged at once for ever.
   */
  constructor(now: number, periodMs: number) {
    this.#dueAt = now + Math.round(periodMs * (0.75 + Math.random() / 4));
  }

  /** Sends a ping when one is due. @returns when the next one is */
  beat(now: number, periodMs: number, pings: PingSource, send: (frame: Buffer) => void): number {
    if (now >= this.#dueAt) {
      const { number, frame } = pings.next(now);
      this.#number = number;
      this.#sentAt = now;
      send(frame);
      this.#dueAt = Math.max(this.#dueAt + periodMs, now + (periodMs >> 1));
    }
    return this.#dueAt;
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
