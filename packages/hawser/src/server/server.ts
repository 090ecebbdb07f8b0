/** A server, from `listen` to the end of its shutdown: where it listens, who is connected, and how all are sent away. */
import type { IncomingMessage, Server as HttpServer } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Duplex } from "node:stream";
import type { Client } from "./api/client.js";
import type { ServerOptions, TlsOptions } from "./api/options.js";
import type { ResolvedOptions } from "./api/resolved-options.js";
import { readOnly } from "./base/read-only.js";
import { UsageError } from "./base/usage-error.js";
import { Engine } from "./engine.js";
import type { Http2Sessions } from "./handshake/http2.js";
import { checkUpgradeSource, type UpgradeSource } from "./handshake/upgrade-source.js";
import { bind, type Listening, listeningAt, type ListenTarget, placeOf } from "./listen.js";
import { checkValue } from "./options/check-value.js";
import { resolveOptions } from "./options/resolve.js";
import { optionRules } from "./options/rules.js";
import { checkPayload, type Payload } from "./sending/message.js";
import { Outgoing } from "./sending/outgoing.js";
import { sessionOf } from "./session/connected-client.js";
import type { Session } from "./session/session.js";
import { shutDown, type ShutdownReport } from "./shutdown.js";
import type { FrontDoorControl } from "./sockets/node-internals.js";
import { loadTls } from "./sockets/node-http.js";
import { type Stats, statsOf } from "./watching/stats.js";

/** Makes a server. It does nothing before `listen`, `attach` or `handleUpgrade`. @throws OptionError, UsageError */
export function createServer<Data = never>(options: ServerOptions<Data> = {}): Server<Data> {
  return new Server(resolveOptions(options));
}

export class Server<Data = undefined> {
  /** Totals since the server was made. Read them whenever you like; they are counted as things happen. */
  readonly stats: Stats;
  /** The clients that are connected, by id. */
  readonly clients: ReadonlyMap<string, Client<Data>>;

  readonly #options: ResolvedOptions<Data>;
  readonly #engine: Engine<Data>;
  readonly #attached = new Map<UpgradeSource, () => void>();
  #tls: TlsOptions | undefined;
  #http: HttpServer | null = null;
  #door: FrontDoorControl | null = null;
  #http2: Http2Sessions | null = null;
  #httpEnded = true;
  #shutdown: Promise<ShutdownReport> | null = null;
  /** Clients that have closed cleanly since the shutdown began. */
  readonly #shutdownOutcome = { clean: 0 };

  /** @internal See `createServer`. */
  constructor(options: ResolvedOptions<Data>) {
    this.#options = options;
    this.#tls = options.tls;
    const isDraining = (): boolean => this.#shutdown !== null;
    this.#engine = new Engine(this, options, {
      get isDraining() {
        return isDraining();
      },
      responses: null,
      onDisconnect: ({ wasClean }) => {
        if (this.#shutdown !== null && wasClean) this.#shutdownOutcome.clean++;
      },
      onCloserAnswered: () => this.#endHttp(false),
    });
    this.stats = statsOf(this.#engine.counters);
    this.clients = readOnly(this.#engine.registry.clients);
  }

  /** Whether new clients are taken: it listens or is attached, and no shutdown has begun. */
  get isReady(): boolean {
    return this.#shutdown === null && (this.#http?.listening === true || this.#attached.size > 0);
  }

  /**
   * What waits for slow clients, in bytes of memory: messages, what keeping each costs, and what sockets were handed and have not taken.
   * What several clients wait for counts once.
   */
  get backlogBytes(): number {
    return this.#engine.context.outboxes.budget.used;
  }

  /** What has come from clients in part, or is not with their handlers yet, in bytes of memory. */
  get incomingBytes(): number {
    return this.#engine.context.incoming.used;
  }

  /** Handshakes that wait for `authenticate`. */
  get pendingHandshakes(): number {
    return this.#engine.upgrades.pending;
  }

  /** Handlers that have begun and whose promises are pending, of all clients. */
  get pendingHandlers(): number {
    return this.#engine.context.runner.times.pending;
  }

  /**
   * What there is of HTTP/2: connections to the port of `listen`, and clients, those whose handshakes are under way among them. Those of
   * attached servers are clients here, and their connections are not.
   */
  get http2(): { readonly connections: number; readonly clients: number } {
    return { connections: this.#http2?.size ?? 0, clients: this.#engine.upgrades.http2Clients };
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
    return this.#engine.context.topics.size;
  }

  /** Each topic that somebody is subscribed to, and by how many. */
  topicSizes(): Map<string, number> {
    return this.#engine.context.topics.sizes();
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
    if (this.#options.http2 && tls === undefined) throw new UsageError("listen: http2 needs tls, as browsers have it");
    const http = this.#engine.createHttp(tls);
    this.#http = http;
    if (this.#options.http2) this.#http2 = this.#engine.takeHttp2(http);
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
      this.#door = this.#engine.openDoor(http);
    }
    this.#httpEnded = false;
    http.once("close", () => (this.#httpEnded = true));
    http.on("error", (error) => this.#engine.reports.listenerError(error));
    const listening = listeningAt(place, bound, tls !== undefined, this.#options.path ?? "/");
    this.#engine.reports.listening(listening, this.#door === null ? "portable" : "lean");
    return listening;
  }

  /**
   * Takes the WebSocket handshakes of an HTTP server that is already there: that of Express, Fastify or Hono, say. Its timeouts, its
   * TLS and its end remain its owner's. Several servers with different paths may share it, and so may listeners of others, which see
   * the upgrades that are not this server's: those of other paths with `path`, and without it those that are plainly theirs. With the
   * option `http2` also one of `node:http2`, of whose sessions those that begin from now on are told that they may ask.
   * @throws UsageError for what is no HTTP server, one that is attached already, and after `close`
   */
  attach(http: UpgradeSource): void {
    if (this.#shutdown !== null) throw new UsageError("attach: this server has been closed");
    checkUpgradeSource(http, this.#options.http2);
    if (this.#attached.has(http)) throw new UsageError("attach: this HTTP server is attached already");
    this.#attached.set(http, this.#engine.attach(http));
  }

  /**
   * Takes no more handshakes of an attached HTTP server: they go to whoever else listens for upgrades there. Clients stay connected, and
   * handshakes under way are decided.
   * @returns false when it was not attached
   */
  detach(http: UpgradeSource): boolean {
    this.#attached.get(http)?.();
    return this.#attached.delete(http);
  }

  /**
   * Takes one handshake: what the `upgrade` event of a `node:http` server hands over.
   * @throws UsageError when the socket has been taken before, by this server or another
   */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#engine.upgrades.handle(request, socket, head);
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
    this.#engine.counters.published++;
    checkPayload(payload);
    const subscribers = this.#engine.context.topics.subscribersOf(topic);
    if (subscribers.size === 0) return 0;
    const { except, key = topic } = options;
    const message = new Outgoing(payload, this.#engine.context.compression);
    let delivered = 0;
    for (const session of subscribers) {
      if (session.client === except) continue;
      const result = session.deliver(message, key);
      if (result === "sent" || result === "queued") delivered++;
    }
    this.#engine.counters.deliveries += delivered;
    return delivered;
  }

  /** Replaces the certificate: new connections get the new one, the others keep what they have. @throws what `node:tls` throws */
  setTls(tls: TlsOptions): void {
    if (this.#tls === undefined) throw new UsageError("setTls: this server was made without tls");
    if (this.#http === null) loadTls().createSecureContext(tls);
    else (this.#http as HttpsServer).setSecureContext(tls);
    this.#tls = tls;
    this.#engine.reports.tlsReplaced();
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
    const { caller } = this.#engine.context.runner;
    // Once it has returned or waits, most likely for this.
    if (caller !== null) queueMicrotask(() => caller.shutDown(reason, true));
    this.#engine.requests.noteCloser();
    return this.#shutdown;
  }

  async #close(graceMs: number, reason: string): Promise<ShutdownReport> {
    this.#engine.reports.shutdownStarted({ clients: this.#engine.registry.size, graceMs, reason });
    // One tick later #shutdown is set, and whoever asks is told that this server is draining.
    await Promise.resolve();
    const port = {
      clock: this.#options.clock,
      clients: this.#sessions(),
      stopAccepting: () => this.#stopAccepting(),
      endHttp: (force: boolean) => this.#endHttp(force),
    };
    const report = await shutDown(port, graceMs, reason, this.#shutdownOutcome);
    for (const http of this.#attached.keys()) this.detach(http);
    this.#engine.context.wheel.stop();
    this.#engine.reports.shutdownFinished(report);
    return report;
  }

  #sessions(): { readonly size: number; values(): Session<Data>[] } {
    const { clients } = this.#engine.registry;
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
    this.#http2?.close();
    this.#engine.upgrades.refusePending();
  }

  #endHttp(force: boolean): boolean {
    if (force) this.#http2?.destroy();
    // Not closeIdleConnections: to Node a connection that has not asked for anything yet is not idle, and browsers keep some in reserve.
    if (force || this.#engine.requests.isIdle) this.#http?.closeAllConnections?.();
    const isEnded = this.#httpEnded || this.#engine.requests.haveAllAskedToClose;
    // Besides the clients, those that are still told why they were refused.
    return isEnded && (this.#door?.open ?? 0) === 0;
  }
}
