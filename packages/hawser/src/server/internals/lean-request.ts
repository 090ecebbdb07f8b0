import type { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { type Endpoint, LeanRequest } from "../sockets/node-internals.js";
import { markTaken } from "../sockets/client-socket.js";
import { http } from "../sockets/node-http.js";
import type { LeanSocket } from "./lean-socket.js";

/** `IncomingMessage` has this and no document says so: it keeps the lines, and sorts them into `headers` when that is asked for. */
interface HeaderLines {
  _addHeaderLines?(rawHeaders: readonly string[], count: number): void;
}

/** Whether an `IncomingMessage` can be made here of a request that node:http has not parsed. */
export const canMakeMessages: boolean =
  typeof (http.IncomingMessage.prototype as HeaderLines)._addHeaderLines === "function";

/** A handshake that came in at the front door. */
export class LeanSocketRequest extends LeanRequest {
  readonly method = "GET";
  readonly httpVersion = "1.1";
  readonly url: string;
  readonly rawHeaders: string[];
  readonly socket: LeanSocket;
  #remote: Endpoint | null = null;
  #message: IncomingMessage | null = null;

  constructor(url: string, rawHeaders: string[], socket: LeanSocket) {
    super();
    this.url = url;
    this.rawHeaders = rawHeaders;
    this.socket = socket;
  }

  get remote(): Endpoint {
    return (this.#remote ??= this.socket.remote);
  }

  get message(): IncomingMessage {
    return (this.#message ??= this.#toMessage());
  }

  #toMessage(): IncomingMessage {
    // Made without one: most who ask want the headers alone.
    const message = new http.IncomingMessage(undefined as unknown as Socket);
    Object.defineProperty(message, "socket", {
      get: () => peerOf(this.socket, this.remote),
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

const peers = new WeakMap<LeanSocket, Socket>();
/** Those that are the application's to write to. */
const writable = new WeakSet<LeanSocket>();

/** What is written to that which stands for it goes to the client: there are no frames that it could break. */
export function letWrite(socket: LeanSocket): void {
  writable.add(socket);
}

/** What stands for a lean socket: always the same one. */
export function peerOf(socket: LeanSocket, remote: Endpoint = socket.remote): Socket {
  let peer = peers.get(socket);
  if (peer === undefined) peers.set(socket, (peer = new Peer(socket, remote)));
  return peer;
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

  /** A socket's text comes as text. */
  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: () => void): void {
    // In the midst of frames it would break the connection.
    if (writable.has(this.#socket)) this.#socket.write(Buffer.from(chunk as string, encoding));
    done();
  }

  override _writev(chunks: { chunk: Buffer | string; encoding: BufferEncoding }[], done: () => void): void {
    for (const { chunk, encoding } of chunks) this._write(chunk, encoding, () => {});
    done();
  }

  override _final(done: () => void): void {
    this.#socket.end();
    done();
  }

  override resetAndDestroy(): this {
    this.#socket.reset();
    return this.destroy();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    // `close` is emitted there.
    super._destroy(error, done);
  }
}
