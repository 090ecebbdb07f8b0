import { Message } from "../server/sending/message.js";
import { type CompressionSettings, Outgoing } from "../server/sending/outgoing.js";
import type { Turns } from "../server/sending/turns.js";

/**
 * The message that was sent last in this turn. Most broadcasts are a loop that calls `send` of each client with the same data: the frame is
 * encoded once for all of them, and their outboxes then hold the same batch (sending/batch.ts).
 */
export class SharedOutgoing {
  readonly #turns: Turns;
  readonly #compression: CompressionSettings;
  #payload: string | Buffer | null = null;
  #isBinary = false;
  #last: Outgoing | null = null;

  constructor(turns: Turns, compression: CompressionSettings) {
    this.#turns = turns;
    this.#compression = compression;
  }

  of(payload: string | Buffer, isBinary: boolean): Outgoing {
    const last = this.#last;
    if (last !== null && payload === this.#payload && isBinary === this.#isBinary && isStill(last, payload))
      return last;
    // It is not to stay in memory for longer than the turn takes.
    if (last === null) this.#turns.flushLater(this);
    this.#payload = payload;
    this.#isBinary = isBinary;
    return (this.#last = new Outgoing(asMessage(payload, isBinary), this.#compression));
  }

  endTurn(): void {
    this.#payload = this.#last = null;
  }
}

/** As what it leaves: a string as text and bytes as binary are that by themselves. Bytes are copied when it is encoded. */
function asMessage(payload: string | Buffer, isBinary: boolean): string | Message {
  if (typeof payload !== "string") return new Message(payload, 0, payload.length, isBinary);
  return isBinary ? new Message(Buffer.from(payload), 0, Buffer.byteLength(payload), true) : payload;
}

/** Whether the bytes are those that were encoded: whoever sent them may have changed them since. */
function isStill(last: Outgoing, payload: string | Buffer): boolean {
  if (typeof payload === "string") return true;
  return payload.length === last.byteLength && payload.compare(last.bytes) === 0;
}
