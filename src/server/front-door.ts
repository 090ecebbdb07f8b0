import type { Server as HttpServer } from "node:http";
import type { Socket } from "node:net";
import { canMakeMessages, type PlainRequest, readPlainRequest } from "./plain-request.js";

export interface FrontDoorSettings {
  readonly maxHeaderBytes: number;
  /** How long a connection may be silent before it is node:http's, whose deadlines hold from then on: this long to twice as long. */
  readonly patienceMs: number;
  /** Takes a handshake, as the `upgrade` event hands it over. */
  readonly take: (request: PlainRequest, socket: Socket, head: Buffer) => void;
}

type ConnectionListener = (this: HttpServer, socket: Socket) => void;

/**
 * Stands between the listener of an HTTP server and node:http. A connection that begins with a plain WebSocket handshake is answered from
 * here, and the parser, the request and the response that node:http makes for each connection are never made. Any other is handed on as
 * if nothing had happened: a part of a head, another request, a client that says nothing, whatever is odd. So node:http alone decides
 * about those, and the limits of HTTP hold as they are.
 */
export class FrontDoor {
  readonly #http: HttpServer;
  readonly #handOn: ConnectionListener;
  readonly #settings: FrontDoorSettings;
  /** Those that have said nothing yet: since the last round, and since before that. */
  #waiting = new Set<Socket>();
  #waitingLonger = new Set<Socket>();
  readonly #timer: NodeJS.Timeout;

  // One set of listeners for all connections.
  readonly #onData: (this: Socket, chunk: Buffer) => void;
  readonly #onEnd: (this: Socket) => void;
  readonly #onError: (this: Socket, error: Error) => void;

  private constructor(http: HttpServer, handOn: ConnectionListener, settings: FrontDoorSettings) {
    this.#http = http;
    this.#handOn = handOn;
    this.#settings = settings;
    // In real time, as the deadlines of node:http are.
    this.#timer = setInterval(() => this.#onRound(), settings.patienceMs).unref();
    const onFirstChunk = (socket: Socket, chunk: Buffer): void => this.#onFirstChunk(socket, chunk);
    const onSilentEnd = (socket: Socket): void => this.#onSilentEnd(socket);
    const onSilentError = (socket: Socket, error: Error): void => this.#onSilentError(socket, error);
    this.#onData = function (chunk) {
      onFirstChunk(this, chunk);
    };
    this.#onEnd = function () {
      onSilentEnd(this);
    };
    this.#onError = function (error) {
      onSilentError(this, error);
    };
  }

  /** @returns null where node:http is not as expected: on Bun, for one. Then all goes through it */
  static open(http: HttpServer, settings: FrontDoorSettings): FrontDoor | null {
    const [handOn, ...others] = http.listeners("connection") as ConnectionListener[];
    if (handOn === undefined || others.length > 0 || !canMakeMessages) return null;
    const door = new FrontDoor(http, handOn, settings);
    http.removeAllListeners("connection");
    http.on("connection", (socket: Socket) => door.#onConnection(socket));
    return door;
  }

  /** Hands on all who wait; to be called when the server accepts no more. */
  close(): void {
    clearInterval(this.#timer);
    for (const socket of [...this.#waiting, ...this.#waitingLonger]) this.#toHttp(socket);
  }

  #onConnection(socket: Socket): void {
    this.#waiting.add(socket);
    socket.on("data", this.#onData).on("end", this.#onEnd).on("error", this.#onError);
  }

  #onFirstChunk(socket: Socket, chunk: Buffer): void {
    const { maxHeaderBytes, take } = this.#settings;
    const plain = readPlainRequest(chunk, socket, maxHeaderBytes);
    if (plain === null) {
      this.#toHttp(socket);
      socket.emit("data", chunk);
      return;
    }
    this.#letGo(socket);
    // As node:http leaves it: neither flowing nor paused, until somebody reads.
    (socket as { readableFlowing: boolean | null }).readableFlowing = null;
    take(plain.request, socket, chunk.length === plain.length ? NOTHING : chunk.subarray(plain.length));
  }

  /** The peer ended its side without a word. */
  #onSilentEnd(socket: Socket): void {
    this.#letGo(socket);
    socket.on("error", ignoreError);
    socket.end();
  }

  #onSilentError(socket: Socket, error: Error): void {
    this.#letGo(socket);
    socket.on("error", ignoreError);
    this.#http.emit("clientError", error, socket);
  }

  #onRound(): void {
    const silent = this.#waitingLonger;
    this.#waitingLonger = this.#waiting;
    this.#waiting = new Set();
    for (const socket of silent) this.#toHttp(socket);
  }

  #toHttp(socket: Socket): void {
    this.#letGo(socket);
    this.#handOn.call(this.#http, socket);
  }

  #letGo(socket: Socket): void {
    if (!this.#waiting.delete(socket)) this.#waitingLonger.delete(socket);
    socket.removeListener("data", this.#onData).removeListener("end", this.#onEnd);
    socket.removeListener("error", this.#onError);
  }
}

const NOTHING = Buffer.alloc(0);

function ignoreError(): void {
  // It has been told about already.
}
