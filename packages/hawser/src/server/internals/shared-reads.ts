import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { readBuffer } from "../../protocol/mask.js";
import type { OnRead, SocketReads } from "../sockets/client-socket.js";

/** What of a socket this touches. */
interface Internals {
  readonly _handle?: { useUserBuffer?: (buffer: Buffer) => unknown } | null;
  [property: symbol]: unknown;
}

/**
 * Sockets that read into one buffer for all of them, instead of a new one for each read.
 *
 * Node can do that for the sockets that a program connects (`onread` of `net.connect`), but not for those that a server accepts. What
 * `onread` sets in a socket that is being made is set here in one that is there already: two properties, found by the names of their
 * symbols, and a call of its handle. Where Node is not as expected, and on Bun, sockets are read by their `data` events. It saves a
 * fifth of a server's time at one message in flight (docs/performance.md).
 */
export class SharedReads implements SocketReads {
  readonly #buffer: Buffer = readBuffer();
  readonly #bufferKey: symbol;
  readonly #callbackKey: symbol;

  private constructor(bufferKey: symbol, callbackKey: symbol) {
    this.#bufferKey = bufferKey;
    this.#callbackKey = callbackKey;
  }

  /** @returns null where Node is not as expected */
  static detect(): SharedReads | null {
    const fresh = new Socket() as unknown as Internals;
    const [bufferKey, callbackKey, generatorKey] = ["kBuffer", "kBufferCb", "kBufferGen"].map((name) =>
      Object.getOwnPropertySymbols(fresh).find((symbol) => symbol.description === name && fresh[symbol] === null),
    );
    if (bufferKey === undefined || callbackKey === undefined || generatorKey === undefined) return null;
    return new SharedReads(bufferKey, callbackKey);
  }

  /**
   * Has `onRead` called with what the socket reads from now on. What was read before still comes by `data` events, before it; pause and
   * resume, end and close remain as they were.
   * @returns false for a socket that cannot do that: one of TLS, say
   */
  redirect(socket: Duplex, onRead: OnRead): boolean {
    // A class that derives from it, as TLS has one, reads in its own way.
    if (Object.getPrototypeOf(socket) !== Socket.prototype) return false;
    const internals = socket as unknown as Internals;
    const handle = internals._handle;
    if (typeof handle?.useUserBuffer !== "function") return false;
    // What is printed of a socket must not be what somebody else has sent.
    Object.defineProperty(socket, this.#bufferKey, { value: this.#buffer, enumerable: false });
    internals[this.#callbackKey] = onRead;
    handle.useUserBuffer(this.#buffer);
    return true;
  }
}
