import type { IncomingMessage, Server as HttpServer } from "node:http";
import type { Duplex } from "node:stream";
import type { CarriesStores } from "../base/async-context.js";
import type { ClientSocket, OwnedSocket, SocketReads } from "./client-socket.js";

/** What there is below Node's documented API (internals/), as the rest of the server sees it. */
export interface NodeInternals {
  /**
   * Takes the connections of a server that listens, before `node:http` does.
   * @returns null where that is not possible
   */
  openFrontDoor(http: HttpServer, settings: FrontDoorSettings): FrontDoorControl | null;
  /** Null: sockets of `node:net` are read by their `data` events. */
  readonly reads: SocketReads | null;
  /** Null: each client gets an async context of its own. */
  readonly carriesStores: CarriesStores | null;
  /**
   * Has an HTTP server take requests for which `isOrdinary` holds as if they did not ask for an upgrade, where Node can do that.
   * @returns what undoes it
   */
  ignoreUpgrades(server: object, isOrdinary: (request: IncomingMessage) => boolean): () => void;
  /**
   * Takes back an upgrade that Node has decided on: the request is answered as any other.
   * @returns false where that is not possible
   */
  handleAsRequest(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /**
   * What an application of `node:net` or `node:http` would have for a client's socket: that, or what stands for a lean one.
   * @param mayWrite what is written to that goes to the client: it is to be no WebSocket @default false
   */
  streamOf(socket: ClientSocket, mayWrite?: boolean): Duplex;
  /** Calls `then`, at once if it can, when the requests that came before on this connection have been answered. */
  afterAnswers(request: IncomingMessage, socket: Duplex, then: () => void): void;
}

/** Without internals/: all clients come by `node:http`, on sockets of `node:net`. */
export const NO_INTERNALS: NodeInternals = {
  openFrontDoor: () => null,
  reads: null,
  carriesStores: null,
  ignoreUpgrades: () => () => {},
  handleAsRequest: () => false,
  streamOf: (socket) => socket as Duplex,
  afterAnswers: (_request, _socket, then) => then(),
};

export interface FrontDoorSettings {
  readonly maxHeaderBytes: number;
  /** How long a connection may be silent before it is node:http's, whose deadlines hold from then on: this long to twice as long. */
  readonly patienceMs: number;
  /** A handshake has come, and behind it `early`. */
  readonly onHandshake: (request: LeanRequest, socket: OwnedSocket, early: Buffer) => void;
  /** A connection was broken off before it said anything. */
  readonly onBroken: (code: string) => void;
}

export interface FrontDoorControl {
  /** Connections that came in here and were not handed on. */
  readonly open: number;
  /** Closes on all who wait; to be called when the server accepts no more. */
  close(): void;
}

/**
 * A handshake of the simplest kind, which node:http has not parsed: what every browser and every library sends. Its fields are those of
 * an `IncomingMessage`, which is made when the application asks for it, and not before.
 */
export abstract class LeanRequest {
  abstract readonly method: "GET";
  abstract readonly httpVersion: "1.1";
  abstract readonly url: string;
  abstract readonly rawHeaders: string[];
  abstract readonly socket: OwnedSocket;
  /** Who has connected, known once it has been asked for while the connection was there. */
  abstract readonly remote: Endpoint;
  /** It as node:http would have had it, always the same one. */
  abstract readonly message: IncomingMessage;
}

/** One end of a connection; empty when it is gone. */
export interface Endpoint {
  address?: string;
  port?: number;
  family?: string;
}
