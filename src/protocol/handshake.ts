/** The server's side of the opening handshake, RFC 6455 4.2: a request's head in, the response's parts out. */

import { hash } from "node:crypto";
import { negotiateDeflate, type DeflateOptions, type DeflateParameters } from "./deflate-negotiation.js";
import { parseExtensions } from "./extensions.js";
import { handshakeFaults, type HandshakeFault, type HandshakeRefusal } from "./handshake-faults.js";
import { asciiLowerCase, parseTokenList, splitList, trimWhitespace } from "./tokens.js";

export type { HandshakeFault } from "./handshake-faults.js";

export interface HandshakeRequest {
  method?: string | undefined;
  /** As `node:http` has it: "1.1". */
  httpVersion: string;
  /** As `node:http` has them: name, value, name, value, in the order received, nothing joined or dropped. */
  rawHeaders: readonly string[];
}

export interface HandshakeOptions {
  /** Null: permessage-deflate is not negotiated. A malformed offer is refused all the same. */
  compression: DeflateOptions | null;
}

export interface AcceptedHandshake {
  ok: true;
  /** Value of Sec-WebSocket-Accept. */
  accept: string;
  /** What Sec-WebSocket-Protocol lists, all different, the client's favourite first. See {@link chooseSubprotocol}. */
  offeredSubprotocols: string[];
  /** Value of Sec-WebSocket-Extensions; null: the response has no such header. */
  extensionHeader: string | null;
  /** What was agreed on; null: no compression. */
  deflate: DeflateParameters | null;
}

export interface RefusedHandshake extends HandshakeRefusal {
  ok: false;
  reason: HandshakeFault;
}

export type HandshakeResult = AcceptedHandshake | RefusedHandshake;

/**
 * Checks a request against all that RFC 6455 4.2.1 demands and works out the parts of the 101 response, 4.2.2. The path, the
 * origin, authentication and the choice of the subprotocol are the server's own affair and not looked at. Never throws.
 */
export function checkHandshake(request: HandshakeRequest, options: HandshakeOptions): HandshakeResult {
  const headers = request.rawHeaders;
  const fault = findFault(request, headers);
  if (fault !== null) return refuse(fault);

  const [key] = valuesOf(headers, "sec-websocket-key");
  if (key === undefined || !isKey(key)) return refuse("key");

  const offeredSubprotocols = readSubprotocols(valuesOf(headers, "sec-websocket-protocol"));
  if (offeredSubprotocols === null) return refuse("subprotocol");

  const extensionLines = valuesOf(headers, "sec-websocket-extensions");
  // RFC 6455 9.1: "may appear multiple times in an HTTP request", which is the same as one line with all the values.
  const offers = extensionLines.length === 0 ? [] : parseExtensions(extensionLines.join(","));
  if (offers === null) return refuse("extensions");

  const agreed = options.compression === null ? null : negotiateDeflate(offers, options.compression);
  return {
    ok: true,
    accept: acceptValue(key),
    offeredSubprotocols,
    extensionHeader: agreed?.header ?? null,
    deflate: agreed?.parameters ?? null,
  };
}

/** The Sec-WebSocket-Accept that answers a Sec-WebSocket-Key. RFC 6455 4.2.2 step 5, item 4. */
export function acceptValue(key: string): string {
  return hash("sha1", `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`, "base64");
}

/** What is wrong with the request, the headers that offer something apart; null: nothing. */
function findFault(request: HandshakeRequest, headers: Headers): HandshakeFault | null {
  // RFC 6455 4.2.1 item 1: "An HTTP/1.1 or higher GET request"
  if (request.method !== "GET") return "method";
  if (!isHttp11OrHigher(request.httpVersion)) return "http-version";

  // Item 2: "A |Host| header field containing the server's authority." RFC 7230 5.4: 400 for none, two, or an invalid one.
  const [host, ...moreHosts] = valuesOf(headers, "host");
  if (host === undefined || moreHosts.length > 0 || !HOST.test(host)) return "host";

  // Item 3: "An |Upgrade| header field containing the value "websocket", treated as an ASCII case-insensitive value."
  if (valuesOf(headers, "upgrade").length === 0) return "upgrade-missing";
  if (!lists(headers, "upgrade", "websocket")) return "upgrade-header";
  // Item 4: "A |Connection| header field that includes the token "Upgrade", treated as an ASCII case-insensitive value."
  if (!lists(headers, "connection", "upgrade")) return "connection-header";

  if (announcesBody(headers)) return "body";

  // RFC 6455 11.3.1 and 11.3.5: "MUST NOT appear more than once in an HTTP request." RFC 6454 7.3 has it for Origin.
  if (ONCE_ONLY.some((name) => valuesOf(headers, name).length > 1)) return "duplicate-header";

  // Item 6: "A |Sec-WebSocket-Version| header field, with a value of 13." Before the key: of a version yet to come we do
  // not know how its key would look.
  const [version] = valuesOf(headers, "sec-websocket-version");
  if (version === undefined) return "version-missing";
  return version === "13" ? null : "version";
}

function refuse(reason: HandshakeFault): RefusedHandshake {
  return { ok: false, reason, ...handshakeFaults[reason] };
}

/** Name, value, name, value. */
type Headers = readonly string[];

const ABSENT: readonly string[] = [];
const ONCE_ONLY = ["sec-websocket-key", "sec-websocket-version", "origin"] as const;

/** RFC 7230 5.4, RFC 3986 3.2: a name, an IPv4 address or an IPv6 address in brackets, and perhaps a port. Not empty. */
const HOST = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=%]+|\[[0-9A-Fa-f:.]+\])(?::\d*)?$/;

/**
 * RFC 6455 4.2.1 item 5: "a base64-encoded value that, when decoded, is 16 bytes in length". 22 characters carry 132 bits, so
 * the last one has four bits to spare, which RFC 4648 3.5 wants to be zero: that leaves A, Q, g and w for it.
 */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

function isKey(value: string): boolean {
  return KEY.test(value);
}

function isHttp11OrHigher(version: string): boolean {
  if (version === "1.1") return true;
  const [, major, minor] = /^(\d+)\.(\d+)$/.exec(version) ?? [];
  return Number(major) > 1 || (Number(major) === 1 && Number(minor) >= 1);
}

/** RFC 7230 3.3: a body is there if one of two headers says so. Its bytes would be taken for frames. */
function announcesBody(headers: Headers): boolean {
  return (
    valuesOf(headers, "transfer-encoding").length > 0 ||
    valuesOf(headers, "content-length").some((length) => !/^0+$/.test(length))
  );
}

/** RFC 6455 4.1 item 10: the elements "MUST all be unique strings" and tokens. Null when they are not. */
function readSubprotocols(lines: readonly string[]): string[] | null {
  if (lines.length === 0) return [];
  const offered = parseTokenList(lines.join(","));
  return offered !== null && new Set(offered).size === offered.length ? offered : null;
}

/** The values of a header, by its name in lower case, in the order received. A dozen looks cost less than sorting all headers once. */
function valuesOf(headers: Headers, name: string): readonly string[] {
  let values: string[] | null = null;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const candidate = headers[at]!;
    if (candidate.length !== name.length || asciiLowerCase(candidate) !== name) continue;
    const value = trimWhitespace(headers[at + 1]!);
    if (values === null) values = [value];
    else values.push(value);
  }
  return values ?? ABSENT;
}

/** Whether a header that is a list has `word`, which is in lower case, among its elements. */
function lists(headers: Headers, name: string, word: string): boolean {
  return valuesOf(headers, name).some(
    (line) => asciiLowerCase(line) === word || splitList(line).some((element) => asciiLowerCase(element) === word),
  );
}
