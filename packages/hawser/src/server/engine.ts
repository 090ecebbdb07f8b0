import type { IncomingMessage, Server as HttpServer } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Duplex } from "node:stream";
import { asksForUpgradeTo } from "../protocol/handshake.js";
import { PayloadMemory } from "../protocol/payload-memory.js";
import type { Disconnect } from "./api/causes.js";
import type { TlsOptions } from "./api/options.js";
import type { ResolvedOptions } from "./api/resolved-options.js";
import type { UpgradeRequest } from "./api/upgrade-request.js";
import { withoutContext } from "./base/async-context.js";
import { DeadlineWheel } from "./base/deadlines.js";
import { attach, type Taker } from "./handshake/attach.js";
import { createHttpServer, graceOf } from "./handshake/http.js";
import { Http2Sessions } from "./handshake/http2.js";
import type { UpgradeSource } from "./handshake/upgrade-source.js";
import type { ResponseHooks } from "./handshake/upgrade-port.js";
import { Upgrades } from "./handshake/upgrade.js";
import { internals } from "./internals/internals.js";
import { OrdinaryRequests } from "./ordinary-requests.js";
import { Registry } from "./registry.js";
import { Reports } from "./reports.js";
import { MemoryBudget } from "./sending/memory-budget.js";
import { overflowPolicies } from "./sending/overflow.js";
import { Scratch } from "./sending/scratch.js";
import { Topics } from "./sending/topics.js";
import { Turns } from "./sending/turns.js";
import type { ConnectedClient } from "./session/connected-client.js";
import { HandlerRunner } from "./session/handler-runner.js";
import { PingSource } from "./session/heartbeat.js";
import type { Recipient, SessionContext, SessionIdentity } from "./session/session-context.js";
import { Session } from "./session/session.js";
import type { ClientSocket } from "./sockets/client-socket.js";
import type { FrontDoorControl, NodeInternals } from "./sockets/node-internals.js";
import { defaultLogger } from "./watching/default-logger.js";
import { guardedLog } from "./watching/guarded-log.js";
import { HandlerTimes } from "./watching/handler-times.js";
import { findOpenTelemetry } from "./watching/opentelemetry.js";
import { type Counters, emptyStats } from "./watching/stats.js";

/** What there is of Node below its documented API for sessions that have no engine: those of connections to other servers. */
export const platform: Pick<NodeInternals, "carriesStores" | "reads" | "streamOf"> = internals;

/** What the one whose engine it is decides. */
export interface EnginePort<Data> {
  /** No new clients are taken. */
  readonly isDraining: boolean;
  /** Null: responses are as the options have it. */
  readonly responses: ResponseHooks | null;
  /** Where payloads are put. @default memory that clients share */
  readonly memory?: PayloadMemory;
  /** See `Connection`. @default false */
  readonly hearsWhileClosing?: boolean;
  /** A handshake has succeeded. Left out, it becomes a `Session`. */
  makeSession?(
    socket: ClientSocket,
    identity: SessionIdentity<Data>,
    request: UpgradeRequest,
    context: SessionContext<Data>,
  ): Session<Data>;
  onDisconnect(disconnect: Disconnect): void;
  /** An ordinary request that had asked for the shutdown has been answered. */
  onCloserAnswered(): void;
}

/**
 * All that serves clients, whatever API stands before it: the handshakes and the HTTP around them, the sessions and what they share, and
 * who is told of it. `Server` has one, and so has each server of hawser/ws.
 */
export class Engine<Data> {
  readonly options: ResolvedOptions<Data>;
  readonly counters: Counters = emptyStats();
  readonly reports: Reports<Data>;
  readonly registry: Registry<ConnectedClient<Data>>;
  readonly context: SessionContext<Data>;
  readonly upgrades: Upgrades<Data>;
  readonly requests: OrdinaryRequests;
  readonly #port: EnginePort<Data>;

  /** @param server what logs and diagnostics channels are told it is */
  constructor(server: object, options: ResolvedOptions<Data>, port: EnginePort<Data>) {
    const clock = withoutContext(options.clock);
    const wheel = new DeadlineWheel(clock);
    const reads = options.portableSockets ? null : internals.reads;
    const { counters } = this;
    this.options = options;
    this.#port = port;
    const log = guardedLog(options.logger ?? defaultLogger(options.logLevel));
    this.reports = new Reports<Data>(server, log, clock, counters);
    this.registry = new Registry(options.maxClients, options.maxClientsPerAddress);
    this.context = {
      settings: options,
      runner: new HandlerRunner(options, new HandlerTimes(counters.handlerTimes, () => performance.now()), server),
      clock,
      wheel,
      pings: new PingSource(),
      outboxes: {
        turns: new Turns(clock, options.maxMessagesPerTurn),
        scratch: new Scratch(),
        budget: new MemoryBudget(options.maxTotalBacklogBytes),
        maxBacklogBytes: options.maxBacklogBytes,
        overflow: overflowPolicies[options.overflow],
        stats: counters,
      },
      compression: {
        level: options.compressionLevel,
        memLevel: options.compressionMemLevel,
        thresholdBytes: options.compressionThresholdBytes,
      },
      memory: port.memory ?? new PayloadMemory(),
      incoming: new MemoryBudget(options.maxTotalIncomingBytes),
      topics: new Topics<Recipient<Data>>(),
      stats: counters,
      nextMaskingKey: null,
      hearsWhileClosing: port.hearsWhileClosing ?? false,
      reads,
      carriesStores: internals.carriesStores,
      onHandlerError: (client, handler, error) => this.reports.handlerError(client, handler, error),
      onDisconnect: (client, disconnect) => this.#onDisconnect(client, disconnect),
    };
    this.upgrades = new Upgrades(options, {
      get isDraining() {
        return port.isDraining;
      },
      clock,
      wheel,
      internals,
      reads,
      incoming: this.context.incoming,
      places: this.registry,
      reports: this.reports,
      responses: port.responses,
      tracing: findOpenTelemetry(),
      isIdTaken: (id) => this.registry.clients.has(id),
      accept: (socket, identity, request, early) => this.#accept(socket, identity, request, early),
    });
    this.requests = new OrdinaryRequests({
      handler: options.request,
      refuseHandshake: (request, response) => this.upgrades.refuseBroken(request, response),
      onHandlerError: (error) => this.reports.requestHandlerError(error),
      // The last one, perhaps: what is left are connections that have asked for nothing.
      onCloserAnswered: () => port.onCloserAnswered(),
    });
  }

  /** An HTTP server for it, which does not listen yet. */
  createHttp(tls: TlsOptions | undefined): HttpServer {
    const http = createHttpServer(this.options, tls, this.options.http2, (reason, status, socket) =>
      this.reports.httpError(reason, status, socket),
    );
    http.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.upgrades.handle(request, socket, head, http),
    );
    internals.ignoreUpgrades(http, (request) => !asksForUpgradeTo(request, "websocket"));
    http.on("request", (request, response) => this.requests.answer(request, response));
    return http;
  }

  /** Over HTTP/2 whoever comes to an HTTPS server of `createHttp` and has agreed on it. */
  takeHttp2(https: HttpServer): Http2Sessions {
    return new Http2Sessions(https as HttpsServer, this.options, {
      wheel: this.context.wheel,
      onHandshake: (request) => this.upgrades.handleStream(request, https),
      onRequest: (request, response) => this.requests.answer(request, response),
      onError: (reason, socket) => this.reports.httpError(reason, 400, socket),
    });
  }

  /** To be called once it listens. @returns null: it takes connections by node:http */
  openDoor(http: HttpServer): FrontDoorControl | null {
    return internals.openFrontDoor(http, {
      maxHeaderBytes: this.options.maxHeaderBytes,
      patienceMs: graceOf(this.options),
      onHandshake: (request, socket, early) => this.upgrades.handleAtDoor(request, socket, early, http),
      onBroken: (code) => this.reports.httpError(code, 400, null),
    });
  }

  /** Takes the handshakes of an HTTP server that is there already. @returns what undoes it */
  attach(http: UpgradeSource, taker: Taker = this.upgrades): () => void {
    return attach(http, taker, internals);
  }

  #accept(socket: ClientSocket, identity: SessionIdentity<Data>, request: UpgradeRequest, early: Buffer): void {
    const session =
      this.#port.makeSession?.(socket, identity, request, this.context) ?? new Session(socket, identity, this.context);
    this.registry.add(session.client);
    this.reports.connected(session.client, request, this.registry.size);
    session.start(request, early);
  }

  #onDisconnect(client: ConnectedClient<Data>, disconnect: Disconnect): void {
    this.registry.remove(client);
    this.#port.onDisconnect(disconnect);
    this.reports.disconnected(client, disconnect, this.registry.size);
  }
}
