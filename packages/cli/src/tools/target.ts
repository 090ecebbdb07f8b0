/** The server that a command is pointed at: `ws://localhost:8080/chat`, or `ws+unix:/run/hawser.sock:/chat` on a Unix socket. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { isLoopback } from "hawser/tools";

export interface Target {
  /** On a Unix socket its host is localhost, and who is asked for what is all that it says. */
  readonly url: URL;
  readonly isSecure: boolean;
  /** The file of a Unix socket; null: address and port say where to connect. */
  readonly socketPath: string | null;
  /** The IP address to connect to. Every connection goes to this one, whatever the name resolves to later. "" on a Unix socket. */
  readonly address: string;
  /** 0 on a Unix socket. */
  readonly port: number;
  /** Path and query. */
  readonly path: string;
  /** Value of the Host header. */
  readonly host: string;
}

/** The target cannot be used. The message is one line, and names it. */
export class TargetError extends Error {
  override readonly name = "TargetError";
}

/** The target as it may be shown: without a password. */
export function nameOf({ url, socketPath }: Pick<Target, "url" | "socketPath">): string {
  const { protocol, host, pathname, search } = url;
  const place = socketPath === null ? `${protocol}//${host}` : `${protocol.slice(0, -1)}+unix:${socketPath}:`;
  return `${place}${pathname}${search}`;
}

/** Where to connect to, as `node:net` takes it. */
export function placeOf({ socketPath, address, port }: Target): { path: string } | { host: string; port: number } {
  return socketPath === null ? { host: address, port } : { path: socketPath };
}

const PROTOCOLS: Readonly<Record<string, string>> = { "ws:": "ws:", "wss:": "wss:", "http:": "ws:", "https:": "wss:" };

/**
 * Reads a URL and looks its host up.
 * @param isOurs whether the caller has said that the server is theirs; without that only this machine's own addresses are taken
 * @throws TargetError
 */
export async function findTarget(text: string, isOurs: boolean): Promise<Target> {
  const unix = UNIX_URL.exec(text)?.groups;
  if (unix !== undefined) return unixTarget(text, unix);
  const url = parse(text);
  const name = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const addresses = isIP(name) ? [name] : await resolve(name);
  if (!isOurs && !addresses.every(isLoopback))
    throw new TargetError(
      `${url.host} is not this machine: --i-own-this-server says that the server is yours and may be tested`,
    );
  return {
    url,
    isSecure: url.protocol === "wss:",
    socketPath: null,
    address: addresses[0]!,
    port: Number(url.port) || (url.protocol === "wss:" ? 443 : 80),
    path: `${url.pathname}${url.search}`,
    host: url.host,
  };
}

/** As the client of `ws` takes it, and as `hawser serve --socket` names itself: with two slashes or without, and `/` where no path is given. */
const UNIX_URL = /^(?<scheme>wss?)\+unix:(?:\/\/(?=\/))?(?<file>[^:]*)(?::(?<path>.*))?$/is;

function unixTarget(text: string, { scheme = "", file = "", path = "" }: Partial<Record<string, string>>): Target {
  const url = urlOf(`${scheme}://localhost${path}`);
  if (file === "" || file.includes("\0") || (path !== "" && !path.startsWith("/")) || url === null)
    throw new TargetError(
      `${JSON.stringify(text)} is no address on a Unix socket: takes ws+unix:FILE:/PATH or wss+unix:`,
    );
  return {
    url,
    isSecure: url.protocol === "wss:",
    socketPath: file,
    address: "",
    port: 0,
    path: `${url.pathname}${url.search}`,
    host: url.host,
  };
}

function parse(text: string): URL {
  // People leave the scheme out: localhost:8080
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `ws://${text}`;
  const url = urlOf(whole);
  const protocol = url === null ? undefined : PROTOCOLS[url.protocol];
  if (url === null || protocol === undefined || url.hostname === "")
    throw new TargetError(
      `${JSON.stringify(text)} is no address of a WebSocket server: takes ws://HOST:PORT/PATH, wss:// or ws+unix:FILE:/PATH`,
    );
  return new URL(url.href.replace(/^[^:]*:/, protocol));
}

function urlOf(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}

async function resolve(name: string): Promise<string[]> {
  try {
    // IPv4 first: most servers on a developer's machine listen on 127.0.0.1.
    const found = await lookup(name, { all: true });
    return found.toSorted((a, b) => a.family - b.family).map(({ address }) => address);
  } catch (error) {
    throw new TargetError(`${name} cannot be found (${(error as NodeJS.ErrnoException).code ?? "no address"})`);
  }
}
