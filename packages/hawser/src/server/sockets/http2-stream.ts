import type { ServerHttp2Stream } from "node:http2";
import { loadHttp2 } from "./node-http.js";

/**
 * Has a stream of HTTP/2 end as a socket does. Where that would be reset, RFC 8441 5 has RST_STREAM with CANCEL; Node by itself would say
 * NO_ERROR, as if all had been said. And once our side has ended, so has the stream (RFC 9113 8.1): Chromium never ends its own.
 */
export function endAsSocket(stream: ServerHttp2Stream): void {
  Object.defineProperty(stream, "destroy", { value: destroy, writable: true, configurable: true });
  stream.once("finish", closeStream);
}

/** Ends a stream at once. After `close` alone it lasts until the client takes its RST_STREAM, and a client may take nothing. */
export function cancelStream(stream: ServerHttp2Stream): void {
  sendCancel(stream);
  stream.destroy();
}

/** Sends RST_STREAM with CANCEL. */
function sendCancel(stream: ServerHttp2Stream): void {
  const { closed, session } = stream;
  if (!closed && session !== undefined && !session.destroyed) stream.close(loadHttp2().constants.NGHTTP2_CANCEL);
}

function destroy(this: ServerHttp2Stream, error?: Error): ServerHttp2Stream {
  sendCancel(this);
  const prototype = Object.getPrototypeOf(this) as Pick<ServerHttp2Stream, "destroy">;
  return Reflect.apply(prototype.destroy, this, [error]);
}

function closeStream(this: ServerHttp2Stream): void {
  if (!this.closed) this.close(loadHttp2().constants.NGHTTP2_NO_ERROR);
}
