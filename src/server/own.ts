import type { Duplex } from "node:stream";

/** What a socket tells the one it belongs to. */
export interface SocketOwner {
  onData(chunk: Buffer): void;
  onDrain(): void;
  onEnd(): void;
  onClosed(): void;
}

const owner = Symbol("owner");

type Owned = Duplex & { [owner]: SocketOwner };

/** Has the owner told what happens to the socket. The four functions are the same for all sockets: one set per client is 300 bytes each. */
export function own(socket: Duplex, by: SocketOwner): void {
  (socket as Owned)[owner] = by;
  socket.on("data", socketOnData).on("drain", socketOnDrain).on("end", socketOnEnd).on("close", socketOnClose);
}

function socketOnData(this: Owned, chunk: Buffer): void {
  this[owner].onData(chunk);
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
