import type { Duplex } from "node:stream";
import type { SharedReads } from "./shared-reads.js";

/** What a socket tells the one it belongs to. */
export interface SocketOwner {
  /** It has read `bytes[0, length)`, and may overwrite them afterwards. */
  onData(bytes: Buffer, length: number): void;
  onDrain(): void;
  onEnd(): void;
  onClosed(): void;
}

const owner = Symbol("owner");

type Owned = Duplex & { [owner]: SocketOwner };

/** Has the owner told what happens to the socket. The four functions are the same for all sockets: one set per client is 300 bytes each. */
export function own(socket: Duplex, by: SocketOwner, reads: SharedReads | null): void {
  (socket as Owned)[owner] = by;
  reads?.take(socket, socketOnRead);
  socket.on("data", socketOnData).on("drain", socketOnDrain).on("end", socketOnEnd).on("close", socketOnClose);
}

function socketOnData(this: Owned, chunk: Buffer): void {
  this[owner].onData(chunk, chunk.length);
}

function socketOnRead(this: Duplex, length: number, bytes: Buffer): true {
  (this as Owned)[owner].onData(bytes, length);
  return true;
}

function socketOnDrain(this: Owned): void {
  this[owner].onDrain();
}

function socketOnEnd(this: Owned): void {
  this[owner].onEnd();
}

function socketOnClose(this: Owned): void {
  this[owner].onClosed();
}
