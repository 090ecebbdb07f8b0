import type { Socket } from "node:net";
import { runOutside } from "../../server/base/async-context.js";
import { FrameWriter } from "./frame-writer.js";

/** So much is written at once, and does not wait for the end of the turn: memory that grows is copied. */
const MOST_JOINED_BYTES = 256 * 1024;

/** What is sent to the other side: all that one turn of the event loop has for it, in one write. */
export class Outgoing {
  readonly frames: FrameWriter = new FrameWriter();
  readonly #socket: Socket;
  readonly #atEnd = (): void => {
    this.#isAsked = false;
    this.flush();
  };
  #isAsked = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** What the other side has not taken, as far as this process holds it. */
  get waitingBytes(): number {
    return this.frames.bytes + this.#socket.writableLength;
  }

  /** Ends the frame that was begun. It leaves at the end of the turn. */
  end(): void {
    this.frames.end();
    this.#soon();
  }

  append(frame: Uint8Array): void {
    this.frames.append(frame);
    this.#soon();
  }

  flush(): void {
    if (this.frames.bytes > 0 && !this.#socket.destroyed) this.#socket.write(this.frames.take());
  }

  #soon(): void {
    if (this.frames.bytes > MOST_JOINED_BYTES) this.flush();
    if (this.#isAsked) return;
    this.#isAsked = true;
    // For all who send something in this turn: it belongs to none of them.
    runOutside(() => setImmediate(this.#atEnd));
  }
}
