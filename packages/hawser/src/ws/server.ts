/** The WebSocketServer of `ws`, on the engine: where handshakes come from, and who is told what becomes of them. */
import type { IncomingMessage, Server as HttpServer, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { isToken } from "../protocol/tokens.js";
import type { UpgradeRequest } from "../server/api/upgrade-request.js";
import { Engine, platform } from "../server/engine.js";
import type { Refusal } from "../server/api/refusal.js";
import { messageOf, type RequestHead } from "../server/handshake/request.js";
import type { UpgradeSource } from "../server/handshake/upgrade-source.js";
import type { Session } from "../server/session/session.js";
import type { SessionContext, SessionIdentity } from "../server/session/session-context.js";
import type { FrontDoorControl } from "../server/sockets/node-internals.js";
import { type ClientSocket, isStream, isTaken, own, type SocketOwner } from "../server/sockets/client-socket.js";
import { asAnswered, isClientError, NotVerified } from "./refusals.js";
import { PooledMemory } from "./pooled-memory.js";
import { type ServerDefaults, setDefaults, withDefaults } from "./server-defaults.js";
import { CLOSE_TIMEOUT_MS, engineOptions, MAX_PAYLOAD, type ServerOptions } from "./server-options.js";
import { SharedOutgoing } from "./shared-outgoing.js";
import { Emitter } from "./typed-emitter.js";
import { verifyClient } from "./verify-client.js";
import { inside, socketEvents, WebSocket } from "./websocket.js";
import { alignRawHeaders } from "./raw-headers.js";
import { WsSession, type WsShared } from "./ws-session.js";

type SocketClass = typeof WebSocket;
type RequestClass = typeof IncomingMessage;

/** What listeners of `wss.on` are called with. */
export interface WebSocketServerEvents<Socket extends SocketClass, Request extends RequestClass> {
  connection: [websocket: InstanceType<Socket>, request: InstanceType<Request>];
  error: [error: Error];
  headers: [headers: string[], request: InstanceType<Request>];
  close: [];
  listening: [];
  wsClientError: [error: Error, socket: Duplex, request: InstanceType<Request>];
}

type Accepted = (websocket: WebSocket, request: IncomingMessage) => void;

type State = "running" | "closing" | "closed";

export class WebSocketServer<
  Socket extends SocketClass = SocketClass,
  Request extends RequestClass = RequestClass,
> extends Emitter<WebSocketServerEvents<Socket, Request>> {
  readonly options: ServerOptions<Socket, Request>;
  /** Those that are connected. Not there without `clientTracking`. */
  declare readonly clients: Set<InstanceType<Socket>>;

  readonly #engine: Engine<object>;
  readonly #shared: WsShared;
  /** Whom `handleUpgrade` tells of the client that its request becomes. */
  readonly #accepted = new WeakMap<IncomingMessage, Accepted>();
  #state: State = "running";
  #http: (HttpServer & UpgradeSource) | null = null;
  #door: FrontDoorControl | null = null;
  #detach: () => void = () => {};
  #sessions = 0;
  /** It is closed once there are no more. */
  #onEmpty: (() => void) | null = null;

  /**
   * @param options null: none
   * @param listening called when it listens, with `port`
   * @throws TypeError unless there is one of `port`, `server` and `noServer`; OptionError for an option of the library's own that cannot be
   */
  constructor(given?: ServerOptions<Socket, Request> | null, listening?: () => void) {
    super();
    const options = withDefaults(given ?? {});
    const { port, server, noServer } = options;
    const places = [port != null, server, noServer].filter(Boolean);
    if (places.length !== 1) {
      throw new TypeError('One and only one of the "port", "server", or "noServer" options must be specified');
    }
    this.options = { ...DEFAULTS, ...options } as ServerOptions<Socket, Request>;
    if (this.options.perMessageDeflate === true) this.options.perMessageDeflate = {};
    if (this.options.clientTracking) this.clients = new Set();
    const resolved = engineOptions(options, {
      authenticate: (request) => this.#decide(request.raw),
      // As `ws` has it: the status' name and nothing more.
      refusalBody: ({ message }) => message,
      request: answerOrdinary,
      open: (client, request) => this.#onOpen(client.data as WebSocket, request.raw),
    });
    const memory = new PooledMemory();
    const isRunning = (): boolean => this.#state === "running";
    this.#engine = new Engine<object>(this, resolved, {
      get isDraining() {
        return !isRunning();
      },
      responses: {
        chooseSubprotocol: (offered, request) => this.#chooseSubprotocol(offered, request),
        onHead: (lines, request) => this.#onHead(lines, request),
        onRefused: (refused, head, socket) => this.#onRefused(refused, head, socket),
      },
      hearsWhileClosing: true,
      memory,
      makeSession: (socket, identity, _request, context) => this.#makeSession(socket, identity, context),
      onDisconnect: () => {},
      onCloserAnswered: () => {},
    });
    const { throwUnhandled = false, autoPong, allowSynchronousEvents } = this.options;
    const { outboxes, compression } = this.#engine.context;
    this.#shared = {
      events: {
        ...socketEvents,
        closed: (socket, code, reason, wasClean) => {
          this.#forget(socket as InstanceType<Socket>);
          socketEvents.closed(socket, code, reason, wasClean);
        },
      },
      outgoing: new SharedOutgoing(outboxes.turns, compression),
      memory,
      streamOf: platform.streamOf,
      autoPong: Boolean(autoPong),
      allowSynchronousEvents: Boolean(allowSynchronousEvents),
      throwUnhandled,
      onUnheard(error) {
        // It is in the log already, as the cause of its client's end.
        if (!throwUnhandled) return;
        process.nextTick(() => {
          throw error;
        });
      },
      readsWhileBacklogged: resolved.maxBacklogBytes === Infinity,
    };
    if (port != null) this.#listen(listening);
    else if (server) this.#attach(server);
  }

  /**
   * What servers that are made from now on have where their options do not say anything else: for programs that cannot be edited. Takes the
   * place of what was set before.
   * @throws OptionError for what is no default, or has a value that it cannot have
   */
  static setDefaults(defaults: ServerDefaults): void {
    setDefaults(defaults);
  }

  /** Where it listens: of an HTTP server on a port an object, on a Unix socket its path; null once it is closed. @throws with noServer */
  address(): AddressInfo | string | null {
    if (this.options.noServer) throw new Error('The server is operating in "noServer" mode');
    return this.#http?.address() ?? null;
  }

  /**
   * Takes no more clients. Those that are connected stay; with `port` the HTTP server is closed, too.
   * @param closed called when all clients are gone, or with an error when it was closed before
   */
  close(closed?: (error?: Error) => void): void {
    if (this.#state === "closed") {
      if (closed !== undefined) this.once("close", () => closed(new Error("The server is not running")));
      process.nextTick(() => this.emit("close"));
      return;
    }
    if (closed !== undefined) this.once("close", () => closed());
    if (this.#state === "closing") return;
    this.#state = "closing";
    this.#detach();
    this.#engine.upgrades.refusePending();
    const http = this.#http;
    this.#http = null;
    if (this.options.port == null) this.#closeWhenEmpty(this.clients === undefined);
    else if (http === null) process.nextTick(() => this.#onClosed());
    else {
      this.#door?.close();
      http.close(() => this.#closeWhenEmpty(false));
    }
  }

  /** Whether a request is for this server: by its path. To be overridden. */
  shouldHandle(request: InstanceType<Request>): boolean | Promise<boolean> {
    const { path } = this.options;
    if (!path) return true;
    const { url = "/" } = request as IncomingMessage;
    return url.split("?", 1)[0] === path;
  }

  /**
   * Takes one handshake: what the `upgrade` event of an HTTP server hands over.
   * @throws Error when the socket has been taken before
   */
  handleUpgrade(
    request: InstanceType<Request>,
    socket: Duplex,
    upgradeHead: Buffer,
    callback: (websocket: InstanceType<Socket>, request: InstanceType<Request>) => void,
  ): void {
    if (isTaken(socket)) {
      throw new Error(
        "server.handleUpgrade() was called more than once with the same socket, possibly due to a misconfiguration",
      );
    }
    alignRawHeaders(request);
    this.#accepted.set(request, callback as Accepted);
    this.#engine.upgrades.handle(request, socket, upgradeHead, this.#http ?? undefined);
  }

  /** The HTTP server: its own, or the one that it was given. Null once it is closed. */
  get _server(): HttpServer | null {
    return this.#http;
  }

  #listen(listening: (() => void) | undefined): void {
    const { port, host, backlog, portableSockets = false } = this.options;
    const http = this.#engine.createHttp(undefined) as HttpServer & UpgradeSource;
    this.#http = http;
    if (listening !== undefined) this.once("listening", listening);
    // Who has a method of their own for it is to be asked about each.
    const isOwn = this.handleUpgrade === WebSocketServer.prototype.handleUpgrade;
    if (!isOwn) http.removeAllListeners("upgrade").on("upgrade", this.#onUpgrade);
    http.on("listening", () => {
      if (!portableSockets && isOwn) this.#door = this.#engine.openDoor(http);
      this.emit("listening");
    });
    http.on("error", (error) => this.emit("error", error));
    http.listen(port, host ?? undefined, backlog ?? undefined);
  }

  #attach(http: HttpServer & UpgradeSource): void {
    this.#http = http;
    const onListening = (): void => void this.emit("listening");
    const onError = (error: Error): void => void this.emit("error", error);
    http.on("listening", onListening);
    http.on("error", onError);
    const { upgrades } = this.#engine;
    const isHandled = (request: IncomingMessage): boolean =>
      Boolean(this.shouldHandle(request as InstanceType<Request>));
    const detach = this.#engine.attach(http, {
      hasPath: Boolean(this.options.path),
      claims: isHandled,
      handle: this.#onUpgrade,
      watch: (request, socket, source) => upgrades.watch(request, socket, source),
      refuseStrays: (source) => upgrades.refuseStrays(source),
    });
    this.#detach = () => {
      detach();
      http.removeListener("listening", onListening);
      http.removeListener("error", onError);
    };
  }

  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void =>
    this.handleUpgrade(request as InstanceType<Request>, socket, head, (websocket, accepted) =>
      this.emit("connection", websocket, accepted),
    );

  /** @throws NotVerified */
  #decide(request: IncomingMessage): object | Promise<object> {
    if (!this.shouldHandle(request as InstanceType<Request>)) throw new NotVerified(400, undefined);
    const { verifyClient: verify } = this.options;
    return verify ? verifyClient(verify as NonNullable<ServerOptions["verifyClient"]>, request) : VERIFIED;
  }

  #chooseSubprotocol(offered: readonly string[], request: UpgradeRequest): string | null {
    const { handleProtocols } = this.options;
    if (offered.length === 0) return null;
    const chosen = handleProtocols
      ? handleProtocols(new Set(offered), request.raw as InstanceType<Request>)
      : offered[0];
    if (!chosen) return null;
    if (!isToken(chosen)) throw new TypeError("handleProtocols has to return a token");
    return chosen;
  }

  /** @throws TypeError for a line that would be more than one */
  #onHead(lines: string[], { raw }: UpgradeRequest): void {
    if (this.listenerCount("headers") === 0) return;
    this.emit("headers", lines, raw);
    if (lines.some((line) => /[^\t\x20-\x7e\x80-\xff]/.test(line)))
      throw new TypeError("a line of the response's head has a character that no header can have");
  }

  #onRefused(refused: Refusal, head: RequestHead, socket: ClientSocket): Refusal | null {
    const answer = asAnswered(refused, head);
    if (!isClientError(refused) || this.listenerCount("wsClientError") === 0) return answer;
    const error = new Error(answer.message);
    if (!isStream(socket)) own(socket, new Handed(socket), null);
    this.emit("wsClientError", error, platform.streamOf(socket, true), messageOf(head));
    return null;
  }

  #makeSession(
    socket: ClientSocket,
    identity: SessionIdentity<object>,
    context: SessionContext<object>,
  ): Session<object> {
    const Class = this.options.WebSocket ?? WebSocket;
    const websocket = new Class(null, undefined, this.options);
    const session = new WsSession(socket, { ...identity, data: websocket }, context, this.#shared);
    inside.open(websocket, session);
    this.#sessions++;
    return session;
  }

  #onOpen(websocket: WebSocket, request: IncomingMessage): void {
    const client = websocket as InstanceType<Socket>;
    this.clients?.add(client);
    const accepted = this.#accepted.get(request);
    if (accepted === undefined) this.emit("connection", client, request);
    else accepted(client, request);
  }

  #forget(client: InstanceType<Socket>): void {
    this.clients?.delete(client);
    if (--this.#sessions === 0) process.nextTick(() => this.#onEmpty?.());
  }

  #closeWhenEmpty(isNow: boolean): void {
    if (isNow || this.#sessions === 0) process.nextTick(() => this.#onClosed());
    else this.#onEmpty = () => this.#onClosed();
  }

  #onClosed(): void {
    this.#onEmpty = null;
    this.#state = "closed";
    this.emit("close");
  }
}

function answerOrdinary(_request: IncomingMessage, response: ServerResponse): void {
  const body = "Upgrade Required";
  response.writeHead(426, { Upgrade: "websocket", "Content-Length": body.length, "Content-Type": "text/plain" });
  response.end(body);
}

/** A lean socket that the application has: what comes is nobody's. */
class Handed implements SocketOwner {
  readonly #socket: ClientSocket;

  constructor(socket: ClientSocket) {
    this.#socket = socket;
  }

  onData(): void {}
  onDrain(): void {}

  onEnd(): void {
    this.#socket.destroy();
  }

  onClosed(): void {}
}

/** What its data is until it is a WebSocket. */
const VERIFIED = {};

/** What `options` shows where nothing else was asked for: as of `ws`, null is nothing. */
const DEFAULTS = {
  allowSynchronousEvents: true,
  autoPong: true,
  backlog: null,
  clientTracking: true,
  closeTimeout: CLOSE_TIMEOUT_MS,
  handleProtocols: null,
  host: null,
  maxPayload: MAX_PAYLOAD,
  noServer: false,
  path: null,
  perMessageDeflate: false,
  port: null,
  server: null,
  verifyClient: null,
  WebSocket,
};
