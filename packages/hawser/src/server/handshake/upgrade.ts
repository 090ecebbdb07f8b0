/** A client asks to come in: its request is read, held against the rules, and accepted (101) or refused. */
import { AsyncResource } from "node:async_hooks";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { Assembly } from "../../protocol/assembly.js";
import type { DeflateOptions } from "../../protocol/deflate-negotiation.js";
import { type AcceptedHandshake, asksForUpgradeTo, checkHandshake } from "../../protocol/handshake.js";
import { chooseSubprotocol } from "../../protocol/subprotocol.js";
import { splitList } from "../../protocol/tokens.js";
import { type Refusal, refusal, refusalOf } from "../api/refusal.js";
import type { ResolvedOptions } from "../api/resolved-options.js";
import type { UpgradeRequest } from "../api/upgrade-request.js";
import { runApart } from "../base/async-context.js";
import type { Clock } from "../base/clock.js";
import type { DeadlineWheel, Timed } from "../base/deadlines.js";
import { freshId } from "../base/fresh-id.js";
import { isThenable } from "../base/thenable.js";
import { TokenBucket } from "../base/token-bucket.js";
import { UsageError } from "../base/usage-error.js";
import type { LeanSocket } from "../internals/lean-socket.js";
import { afterAnswers, handleAsRequest } from "../internals/other-upgrades.js";
import type { PlainRequest } from "../internals/plain-request.js";
import type { MemoryBudget } from "../sending/memory-budget.js";
import { Incoming } from "../session/incoming.js";
import type { SessionIdentity } from "../session/session.js";
import {
  type ClientSocket,
  isGone,
  isTaken,
  markTaken,
  own,
  type SocketOwner,
  type SocketReads,
} from "../sockets/client-socket.js";
import type { HandshakeTrace, Tracing } from "../watching/tracing.js";
import { clientAddress, type Proxies } from "./address.js";
import { Hosts, isOnLoopback, type Listener } from "./host.js";
import { Origins } from "./origin.js";
import {
  authorityOf,
  NodeUpgradeRequest,
  headerOf,
  messageOf,
  peerAddressOf,
  readTarget,
  type RequestHead,
  type Target,
} from "./request.js";
import { writeAccepted, writeRefused } from "./response.js";
import { Stray } from "./stray.js";

/** What upgrades need of their server. */
export interface UpgradePort<Data> {
  readonly isDraining: boolean;
  readonly clock: Clock;
  readonly wheel: DeadlineWheel;
  readonly proxies: Proxies;
  readonly reads: SocketReads | null;
  /** What has come from clients and is not with their handlers. */
  readonly incoming: MemoryBudget;
  /** Takes a place among the clients; `accept` or `cancel` follows. */
  reserve(address: string): "reserved" | "client-limit" | "address-limit";
  cancel(address: string): void;
  isIdTaken(id: string): boolean;
  accept(socket: ClientSocket, identity: SessionIdentity<Data>, request: UpgradeRequest, head: Buffer): void;
  /** What makes spans of handshakes that come now. */
  tracing(): Tracing | null;
  onHandshake(raw: RequestHead, address: string, path: string): void;
  onRefused(raw: RequestHead, refusal: Refusal, address: string, path: string): void;
  /** The client went away before it was decided. */
  onAborted(raw: RequestHead): void;
  onHandshakeError(address: string, error: unknown): void;
  onRefusalBodyError(error: unknown): void;
}

/** Takes handshakes: checks them, in the order in which they cost, and accepts or refuses each. */
export class Upgrades<Data> {
  readonly #options: ResolvedOptions<Data>;
  readonly #port: UpgradePort<Data>;
  readonly #compression: DeflateOptions | null;
  readonly #rate: TokenBucket;
  readonly #origins: Origins;
  readonly #hosts: Hosts;
  readonly #trustsProxies: boolean;
  readonly #pending = new Set<PendingHandshake>();
  readonly #strays = new Set<Stray>();
  /** The target that was read last: most clients of a server ask for the same, and share its strings. */
  #lastUrl = "/";
  #lastTarget = readTarget("/");

  constructor(options: ResolvedOptions<Data>, port: UpgradePort<Data>) {
    this.#options = options;
    this.#port = port;
    this.#origins = new Origins(options);
    this.#hosts = new Hosts(options.allowedHosts);
    this.#trustsProxies = options.trustProxy.length > 0;
    this.#rate = new TokenBucket(options.maxHandshakesPerSecond, port.clock.now());
    this.#compression = !options.compression
      ? null
      : {
          contextTakeover: options.compressionContextTakeover,
          serverMaxWindowBits: options.compressionServerWindowBits,
          clientMaxWindowBits: options.compressionClientWindowBits,
          level: options.compressionLevel,
          memLevel: options.compressionMemLevel,
          thresholdBytes: options.compressionThresholdBytes,
        };
  }

  get hasPath(): boolean {
    return this.#options.path !== undefined;
  }

  /**
   * Whether a handshake is for this server, on an HTTP server that others may share. Without `path` it is, unless it is plainly one of
   * theirs: it offers subprotocols of which this server speaks none, so that the client would not have it, or belongs to Next.
   */
  takes(raw: RequestHead, isShared: boolean): boolean {
    if (!isShared || this.#options.path !== undefined) return this.#serves(raw);
    const offered = splitList(headerOf(raw, "sec-websocket-protocol") ?? "");
    const isSpoken = offered.length === 0 || offered.some((name) => this.#options.subprotocols.includes(name));
    return isSpoken && !this.#targetOf(raw).path.startsWith(PATHS_OF_NEXT);
  }

  /** Whether the request's path is one that takes WebSockets. */
  #serves(raw: RequestHead): boolean {
    return this.#options.path === undefined || this.#targetOf(raw).path === this.#options.path;
  }

  /** Answers a request that was left to others, if nobody takes it in time. */
  watch(raw: IncomingMessage, socket: Duplex): void {
    // From the first tick, whoever answers: a reset that nobody listens for would end the process.
    socket.on("error", ignoreError);
    const { wheel } = this.#port;
    const stray = new Stray(socket, wheel.time.now + this.#options.handshakeTimeoutMs, {
      refuse: () => {
        if (isTaken(socket)) return;
        markTaken(socket);
        const request = { raw, address: this.addressOf(raw), path: this.#targetOf(raw).path };
        this.#port.onHandshake(raw, request.address, request.path);
        this.#refuse(request, socket, null, refusal(this.#port.isDraining ? "draining" : "path"));
      },
      onEnd: () => {
        this.#strays.delete(stray);
        wheel.remove(stray);
      },
    });
    this.#strays.add(stray);
    wheel.schedule(stray, stray.dueAt);
  }

  /** Answers at once those that nobody has taken: the server is detached. */
  refuseStrays(): void {
    for (const stray of this.#strays) stray.end();
  }

  /**
   * The `upgrade` event of a `node:http` server.
   * @param listener that server; left out, it is the one that the socket says it belongs to
   * @throws UsageError when the socket has been taken before
   */
  handle(raw: IncomingMessage, socket: Duplex, head: Buffer, listener?: Listener): void {
    if (!asksForUpgradeTo(raw, "websocket") && handleAsRequest(raw, socket, head)) return;
    if (isTaken(socket)) {
      throw new UsageError(
        "handleUpgrade: this socket has been taken already. Hand each handshake to one server, and none that `attach` takes",
      );
    }
    markTaken(socket);
    // From the first tick: a reset that nobody listens for would end the process.
    socket.on("error", ignoreError);
    const owner = listener ?? (socket as { server?: Listener }).server;
    afterAnswers(socket, () => {
      // The limits of HTTP end here; the deadlines of a WebSocket take over.
      (socket as Socket).setTimeout?.(0);
      (socket as Socket).setNoDelay?.(true);
      runApart(() => this.#handle(raw, socket, head, owner));
    });
  }

  /** The same, from the front door. */
  handlePlain(request: PlainRequest, socket: LeanSocket, head: Buffer, listener: Listener): void {
    this.#handle(request, socket, head, listener);
  }

  #handle(raw: RequestHead, socket: ClientSocket, head: Buffer, listener: Listener | undefined): void {
    const target = this.#targetOf(raw);
    const { path } = target;
    const address = this.addressOf(raw);
    const trace = this.#port.tracing()?.handshake(messageOf(raw), address, path) ?? null;
    this.#port.onHandshake(raw, address, path);
    // Whoever hands it over may have taken its time; a socket that has ended says so no more.
    if (isGone(socket)) {
      this.#abort(raw, socket, trace);
      return;
    }

    const handshake = checkHandshake(raw, { compression: this.#compression });
    const refused = handshake.ok ? this.#check(raw, address, listener) : handshake;
    if (refused !== null || !handshake.ok) {
      this.#refuse({ raw, address, path }, socket, trace, refused!);
      return;
    }
    const request = new NodeUpgradeRequest(raw, target, address, handshake.offeredSubprotocols);
    const arrived = { socket, handshake, request, head, trace };
    if (this.#options.authenticate === undefined) this.#accept(arrived, undefined as Data);
    else this.#authenticate(arrived, this.#options.authenticate);
  }

  #abort(raw: RequestHead, socket: ClientSocket, trace: HandshakeTrace | null): void {
    this.#port.onAborted(raw);
    trace?.aborted();
    socket.destroy();
  }

  /** A handshake that did not arrive as an upgrade, for `Connection: Upgrade` is missing, say. */
  handleBroken(raw: IncomingMessage): Refusal | null {
    const handshake = checkHandshake(raw, { compression: null });
    return handshake.ok ? null : handshake;
  }

  /** Refuses the handshakes that wait for `authenticate`: the server shuts down. */
  refusePending(): void {
    for (const pending of this.#pending) pending.end("draining");
  }

  /** How many wait for `authenticate`. */
  get pending(): number {
    return this.#pending.size;
  }

  #targetOf({ url = "/" }: RequestHead): Target {
    if (url !== this.#lastUrl) {
      this.#lastTarget = readTarget(url);
      this.#lastUrl = url;
    }
    return this.#lastTarget;
  }

  addressOf(raw: RequestHead): string {
    return clientAddress(peerAddressOf(raw), this.#forwardedFor(raw), this.#port.proxies);
  }

  #forwardedFor(raw: RequestHead): string | undefined {
    // Not raw.headers: node:http makes that object when it is first asked for, and a handshake can do without.
    return this.#trustsProxies ? headerOf(raw, "x-forwarded-for") : undefined;
  }

  /** What a page asks for has to be meant for us: by its origin, and by the host name under which it looked for us. */
  #checkPage(raw: RequestHead, listener: Listener | undefined): "origin" | "unknown-host" | null {
    const origin = headerOf(raw, "origin");
    if (origin === undefined) return null;
    const host = authorityOf(raw);
    const isTaken = this.#origins.judge(origin, host);
    if (isTaken === null) return "origin";
    if (isTaken === "listed" || this.#hosts.takes(host)) return null;
    if (this.#hosts.isGiven) return "unknown-host";
    return isTaken === "own" && isOnLoopback(listener) && !this.#isForwarded(raw) ? "unknown-host" : null;
  }

  /** Whether a proxy of ours has sent it: no page can have a browser write that header on a handshake. */
  #isForwarded(raw: RequestHead): boolean {
    return this.#forwardedFor(raw) !== undefined && this.#port.proxies.trusts(peerAddressOf(raw));
  }

  /** Takes a place among the clients when it finds nothing against the handshake. */
  #check(raw: RequestHead, address: string, listener: Listener | undefined): Refusal | null {
    const options = this.#options;
    if (this.#port.isDraining) return refusal("draining");
    if (!this.#serves(raw)) return refusal("path");
    const misled = this.#checkPage(raw, listener);
    if (misled !== null) return refusal(misled);
    if (!this.#rate.take(this.#port.clock.now())) return refusal("handshake-rate");
    if (this.#pending.size >= options.maxPendingHandshakes) return refusal("pending-handshakes");
    const place = this.#port.reserve(address);
    return place === "reserved" ? null : refusal(place);
  }

  #authenticate(arrived: Arrived, authenticate: NonNullable<ResolvedOptions<Data>["authenticate"]>): void {
    const { request, trace } = arrived;
    const pending = new PendingHandshake(
      arrived,
      this.#port.wheel.time.now + this.#options.handshakeTimeoutMs,
      this.#port.incoming,
    );
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
        void this.#waitFor({ ...arrived, head: NOTHING }, pending, decision);
        return;
      }
      data = decision;
    } catch (error) {
      this.#decided(arrived, pending, this.#refusalFor(error, request.address));
      return;
    }
    this.#decided(arrived, pending, null, data);
  }

  /** While the application decides, the client may go away, or take no end. */
  async #waitFor(arrived: Arrived, pending: PendingHandshake, decision: Promise<Decision<Data>>): Promise<void> {
    const { wheel } = this.#port;
    wheel.schedule(pending, pending.dueAt);
    own(arrived.socket, pending, this.#port.reads);
    this.#pending.add(pending);
    let data: Decision<Data> | undefined;
    let refused: Refusal | null = null;
    try {
      data = await pending.race(decision);
    } catch (error) {
      if (pending.ended === null) refused = this.#refusalFor(error, arrived.request.address);
    }
    this.#pending.delete(pending);
    wheel.remove(pending);
    this.#decided(arrived, pending, refused, data);
  }

  #decided(arrived: Arrived, pending: PendingHandshake, refused: Refusal | null, data?: Decision<Data>): void {
    const { socket, request, trace } = arrived;
    const head = pending.takeHead();
    if (pending.ended === "gone" || isGone(socket)) {
      this.#port.cancel(request.address);
      this.#abort(request.raw, socket, trace);
      return;
    }
    const byFalse = data === false ? refusal("by-application") : null;
    const why = pending.ended === null ? (refused ?? byFalse) : refusal(pending.ended);
    if (why === null) this.#accept({ ...arrived, head }, data as Data);
    else {
      this.#port.cancel(request.address);
      this.#refuse(request, socket, trace, why);
    }
  }

  #refusalFor(error: unknown, address: string): Refusal {
    try {
      const refused = refusalOf(error);
      if (refused !== null) return refused;
    } catch {
      // A subclass whose members fail: an error like any other.
    }
    this.#port.onHandshakeError(address, error);
    return refusal("handshake-error");
  }

  #accept({ socket, handshake, request, head, trace }: Arrived, data: Data): void {
    let id: string;
    try {
      id = this.#newId(request);
      if (this.#options.data !== undefined) data = this.#options.data(request);
    } catch (error) {
      this.#port.cancel(request.address);
      this.#refuse(request, socket, trace, this.#refusalFor(error, request.address));
      return;
    }
    // The application has been called, and may have ended it.
    if (isGone(socket)) {
      this.#port.cancel(request.address);
      this.#abort(request.raw, socket, trace);
      return;
    }
    const subprotocol = chooseSubprotocol(handshake.offeredSubprotocols, this.#options.subprotocols);
    writeAccepted(socket, handshake, subprotocol, this.#options.responseHeaders);
    const { address, path } = request;
    const { deflate } = handshake;
    const connection = trace?.accepted(id, subprotocol) ?? null;
    this.#port.accept(
      socket,
      { id, data, address, path, subprotocol: subprotocol ?? "", deflate, trace: connection },
      request,
      head,
    );
  }

  /** @throws what `generateId` throws; UsageError when it returns no id, or one that a connected client has */
  #newId(request: UpgradeRequest): string {
    const { generateId } = this.#options;
    if (generateId === undefined) return freshId();
    const id: unknown = generateId(request);
    if (typeof id !== "string" || id === "")
      throw new UsageError("generateId has to return a string that is not empty");
    if (this.#port.isIdTaken(id)) throw new UsageError(`generateId returned ${id}, which a connected client has`);
    return id;
  }

  #refuse(
    { raw, address, path }: { raw: RequestHead; address: string; path: string },
    socket: ClientSocket,
    trace: HandshakeTrace | null,
    refused: Refusal,
  ): void {
    this.#port.onRefused(raw, refused, address, path);
    trace?.refused(refused);
    writeRefused(socket, refused.status, refused.headers, this.bodyOf(refused));
  }

  bodyOf({ status, reason, message }: Refusal): string {
    const plain = `${message}\n`;
    try {
      const body: unknown = this.#options.refusalBody?.({ status, reason, message }) ?? plain;
      if (typeof body === "string") return body;
      throw new UsageError(`refusalBody returned ${typeof body}, has to return a string`);
    } catch (error) {
      this.#port.onRefusalBodyError(error);
      return plain;
    }
  }
}

/** A handshake that nothing is to be said against so far. */
interface Arrived {
  readonly socket: ClientSocket;
  readonly handshake: AcceptedHandshake;
  readonly request: UpgradeRequest;
  /** What came with it. */
  readonly head: Buffer;
  readonly trace: HandshakeTrace | null;
}

/** Why a handshake is not waited for any longer. */
type HandshakeEnd = "gone" | "authenticate-timeout" | "draining" | "pending-handshakes";

/** What a client may send before it is let in: it is read so that its end is seen. */
const EARLY_BYTES = 64 * 1024;

/** A handshake that waits for `authenticate`, its deadline, and what comes meanwhile. */
class PendingHandshake implements SocketOwner, Timed {
  readonly dueAt: number;
  readonly #socket: ClientSocket;
  readonly #budget: MemoryBudget;
  #early: Assembly | null = null;
  #incoming: Incoming | null = null;
  #isTaken = false;
  #controller: AbortController | null = null;
  #giveUp = (): void => {};
  /** Null: it is still waited for. What came first counts. */
  ended: HandshakeEnd | null = null;
  wheelAt = 0;
  wheelPrevious: Timed | null = null;
  wheelNext: Timed | null = null;

  constructor({ socket, head }: Arrived, dueAt: number, budget: MemoryBudget) {
    this.dueAt = dueAt;
    this.#socket = socket;
    this.#budget = budget;
    if (head.length > 0) this.onData(head, head.length);
  }

  /** Hands over what has come after the handshake. */
  takeHead(): Buffer {
    const early = this.#early;
    this.#early = null;
    this.#isTaken = true;
    this.#incoming?.release();
    return early === null ? NOTHING : early.bytes;
  }

  /** Made when it is asked for: most applications do not look at it, and it costs as much as a third of a handshake. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.ended !== null) this.#controller.abort();
    return this.#controller.signal;
  }

  onData(bytes: Buffer, length: number): void {
    if (this.#isTaken) return;
    this.#early ??= new Assembly(true, false);
    this.#early.append(bytes, 0, length, Infinity);
    if (this.#early.length >= EARLY_BYTES) this.#socket.pause();
    this.#incoming ??= new Incoming(this.#budget, () => {
      this.takeHead();
      this.end("pending-handshakes");
    });
    this.#incoming.set(this.#early.memory, 0);
  }

  onDrain(): void {}

  /** Who ends his side now gives up: there is nothing yet that he could have asked for before. */
  onEnd(): void {
    this.end("gone");
  }

  onClosed(): void {
    this.end("gone");
  }

  end(why: HandshakeEnd): void {
    this.ended ??= why;
    this.#giveUp();
  }

  checkDeadlines(now: number): number {
    if (now < this.dueAt) return this.dueAt;
    this.end("authenticate-timeout");
    return Infinity;
  }

  /** What `authenticate` says; undefined once the client is gone or the time is over. */
  race<Data>(decision: Promise<Data>): Promise<Data | undefined> {
    return new Promise((resolve, reject) => {
      // Who listens to the signal finds the context of this handshake, whoever ends it.
      this.#giveUp = AsyncResource.bind(() => {
        this.#controller?.abort();
        resolve(undefined);
      });
      if (this.ended !== null) this.#giveUp();
      Promise.resolve(decision).then(resolve, reject);
    });
  }
}

/** What `authenticate` answers: false refuses. */
type Decision<Data> = Data | false;

const NOTHING = Buffer.alloc(0);

/** Where Next has its hot reload, at an address of its own in each version. */
const PATHS_OF_NEXT = "/_next/";

function ignoreError(): void {
  // The socket closes right after, and that is where it is counted.
}
