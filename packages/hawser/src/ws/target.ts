import { unescape } from "node:querystring";

/** Where a client connects to, by the address that it was given. */
export interface Target {
  readonly url: URL;
  /** Why nobody can connect to it; null: nothing is wrong. */
  readonly fault: string | null;
  readonly isSecure: boolean;
  readonly host: string;
  /** As it was written: by node:net both will do. */
  readonly port: number | string;
  readonly defaultPort: number;
  /** Of the request. */
  readonly path: string;
  /** A Unix socket's. */
  readonly socketPath: string | undefined;
  /** `user:password` of the address. */
  readonly auth: string | undefined;
}

/** @throws SyntaxError for what is no URL */
export function readAddress(address: string | URL): Target {
  if (!(address instanceof URL) && !URL.canParse(address)) throw new SyntaxError(`Invalid URL: ${address}`);
  const url = new URL(address);
  if (url.protocol === "http:") url.protocol = "ws:";
  else if (url.protocol === "https:") url.protocol = "wss:";
  const isSecure = url.protocol === "wss:";
  const defaultPort = isSecure ? 443 : 80;
  const isUnix = url.protocol === "ws+unix:";
  const whole = url.pathname + url.search;
  const colon = whole.indexOf(":");
  return {
    url,
    fault: faultOf(url),
    isSecure,
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port || defaultPort,
    defaultPort,
    path: !isUnix ? whole : colon < 0 ? "" : whole.slice(colon + 1),
    socketPath: !isUnix ? undefined : colon < 0 ? whole : whole.slice(0, colon),
    auth: url.username || url.password ? `${unescape(url.username)}:${unescape(url.password)}` : undefined,
  };
}

function faultOf({ protocol, pathname, hash }: URL): string | null {
  if (!["ws:", "wss:", "ws+unix:"].includes(protocol)) {
    return 'The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"';
  }
  if (protocol === "ws+unix:" && pathname === "") return "The URL's pathname is empty";
  return hash === "" ? null : "The URL contains a fragment identifier";
}
