/** A client asks to come in: its request is read, held against the rules, and accepted (101) or refused. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { DeflateOptions } from "../../protocol/deflate-negotiation.js";
import {
  type AcceptedHandshake,
  type AcceptedOffer,
  asksForUpgradeTo,
  checkConnectHandshake,
  checkHandshake,
} from "../../protocol/handshake.js";
import { chooseSubprotocol } from "../../protocol/subprotocol.js";
import { type Refusal, refusal } from "../api/refusal.js";
import type { ResolvedOptions } from "../api/resolved-options.js";
import type { UpgradeRequest } from "../api/upgrade-request.js";
import { runApart } from "../base/async-context.js";
import { isThenable } from "../base/thenable.js";
import { UsageError } from "../base/usage-error.js";
import type { LeanRequest } from "../sockets/node-internals.js";
import { type ClientSocket, isGone, isTaken, markTaken, own } from "../sockets/client-socket.js";
import type { HandshakeTrace, Tracing } from "../watching/tracing.js";
import { Admission } from "./admission.js";
import { Application } from "./application.js";
import { ClientAddresses } from "./client-addresses.js";
import { endAsSocket } from "../sockets/http2-stream.js";
import { ConnectRequest } from "./connect-request.js";
import type { Listener } from "./host.js";
import { PendingHandshake } from "./pending-handshake.js";
import { LazyUpgradeRequest, messageOf, type RequestHead } from "./request.js";
import {
  acceptedHead,
  answerRefused,
  answerRefusedStream,
  respondAccepted,
  respondRefused,
  writeAccepted,
  writeRefused,
} from "./response.js";
import { Strays } from "./stray.js";
import { Targets } from "./target.js";
import type { UpgradePort } from "./upgrade-port.js";

/** A handshake that has arrived. */
interface Arrival {
  readonly head: RequestHead;
  readonly socket: ClientSocket;
  readonly address: string;
  readonly path: string;
  readonly trace: HandshakeTrace | null;
}

/** One that nothing is to be said against so far. It has a place among the clients. */
interface Candidate extends Arrival {
  readonly handshake: AcceptedOffer;
  readonly request: UpgradeRequest;
  /** What the client has sent after it. */
  readonly early: Buffer;
}

/** What `authenticate` answers: false refuses. */
type Decision<Data> = Data | false;

/** Takes handshakes, and accepts or refuses each. */
export class Upgrades<Data> {
  readonly #options: ResolvedOptions<Data>;
  readonly #port: UpgradePort<Data>;
  readonly #compression: DeflateOptions | null;
  readonly #targets = new Targets();
  readonly #addresses: ClientAddresses;
  readonly #admission: Admission<Data>;
  readonly #application: Application<Data>;
  readonly #pending = new Set<PendingHandshake>();
  readonly #strays: Strays;

  constructor(options: ResolvedOptions<Data>, port: UpgradePort<Data>) {
    this.#options = options;
    this.#port = port;
    this.#compression = compressionOf(options);
    this.#addresses = new ClientAddresses(options.trustProxy);
    this.#admission = new Admission(options, port, this.#targets, this.#addresses);
    this.#application = new Application(options, port);
    this.#strays = new Strays(port.wheel, options.handshakeTimeoutMs, (request, socket) =>
      this.#refuse(this.#arrive(request, socket, null), refusal(port.isDraining ? "draining" : "path")),
    );
  }

  get hasPath(): boolean {
    return this.#options.path !== undefined;
  }

  get takesHttp2(): boolean {
    return this.#options.http2;
  }

  /** Whether a handshake on an HTTP server that others may share is for this server. */
  claims(request: RequestHead, isShared: boolean): boolean {
    return this.#admission.claims(request, isShared);
  }

  /** Answers a request that was left to the other listeners of an HTTP server, if nobody takes it in time. */
  watch(request: IncomingMessage, socket: Duplex, source: object): void {
    this.#strays.add(request, socket, source);
  }

  /** Answers at once those of an HTTP server that nobody has taken: the server is detached from it. */
  refuseStrays(source: object): void {
    this.#strays.end(source);
  }

  /** How many wait for `authenticate`. */
  get pending(): number {
    return this.#pending.size;
  }

  /** How many clients there are over HTTP/2, those whose handshakes are under way among them. */
  get http2Clients(): number {
    return this.#admission.http2Clients;
  }

  /** Refuses those that wait for `authenticate`: the server shuts down. */
  refusePending(): void {
    for (const pending of this.#pending) pending.end("draining");
  }

  /**
   * The `upgrade` event of a `node:http` server.
   * @param listener that server; left out, it is the one that the socket says it belongs to
   * @throws UsageError when the socket has been taken before
   */
  handle(request: IncomingMessage, socket: Duplex, early: Buffer, listener?: Listener): void {
    if (!asksForUpgradeTo(request, "websocket") && this.#port.internals.handleAsRequest(request, socket, early)) return;
    if (isTaken(socket)) {
      throw new UsageError(
        "handleUpgrade: this socket has been taken already. Hand each handshake to one server, and none that `attach` takes",
      );
    }
    markTaken(socket);
    // From the first tick: a reset that nobody listens for would end the process.
    socket.on("error", ignoreError);
    const owner = listener ?? (socket as { server?: Listener }).server;
    this.#port.internals.afterAnswers(request, socket, () => {
      // The limits of HTTP end here; the deadlines of a WebSocket take over.
      (socket as Socket).setTimeout?.(0);
      (socket as Socket).setNoDelay?.(true);
      runApart(() => this.#handle(request, socket, early, owner));
    });
  }

  /** The same, from the front door. */
  handleAtDoor(request: LeanRequest, socket: ClientSocket, early: Buffer, listener: Listener): void {
    this.#handle(request, socket, early, listener);
  }

  /** One that came as a stream of HTTP/2. @param listener the server that it came to */
  handleStream(request: ConnectRequest, listener: Listener): void {
    const { stream } = request;
    markTaken(stream);
    // From the first tick: a reset that nobody listens for would end the process.
    stream.on("error", ignoreError);
    endAsSocket(stream);
    runApart(() => this.#handle(request, stream, NOTHING, listener));
  }

  /**
   * Refuses a handshake that did not arrive as an upgrade, for `Connection: Upgrade` is missing, say.
   * @returns false for a request that is none
   */
  refuseBroken(request: IncomingMessage, response: ServerResponse): boolean {
    const { headers } = request;
    if (headers["sec-websocket-key"] === undefined && headers["sec-websocket-version"] === undefined) return false;
    const handshake = checkHandshake(request, { compression: null });
    if (handshake.ok) return false;
    const address = this.#addresses.of(request);
    const { path } = this.#targets.of(request);
    this.#port.reports.handshake(request, address, path);
    this.#port.reports.refused(request, handshake, address, path);
    const answer = request.httpVersionMajor >= 2 ? answerRefusedStream : answerRefused;
    answer(response, handshake.status, handshake.headers, this.#application.bodyOf(handshake));
    return true;
  }

  #handle(head: RequestHead, socket: ClientSocket, early: Buffer, listener: Listener | undefined): void {
    const arrival = this.#arrive(head, socket, this.#port.tracing());
    const { address, trace } = arrival;
    // Whoever hands it over may have taken its time; a socket that has ended says so no more.
    if (isGone(socket)) {
      this.#abort(arrival);
      return;
    }
    const handshake = this.#checkForm(head);
    const refused = handshake.ok ? this.#admission.check(head, address, listener, this.#pending.size) : handshake;
    if (refused !== null || !handshake.ok) {
      this.#refuse(arrival, refused!);
      return;
    }
    const request = new LazyUpgradeRequest(head, this.#targets.of(head), address, handshake.offeredSubprotocols);
    const candidate = { head, socket, address, path: arrival.path, trace, handshake, request, early };
    if (this.#options.authenticate === undefined) this.#accept(candidate, undefined as Data);
    else this.#authenticate(candidate, this.#options.authenticate);
  }

  #checkForm(head: RequestHead): ReturnType<typeof checkConnectHandshake> {
    const options = { compression: this.#compression };
    return head instanceof ConnectRequest ? checkConnectHandshake(head, options) : checkHandshake(head, options);
  }

  #arrive(head: RequestHead, socket: ClientSocket, tracing: Tracing | null): Arrival {
    const { path } = this.#targets.of(head);
    const address = this.#addresses.of(head);
    const trace = tracing?.handshake(messageOf(head), address, path) ?? null;
    this.#port.reports.handshake(head, address, path);
    return { head, socket, address, path, trace };
  }

  #authenticate(candidate: Candidate, authenticate: NonNullable<ResolvedOptions<Data>["authenticate"]>): void {
    const { request, socket, early, trace } = candidate;
    const dueAt = this.#port.wheel.time.now + this.#options.handshakeTimeoutMs;
    const pending = new PendingHandshake(socket, early, dueAt, this.#port.incoming);
    const context = {
      get signal() {
        return pending.signal;
      },
    };
    const decide = (): Decision<Data> | Promise<Decision<Data>> => authenticate(request, context);
    let data: Decision<Data>;
    try {
      const decision = trace === null ? decide() : trace.run(decide);
      if (isThenable(decision)) {
        void this.#waitFor({ ...candidate, early: NOTHING }, pending, decision);
        return;
      }
      data = decision;
    } catch (error) {
      this.#decided(candidate, pending, this.#application.refusalFor(error, request.address));
      return;
    }
    this.#decided(candidate, pending, null, data);
  }

  /** While the application decides, the client may go away, or take no end. */
  async #waitFor(candidate: Candidate, pending: PendingHandshake, decision: Promise<Decision<Data>>): Promise<void> {
    const { wheel } = this.#port;
    wheel.schedule(pending, pending.dueAt);
    own(candidate.socket, pending, this.#port.reads);
    this.#pending.add(pending);
    let data: Decision<Data> | undefined;
    let refused: Refusal | null = null;
    try {
      data = await pending.race(decision);
    } catch (error) {
      if (pending.ended === null) refused = this.#application.refusalFor(error, candidate.address);
    }
    this.#pending.delete(pending);
    wheel.remove(pending);
    this.#decided(candidate, pending, refused, data);
  }

  #decided(candidate: Candidate, pending: PendingHandshake, refused: Refusal | null, data?: Decision<Data>): void {
    const early = pending.takeEarly();
    if (pending.ended === "gone" || isGone(candidate.socket)) {
      this.#giveUp(candidate, null);
      return;
    }
    const byFalse = data === false ? refusal("by-application") : null;
    const why = pending.ended === null ? (refused ?? byFalse) : refusal(pending.ended);
    if (why === null) this.#accept({ ...candidate, early }, data as Data);
    else this.#giveUp(candidate, why);
  }

  #accept(candidate: Candidate, data: Data): void {
    const { socket, handshake, request, address, path, trace, early } = candidate;
    let id: string;
    let subprotocol: string | null;
    let lines: string[];
    try {
      id = this.#application.idFor(request);
      data = this.#application.dataFor(request, data);
      subprotocol = this.#chooseSubprotocol(handshake.offeredSubprotocols, request);
      lines = acceptedHead(handshake, subprotocol, this.#options.responseHeaders);
      this.#port.responses?.onHead(lines, request);
    } catch (error) {
      this.#giveUp(candidate, this.#application.refusalFor(error, address));
      return;
    }
    // The application has been called, and may have ended it.
    if (isGone(socket)) {
      this.#giveUp(candidate, null);
      return;
    }
    try {
      if (candidate.head instanceof ConnectRequest) respondAccepted(candidate.head.stream, lines);
      else writeAccepted(socket, handshake as AcceptedHandshake, lines);
    } catch (error) {
      this.#giveUp(candidate, this.#application.refusalFor(error, address));
      return;
    }
    const { deflate } = handshake;
    const connection = trace?.accepted(id, subprotocol) ?? null;
    const identity = { id, data, address, path, subprotocol: subprotocol ?? "", deflate, trace: connection };
    this.#port.accept(socket, identity, request, early);
  }

  #chooseSubprotocol(offered: readonly string[], request: UpgradeRequest): string | null {
    const { responses } = this.#port;
    if (responses !== null) return responses.chooseSubprotocol(offered, request);
    return chooseSubprotocol(offered, this.#options.subprotocols);
  }

  /** Its place is free again. @param why null: the client is gone */
  #giveUp(candidate: Candidate, why: Refusal | null): void {
    this.#port.places.cancel(candidate.address);
    if (why === null) this.#abort(candidate);
    else this.#refuse(candidate, why);
  }

  #abort({ head, socket, trace }: Arrival): void {
    this.#port.reports.aborted(head);
    trace?.aborted();
    socket.destroy();
  }

  #refuse({ head, socket, address, path, trace }: Arrival, refused: Refusal): void {
    this.#port.reports.refused(head, refused, address, path);
    trace?.refused(refused);
    const { responses } = this.#port;
    const answer = responses === null ? refused : responses.onRefused(refused, head, socket);
    if (answer === null) return;
    const body = this.#application.bodyOf(answer);
    if (head instanceof ConnectRequest) respondRefused(head.stream, answer.status, answer.headers, body);
    else writeRefused(socket, answer.status, answer.headers, body);
  }
}

function compressionOf<Data>(options: ResolvedOptions<Data>): DeflateOptions | null {
  if (!options.compression) return null;
  return {
    contextTakeover: options.compressionContextTakeover,
    serverMaxWindowBits: options.compressionServerWindowBits,
    clientMaxWindowBits: options.compressionClientWindowBits,
    level: options.compressionLevel,
    memLevel: options.compressionMemLevel,
    thresholdBytes: options.compressionThresholdBytes,
  };
}

const NOTHING = Buffer.alloc(0);

function ignoreError(): void {
  // The socket closes right after, and that is where it is counted.
}
