import { PayloadMemory } from "../protocol/payload-memory.js";
import { NOTHING } from "./payload.js";

/**
 * Payloads that applications may keep and hand on as Buffers: in memory of their own or in Node's pool, as any short Buffer, and never in
 * what the engine has put other clients' messages into.
 */
export class PooledMemory extends PayloadMemory {
  /** What messages that came together were put into last. */
  #frames: Buffer | null = null;

  override reserveFrames(length: number): number {
    this.bytes = this.#frames = Buffer.allocUnsafe(length);
    return 0;
  }

  /** The message `bytes[start, end)`, which lies where the engine has put it. */
  payloadOf(bytes: Buffer, start: number, end: number): Buffer {
    const length = end - start;
    if (length === 0) return NOTHING;
    if (bytes === this.#frames || length >= OWN_MEMORY_FROM) return bytes.subarray(start, end);
    const own = Buffer.allocUnsafe(length);
    // A call out of JavaScript, and the view that it needs, take longer than a loop over so few.
    if (length > LOOP_PAYS_TO) bytes.copy(own, 0, start, end);
    else for (let i = 0; i < length; i++) own[i] = bytes[start + i]!;
    return own;
  }
}

/** So long, a message lies in memory of its own already (protocol/payload-memory.ts). */
const OWN_MEMORY_FROM = 4096;
const LOOP_PAYS_TO = 128;
