import type { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { isWord, trimWhitespace } from "../../protocol/tokens.js";
import { markTaken } from "../sockets/client-socket.js";
import { http } from "../sockets/node-http.js";
import type { Endpoint, LeanSocket } from "./lean-socket.js";

/** `IncomingMessage` has this and no document says so: it keeps the lines, and sorts them into `headers` when that is asked for. */
interface HeaderLines {
  _addHeaderLines?(rawHeaders: readonly string[], count: number): void;
}

/** Whether an `IncomingMessage` can be made here of a request that node:http has not parsed. */
export const canMakeMessages: boolean =
  typeof (http.IncomingMessage.prototype as HeaderLines)._addHeaderLines === "function";

/**
 * A handshake of the plainest kind: what every browser and every library sends. Its fields are those of an `IncomingMessage`, which is
 * made when the application asks for it, and not before.
 */
export class PlainRequest {
  readonly method = "GET";
  readonly httpVersion = "1.1";
  readonly url: string;
  readonly rawHeaders: string[];
  readonly socket: LeanSocket;
  #remote: Endpoint | null = null;
  #message: IncomingMessage | null = null;

  constructor(url: string, rawHeaders: string[], socket: LeanSocket) {
    this.url = url;
    this.rawHeaders = rawHeaders;
    this.socket = socket;
  }

  /** Who has connected, known once it has been asked for while the connection was there. */
  get remote(): Endpoint {
    return (this.#remote ??= this.socket.remote);
  }

  /** It as node:http would have had it, always the same one. */
  get message(): IncomingMessage {
    return (this.#message ??= this.#toMessage());
  }

  #toMessage(): IncomingMessage {
    let peer: Socket | null = null;
    // Made without one: most who ask want the headers alone.
    const message = new http.IncomingMessage(undefined as unknown as Socket);
    Object.defineProperty(message, "socket", {
      get: () => (peer ??= new Peer(this.socket, this.remote)),
      configurable: true,
    });
    message.method = this.method;
    message.url = this.url;
    message.httpVersion = this.httpVersion;
    message.httpVersionMajor = message.httpVersionMinor = 1;
    // Strings of their own: who keeps one would keep the whole head with it.
    const rawHeaders = this.rawHeaders.map((text) => Buffer.from(text, "latin1").toString("latin1"));
    (message as HeaderLines)._addHeaderLines?.(rawHeaders, rawHeaders.length);
    // What follows the head belongs to the WebSocket: the request has no body.
    message.complete = true;
    message.push(null);
    return message;
  }
}

/**
 * What an application finds as `raw.socket`: who is connected from where, and until when. It can end the connection; what goes over it is
 * the server's.
 */
class Peer extends Socket {
  readonly #socket: LeanSocket;

  constructor(socket: LeanSocket, remote: Endpoint) {
    super();
    this.#socket = socket;
    markTaken(this);
    if (socket.destroyed) this.destroy();
    else socket.onClose = () => this.destroy();
    const { local } = socket;
    const facts = {
      remoteAddress: remote.address,
      remotePort: remote.port,
      remoteFamily: remote.family,
      localAddress: local.address,
      localPort: local.port,
      localFamily: local.family,
    };
    // On the object: the accessors of a socket without a handle know nothing.
    for (const [name, value] of Object.entries(facts)) Object.defineProperty(this, name, { value });
    Object.defineProperty(this, "bytesRead", { get: () => socket.bytesRead });
    Object.defineProperty(this, "bytesWritten", { get: () => socket.bytesWritten });
    // Whoever destroys it with an error has meant the connection, not the process.
    this.on("error", () => {});
  }

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    // In the midst of frames it would break the connection.
    done();
  }

  override _writev(_chunks: unknown, done: () => void): void {
    done();
  }

  override _final(done: () => void): void {
    this.#socket.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    // `close` is emitted there.
    super._destroy(error, done);
  }
}

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
 * Reads a request that is one whole, plain handshake at the beginning of `chunk`.
 * @returns the request, and where it ends; null: node:http is to say what it is
 */
export function readPlainRequest(
  chunk: Buffer,
  socket: LeanSocket,
  maxHeaderBytes: number,
): { request: PlainRequest; length: number } | null {
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
  return { request: new PlainRequest(url, rawHeaders, socket), length: end + END_OF_HEAD.length };
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
