import { Duplex, type DuplexOptions } from "node:stream";
import type { WebSocket } from "./websocket.js";

type Done = (error?: Error | null) => void;

/** A WebSocket as a stream of Node's: each chunk is a message. It reads no faster than the stream is read. */
export function createWebSocketStream(ws: WebSocket, options?: DuplexOptions): Duplex {
  /** What has failed may still tell the other side why. */
  let isFailing = false;
  const duplex = new Duplex({
    ...options,
    autoDestroy: false,
    emitClose: false,
    objectMode: false,
    writableObjectMode: false,
    read() {
      if (ws.isPaused) ws.resume();
    },
    write,
    final,
    destroy,
  });

  ws.on("message", (data, isBinary) => {
    const chunk: unknown = !isBinary && duplex.readableObjectMode ? (data as Buffer).toString() : data;
    if (!duplex.push(chunk)) ws.pause();
  });
  ws.once("error", (error) => {
    if (duplex.destroyed) return;
    isFailing = true;
    duplex.destroy(error);
  });
  ws.once("close", () => {
    if (!duplex.destroyed) duplex.push(null);
  });
  duplex.on("end", destroyIfOver).on("finish", destroyIfOver).on("error", onError);
  return duplex;

  function write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    if (ws.readyState === ws.CONNECTING) ws.once("open", () => ws.send(chunk, done));
    else ws.send(chunk, done);
  }

  function final(done: Done): void {
    if (ws.readyState === ws.CONNECTING) {
      ws.once("open", () => final(done));
      return;
    }
    // Its handshake has failed, and the error comes.
    if (ws._socket === null) return;
    if (ws.readyState === ws.CLOSED) {
      done();
      return;
    }
    ws.once("close", () => done());
    ws.close();
  }

  function destroy(error: Error | null, done: Done): void {
    const tellClosed = (): void => process.nextTick(() => duplex.emit("close"));
    if (ws.readyState === ws.CLOSED) {
      done(error);
      tellClosed();
      return;
    }
    let isTold = false;
    const tell = (reason: Error | null): void => {
      if (!isTold) done(reason);
      isTold = true;
    };
    ws.once("error", tell);
    ws.once("close", () => {
      tell(error);
      tellClosed();
    });
    if (!isFailing) ws.terminate();
  }

  function destroyIfOver(): void {
    if (!duplex.destroyed && duplex.writableFinished && duplex.readableEnded) duplex.destroy();
  }

  function onError(error: Error): void {
    duplex.removeListener("error", onError);
    duplex.destroy();
    // As of any stream of which nobody listens to it.
    if (duplex.listenerCount("error") === 0) duplex.emit("error", error);
  }
}
