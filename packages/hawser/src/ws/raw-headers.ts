/** The engine reads a request's headers as they were sent, and programs for `ws` know that it reads `headers`. */
import type { IncomingMessage } from "node:http";
import { headerOf } from "../server/handshake/request.js";

/** Those that a handshake goes by. Programs change some before they hand a request over: no compression for some, another subprotocol. */
// oxfmt-ignore
const READ = [
  "upgrade", "origin", "sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-protocol",
];

/**
 * Has `rawHeaders` say what `headers` says, where that is not so: a program has changed them, or it has made the request without a network,
 * and so without Host, as `injectWS` of @fastify/websocket does.
 */
export function alignRawHeaders(request: IncomingMessage): void {
  const isMade = (request.rawHeaders as string[] | undefined) === undefined;
  if (!isMade && READ.every((name) => headerOf(request, name) === request.headers[name])) return;
  // Who makes one may have numbers in it.
  const headers: Record<string, number | string | string[] | undefined> = isMade
    ? { host: "localhost", ...request.headers }
    : request.headers;
  request.rawHeaders = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [name, String(value)],
  );
}
