/** A client's bytes by Node's documented API: a socket as the rest of the server sees it, and who is told what becomes of it. */
import { Duplex } from "node:stream";

/** A connection as the server uses it: a stream of Node's, or a LeanSocket. What becomes of it, its owner is told. */
export interface ClientSocket {
  readonly destroyed: boolean;
  /** The peer has ended its side, and all that it sent was read. */
  readonly readableEnded: boolean;
  /** Our side has ended, or is about to. */
  readonly writableEnded: boolean;
  /** Bytes that were written and are not with the kernel yet. */
  readonly writableLength: number;
  /**
   * @param taken it is to be full with this: called, or its owner is told, when all that was written so far is with the kernel; called with
   * an error when it cannot be any more
   * @returns whether it takes more; if not, its owner is told when it does
   */
  write(bytes: Buffer, taken?: (error?: Error | null) => void): boolean;
  /** Ends our side once all that was written is with the kernel. */
  end(): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
}

/** What a socket tells the one it belongs to. */
export interface SocketOwner {
  /** It has read `bytes[0, length)`. Once this returns they are the next socket's to write over: whoever keeps any copies them. */
  onData(bytes: Buffer, length: number): void;
  onDrain(): void;
  /** The peer has ended its side. */
  onEnd(): void;
  onClosed(): void;
}

/** Called with the socket as `this`; the bytes are valid for as long as the call takes. */
export type OnRead = (this: Duplex, length: number, bytes: Buffer) => true;

/** Has sockets read in another way than by their `data` events. */
export interface SocketReads {
  /** @returns false for a socket that cannot do that: it keeps its events */
  redirect(socket: Duplex, onRead: OnRead): boolean;
}

/** Whether a connection is over, or about to be: nobody is there who could become a client. */
export function isGone({ destroyed, readableEnded, writableEnded }: ClientSocket): boolean {
  return destroyed || readableEnded || writableEnded;
}

/** Known to all servers of the process, those of another copy of this package among them. */
const taken = Symbol.for("hawser.taken");

/** Whether somebody answers this stream already. Who does reads it. */
export function isTaken(stream: Duplex): boolean {
  return taken in stream || stream.listenerCount("data") > 0;
}

/** From now on it is taken: a second answer would stand among the frames of the first. */
export function markTaken(stream: Duplex): void {
  Object.defineProperty(stream, taken, { value: true });
}

/** A socket that is told whose it is. */
export interface OwnedSocket extends ClientSocket {
  owner: SocketOwner;
}

/** Gives a stream a private field for its owner: as quick as a property, and no way for whoever holds the socket to reach the server. */
class OwnedStream extends (function (stream: Duplex) {
  return stream;
} as unknown as new (stream: Duplex) => object) {
  #owner!: SocketOwner;

  static ownerOf(stream: object): SocketOwner {
    return (stream as OwnedStream).#owner;
  }

  /** @returns whether it had an owner before */
  static setOwner(stream: Duplex, owner: SocketOwner): boolean {
    const isOwned = #owner in stream;
    const owned = isOwned ? stream : new OwnedStream(stream);
    owned.#owner = owner;
    return isOwned;
  }
}

/** Whether it has the events of a stream. Those of `readable-stream`, on which `duplexify` stands, are no instances of Node's class. */
export function isStream(socket: ClientSocket): socket is Duplex {
  return typeof (socket as Duplex).on === "function";
}

/**
 * From now on `by` is told what happens to the socket, and nobody that owned it before. It reads. A stream's functions are the same for
 * all: one set per client is 300 bytes each.
 */
export function own(socket: ClientSocket, by: SocketOwner, reads: SocketReads | null): void {
  if (!isStream(socket)) {
    (socket as OwnedSocket).owner = by;
    return;
  }
  if (OwnedStream.setOwner(socket, by)) return;
  reads?.redirect(socket, streamOnRead);
  socket.on("error", ignoreError);
  if (!(socket instanceof Duplex)) destroyOnceOver(socket);
  socket.on("data", streamOnData).on("drain", streamOnDrain).on("end", streamOnEnd).on("close", streamOnClose);
}

/** What streams of Node do by themselves, and those of `readable-stream` 3 do not: else none would tell that it is closed. */
function destroyOnceOver(stream: Duplex): void {
  let sides = 2;
  const onSide = (): void => void (--sides === 0 && stream.destroy());
  stream.once("end", onSide).once("finish", onSide);
}

function streamOnData(this: Duplex, chunk: Buffer): void {
  OwnedStream.ownerOf(this).onData(chunk, chunk.length);
}

function streamOnRead(this: Duplex, length: number, bytes: Buffer): true {
  OwnedStream.ownerOf(this).onData(bytes, length);
  return true;
}

function streamOnDrain(this: Duplex): void {
  OwnedStream.ownerOf(this).onDrain();
}

function streamOnEnd(this: Duplex): void {
  OwnedStream.ownerOf(this).onEnd();
}

function streamOnClose(this: Duplex): void {
  OwnedStream.ownerOf(this).onClosed();
}

function ignoreError(): void {
  // The socket closes right after, and that is where it is counted.
}
