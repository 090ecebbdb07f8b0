import { Duplex } from "node:stream";

/** A socket whose other end takes what the test lets it take. */
export class FakeSocket extends Duplex {
  /** Every write, as it was handed over. */
  readonly writes: Buffer[] = [];
  /** What the other end has taken. */
  taken: Buffer = Buffer.alloc(0);
  /** Bytes the other end takes at once; the rest waits for `swallow`. */
  appetite: number;
  ended = false;
  #pending: { bytes: Buffer; done: () => void } | null = null;

  constructor(appetite: number = Number.POSITIVE_INFINITY) {
    super({ highWaterMark: 16 * 1024, allowHalfOpen: true });
    this.appetite = appetite;
  }

  override write(chunk: Buffer, ...rest: unknown[]): boolean {
    this.writes.push(chunk);
    const [taken] = rest as [(() => void)?];
    return super.write(chunk, taken);
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    this.#pending = { bytes, done };
    this.#takeIt();
  }

  override _final(done: () => void): void {
    this.ended = true;
    done();
  }

  /** The other end takes so many bytes more. */
  swallow(bytes: number): void {
    this.appetite += bytes;
    this.#takeIt();
  }

  /** All pieces that have been handed over, joined. */
  get handed(): Buffer {
    return Buffer.concat(this.writes);
  }

  // As the kernel does, it says that a write is done only when it has all of it.
  #takeIt(): void {
    while (this.#pending !== null && this.appetite >= this.#pending.bytes.length) {
      const { bytes, done } = this.#pending;
      this.#pending = null;
      this.appetite -= bytes.length;
      this.taken = Buffer.concat([this.taken, bytes]);
      done();
    }
  }
}
