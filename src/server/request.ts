import type { IncomingMessage } from "node:http";

/** The request of a handshake, as `authenticate`, `open` and `generateId` see it. */
export interface UpgradeRequest {
  /** Path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Header names in lower case, as `node:http` has them. */
  readonly headers: IncomingMessage["headers"];
  /** IP address of the client; behind a trusted proxy the one it speaks for. */
  readonly address: string;
  /** The subprotocols the client offers, its favourite first. */
  readonly subprotocols: readonly string[];
  /** The request of `node:http`. Do not keep it: a client would hold its headers for as long as it is connected. */
  readonly raw: IncomingMessage;
}

/** Path and query of a request's target, which may also be in absolute form (RFC 9112 3.2). */
export function readTarget(target: string): { path: string; query: string } {
  const absolute = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i.exec(target);
  const rest = absolute === null ? target : target.slice(absolute[0].length);
  const [beforeHash = ""] = rest.split("#", 1);
  const mark = beforeHash.indexOf("?");
  const path = mark < 0 ? beforeHash : beforeHash.slice(0, mark);
  return { path: path === "" ? "/" : path, query: mark < 0 ? "" : beforeHash.slice(mark + 1) };
}
