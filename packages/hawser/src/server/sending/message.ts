import { types } from "node:util";
import { markAsUntransferable } from "node:worker_threads";
import { encodeFrame, writeHeaderBefore } from "../../protocol/encoder.js";
import { BINARY, TEXT } from "../../protocol/opcodes.js";
import { UsageError } from "../base/usage-error.js";
import { LONG_BYTES, type Scratch } from "./scratch.js";

/** One message as it came: bytes, which become text or JSON only when asked. Pass it to `send` or `publish` to relay it undecoded. */
export class Message {
  readonly isBinary: boolean;
  readonly #chunk: Buffer;
  readonly #start: number;
  readonly #end: number;

  /** @internal The message is `chunk[start, end)`. */
  constructor(chunk: Buffer, start: number, end: number, isBinary: boolean) {
    this.#chunk = chunk;
    this.#start = start;
    this.#end = end;
    this.isBinary = isBinary;
  }

  /** Length in bytes. */
  get byteLength(): number {
    return this.#end - this.#start;
  }

  /**
   * The payload, without a copy: a view of memory in which **other clients' messages lie as well**, and which is kept as long as the view
   * is, up to 32 KiB. Not to be written to: when the message is sent on, it may be these very bytes that leave. `bytes.buffer` is not
   * for use; to transfer it, to a worker say, throws. `bytes.slice()` of a `Buffer` copies nothing: `new Uint8Array(bytes)` does.
   * Before Node 24 it is a copy: there nothing keeps a stream of bytes (`new ReadableStream({ type: "bytes" })`) from taking the memory.
   */
  get bytes(): Buffer {
    if (!canRefuseTransfer) return ownCopy(this.#chunk, this.#start, this.#end);
    const { buffer } = this.#chunk;
    if ((buffer as Transferable).transfer !== refuseTransfer) refuseTransferOf(buffer);
    return this.#chunk.subarray(this.#start, this.#end);
  }

  /** @internal Adds it as a frame. @returns as `Scratch.addReceived` */
  addTo(scratch: Scratch): number {
    return scratch.addReceived(opcodeOf(this), this.#chunk, this.#start, this.#end);
  }

  /** @internal It as a frame: a long one is not copied, and shares its bytes with `bytes`. */
  toFrame(): Buffer {
    const at =
      this.byteLength < LONG_BYTES ? -1 : writeHeaderBefore(opcodeOf(this), this.#chunk, this.#start, this.#end);
    return at < 0
      ? encodeFrame(opcodeOf(this), this.#chunk.subarray(this.#start, this.#end))
      : this.#chunk.subarray(at, this.#end);
  }

  /** The payload as text. A text message is UTF-8 for certain; in a binary one, what is not becomes U+FFFD. */
  text(): string {
    return this.#chunk.toString("utf8", this.#start, this.#end);
  }

  /**
   * The payload parsed as JSON.
   * @throws SyntaxError for what is none, without a word of it. A handler that does not catch it has its client closed with 1007
   */
  json(): unknown {
    try {
      return JSON.parse(this.text());
    } catch {
      throw jsonError();
    }
  }
}

/** What `json` has thrown. Not a class and `instanceof`, which throws for a revoked proxy. */
const jsonErrors = new WeakSet<object>();

/** Whether a handler threw what `json` had thrown: a client's fault and not its own. */
export function isJsonError(thrown: unknown): boolean {
  return jsonErrors.has(thrown as object);
}

/** `JSON.parse` says what stands in the message, which does not belong in a log. */
function jsonError(): SyntaxError {
  const error = new SyntaxError("the message is not JSON");
  jsonErrors.add(error);
  return error;
}

interface Transferable {
  transfer?: unknown;
}

function refuseTransfer(): never {
  throw new TypeError(
    "the memory of a message is shared with other messages: copy its bytes, with new Uint8Array(bytes)",
  );
}

/** What ArrayBuffer has for it since Node 21. */
const TRANSFERS = ["transfer", "transferToFixedLength"].filter((name) => name in ArrayBuffer.prototype);

/** Detached from here, it would be gone for all messages in it, and theirs to read for whoever gets it. */
function refuseTransferOf(buffer: ArrayBufferLike): void {
  // For `postMessage` and `structuredClone`.
  markAsUntransferable(buffer);
  for (const name of TRANSFERS) Object.defineProperty(buffer, name, { value: refuseTransfer, configurable: true });
}

/**
 * Whether what is marked is held fast. Before Node 24 a stream of bytes takes it all the same (to try that would load all of web streams,
 * half a megabyte); by Node 20, and by runtimes that know the mark by its name alone, it is not held at all.
 */
const canRefuseTransfer = ((): boolean => {
  if (Number.parseInt(process.versions.node, 10) < 24) return false;
  const memory = new ArrayBuffer(1);
  markAsUntransferable(memory);
  try {
    structuredClone(memory, { transfer: [memory] });
    return false;
  } catch {
    return true;
  }
})();

function ownCopy(chunk: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(end - start);
  chunk.copy(copy, 0, start, end);
  refuseTransferOf(copy.buffer);
  return copy;
}

// Not a member: V8 calls its runtime for a private getter, and notes in each object that it has private methods.
function opcodeOf({ isBinary }: Message): typeof TEXT | typeof BINARY {
  return isBinary ? BINARY : TEXT;
}

/**
 * What `send` and `publish` take: text, bytes (sent as a binary message), or a message that came in (sent as its own type). Bytes are a
 * `Uint8Array` of any realm: those of `node:vm` and of jest's environments, too. Other views and buffers are wrapped: `new Uint8Array(buffer)`.
 */
export type Payload = string | Uint8Array | Message;

/** @throws UsageError for what cannot be sent */
export function checkPayload(payload: Payload): void {
  if (typeof payload === "string" || payload instanceof Uint8Array || payload instanceof Message) return;
  // Not of the class that is known here by that name; what it can do is the same.
  if (types.isUint8Array(payload)) return;
  throw new UsageError(`send and publish take a string, a Uint8Array or a received message, got ${describe(payload)}`);
}

function describe(value: unknown): string {
  return typeof value === "object" && value !== null
    ? `an object (${value.constructor?.name ?? "without a prototype"})`
    : String(value);
}
