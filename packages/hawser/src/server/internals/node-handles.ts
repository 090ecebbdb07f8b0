import { getSystemErrorMap } from "node:util";
import { runOutside } from "../base/async-context.js";
import type { Endpoint } from "../sockets/node-internals.js";

/** A TCP connection as `node:net` has it below its streams. What is used of it is listed here, and looked for at start. */
export interface Handle {
  onread: unknown;
  readStart(): number;
  readStop(): number;
  useUserBuffer(buffer: Buffer): void;
  writeBuffer(request: Write, bytes: Buffer): number;
  shutdown(request: Shutdown): number;
  readonly writeQueueSize: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  setNoDelay(on: boolean): number;
  getpeername(into: Endpoint): number;
  getsockname(into: Endpoint): number;
  connect(request: Connect, address: string, port: number): number;
  close(closed: (this: Handle) => void): void;
  reset(closed: (this: Handle) => void): number;
  [ownerOf]?: HandleOwner | undefined;
}

export interface Write {
  oncomplete: (this: Write, status: number) => void;
  /** Whose it is, and the bytes that have to stay in memory: set when the kernel did not take all at once. */
  owner: HandleOwner | null;
  bytes: Buffer | null;
}

interface Connect {
  oncomplete: (this: Connect, status: number) => void;
}

interface Shutdown {
  oncomplete: (this: Shutdown, status: number) => void;
  owner: HandleOwner;
}

/** What a call of a handle leaves behind: by these indexes in `streamBaseState`. */
interface StreamBinding {
  readonly WriteWrap: new () => Write;
  readonly ShutdownWrap: new () => Shutdown;
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
  readonly kArrayBufferOffset: number;
  readonly kLastWriteWasAsync: number;
}

interface TcpBinding {
  readonly TCP: { new (kind: number): Handle; readonly prototype: object };
  readonly TCPConnectWrap: new () => Connect;
  readonly constants: { readonly SOCKET: number };
}

/** Whose a handle is: it is told of everything that its calls come to. */
export interface HandleOwner {
  /** @param memory null for one that reads into a buffer that it was given */
  onRead(memory: ArrayBuffer | undefined): void;
  onWritten(status: number): void;
  /** Our side has ended. */
  onShutdown(status: number): void;
  onHandleClosed(): void;
}

const ownerOf: unique symbol = Symbol("HandleOwner");

const METHODS =
  "connect readStart readStop useUserBuffer writeBuffer shutdown setNoDelay getpeername getsockname close reset".split(
    " ",
  );
const ACCESSORS = ["onread", "writeQueueSize", "bytesRead", "bytesWritten"];

/** What a read says instead of a length when the peer has ended its side. */
export const END_OF_FILE: number | undefined = [...getSystemErrorMap()].find(([, [name]]) => name === "EOF")?.[0];

/** The calls of Node's handles, and what they leave behind. */
export class Handles {
  readonly #binding: StreamBinding;
  readonly #tcp: TcpBinding;
  /** For the next write. It can be used again as long as the kernel takes what is written at once. */
  #write: Write;

  private constructor(binding: StreamBinding, tcp: TcpBinding) {
    this.#binding = binding;
    this.#tcp = tcp;
    this.#write = this.#newWrite();
  }

  /** @returns null where Node is not as expected, or keeps its bindings to itself */
  static detect(): Handles | null {
    // With --pending-deprecation as well, the warning that comes of asking would end the process.
    if (process.throwDeprecation) return null;
    // Deprecated, and so not among the types; there is no other way to what it gives. With --permission it throws.
    const bindings = process as unknown as { binding(name: string): unknown };
    try {
      const binding = bindings.binding("stream_wrap") as StreamBinding;
      const tcp = bindings.binding("tcp_wrap") as TcpBinding;
      const prototype = tcp.TCP.prototype as Record<string, unknown>;
      const isAsExpected =
        METHODS.every((name) => typeof prototype[name] === "function") &&
        // Read on the prototype itself, they throw.
        ACCESSORS.every((name) => name in prototype) &&
        typeof binding.WriteWrap === "function" &&
        typeof binding.ShutdownWrap === "function" &&
        typeof tcp.TCPConnectWrap === "function" &&
        Number.isInteger(tcp.constants.SOCKET) &&
        binding.streamBaseState instanceof Int32Array &&
        [binding.kReadBytesOrError, binding.kArrayBufferOffset, binding.kLastWriteWasAsync].every(Number.isInteger) &&
        END_OF_FILE !== undefined;
      return isAsExpected ? new Handles(binding, tcp) : null;
    } catch {
      return null;
    }
  }

  /** Whether a listener's new connection is one of these: a pipe is not. */
  isTcp(handle: object): handle is Handle {
    return Object.getPrototypeOf(handle) === this.#tcp.TCP.prototype;
  }

  /** A handle of a connection that is still to be made. */
  create(): Handle {
    return new this.#tcp.TCP(this.#tcp.constants.SOCKET);
  }

  /** @returns an error's number, or 0: then `connected` is called with one */
  connect(handle: Handle, address: string, port: number, connected: (status: number) => void): number {
    const request = new this.#tcp.TCPConnectWrap();
    request.oncomplete = connected;
    return handle.connect(request, address, port);
  }

  /** From now on `owner` is told what becomes of it. */
  own(handle: Handle, owner: HandleOwner): void {
    handle[ownerOf] = owner;
    handle.onread = onRead;
  }

  disown(handle: Handle): void {
    handle[ownerOf] = undefined;
  }

  get lastRead(): number {
    return this.#binding.streamBaseState[this.#binding.kReadBytesOrError]!;
  }

  /** What a handle has read that was given no buffer. */
  view(memory: ArrayBuffer): Buffer {
    const { streamBaseState, kArrayBufferOffset } = this.#binding;
    return Buffer.from(memory, streamBaseState[kArrayBufferOffset], this.lastRead);
  }

  /** @returns null when the kernel took all; the error's number; or what will say when it has taken the rest */
  write(handle: Handle, bytes: Buffer): null | number | Write {
    const write = this.#write;
    const error = handle.writeBuffer(write, bytes);
    if (error !== 0) return error;
    const { streamBaseState, kLastWriteWasAsync } = this.#binding;
    if (streamBaseState[kLastWriteWasAsync] === 0) return null;
    write.bytes = bytes;
    this.#write = this.#newWrite();
    return write;
  }

  /** Ends our side behind the writes that wait. @returns an error's number, or 0 */
  shutdown(handle: Handle, owner: HandleOwner): number {
    const shutdown = new this.#binding.ShutdownWrap();
    shutdown.oncomplete = onShutdown;
    shutdown.owner = owner;
    return handle.shutdown(shutdown);
  }

  close(handle: Handle): void {
    handle.close(onHandleClosed);
  }

  /** Closes it with a reset. */
  reset(handle: Handle): void {
    handle.reset(onHandleClosed);
  }

  #newWrite(): Write {
    // Whose write comes next nobody knows.
    const write = runOutside(() => new this.#binding.WriteWrap());
    write.oncomplete = onWritten;
    write.owner = null;
    write.bytes = null;
    return write;
  }
}

// One function each for all handles, called with what they belong to as `this`.

function onRead(this: Handle, memory: ArrayBuffer | undefined): void {
  this[ownerOf]!.onRead(memory);
}

function onWritten(this: Write, status: number): void {
  const { owner } = this;
  this.bytes = this.owner = null;
  owner?.onWritten(status);
}

function onShutdown(this: Shutdown, status: number): void {
  this.owner.onShutdown(status);
}

function onHandleClosed(this: Handle): void {
  this[ownerOf]!.onHandleClosed();
}
