/** A client's bytes below Node's documented API, for less time and memory: where Node is not as expected, the server runs without. */
import type { Server as NetServer } from "node:net";
import { getSystemErrorMap, getSystemErrorName } from "node:util";
import { readBuffer } from "../../protocol/mask.js";
import { runOutside } from "../base/async-context.js";
import type { OwnedSocket, SocketOwner } from "../sockets/client-socket.js";

/**
 * Sockets that are a handle of Node's and a few fields, without the streams of `node:net` above it. An echo takes a quarter less CPU
 * time with them, a handshake a quarter to a half, an idle client a quarter less memory (docs/performance.md). What is used of Node is
 * listed here and looked for at start; where it is missing, and on Bun, all goes through `node:net` and `node:http`.
 */
interface Handle {
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
  [socketOf]?: LeanSocket | undefined;
}

interface Write {
  oncomplete: (this: Write, status: number) => void;
  /** Whose it is, and the bytes that have to stay in memory: set when the kernel did not take all at once. */
  socket: LeanSocket | null;
  bytes: Buffer | null;
}

interface Connect {
  oncomplete: (this: Connect, status: number) => void;
}

interface Shutdown {
  oncomplete: (this: Shutdown, status: number) => void;
  socket: LeanSocket;
}

/** What a call of a handle leaves behind: by these indexes in `state`. */
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

interface Listener {
  onconnection(this: Listener, error: number, handle: Handle | undefined): void;
}

/** One end of a connection; empty when it is gone. */
export interface Endpoint {
  address?: string;
  port?: number;
  family?: string;
}

const socketOf = Symbol("LeanSocket");

const METHODS =
  "connect readStart readStop useUserBuffer writeBuffer shutdown setNoDelay getpeername getsockname close reset".split(
    " ",
  );
const ACCESSORS = ["onread", "writeQueueSize", "bytesRead", "bytesWritten"];

/** With so many bytes waiting, a socket asks to be given no more. */
const HIGH_WATER_MARK = 16 * 1024;
const END_OF_FILE = [...getSystemErrorMap()].find(([, [name]]) => name === "EOF")?.[0];

/** What all lean sockets of a server share. */
export class LeanSockets {
  /** What sockets read into, once they have been told to. */
  readonly buffer: Buffer = readBuffer();
  /** How many there are. */
  open = 0;
  readonly #binding: StreamBinding;
  readonly #tcp: TcpBinding;
  /** For the next write. It can be used again as long as the kernel takes what is written at once. */
  #write: Write;
  /** What Node does with a connection. */
  #handOn: (error: number, handle: Handle | undefined) => void = () => {};

  private constructor(binding: StreamBinding, tcp: TcpBinding) {
    this.#binding = binding;
    this.#tcp = tcp;
    this.#write = this.#newWrite();
  }

  /** @returns null where Node is not as expected, or keeps its bindings to itself */
  static find(): LeanSockets | null {
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
      return isAsExpected ? new LeanSockets(binding, tcp) : null;
    } catch {
      return null;
    }
  }

  /**
   * Has the connections of a server that listens come to `onSocket`, and not to the server.
   * @returns false when this server listens in some other way
   */
  listen(server: NetServer, onSocket: (socket: LeanSocket) => void): boolean {
    const { _handle: listener } = server as unknown as { _handle?: Listener };
    if (typeof listener?.onconnection !== "function") return false;
    const handOn = listener.onconnection.bind(listener);
    this.#handOn = handOn;
    listener.onconnection = (error, handle) => {
      if (error !== 0 || handle === undefined || Object.getPrototypeOf(handle) !== this.#tcp.TCP.prototype) {
        handOn(error, handle);
        return;
      }
      this.open++;
      onSocket(new LeanSocket(handle, this));
    };
    return true;
  }

  /**
   * Connects to a server: many clients in one process, for a load generator. What is written before it is connected waits.
   * @param address of IPv4
   */
  connect(address: string, port: number, owner: SocketOwner): LeanSocket {
    const { TCP, TCPConnectWrap, constants } = this.#tcp;
    const handle = new TCP(constants.SOCKET);
    this.open++;
    const socket = new LeanSocket(handle, this);
    socket.owner = owner;
    const request = new TCPConnectWrap();
    request.oncomplete = (status) => socket.onConnected(status);
    const error = handle.connect(request, address, port);
    if (error !== 0) socket.onConnected(error);
    return socket;
  }

  /** @internal Has the server take it as if it had just come. */
  giveBack(handle: Handle): void {
    this.open--;
    this.#handOn(0, handle);
  }

  /** @internal */
  get lastRead(): number {
    return this.#binding.streamBaseState[this.#binding.kReadBytesOrError]!;
  }

  /** @internal What a handle without the shared buffer has read. */
  view(memory: ArrayBuffer): Buffer {
    const { streamBaseState, kArrayBufferOffset } = this.#binding;
    return Buffer.from(memory, streamBaseState[kArrayBufferOffset], this.lastRead);
  }

  /** @internal @returns null when the kernel took all; the error's number; or what will say when it has taken the rest */
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

  /** @internal */
  shutdown(handle: Handle, socket: LeanSocket): number {
    const shutdown = new this.#binding.ShutdownWrap();
    shutdown.oncomplete = onShutdown;
    shutdown.socket = socket;
    return handle.shutdown(shutdown);
  }

  #newWrite(): Write {
    // Whose write comes next nobody knows.
    const write = runOutside(() => new this.#binding.WriteWrap());
    write.oncomplete = onWritten;
    write.socket = null;
    write.bytes = null;
    return write;
  }
}

/** In one number: five fields would be 40 bytes of each client. */
const State = {
  reading: 1,
  /** Its owner was told that it takes no more, and waits to hear when it does. */
  full: 2,
  peerEnded: 4,
  /** Our side is about to end, or has. */
  ending: 8,
  ended: 16,
} as const;

/** A TCP connection. */
export class LeanSocket implements OwnedSocket {
  owner: SocketOwner = NOBODY;
  readonly #shared: LeanSockets;
  /** Null: destroyed, or given back. */
  #handle: Handle | null;
  /** Which of `State` hold. */
  #state = 0;
  /** Writes of which the kernel has not taken all. */
  #waiting = 0;
  /** Why it was closed, when that was the network's doing: `ECONNRESET`, say. */
  error: string | null = null;
  /** Called when it is closed, before its owner is told. */
  onClose: (() => void) | null = null;

  /** @internal */
  constructor(handle: Handle, shared: LeanSockets) {
    this.#handle = handle;
    this.#shared = shared;
    handle[socketOf] = this;
    handle.onread = onRead;
  }

  get destroyed(): boolean {
    return this.#handle === null;
  }

  get readableEnded(): boolean {
    return (this.#state & State.peerEnded) !== 0;
  }

  get writableEnded(): boolean {
    return (this.#state & State.ending) !== 0;
  }

  get writableLength(): number {
    return this.#waiting === 0 || this.#handle === null ? 0 : this.#handle.writeQueueSize;
  }

  /** 0 when it is closed. */
  get bytesRead(): number {
    return this.#handle?.bytesRead ?? 0;
  }

  /** 0 when it is closed. */
  get bytesWritten(): number {
    return this.#handle?.bytesWritten ?? 0;
  }

  get remote(): Endpoint {
    const endpoint: Endpoint = {};
    this.#handle?.getpeername(endpoint);
    return endpoint;
  }

  get local(): Endpoint {
    const endpoint: Endpoint = {};
    this.#handle?.getsockname(endpoint);
    return endpoint;
  }

  /** It is to stay one of these: it reads into the buffer of all from now on, and sends what it has at once (TCP_NODELAY). */
  settle(): void {
    this.#handle?.useUserBuffer(this.#shared.buffer);
    this.#handle?.setNoDelay(true);
  }

  /** Lets Node's server have it, as if it had just come: what has been read is gone. Not after `settle`. */
  giveBack(): void {
    const handle = this.#handle;
    if (handle === null) return;
    this.pause();
    this.#handle = null;
    handle[socketOf] = undefined;
    this.#shared.giveBack(handle);
  }

  resume(): void {
    if ((this.#state & (State.reading | State.peerEnded)) !== 0 || this.#handle === null) return;
    this.#state |= State.reading;
    const error = this.#handle.readStart();
    if (error !== 0) this.#fail(error);
  }

  pause(): void {
    if ((this.#state & State.reading) === 0) return;
    this.#state &= ~State.reading;
    this.#handle?.readStop();
  }

  write(bytes: Buffer, taken?: () => void): boolean {
    if (this.#handle === null) return true;
    const write = this.#shared.write(this.#handle, bytes);
    if (write === null) return true;
    if (typeof write === "number") {
      this.#fail(write);
      return true;
    }
    write.socket = this;
    this.#waiting++;
    if (taken === undefined && this.writableLength < HIGH_WATER_MARK) return true;
    this.#state |= State.full;
    return false;
  }

  end(): void {
    // To libuv a second time is a fault, and what still waits would be lost with it.
    if (this.#handle === null || (this.#state & State.ending) !== 0) return;
    this.#state |= State.ending;
    // libuv lets the writes that wait go first.
    const error = this.#shared.shutdown(this.#handle, this);
    if (error !== 0) this.#fail(error);
  }

  destroy(): void {
    this.#handle?.close(onHandleClosed);
    this.#letGo();
  }

  /** Closes it with a reset: nothing of it stays, neither here nor there. */
  reset(): void {
    this.#handle?.reset(onHandleClosed);
    this.#letGo();
  }

  /** @internal */
  onConnected(status: number): void {
    if (status < 0) {
      this.#fail(status);
      return;
    }
    this.settle();
    this.resume();
  }

  /** @internal */
  onRead(memory: ArrayBuffer | undefined): void {
    const length = this.#shared.lastRead;
    if (length > 0) this.owner.onData(memory === undefined ? this.#shared.buffer : this.#shared.view(memory), length);
    else if (length === END_OF_FILE) this.#onEnd();
    else if (length < 0) this.#fail(length);
  }

  /** @internal */
  onWritten(status: number): void {
    this.#waiting--;
    if (this.#handle === null) return;
    if (status < 0) this.#fail(status);
    else if (this.#waiting === 0 && (this.#state & State.full) !== 0) {
      this.#state &= ~State.full;
      this.owner.onDrain();
    }
  }

  /** @internal Our side has ended. */
  onShutdown(status: number): void {
    if (this.#handle === null) return;
    if (status < 0) {
      this.#fail(status);
      return;
    }
    this.#state |= State.ended;
    if ((this.#state & State.peerEnded) !== 0) this.destroy();
  }

  #onEnd(): void {
    this.#state = (this.#state | State.peerEnded) & ~State.reading;
    this.owner.onEnd();
    if ((this.#state & State.ended) !== 0) this.destroy();
  }

  /** @internal */
  onHandleClosed(): void {
    this.#shared.open--;
    this.onClose?.();
    this.owner.onClosed();
  }

  #letGo(): void {
    this.#handle = null;
    this.#state &= ~State.reading;
  }

  #fail(error: number): void {
    this.error ??= getSystemErrorName(error);
    this.destroy();
  }
}

const NOBODY: SocketOwner = { onData() {}, onDrain() {}, onEnd() {}, onClosed() {} };

// One function each for all sockets, called with what they belong to as `this`.

function onRead(this: Handle, memory: ArrayBuffer | undefined): void {
  this[socketOf]!.onRead(memory);
}

function onWritten(this: Write, status: number): void {
  const { socket } = this;
  this.bytes = this.socket = null;
  socket?.onWritten(status);
}

function onShutdown(this: Shutdown, status: number): void {
  this.socket.onShutdown(status);
}

function onHandleClosed(this: Handle): void {
  this[socketOf]!.onHandleClosed();
}
