import type { Server as HttpServer } from "node:http";
import type { Socket } from "node:net";
import type { FrontDoorControl, FrontDoorSettings } from "../sockets/node-internals.js";
import { own, type SocketOwner } from "../sockets/client-socket.js";
import { readHandshake } from "./handshake-reader.js";
import { canMakeMessages } from "./lean-request.js";
import type { LeanSocket } from "./lean-socket.js";
import { LeanSockets } from "./lean-sockets.js";

/**
 * Stands between the listener of an HTTP server and node:http. A connection that begins with a WebSocket handshake of the simplest kind is answered from
 * here, and what Node makes for each connection, the streams of a socket, a parser, a request and a response, is never made. Any other
 * is handed on as if nothing had happened: a part of a head, another request, a client that says nothing, whatever is odd. So node:http
 * alone decides about those, and the limits of HTTP hold as they are.
 */
export class FrontDoor implements FrontDoorControl {
  readonly #http: HttpServer;
  readonly #sockets: LeanSockets;
  readonly #settings: FrontDoorSettings;
  /** Those that have said nothing yet: since the last round, and since before that. */
  #waiting = new Set<Newcomer>();
  #waitingLonger = new Set<Newcomer>();
  readonly #timer: NodeJS.Timeout;
  /** Connections that node:http has, and what it made of the one that was handed on last. */
  #httpHas = 0;
  #handedOn: Socket | null = null;

  private constructor(http: HttpServer, sockets: LeanSockets, settings: FrontDoorSettings) {
    this.#http = http;
    this.#sockets = sockets;
    this.#settings = settings;
    // In real time, as the deadlines of node:http are.
    this.#timer = setInterval(() => this.#onRound(), settings.patienceMs).unref();
    http.on("connection", (socket: Socket) => {
      this.#handedOn = socket;
      this.#httpHas++;
      socket.once("close", () => this.#httpHas--);
    });
  }

  /** To be called when it listens. @returns null where Node is not as expected: then all goes through node:http */
  static open(http: HttpServer, settings: FrontDoorSettings): FrontDoor | null {
    const sockets = canMakeMessages ? LeanSockets.detect() : null;
    if (sockets === null) return null;
    const door = new FrontDoor(http, sockets, settings);
    const isOpen = sockets.listen(http, (socket) => door.#onConnection(socket));
    if (!isOpen) door.close();
    return isOpen ? door : null;
  }

  get open(): number {
    return this.#sockets.open;
  }

  close(): void {
    clearInterval(this.#timer);
    for (const { socket } of [...this.#waiting, ...this.#waitingLonger]) socket.destroy();
  }

  #onConnection(socket: LeanSocket): void {
    if (this.#sockets.open + this.#httpHas > this.#http.maxConnections) {
      socket.destroy();
      return;
    }
    const newcomer = new Newcomer(this, socket);
    this.#waiting.add(newcomer);
    own(socket, newcomer, null);
    socket.resume();
  }

  /** @internal */
  onFirstChunk(newcomer: Newcomer, chunk: Buffer): void {
    this.#forget(newcomer);
    const { socket } = newcomer;
    const { maxHeaderBytes, onHandshake } = this.#settings;
    const handshake = readHandshake(chunk, socket, maxHeaderBytes);
    if (handshake === null) {
      this.#toHttp(socket)?.emit("data", chunk);
      return;
    }
    socket.settle();
    const { request, length } = handshake;
    onHandshake(request, socket, chunk.length === length ? NOTHING : chunk.subarray(length));
  }

  /** @internal It was broken off, or has ended its side without a word. */
  onGone(newcomer: Newcomer): void {
    this.#forget(newcomer);
    const { error } = newcomer.socket;
    if (error !== null) this.#settings.onBroken(error);
  }

  #onRound(): void {
    const silent = this.#waitingLonger;
    this.#waitingLonger = this.#waiting;
    this.#waiting = new Set();
    for (const { socket } of silent) this.#toHttp(socket);
  }

  /** @returns null when node:http has too many already */
  #toHttp(socket: LeanSocket): Socket | null {
    this.#handedOn = null;
    socket.giveBack();
    const handedOn = this.#handedOn;
    this.#handedOn = null;
    return handedOn;
  }

  #forget(newcomer: Newcomer): void {
    if (!this.#waiting.delete(newcomer)) this.#waitingLonger.delete(newcomer);
  }
}

/** A connection that has said nothing yet. */
class Newcomer implements SocketOwner {
  readonly #door: FrontDoor;
  readonly socket: LeanSocket;

  constructor(door: FrontDoor, socket: LeanSocket) {
    this.#door = door;
    this.socket = socket;
  }

  onData(bytes: Buffer): void {
    this.#door.onFirstChunk(this, bytes);
  }

  onDrain(): void {}

  onEnd(): void {
    this.socket.destroy();
  }

  onClosed(): void {
    this.#door.onGone(this);
  }
}

const NOTHING = Buffer.alloc(0);
