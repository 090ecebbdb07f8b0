import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { causes, type Disconnect } from "./api/causes.js";
import type { Client } from "./api/client.js";
import type { Logger } from "./api/logger.js";
import type { Handlers } from "./api/options.js";
import { type Refusal, type RefusalDecision, refusals } from "./api/refusal.js";
import type { UpgradeRequest } from "./api/upgrade-request.js";
import type { Clock } from "./base/clock.js";
import { addressAt, normalAddress } from "./handshake/address.js";
import { authorityOf, headerOf, messageOf, type RequestHead } from "./handshake/request.js";
import type { HandshakeReports } from "./handshake/upgrade-port.js";
import type { Listening } from "./listen.js";
import type { ShutdownReport } from "./shutdown.js";
import { tell } from "./watching/diagnostics.js";
import { SampledLog } from "./watching/sampled-log.js";
import { count, type Counters } from "./watching/stats.js";

/** What happens to a server and its clients, each kind of event in one place: counted, logged, and told on its diagnostics channel. */
export class Reports<Data> implements HandshakeReports {
  readonly #server: object;
  readonly #log: Logger;
  /** For what anybody can provoke who is no client. */
  readonly #sampledLog: SampledLog;
  readonly #clock: Clock;
  readonly #counters: Counters;

  constructor(server: object, log: Logger, clock: Clock, counters: Counters) {
    this.#server = server;
    this.#log = log;
    this.#sampledLog = new SampledLog(log, clock);
    this.#clock = clock;
    this.#counters = counters;
  }

  /** @param sockets lean ones, or those of `node:net` and `node:tls` */
  listening(listening: Listening, sockets: "lean" | "portable"): void {
    this.#log.info({ event: "listening", ...listening, sockets }, `listening on ${listening.url}`);
    tell("hawser:listening", () => ({ server: this.#server, ...listening }));
  }

  listenerError(err: unknown): void {
    this.#log.error({ event: "server-error", err }, "the listener failed");
  }

  tlsReplaced(): void {
    this.#log.info({ event: "tls-replaced" }, "the certificate was replaced");
  }

  handshake(head: RequestHead, address: string, path: string): void {
    tell("hawser:handshake", () => ({ server: this.#server, request: messageOf(head), address, path }));
  }

  refused(head: RequestHead, { status, reason }: Refusal, address: string, path: string): void {
    count(this.#counters.refused, reason);
    const [host, origin] = [authorityOf(head), headerOf(head, "origin")].map((text = "") => text.slice(0, 256));
    const fields = { event: "refused", address, host, origin, path: path.slice(0, 256), status, reason };
    const hint = Object.hasOwn(refusals, reason) ? refusals[reason as RefusalDecision].hint : undefined;
    this.#sampledLog.warn(`refused ${reason}`, fields, `handshake refused${hint === undefined ? "" : `: ${hint}`}`);
    tell("hawser:refused", () => ({ server: this.#server, request: messageOf(head), address, path, status, reason }));
  }

  aborted(head: RequestHead): void {
    this.#counters.aborted++;
    tell("hawser:aborted", () => ({ server: this.#server, request: messageOf(head) }));
  }

  handshakeError(address: string, err: unknown): void {
    const fields = { event: "handshake-error", address, err };
    this.#sampledLog.error("handshake-error", fields, "authenticate, data or generateId failed");
  }

  refusalBodyError(err: unknown): void {
    this.#sampledLog.error("server-error refusalBody", { event: "server-error", err }, "refusalBody failed");
  }

  /** @param clients how many are connected now */
  connected(client: Client<Data>, request: UpgradeRequest, clients: number): void {
    this.#counters.opened++;
    const { id, address, path, subprotocol, isCompressed: compression } = client;
    const { httpVersion } = request;
    const place = { id, address, path: path.slice(0, 256), httpVersion };
    const fields = { event: "connect", ...place, subprotocol, compression, clients };
    this.#log.info(fields, "client connected");
    tell("hawser:connect", () => ({ server: this.#server, request: request.raw, client }));
  }

  /** @param clients how many are connected now */
  disconnected(client: Client<Data>, disconnect: Disconnect, clients: number): void {
    const { code, reason, cause, initiator } = disconnect;
    count(this.#counters.closed, cause);
    const { id, messagesIn, messagesOut, bytesIn, bytesOut, dropped, rttMs } = client;
    const durationMs = Math.round(this.#clock.now() - client.connectedAt);
    const totals = { messagesIn, messagesOut, bytesIn, bytesOut, dropped, rttMs };
    const fields = { event: "disconnect", id, code, reason, cause, initiator, durationMs, ...totals, clients };
    this.#log[causes[cause].level](fields, "client disconnected");
    tell("hawser:disconnect", () => ({ server: this.#server, client, disconnect }));
  }

  handlerError(client: Client<Data>, handler: keyof Handlers<Data>, err: unknown): void {
    this.#counters.handlerErrors[handler]++;
    this.#log.error({ event: "handler-error", id: client.id, handler, err }, `the ${handler} handler failed`);
    tell("hawser:handler-error", () => ({ server: this.#server, client, handler, error: err }));
  }

  requestHandlerError(err: unknown): void {
    this.#sampledLog.error("server-error request", { event: "server-error", err }, "the request handler failed");
  }

  /** @param socket null: it is gone, and has said nothing */
  httpError(reason: string, status: number, socket: Duplex | null): void {
    this.#counters.httpErrors++;
    const { bytesRead = 0 } = (socket ?? {}) as Partial<Socket>;
    const address = normalAddress(addressAt(socket as Partial<Socket> | null));
    tell("hawser:http-error", () => ({ server: this.#server, address, status, reason }));
    const fields = { event: "http-error", address, status, reason };
    // What balancers' health checks and browsers' spare connections leave behind, day and night: a reset, or no byte at all.
    const isIdle = socket === null || socket.destroyed || reason === "ECONNRESET" || bytesRead === 0;
    if (isIdle) this.#log.debug(fields, "a connection ended before its request");
    else this.#sampledLog.warn(`http-error ${reason}`, fields, "broken HTTP request");
  }

  shutdownStarted(started: { clients: number; graceMs: number; reason: string }): void {
    this.#log.info({ event: "shutdown-started", ...started }, "shutting down");
    tell("hawser:shutdown-started", () => ({ server: this.#server, ...started }));
  }

  shutdownFinished(report: ShutdownReport): void {
    // What was left out so far is told before the last line.
    this.#sampledLog.end();
    this.#log.info({ event: "shutdown-finished", ...report }, "shut down");
    tell("hawser:shutdown-finished", () => ({ server: this.#server, report }));
  }
}
