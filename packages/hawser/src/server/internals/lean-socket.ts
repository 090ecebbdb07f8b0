import { getSystemErrorName } from "node:util";
import type { Endpoint } from "../sockets/node-internals.js";
import type { OwnedSocket, SocketOwner } from "../sockets/client-socket.js";
import { END_OF_FILE, type Handle, type HandleOwner, type Handles } from "./node-handles.js";

/** With so many bytes waiting, a socket asks to be given no more. */
const HIGH_WATER_MARK = 16 * 1024;

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

/** What a lean socket has of the server that it came to. */
export interface LeanSocketHome {
  readonly handles: Handles;
  /** What sockets read into, once they have been told to: `readBuffer`, whose bytes are theirs for one `onData`. */
  readonly buffer: Buffer;
  /** Has Node's server take a connection as if it had just come. */
  giveBack(handle: Handle): void;
  onClosed(): void;
}

/**
 * A TCP connection: a handle of Node's and a few fields, without the streams of `node:net` above it. An echo takes a quarter less CPU
 * time with it, a handshake a quarter to a half, an idle client a quarter less memory (docs/performance.md).
 */
export class LeanSocket implements OwnedSocket, HandleOwner {
  owner: SocketOwner = NOBODY;
  readonly #home: LeanSocketHome;
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
  constructor(handle: Handle, home: LeanSocketHome) {
    this.#handle = handle;
    this.#home = home;
    home.handles.own(handle, this);
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
    this.#handle?.useUserBuffer(this.#home.buffer);
    this.#handle?.setNoDelay(true);
  }

  /** Lets Node's server have it, as if it had just come: what has been read is gone. Not after `settle`. */
  giveBack(): void {
    const handle = this.#handle;
    if (handle === null) return;
    this.pause();
    this.#handle = null;
    this.#home.handles.disown(handle);
    this.#home.giveBack(handle);
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
    const write = this.#home.handles.write(this.#handle, bytes);
    if (write === null) return true;
    if (typeof write === "number") {
      this.#fail(write);
      return true;
    }
    write.owner = this;
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
    const error = this.#home.handles.shutdown(this.#handle, this);
    if (error !== 0) this.#fail(error);
  }

  destroy(): void {
    if (this.#handle !== null) this.#home.handles.close(this.#handle);
    this.#dropHandle();
  }

  /** Closes it with a reset: nothing of it stays, neither here nor there. Where our side is about to end it just closes: libuv has no reset then. */
  reset(): void {
    if (this.#handle === null) return;
    if ((this.#state & (State.ending | State.ended)) === State.ending) this.#home.handles.close(this.#handle);
    else this.#home.handles.reset(this.#handle);
    this.#dropHandle();
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
    const { handles, buffer } = this.#home;
    const length = handles.lastRead;
    if (length > 0) this.owner.onData(memory === undefined ? buffer : handles.view(memory), length);
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
    this.#home.onClosed();
    this.onClose?.();
    this.owner.onClosed();
  }

  #dropHandle(): void {
    this.#handle = null;
    this.#state &= ~State.reading;
  }

  #fail(error: number): void {
    this.error ??= getSystemErrorName(error);
    this.destroy();
  }
}

const NOBODY: SocketOwner = { onData() {}, onDrain() {}, onEnd() {}, onClosed() {} };
