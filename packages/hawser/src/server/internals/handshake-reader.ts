import { isWord, trimWhitespace } from "../../protocol/tokens.js";
import { LeanSocketRequest } from "./lean-request.js";
import type { LeanSocket } from "./lean-socket.js";

const G = 0x47;
const SPACE = 0x20;
const END_OF_HEAD = "\r\n\r\n";
const BEFORE_TARGET = "GET ".length;

/**
 * Less than RFC 9112 allows, and nothing that parsers differ about: a path of the characters that RFC 3986 has for one, names that are
 * tokens, values in visible ASCII, spaces and tabs, a line each. The end of the head is not part of it.
 */
const HEAD = /^GET \/[\w\-.~!$&'()*+,;=:@/?%]* HTTP\/1\.1(?:\r\n[\w!#$%&'*+\-.^`|~]+:[\t -~]*)+$/;
const CONNECTION = /^(?:keep-alive, ?)?upgrade$/i;
const UPGRADE = /^websocket$/i;

/**
 * Reads a request that is one whole handshake of the simplest kind, at the beginning of `chunk`.
 * @returns the request, and where it ends; null: node:http is to say what it is
 */
export function readHandshake(
  chunk: Buffer,
  socket: LeanSocket,
  maxHeaderBytes: number,
): { request: LeanSocketRequest; length: number } | null {
  if (chunk[0] !== G) return null;
  const text = chunk.toString("latin1", 0, maxHeaderBytes);
  const end = text.indexOf(END_OF_HEAD);
  if (end < 0) return null;
  const head = text.slice(0, end);
  if (!HEAD.test(head)) return null;
  const rawHeaders = readHeaders(head, head.indexOf("\r\n") + 2);
  if (rawHeaders === null) return null;
  // A string of its own: a part of `head` would keep all of it for as long as the client knows its path.
  const url = chunk.toString("latin1", BEFORE_TARGET, head.indexOf(" ", BEFORE_TARGET));
  return { request: new LeanSocketRequest(url, rawHeaders, socket), length: end + END_OF_HEAD.length };
}

/** @returns name, value, name, value; null when they are not those of an upgrade to WebSocket without a body */
function readHeaders(head: string, start: number): string[] | null {
  const rawHeaders: string[] = [];
  let upgrades = 0;
  let connections = 0;
  for (let at = start; at < head.length;) {
    const colon = head.indexOf(":", at);
    const lineEnd = head.indexOf("\r\n", colon);
    const end = lineEnd < 0 ? head.length : lineEnd;
    const name = head.slice(at, colon);
    // What most write: one space and the value.
    const value = trimWhitespace(head.slice(head.charCodeAt(colon + 1) === SPACE ? colon + 2 : colon + 1, end));
    switch (name.length) {
      case "upgrade".length:
        if (!isWord(name, "upgrade")) break;
        if (!UPGRADE.test(value)) return null;
        upgrades++;
        break;
      case "connection".length:
        if (!isWord(name, "connection")) break;
        // Of tabs there, Node's parser allows some.
        if (!CONNECTION.test(value) || head.slice(colon, end).includes("\t")) return null;
        connections++;
        break;
      case "content-length".length:
      case "proxy-connection".length:
      case "transfer-encoding".length:
        if (ABOUT_THE_MESSAGE.test(name)) return null;
    }
    rawHeaders.push(name, value);
    at = end + 2;
  }
  return upgrades === 1 && connections === 1 ? rawHeaders : null;
}

/** Where the message ends and what becomes of the connection: node:http knows. */
const ABOUT_THE_MESSAGE = /^(?:content-length|proxy-connection|transfer-encoding)$/i;
