/** A server, from `listen` to the end of its shutdown: where it listens, who is connected, and how all are sent away. */
import type { IncomingMessage, Server as HttpServer, ServerResponse } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { asksForUpgradeTo } from "../protocol/handshake.js";
import { PayloadMemory } from "../protocol/payload-memory.js";
import { causes, type Disconnect } from "./api/causes.js";
import type { Client } from "./api/client.js";
import type { Logger } from "./api/logger.js";
import type { Handlers, ServerOptions, TlsOptions } from "./api/options.js";
import { type Refusal, type RefusalDecision, refusals } from "./api/refusal.js";
import type { ResolvedOptions } from "./api/resolved-options.js";
import type { UpgradeRequest } from "./api/upgrade-request.js";
import { withoutContext } from "./base/async-context.js";
import { DeadlineWheel } from "./base/deadlines.js";
import { readOnly } from "./base/read-only.js";
import { UsageError } from "./base/usage-error.js";
import { addressAt, plainAddress, proxyList } from "./handshake/address.js";
import { attach } from "./handshake/attach.js";
import { createHttpServer, graceOf } from "./handshake/http.js";
import { authorityOf, headerOf, messageOf, type RequestHead } from "./handshake/request.js";
import { closing } from "./handshake/response.js";
import { checkUpgradeSource, type UpgradeSource } from "./handshake/upgrade-source.js";
import { Upgrades } from "./handshake/upgrade.js";
import { FrontDoor } from "./internals/front-door.js";
import { ignoreUpgrades } from "./internals/other-upgrades.js";
import { SharedReads } from "./internals/shared-reads.js";
import { bind, type Listening, listeningAt, type ListenTarget, placeOf } from "./listen.js";
import { checkValue, resolveOptions } from "./options/resolve.js";
import { optionRules } from "./options/rules.js";
import { Registry } from "./registry.js";
import { MemoryBudget } from "./sending/memory-budget.js";
import { checkPayload, type Payload } from "./sending/message.js";
import { Outgoing } from "./sending/outgoing.js";
import { overflowPolicies } from "./sending/overflow.js";
import { Scratch } from "./sending/scratch.js";
import { Topics } from "./sending/topics.js";
import { Turns } from "./sending/turns.js";
import { type ConnectedClient, sessionOf } from "./session/connected-client.js";
import { HandlerRunner } from "./session/handler-runner.js";
import { PingSource } from "./session/heartbeat.js";
import { Session, type SessionContext, type SessionIdentity } from "./session/session.js";
import { shutDown, type ShutdownReport } from "./shutdown.js";
import type { ClientSocket } from "./sockets/client-socket.js";
import { loadTls } from "./sockets/node-http.js";
import { tell } from "./watching/diagnostics.js";
import { guardedLog } from "./watching/guarded-log.js";
import { HandlerTimes } from "./watching/handler-times.js";
import { defaultLogger, SampledLog } from "./watching/log.js";
import { findOpenTelemetry } from "./watching/opentelemetry.js";
import { count, type Counters, emptyStats, type Stats, statsOf } from "./watching/stats.js";

/** Makes a server. It does nothing before `listen`, `attach` or `handleUpgrade`. @throws OptionError, UsageError */
export function createServer<Data = never>(options: ServerOptions<Data> = {}): Server<Data> {
  return new Server(resolveOptions(options));
}

export class Server<Data = undefined> {
  /** Totals since the server was made. Read them whenever you like; they are counted as things happen. */
  readonly stats: Stats;
  /** The clients that are connected, by id. */
  readonly clients: ReadonlyMap<string, Client<Data>>;

  readonly #counters: Counters = emptyStats();
  readonly #options: ResolvedOptions<Data>;
  readonly #log: Logger;
  readonly #sampledLog: SampledLog;
  readonly #registry: Registry<ConnectedClient<Data>>;
  readonly #topics = new Topics<Session<Data>>();
  readonly #context: SessionContext<Data>;
  readonly #upgrades: Upgrades<Data>;
  readonly #detach = new Map<UpgradeSource, () => void>();
  #tls: TlsOptions | undefined;
  #http: HttpServer | null = null;
  #door: FrontDoor | null = null;
  #httpEnded = true;
  /** Plain HTTP requests that are being answered. */
  #requests = 0;
  /** The one whose handler is being called, and those whose handlers have called `close`: nobody waits for these. */
  #requestCaller: ServerResponse | null = null;
  readonly #closingRequests = new Set<ServerResponse>();
  /** Connections that end with the answer they have. What has come behind its request, in one piece with it, is not worked on. */
  readonly #answeredLast = new WeakSet<object>();
  #shutdown: Promise<ShutdownReport> | null = null;
  /** Clients that have closed cleanly since the shutdown began. */
  readonly #shutdownOutcome = { clean: 0 };

  /** @internal See `createServer`. */
  constructor(options: ResolvedOptions<Data>) {
    const clock = withoutContext(options.clock);
    const wheel = new DeadlineWheel(clock);
    const reads = options.portableSockets ? null : SharedReads.find();
    this.#options = options;
    this.#log = guardedLog(options.logger ?? defaultLogger(options.logLevel));
    this.#tls = options.tls;
    this.#sampledLog = new SampledLog(this.#log, clock);
    this.#registry = new Registry(options.maxClients, options.maxClientsPerAddress);
    this.stats = statsOf(this.#counters);
    this.clients = readOnly(this.#registry.clients);
    this.#context = {
      settings: options,
      runner: new HandlerRunner(options, new HandlerTimes(this.#counters.handlerTimes, () => performance.now()), this),
      clock,
      wheel,
      pings: new PingSource(),
      outboxes: {
        turns: new Turns(clock, options.maxMessagesPerTurn),
        scratch: new Scratch(),
        budget: new MemoryBudget(options.maxTotalBacklogBytes),
        maxBacklogBytes: options.maxBacklogBytes,
        overflow: overflowPolicies[options.overflow],
        stats: this.#counters,
      },
      compression: {
        level: options.compressionLevel,
        memLevel: options.compressionMemLevel,
        thresholdBytes: options.compressionThresholdBytes,
      },
      memory: new PayloadMemory(),
      incoming: new MemoryBudget(options.maxTotalIncomingBytes),
      topics: this.#topics,
      stats: this.#counters,
      reads,
      onHandlerError: (client, handler, error) => this.#onHandlerError(client.client, handler, error),
      onDisconnect: (client, disconnect) => this.#onDisconnect(client, disconnect),
    };
    const isDraining = (): boolean => this.#shutdown !== null;
    this.#upgrades = new Upgrades(options, {
      get isDraining() {
        return isDraining();
      },
      clock,
      wheel,
      proxies: proxyList(options.trustProxy),
      reads,
      incoming: this.#context.incoming,
      reserve: (address) => this.#registry.reserve(address),
      cancel: (address) => this.#registry.cancel(address),
      isIdTaken: (id) => this.#registry.clients.has(id),
      accept: (socket, identity, request, head) => this.#accept(socket, identity, request, head),
      tracing: findOpenTelemetry(),
      onHandshake: (head, address, path) =>
        tell("hawser:handshake", () => ({ server: this, request: messageOf(head), address, path })),
      onRefused: (head, refusal, address, path) => this.#onRefused(head, refusal, address, path),
      onAborted: (head) => {
        this.#counters.aborted++;
        tell("hawser:aborted", () => ({ server: this, request: messageOf(head) }));
      },
      onHandshakeError: (address, err) => {
        this.#sampledLog.error(
          "handshake-error",
          { event: "handshake-error", address, err },
          "authenticate, data or generateId failed",
        );
      },
      onRefusalBodyError: (err) => {
        this.#sampledLog.error("server-error refusalBody", { event: "server-error", err }, "refusalBody failed");
      },
    });
  }

  /** Whether new clients are taken: it listens or is attached, and no shutdown has begun. */
  get isReady(): boolean {
    return this.#shutdown === null && (this.#http?.listening === true || this.#detach.size > 0);
  }

  /**
   * What waits for slow clients, in bytes of memory: messages, what keeping each costs, and what sockets were handed and have not taken.
   * What several clients wait for counts once.
   */
  get backlogBytes(): number {
    return this.#context.outboxes.budget.used;
  }

  /** What has come from clients in part, or is not with their handlers yet, in bytes of memory. */
  get incomingBytes(): number {
    return this.#context.incoming.used;
  }

  /** Handshakes that wait for `authenticate`. */
  get pendingHandshakes(): number {
    return this.#upgrades.pending;
  }

  /** Handlers that have begun and whose promises are pending, of all clients. */
  get pendingHandlers(): number {
    return this.#context.runner.times.pending;
  }

  /** What `clients.size`, `backlogBytes` and `incomingBytes` are bounded by. */
  get limits(): {
    readonly maxClients: number;
    readonly maxTotalBacklogBytes: number;
    readonly maxTotalIncomingBytes: number;
  } {
    const { maxClients, maxTotalBacklogBytes, maxTotalIncomingBytes } = this.#options;
    return { maxClients, maxTotalBacklogBytes, maxTotalIncomingBytes };
  }

  /** How many topics somebody is subscribed to. */
  get topicCount(): number {
    return this.#topics.size;
  }

  /** Each topic that somebody is subscribed to, and by how many. */
  topicSizes(): Map<string, number> {
    return this.#topics.sizes();
  }

  /**
   * Listens for connections, over TLS when `tls` is set.
   * @param port 0 takes a free one @default 8080
   * @param host the address to listen on; `0.0.0.0` or `::` for all of them @default "127.0.0.1"
   * @throws what `node:net` emits, `EADDRINUSE` for instance; UsageError when it listens already or has been closed
   */
  listen(port?: number, host?: string): Promise<Listening>;
  /** The same on a port, on a Unix socket, or on a socket that listens already. */
  listen(target: ListenTarget): Promise<Listening>;
  async listen(target?: number | ListenTarget, host?: string): Promise<Listening> {
    if (this.#shutdown !== null) throw new UsageError("listen: this server has been closed");
    if (this.#http !== null) throw new UsageError("listen: this server listens already");
    const place = placeOf(typeof target === "object" && target !== null ? target : { port: target, host });
    const tls = this.#tls;
    const http = createHttpServer(this.#options, tls, (reason, status, socket) =>
      this.#onHttpError(reason, status, socket),
    );
    http.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#upgrades.handle(request, socket, head, http),
    );
    ignoreUpgrades(http, (request) => !asksForUpgradeTo(request, "websocket"));
    http.on("request", (request, response) => this.#onRequest(request, response));
    this.#http = http;
    try {
      await bind(http, place);
    } catch (error) {
      this.#http = null;
      throw error;
    }
    // The listener was there already when the shutdown came, but its port was not yet.
    if (this.#shutdown !== null) {
      http.close();
      throw new UsageError("listen: this server was closed meanwhile");
    }
    const bound = http.address();
    if (typeof bound === "object" && bound !== null && tls === undefined && !this.#options.portableSockets) {
      this.#door = FrontDoor.open(http, {
        maxHeaderBytes: this.#options.maxHeaderBytes,
        patienceMs: graceOf(this.#options),
        take: (request, socket, head) => this.#upgrades.handlePlain(request, socket, head, http),
        onBroken: (code) => this.#onHttpError(code, 400, null),
      });
    }
    this.#httpEnded = false;
    http.once("close", () => (this.#httpEnded = true));
    http.on("error", (err) => this.#log.error({ event: "server-error", err }, "the listener failed"));
    const listening = listeningAt(place, bound, tls !== undefined, this.#options.path ?? "/");
    this.#log.info({ event: "listening", ...listening }, `listening on ${listening.url}`);
    tell("hawser:listening", () => ({ server: this, ...listening }));
    return listening;
  }

  /**
   * Takes the WebSocket handshakes of an HTTP server that is already there: that of Express, Fastify or Hono, say. Its timeouts, its
   * TLS and its end remain its owner's. Several servers with different paths may share it, and so may listeners of others, which see
   * the upgrades that are not this server's: those of other paths with `path`, and without it those that are plainly theirs.
   * @throws UsageError for what is no HTTP server, one that is attached already, and after `close`
   */
  attach(http: UpgradeSource): void {
    if (this.#shutdown !== null) throw new UsageError("attach: this server has been closed");
    checkUpgradeSource(http);
    if (this.#detach.has(http)) throw new UsageError("attach: this HTTP server is attached already");
    this.#detach.set(http, attach(http, this.#upgrades));
  }

  /**
   * Takes one handshake: what the `upgrade` event of a `node:http` server hands over.
   * @throws UsageError when the socket has been taken before, by this server or another
   */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#upgrades.handle(request, socket, head);
  }

  /**
   * Sends a message to all that are subscribed to the topic. It is encoded once, whatever their number.
   * @param options.except one that does not get it: its sender, most often
   * @param options.key what it is an update of, for the overflow policy `latest-per-key`; the topic if left out
   * @returns to how many it was sent or for how many it was queued
   * @throws UsageError for what cannot be sent, whether anybody is subscribed or not
   */
  publish(
    topic: string,
    payload: Payload,
    options: { except?: Client<Data> | undefined; key?: string | undefined } = {},
  ): number {
    this.#counters.published++;
    checkPayload(payload);
    const subscribers = this.#topics.subscribersOf(topic);
    if (subscribers.size === 0) return 0;
    const { except, key = topic } = options;
    const message = new Outgoing(payload, this.#context.compression);
    let delivered = 0;
    for (const session of subscribers) {
      if (session.client === except) continue;
      const result = session.deliver(message, key);
      if (result === "sent" || result === "queued") delivered++;
    }
    this.#counters.deliveries += delivered;
    return delivered;
  }

  /** Replaces the certificate: new connections get the new one, the others keep what they have. @throws what `node:tls` throws */
  setTls(tls: TlsOptions): void {
    if (this.#tls === undefined) throw new UsageError("setTls: this server was made without tls");
    if (this.#http === null) loadTls().createSecureContext(tls);
    else (this.#http as HttpsServer).setSecureContext(tls);
    this.#tls = tls;
    this.#log.info({ event: "tls-replaced" }, "the certificate was replaced");
  }

  /**
   * Shuts down: no new clients, handlers in flight finish, each client gets what is queued for it and then 1001, in batches, and who
   * is still there after the grace is cut. Calling it again returns the same promise.
   *
   * A handler may call it, and wait for it: its client is told at once. Only up to its first `await` can that be seen of a handler; after
   * that it is one of those in flight, which are waited for during half of the grace. Then their clients are told all the same.
   * @param options.graceMs @default shutdownGraceMs
   * @param options.reason goes into the close frames @default "server shutting down"
   */
  close(options: { graceMs?: number | undefined; reason?: string | undefined } = {}): Promise<ShutdownReport> {
    const { graceMs = this.#options.shutdownGraceMs, reason = "server shutting down" } = options;
    checkValue("graceMs", optionRules.shutdownGraceMs, graceMs);
    this.#shutdown ??= this.#close(graceMs, reason);
    const { caller } = this.#context.runner;
    // Once it has returned or waits, most likely for this.
    if (caller !== null) queueMicrotask(() => caller.shutDown(reason, true));
    if (this.#requestCaller !== null) this.#closingRequests.add(this.#requestCaller);
    return this.#shutdown;
  }

  async #close(graceMs: number, reason: string): Promise<ShutdownReport> {
    const started = { clients: this.#registry.size, graceMs, reason };
    this.#log.info({ event: "shutdown-started", ...started }, "shutting down");
    tell("hawser:shutdown-started", () => ({ server: this, ...started }));
    // One tick later #shutdown is set, and whoever asks is told that this server is draining.
    await Promise.resolve();
    const port = {
      clock: this.#options.clock,
      clients: this.#sessions(),
      stopAccepting: () => this.#stopAccepting(),
      endHttp: (force: boolean) => this.#endHttp(force),
    };
    const report = await shutDown(port, graceMs, reason, this.#shutdownOutcome);
    for (const detach of this.#detach.values()) detach();
    this.#detach.clear();
    this.#upgrades.refuseStrays();
    this.#context.wheel.stop();
    this.#sampledLog.end();
    this.#log.info({ event: "shutdown-finished", ...report }, "shut down");
    tell("hawser:shutdown-finished", () => ({ server: this, report }));
    return report;
  }

  #sessions(): { readonly size: number; values(): Session<Data>[] } {
    const { clients } = this.#registry;
    return {
      get size() {
        return clients.size;
      },
      values: () => Array.from(clients.values(), (client) => sessionOf(client) as Session<Data>),
    };
  }

  #stopAccepting(): void {
    this.#http?.close();
    this.#door?.close();
    this.#upgrades.refusePending();
  }

  #endHttp(force: boolean): boolean {
    // Not closeIdleConnections: to Node a connection that has not asked for anything yet is not idle, and browsers keep some in reserve.
    if (force || this.#requests === 0) this.#http?.closeAllConnections?.();
    const isEnded = this.#httpEnded || (this.#requests > 0 && this.#requests === this.#closingRequests.size);
    // Besides the clients, those that are still told why they were refused.
    return isEnded && (this.#door?.open ?? 0) === 0;
  }

  #accept(socket: ClientSocket, identity: SessionIdentity<Data>, request: UpgradeRequest, head: Buffer): void {
    const session = new Session(socket, identity, this.#context);
    const { client } = session;
    this.#registry.add(client);
    this.#counters.opened++;
    const { id, address, path, subprotocol } = client;
    const fields = {
      event: "connect",
      id,
      address,
      path: path.slice(0, 256),
      subprotocol,
      compression: client.isCompressed,
      clients: this.#registry.size,
    };
    this.#log.info(fields, "client connected");
    tell("hawser:connect", () => ({ server: this, request: request.raw, client }));
    session.start(request, head);
  }

  #onDisconnect({ client }: Session<Data>, disconnect: Disconnect): void {
    const { code, reason, cause, initiator } = disconnect;
    this.#registry.remove(client);
    count(this.#counters.closed, cause);
    if (this.#shutdown !== null && disconnect.wasClean) this.#shutdownOutcome.clean++;
    const { id, messagesIn, messagesOut, bytesIn, bytesOut, dropped, rttMs } = client;
    const durationMs = Math.round(this.#options.clock.now() - client.connectedAt);
    const totals = { messagesIn, messagesOut, bytesIn, bytesOut, dropped, rttMs };
    const fields = {
      event: "disconnect",
      id,
      code,
      reason,
      cause,
      initiator,
      durationMs,
      ...totals,
      clients: this.#registry.size,
    };
    this.#log[causes[cause].level](fields, "client disconnected");
    tell("hawser:disconnect", () => ({ server: this, client, disconnect }));
  }

  #onHandlerError(client: Client<Data>, handler: keyof Handlers<Data>, err: unknown): void {
    this.#counters.handlerErrors[handler]++;
    this.#log.error({ event: "handler-error", id: client.id, handler, err }, `the ${handler} handler failed`);
    tell("hawser:handler-error", () => ({ server: this, client, handler, error: err }));
  }

  #onRefused(head: RequestHead, { status, reason }: Refusal, address: string, path: string): void {
    count(this.#counters.refused, reason);
    const [host, origin] = [authorityOf(head), headerOf(head, "origin")].map((text = "") => text.slice(0, 256));
    const fields = { event: "refused", address, host, origin, path: path.slice(0, 256), status, reason };
    const hint = Object.hasOwn(refusals, reason) ? refusals[reason as RefusalDecision].hint : undefined;
    this.#sampledLog.warn(`refused ${reason}`, fields, `handshake refused${hint === undefined ? "" : `: ${hint}`}`);
    tell("hawser:refused", () => ({ server: this, request: messageOf(head), address, path, status, reason }));
  }

  /** @param socket null: it is gone, and has said nothing */
  #onHttpError(reason: string, status: number, socket: Duplex | null): void {
    this.#counters.httpErrors++;
    const { bytesRead = 0 } = (socket ?? {}) as Partial<Socket>;
    const address = plainAddress(addressAt(socket as Partial<Socket> | null));
    tell("hawser:http-error", () => ({ server: this, address, status, reason }));
    const fields = { event: "http-error", address, status, reason };
    // What balancers' health checks and browsers' spare connections leave behind, day and night: a reset, or no byte at all.
    const isIdle = socket === null || socket.destroyed || reason === "ECONNRESET" || bytesRead === 0;
    if (isIdle) this.#log.debug(fields, "a connection ended before its request");
    else this.#sampledLog.warn(`http-error ${reason}`, fields, "broken HTTP request");
  }

  async #runRequestHandler(
    handler: NonNullable<ServerOptions["request"]>,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    try {
      this.#requestCaller = response;
      const result = handler(request, response);
      this.#requestCaller = null;
      await result;
    } catch (err) {
      this.#requestCaller = null;
      this.#sampledLog.error("server-error request", { event: "server-error", err }, "the request handler failed");
      if (response.headersSent) response.destroy();
      else response.writeHead(500, { Connection: "close" }).end();
    }
  }

  /** A request that is no upgrade: the application's, unless it is a handshake that went wrong. */
  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    // RFC 9112 9.6: who has sent `close` "MUST NOT process any further requests received on that connection".
    if (this.#answeredLast.has(request.socket)) return;
    this.#requests++;
    response.once("close", () => {
      this.#requests--;
      // The last one has been answered, after the shutdown: what is left are connections that have asked for nothing.
      if (this.#closingRequests.delete(response)) this.#endHttp(false);
    });
    const isHandshake =
      request.headers["sec-websocket-key"] !== undefined || request.headers["sec-websocket-version"] !== undefined;
    const refusal = isHandshake ? this.#upgrades.handleBroken(request) : null;
    if (refusal === null && this.#options.request !== undefined) {
      void this.#runRequestHandler(this.#options.request, request, response);
      return;
    }
    // RFC 9110 15.5.22: 426 tells what to upgrade to.
    const { status, headers } = refusal ?? { status: 426, headers: { Upgrade: "websocket" } };
    const body = refusal === null ? "This is a WebSocket server.\n" : this.#upgrades.bodyOf(refusal);
    if (refusal !== null) {
      const address = this.#upgrades.addressOf(request);
      const path = (request.url ?? "").split("?", 1)[0]!;
      tell("hawser:handshake", () => ({ server: this, request, address, path }));
      this.#onRefused(request, refusal, address, path);
    }
    this.#answeredLast.add(request.socket);
    response.writeHead(status, {
      ...headers,
      Connection: closing(headers),
      "Content-Type": "text/plain; charset=utf-8",
    });
    response.end(body);
  }
}
