import { Duplex } from "node:stream";
import type { SharedReads } from "./shared-reads.js";

/** A connection as the server uses it: a stream of Node's, or a LeanSocket. What becomes of it, its owner is told. */
export interface ClientSocket {
  readonly destroyed: boolean;
  /** Bytes that were written and are not with the kernel yet. */
  readonly writableLength: number;
  /** @returns whether it takes more; if not, its owner is told when it does */
  write(bytes: Buffer): boolean;
  /** Ends our side once all that was written is with the kernel. */
  end(): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
}

/** What a socket tells the one it belongs to. */
export interface SocketOwner {
  /** It has read `bytes[0, length)`, and may overwrite them afterwards. */
  onData(bytes: Buffer, length: number): void;
  onDrain(): void;
  /** The peer has ended its side. */
  onEnd(): void;
  onClosed(): void;
}

/** A socket that is told whose it is. */
export interface OwnedSocket extends ClientSocket {
  owner: SocketOwner;
}

const owner = Symbol("owner");

type Owned = Duplex & { [owner]?: SocketOwner };

/**
 * From now on `by` is told what happens to the socket, and nobody that owned it before. It reads. A stream's functions are the same for
 * all: one set per client is 300 bytes each.
 */
export function own(socket: ClientSocket, by: SocketOwner, reads: SharedReads | null): void {
  if (!(socket instanceof Duplex)) {
    (socket as OwnedSocket).owner = by;
    return;
  }
  const stream: Owned = socket;
  const isFirst = stream[owner] === undefined;
  stream[owner] = by;
  if (!isFirst) return;
  reads?.take(stream, streamOnRead);
  stream.on("error", ignoreError);
  stream.on("data", streamOnData).on("drain", streamOnDrain).on("end", streamOnEnd).on("close", streamOnClose);
}

function streamOnData(this: Owned, chunk: Buffer): void {
  this[owner]!.onData(chunk, chunk.length);
}

function streamOnRead(this: Duplex, length: number, bytes: Buffer): true {
  (this as Owned)[owner]!.onData(bytes, length);
  return true;
}

function streamOnDrain(this: Owned): void {
  this[owner]!.onDrain();
}

function streamOnEnd(this: Owned): void {
  this[owner]!.onEnd();
}

function streamOnClose(this: Owned): void {
  this[owner]!.onClosed();
}

function ignoreError(): void {
  // The socket closes right after, and that is where it is counted.
}
