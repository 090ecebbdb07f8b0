import { BlockList, isIP, isIPv4, isIPv6, Socket } from "node:net";

/** The address of whoever connects to a Unix socket: it has none, and who may is a matter of the file's permissions. */
export const UNIX = "unix";

/** The proxies that are ours. */
export interface Proxies {
  /** Whether what connects from there is one of them. */
  trusts(peer: string): boolean;
}

/** An address, or a CIDR range of them. */
interface Range {
  readonly address: string;
  readonly family: "ipv4" | "ipv6";
  /** Undefined: the one address alone. */
  readonly bits: number | undefined;
}

/** Null for what is none, and for a range of all addresses, which would let any client say who it is. */
function readRange(text: string): Range | null {
  const { address = "", bits } = /^(?<address>[^/%]+)(?:\/(?<bits>[1-9]\d{0,2}))?$/.exec(text)?.groups ?? {};
  const family = isIP(address);
  if (family === 0 || Number(bits ?? 0) > (family === 4 ? 32 : 128)) return null;
  return { address, family: family === 4 ? "ipv4" : "ipv6", bits: bits === undefined ? undefined : Number(bits) };
}

/** Whether it can stand in the list of proxies. */
export function isProxyEntry(text: string): boolean {
  return text === UNIX || readRange(text) !== null;
}

/** From addresses, CIDR ranges, and the word for all who connect to a Unix socket: entries for which `isProxyEntry` holds. */
export function proxyList(entries: readonly string[]): Proxies {
  const list = new BlockList();
  for (const entry of entries) {
    if (entry === UNIX) continue;
    const { address, family, bits } = readRange(entry)!;
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, bits, family);
  }
  const trustsUnix = entries.includes(UNIX);
  return {
    trusts(peer) {
      const address = normalAddress(peer);
      if (isIP(address) === 0) return address === UNIX && trustsUnix;
      return list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
    },
  };
}

/** The address at the other end of a socket; empty when it is gone. */
export function addressAt(socket: Partial<Socket> | null | undefined): string {
  if (socket?.remoteAddress !== undefined) return socket.remoteAddress;
  // One of TCP still knows its own end when the other has gone.
  const isUnix = socket instanceof Socket && !socket.destroyed && socket.localAddress === undefined;
  return isUnix ? UNIX : "";
}

/**
 * The address of the client behind our proxies. `X-Forwarded-For` grows at its right end, each proxy adding whom it talked to; so it
 * is read from there, for as long as it is one of ours that speaks. What stands left of that, anybody may have written.
 */
export function clientAddress(peer: string, forwardedFor: string | undefined, proxies: Proxies): string {
  let address = normalAddress(peer);
  const hops = forwardedFor?.split(",") ?? [];
  while (hops.length > 0 && proxies.trusts(address)) {
    const hop = normalAddress(hops.pop()!.trim());
    if (isIP(hop) === 0) break;
    address = hop;
  }
  return address;
}

/** `::ffff:192.0.2.1` is 192.0.2.1, as a socket that listens on both families has it; some proxies add a port or brackets. */
export function normalAddress(text: string): string {
  if (isIPv4(text)) return text;
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1];
  const withPort = /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1];
  const address = bracketed ?? withPort ?? text;
  return address.toLowerCase().startsWith("::ffff:") && isIPv4(address.slice(7)) ? address.slice(7) : address;
}
