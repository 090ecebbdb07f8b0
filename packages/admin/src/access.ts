/**
 * Who may ask the admin listener. A page of any site runs in the operator's browser, on the operator's machine, and can send requests
 * to localhost; it can also have its own name resolve to 127.0.0.1 (DNS rebinding). So the name that was asked for has to be one of
 * ours, and where a request says which page it comes from, that has to be our own.
 */
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { isLoopback } from "hawser/tools";

const LOCAL_NAMES = ["localhost", "127.0.0.1", "::1"] as const;

/** Headers of a proxy: then whoever asks is not on this machine, wherever the connection comes from. */
const PROXY_HEADERS = ["forwarded", "x-forwarded-for", "x-real-ip", "via"] as const;

/** Why a request is refused, by the word that the log has for it. */
export interface Refused {
  readonly status: 421 | 403;
  readonly reason: "host" | "origin";
  readonly message: string;
}

export class Access {
  readonly #names: Set<string>;
  readonly #needsToken: boolean;
  /** Only this machine can reach the listener. */
  #isLocalListener = false;

  /** @param needsToken for reading as well, wherever a request comes from: somebody chose a token */
  constructor(allowedHosts: readonly string[], needsToken: boolean) {
    this.#needsToken = needsToken;
    this.#names = new Set([...LOCAL_NAMES, ...allowedHosts.map(bare)]);
  }

  /** What the listener was told to listen on decides who has to show the token. */
  listensOn(host: string): void {
    this.#isLocalListener = isLocal(host);
    this.#names.add(bare(host));
  }

  /** Null: the request came for us, and from no page of somebody else's. */
  refuse(request: IncomingMessage): Refused | null {
    const { host, origin } = request.headers;
    const name = hostName(host);
    if (name === null || !this.#isOurs(name, request)) {
      return { status: 421, reason: "host", message: "The admin listener is not known under this name." };
    }
    if (origin === undefined || isSameOrigin(origin, host ?? "")) return null;
    return { status: 403, reason: "origin", message: "Pages of other sites may not ask the admin listener." };
  }

  /** Whether it may read without the token: nobody chose one, and it comes from this machine, and for this machine. */
  mayRead(request: IncomingMessage): boolean {
    if (this.#needsToken || !this.#isLocalListener) return false;
    // A proxy that adds none of these, and asks for a loopback name, cannot be told from a person here: hence the token.
    if (PROXY_HEADERS.some((header) => request.headers[header] !== undefined)) return false;
    const name = hostName(request.headers.host);
    return name !== null && isLocal(name);
  }

  /** An address is no name that anybody could have resolve to us: who asks for the one that they reached is meant to. */
  #isOurs(name: string, request: IncomingMessage): boolean {
    return this.#names.has(name) || (isIP(name) !== 0 && name === unmapped(request.socket.localAddress ?? ""));
  }
}

/** The host name of a Host header in lower case, IPv6 without brackets; null where it is none. The port may be a tunnel's. */
function hostName(host: string | undefined): string | null {
  const match = /^(?:\[(?<v6>[0-9a-f:.]+)\]|(?<name>[a-z0-9_.-]+))(?::\d{1,5})?$/i.exec(host ?? "");
  return (match?.groups?.["v6"] ?? match?.groups?.["name"])?.toLowerCase() ?? null;
}

function isSameOrigin(origin: string, host: string): boolean {
  if (!/^https?:\/\/[^/?#@\\\s]+$/i.test(origin) || !URL.canParse(origin)) return false;
  const { protocol } = new URL(origin);
  const ours = `${protocol}//${host}`;
  return URL.canParse(ours) && new URL(ours).origin === new URL(origin).origin;
}

/** Whether only this machine can reach it. */
function isLocal(host: string): boolean {
  const name = bare(host);
  return name === "localhost" || isLoopback(name);
}

function bare(host: string): string {
  return host.toLowerCase().replace(/^\[(.*)\]$/, "$1");
}

/** Where a request came from, as the feed has it too. */
export function addressOf(request: IncomingMessage): string {
  return unmapped(request.socket.remoteAddress ?? "");
}

function unmapped(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}
