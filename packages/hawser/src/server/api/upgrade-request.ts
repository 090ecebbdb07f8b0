import type { IncomingMessage } from "node:http";

/** The request of a handshake, as `authenticate`, `open` and `generateId` see it. */
export interface UpgradeRequest {
  /** Path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Header names in lower case, as `node:http` has them. */
  readonly headers: IncomingMessage["headers"];
  /** IP address of the client; behind a trusted proxy the one it speaks for. On a Unix socket, without such a proxy, `unix`. */
  readonly address: string;
  /** `1.1`, say, or `2.0`. */
  readonly httpVersion: string;
  /** The subprotocols the client offers, its favourite first. */
  readonly subprotocols: readonly string[];
  /** The request of `node:http`; one that came over HTTP/2 as that would have it. Do not keep it: a client would hold its headers for as long as it is connected. */
  readonly raw: IncomingMessage;
}
