/** The server's side of the opening handshake, RFC 6455 4.2 and RFC 8441: a request's head in, the response's parts out. */

import { hash } from "node:crypto";
import { negotiateDeflate, type DeflateOptions, type DeflateParameters } from "./deflate-negotiation.js";
import { parseExtensions } from "./extensions.js";
import { handshakeFaults, type HandshakeFault, type HandshakeRefusal } from "./handshake-faults.js";
import { isWord, parseTokenList, splitList, trimWhitespace } from "./tokens.js";

export type { HandshakeFault } from "./handshake-faults.js";

export interface HandshakeRequest {
  method?: string | undefined;
  /** The request's target. */
  url?: string | undefined;
  /** As `node:http` has it: "1.1". */
  httpVersion: string;
  /** As `node:http` has them: name, value, name, value, in the order received, nothing joined or dropped. */
  rawHeaders: readonly string[];
}

export interface HandshakeOptions {
  /** Null: permessage-deflate is not negotiated. A malformed offer is refused all the same. */
  compression: DeflateOptions | null;
}

/** A handshake that nothing is to be said against, over whichever HTTP. */
export interface AcceptedOffer {
  ok: true;
  /** What Sec-WebSocket-Protocol lists, all different, the client's favourite first. See {@link chooseSubprotocol}. */
  offeredSubprotocols: string[];
  /** Value of Sec-WebSocket-Extensions; null: the response has no such header. */
  extensionHeader: string | null;
  /** What was agreed on; null: no compression. */
  deflate: DeflateParameters | null;
}

export interface AcceptedHandshake extends AcceptedOffer {
  /** Value of Sec-WebSocket-Accept. */
  accept: string;
  /** Whether 100 (Continue) has to come before the 101: the client waits for it. */
  expectsContinue: boolean;
}

export interface RefusedHandshake extends HandshakeRefusal {
  ok: false;
  reason: HandshakeFault;
}

export type HandshakeResult = AcceptedHandshake | RefusedHandshake;

/** An extended CONNECT (RFC 8441 4) with `:protocol` websocket. */
export interface ConnectHandshakeRequest {
  /** `:path` */
  url: string;
  /** `:authority` */
  authority: string | undefined;
  /** Name, value, name, value, in the order received, without the pseudo-headers. */
  rawHeaders: readonly string[];
}

/**
 * Checks a request against all that RFC 6455 4.2.1 demands and works out the parts of the 101 response, 4.2.2. The path, the
 * origin, authentication and the choice of the subprotocol are the server's own affair and not looked at. Never throws.
 */
export function checkHandshake(request: HandshakeRequest, options: HandshakeOptions): HandshakeResult {
  const headers = request.rawHeaders;
  const fault = findFault(request, headers);
  if (fault !== null) return refuse(fault);

  const key = valueOf(headers, "sec-websocket-key");
  if (key === undefined || !isKey(key)) return refuse("key");

  const offer = readOffer(headers, options);
  if (!offer.ok) return offer;
  return {
    accept: acceptValue(key),
    // RFC 9110 7.8: with both Upgrade and this expectation, "the server MUST send a 100 (Continue) response before sending a 101".
    expectsContinue: listsIn(headers, "expect", "100-continue"),
    ...offer,
  };
}

/**
 * The same for a handshake over HTTP/2. RFC 8441 5: method, `:protocol` and `:authority` take the place of Upgrade, Connection and Host;
 * Sec-WebSocket-Key and Accept are not used, and the other header fields are as over HTTP/1.1. Never throws.
 */
export function checkConnectHandshake(
  { url, authority, rawHeaders }: ConnectHandshakeRequest,
  options: HandshakeOptions,
): AcceptedOffer | RefusedHandshake {
  if (!url.startsWith("/")) return refuse("target");
  if (authority === undefined || !isHost(authority)) return refuse("host");
  // RFC 9113 8.3.1: a Host that says something else than :authority makes the request malformed.
  const host = valueOf(rawHeaders, "host");
  if (isRepeated(rawHeaders, "host") || (host !== undefined && host !== authority)) return refuse("host");
  const fault = findFaultOfFields(rawHeaders);
  // RFC 9113 8.2.2: no response has Upgrade there, which a 426 would have to have.
  if (fault === "version")
    return { ...refuse(fault), status: 400, headers: handshakeFaults["version-missing"].headers };
  return fault === null ? readOffer(rawHeaders, options) : refuse(fault);
}

/** What the client offers, and what of it is agreed on. */
function readOffer(headers: Headers, options: HandshakeOptions): AcceptedOffer | RefusedHandshake {
  const offeredSubprotocols = readSubprotocols(listOf(headers, "sec-websocket-protocol"));
  if (offeredSubprotocols === null) return refuse("subprotocol");

  const extensions = listOf(headers, "sec-websocket-extensions");
  const offers = extensions === undefined || isEmptyList(extensions) ? [] : parseExtensions(extensions);
  if (offers === null) return refuse("extensions");

  const agreed = options.compression === null ? null : negotiateDeflate(offers, options.compression);
  return {
    ok: true,
    offeredSubprotocols,
    extensionHeader: agreed?.header ?? null,
    deflate: agreed?.parameters ?? null,
  };
}

/** Whether the request names `protocol`, in lower case, among those that it would upgrade to. The rest of it may be malformed. */
export function asksForUpgradeTo({ rawHeaders }: Pick<HandshakeRequest, "rawHeaders">, protocol: string): boolean {
  return listsIn(rawHeaders, "upgrade", protocol);
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
  // RFC 9112 3.2.3 and 3.2.4: a host with its port is for CONNECT, and the asterisk for OPTIONS.
  const { url = "/" } = request;
  if (!url.startsWith("/") && !URL_TARGET.test(url)) return "target";

  // Item 2: "A |Host| header field containing the server's authority." RFC 9112 3.2: 400 for none, two, or an invalid one.
  const host = valueOf(headers, "host");
  if (host === undefined || isRepeated(headers, "host") || !isHost(host)) return "host";

  // Item 3: "An |Upgrade| header field containing the value "websocket", treated as an ASCII case-insensitive value."
  const upgrade = listOf(headers, "upgrade");
  if (upgrade === undefined) return "upgrade-missing";
  if (!lists(upgrade, "websocket")) return "upgrade-header";
  // Item 4: "A |Connection| header field that includes the token "Upgrade", treated as an ASCII case-insensitive value."
  const connection = listOf(headers, "connection");
  if (connection === undefined || !lists(connection, "upgrade")) return "connection-header";

  return findFaultOfFields(headers);
}

/** What is wrong with those header fields that are the same over each HTTP; null: nothing. */
function findFaultOfFields(headers: Headers): HandshakeFault | null {
  if (announcesBody(headers)) return "body";

  // RFC 6455 11.3.1 and 11.3.5: "MUST NOT appear more than once in an HTTP request." RFC 6454 7.3 has it for Origin.
  for (const name of ONCE_ONLY) if (isRepeated(headers, name)) return "duplicate-header";

  // Item 6: "A |Sec-WebSocket-Version| header field, with a value of 13." Before the key: of a version yet to come we do
  // not know how its key would look.
  const version = valueOf(headers, "sec-websocket-version");
  if (version === undefined) return "version-missing";
  return version === "13" ? null : "version";
}

function refuse(reason: HandshakeFault): RefusedHandshake {
  return { ok: false, reason, ...handshakeFaults[reason] };
}

/** Name, value, name, value. */
type Headers = readonly string[];

const ONCE_ONLY = ["sec-websocket-key", "sec-websocket-version", "origin"] as const;

/** RFC 9112 3.2.2: in place of a path a URL is taken, of HTTP or of WebSocket. */
const URL_TARGET = /^(?:https?|wss?):\/\/[^/?#]/i;

/** RFC 9110 7.2, RFC 3986 3.2: a name, an IPv4 address or an IPv6 address in brackets, and perhaps a port. Not empty, nothing escaped. */
const HOST = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=]+|(\[[0-9A-Fa-f:.]+\]))(?::(\d*))?$/;

/** Most of them, told at once. */
const PLAIN_HOST = /^[A-Za-z0-9\-._]+(?::\d{0,4})?$/;

function isHost(value: string): boolean {
  if (PLAIN_HOST.test(value)) return true;
  const [isMatch, ipv6, port = ""] = HOST.exec(value) ?? [];
  if (isMatch === undefined || Number(port) > 65_535) return false;
  return ipv6 === undefined || URL.canParse(`http://${ipv6}/`);
}

/**
 * RFC 6455 4.2.1 item 5: "a base64-encoded value that, when decoded, is 16 bytes in length". 22 characters carry 132 bits. What the
 * last four of them are is left open: the RFC's own example has some that are set (4.1), and RFC 4648 3.5 lets a decoder ignore them.
 */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

function isKey(value: string): boolean {
  return KEY.test(value);
}

/** RFC 9112 2.3: another major version is another protocol. HTTP/2 has no request line, and no upgrade either. */
function isHttp11OrHigher(version: string): boolean {
  return version === "1.1" || /^1\.0*[1-9]\d*$/.test(version);
}

/** RFC 7230 3.3: a body is there if one of two headers says so. Its bytes would be taken for frames. */
function announcesBody(headers: Headers): boolean {
  if (find(headers, "transfer-encoding", 0) >= 0) return true;
  const lengths = listOf(headers, "content-length");
  return lengths !== undefined && !/^0+(?:,0+)*$/.test(lengths);
}

/** RFC 6455 4.1 item 10: the elements "MUST all be unique strings" and tokens. Null when they are not. */
function readSubprotocols(list: string | undefined): string[] | null {
  if (list === undefined || isEmptyList(list)) return [];
  const offered = parseTokenList(list);
  return offered !== null && new Set(offered).size === offered.length ? offered : null;
}

/** RFC 9110 5.6.1.2: who reads a list skips its empty elements. One of nothing else, which some clients send, offers nothing. */
function isEmptyList(list: string): boolean {
  return list === "" || splitList(list).length === 0;
}

/** Whether a list has `word`, which is in lower case, among its elements. */
function lists(list: string, word: string): boolean {
  return isWord(list, word) || splitList(list).some((element) => isWord(element, word));
}

/** Whether the list that a header is has `word`, which is in lower case. */
function listsIn(headers: Headers, name: string, word: string): boolean {
  const list = listOf(headers, name);
  return list !== undefined && lists(list, word);
}

// A header is looked for by its name in lower case. A dozen looks cost less than sorting all headers once.

/** Where it is for the first time from `from` on; -1: nowhere. */
function find(headers: Headers, name: string, from: number): number {
  for (let at = from; at + 1 < headers.length; at += 2) if (isWord(headers[at]!, name)) return at;
  return -1;
}

function isRepeated(headers: Headers, name: string): boolean {
  const first = find(headers, name, 0);
  return first >= 0 && find(headers, name, first + 2) >= 0;
}

/** Its first value; undefined: it is not there. */
function valueOf(headers: Headers, name: string): string | undefined {
  const at = find(headers, name, 0);
  return at < 0 ? undefined : trimWhitespace(headers[at + 1]!);
}

/** All its values: to appear several times is the same as one line with all the values (RFC 7230 3.2.2). */
function listOf(headers: Headers, name: string): string | undefined {
  let list: string | undefined;
  for (let at = find(headers, name, 0); at >= 0; at = find(headers, name, at + 2)) {
    const value = trimWhitespace(headers[at + 1]!);
    list = list === undefined ? value : `${list},${value}`;
  }
  return list;
}
