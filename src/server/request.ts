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

/** Headers and query are worked out when they are asked for: most applications ask for neither. */
export function upgradeRequest(
  raw: IncomingMessage,
  path: string,
  query: string,
  address: string,
  subprotocols: readonly string[],
): UpgradeRequest {
  let parsed: URLSearchParams | null = null;
  return {
    path,
    get query() {
      return (parsed ??= new URLSearchParams(query));
    },
    get headers() {
      return raw.headers;
    },
    address,
    subprotocols,
    raw,
  };
}

/** The value of a header as it was sent, that of several lines joined with commas; undefined when there is none. */
export function headerOf(raw: IncomingMessage, name: string): string | undefined {
  const { rawHeaders } = raw;
  let value: string | undefined;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const candidate = rawHeaders[i]!;
    if (candidate.length !== name.length || candidate.toLowerCase() !== name) continue;
    value = value === undefined ? rawHeaders[i + 1]! : `${value}, ${rawHeaders[i + 1]!}`;
  }
  return value;
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
