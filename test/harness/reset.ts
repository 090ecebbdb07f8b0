import type { Socket } from "node:net";

/**
 * Closes with a reset, or just closes while our FIN is on its way: libuv refuses the reset then, and Node holds the handle for
 * closed though nothing closes it, so that the process never ends.
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
