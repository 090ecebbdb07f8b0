import { isIP, isIPv6 } from "node:net";
import { isLoopback } from "../base/loopback.js";
import { normalAddress } from "./address.js";
import { readUri } from "./uri.js";

/** What a request says that it was sent to. */
interface Host {
  /** In lower case, without the brackets of IPv6 and without the dot at the end of a full name. */
  readonly name: string;
  /** Undefined: the scheme's own. */
  readonly port: string | undefined;
}

/** An HTTP server that may know where it listens. */
export interface Listener {
  address?(): unknown;
}

/**
 * The names by which pages may reach the server. A browser that looks up evil.example and is told 127.0.0.1 lets that site's pages talk to
 * what listens there as if it were their own (DNS rebinding): Origin and Host then agree, and both say evil.example. IP addresses and the
 * names of the loopback are always allowed, for nobody can have them lead elsewhere.
 */
export class Hosts {
  readonly #entries: readonly Host[];

  constructor(allowedHosts: readonly string[]) {
    this.#entries = allowedHosts.map((entry) => readEntry(entry)!);
  }

  /** Whether any name is listed: then no other is allowed, wherever the server listens. */
  get isGiven(): boolean {
    return this.#entries.length > 0;
  }

  allows(authority: string | undefined): boolean {
    const host = readHost(authority ?? "");
    if (host === null) return false;
    return isIP(host.name) !== 0 || isLoopbackName(host.name) || this.#entries.some((entry) => fits(entry, host));
  }
}

/** Whether it can be listed. */
export function isHostEntry(value: string): boolean {
  return readEntry(value) !== null;
}

/** What to write in place of an entry that was refused; undefined where that is anybody's guess. */
export function hostAdvice(value: string): string | undefined {
  const below = /^\*(\.[^*]+)$/.exec(value)?.[1];
  if (below !== undefined && isHostEntry(below)) return `${below} for that name and all below it`;
  const host = readUri(value)?.authority ?? /^[^/?#]+/.exec(value)?.[0];
  if (host === undefined || !isHostEntry(host)) return undefined;
  return `a host name without scheme and path: ${host}`;
}

/** Whether only this machine can reach what listens there. A Unix socket is no such place: no browser can be led to it. */
export function isOnLoopback(listener: Listener | undefined): boolean {
  const at = listener?.address?.() as { address?: unknown } | string | null | undefined;
  if (typeof at !== "object" || typeof at?.address !== "string") return false;
  return isLoopback(normalAddress(at.address));
}

/** RFC 6761 6.3: these names are the loopback's, whatever a name server says. */
function isLoopbackName(name: string): boolean {
  return name === "localhost" || name.endsWith(".localhost");
}

function fits(entry: Host, host: Host): boolean {
  const isName = entry.name.startsWith(".")
    ? host.name.endsWith(entry.name) || host.name === entry.name.slice(1)
    : host.name === entry.name;
  if (!isName || entry.port === undefined) return isName;
  // Behind a proxy that ends TLS our own scheme is not known.
  return host.port === undefined ? entry.port === "443" || entry.port === "80" : host.port === entry.port;
}

function readEntry(text: string): Host | null {
  if (isIPv6(text)) return { name: text.toLowerCase(), port: undefined };
  const below = text.startsWith(".");
  const host = readHost(below ? text.slice(1) : text);
  return host === null || (below && isIP(host.name) !== 0)
    ? null
    : { ...host, name: `${below ? "." : ""}${host.name}` };
}

/** RFC 9110 7.2, without what browsers never send: percent signs, user info, names past ASCII. */
const HOST = /^(?:\[(?<v6>[0-9a-f:.]{2,45})\]|(?<name>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)\.?)(?::(?<port>\d{0,5}))?$/i;

/** Null: none that a browser would send. */
function readHost(text: string): Host | null {
  const { v6, name, port } = HOST.exec(text)?.groups ?? {};
  if (v6 === undefined ? name === undefined : !isIPv6(v6)) return null;
  // `example.com:` is `example.com`: RFC 3986 3.2.3.
  return {
    name: (v6 ?? name)!.toLowerCase(),
    port: port === "" || port === undefined ? undefined : String(Number(port)),
  };
}
