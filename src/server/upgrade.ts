import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { BlockList, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { DeflateOptions } from "../protocol/deflate-negotiation.js";
import { type AcceptedHandshake, checkHandshake } from "../protocol/handshake.js";
import { chooseSubprotocol } from "../protocol/subprotocol.js";
import { clientAddress } from "./address.js";
import type { Clock } from "./clock.js";
import type { DeadlineWheel, Timed } from "./deadlines.js";
import type { ResolvedOptions } from "./resolve-options.js";
import { isOriginAllowed } from "./origin.js";
import { type Refusal, refusal, Refuse } from "./refusal.js";
import { readTarget, type UpgradeRequest } from "./request.js";
import { writeAccepted, writeRefused } from "./response.js";
import type { SessionIdentity } from "./session.js";
import { TokenBucket } from "./token-bucket.js";

/** What upgrades need of their server. */
export interface UpgradePort<Data> {
  readonly isDraining: boolean;
  readonly clock: Clock;
  readonly wheel: DeadlineWheel;
  readonly proxies: BlockList;
  /** Takes a place among the clients; `accept` or `cancel` follows. */
  reserve(address: string): "reserved" | "client-limit" | "address-limit";
  cancel(address: string): void;
  isIdTaken(id: string): boolean;
  accept(socket: Duplex, identity: SessionIdentity<Data>, request: UpgradeRequest, head: Buffer): void;
  onRefused(refusal: Refusal, address: string, path: string): void;
  /** The client went away while `authenticate` ran. */
  onAborted(): void;
  onAuthenticateError(address: string, error: unknown): void;
}

/** Takes handshakes: checks them, in the order in which they cost, and accepts or refuses each. */
export class Upgrades<Data> {
  readonly #options: ResolvedOptions<Data>;
  readonly #port: UpgradePort<Data>;
  readonly #compression: DeflateOptions | null;
  readonly #rate: TokenBucket;
  #pending = 0;

  constructor(options: ResolvedOptions<Data>, port: UpgradePort<Data>) {
    this.#options = options;
    this.#port = port;
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

  /** The `upgrade` event of a `node:http` server. */
  handle(raw: IncomingMessage, socket: Duplex, head: Buffer): void {
    // From the first tick: a reset that nobody listens for would end the process.
    socket.on("error", ignoreError);
    // The limits of HTTP end here; the deadlines of a WebSocket take over.
    (socket as Socket).setTimeout?.(0);
    (socket as Socket).setNoDelay?.(true);

    const { path, query } = readTarget(raw.url ?? "/");
    const address = this.addressOf(raw);
    const handshake = checkHandshake(raw, { compression: this.#compression });
    const refused = handshake.ok ? this.#check(raw, path, address) : handshake;
    if (refused !== null || !handshake.ok) {
      this.#refuse(socket, refused!, address, path);
      return;
    }
    const request: UpgradeRequest = {
      path,
      query: new URLSearchParams(query),
      headers: raw.headers,
      address,
      subprotocols: handshake.offeredSubprotocols,
      raw,
    };
    if (this.#options.authenticate === undefined) this.#accept(socket, handshake, request, undefined as Data, head);
    else void this.#authenticate(socket, handshake, request, head, this.#options.authenticate);
  }

  /** A handshake that did not arrive as an upgrade, for `Connection: Upgrade` is missing, say. */
  handleBroken(raw: IncomingMessage): Refusal | null {
    const handshake = checkHandshake(raw, { compression: null });
    return handshake.ok ? null : handshake;
  }

  addressOf(raw: IncomingMessage): string {
    const forwardedFor = raw.headers["x-forwarded-for"];
    const list = Array.isArray(forwardedFor) ? forwardedFor.join(",") : forwardedFor;
    return clientAddress(raw.socket?.remoteAddress ?? "", list, this.#port.proxies);
  }

  /** Takes a place among the clients when it finds nothing against the handshake. */
  #check(raw: IncomingMessage, path: string, address: string): Refusal | null {
    const options = this.#options;
    if (this.#port.isDraining) return refusal("draining");
    if (options.path !== undefined && options.path !== path) return refusal("path");
    if (!isOriginAllowed(raw.headers.origin, raw.headers.host, options)) return refusal("origin");
    if (!this.#rate.take(this.#port.clock.now())) return refusal("handshake-rate");
    if (this.#pending >= options.maxPendingHandshakes) return refusal("pending-handshakes");
    const place = this.#port.reserve(address);
    return place === "reserved" ? null : refusal(place);
  }

  /** While the application decides, the client may go away, or take no end. */
  async #authenticate(
    socket: Duplex,
    handshake: AcceptedHandshake,
    request: UpgradeRequest,
    head: Buffer,
    authenticate: NonNullable<ResolvedOptions<Data>["authenticate"]>,
  ): Promise<void> {
    const { clock, wheel } = this.#port;
    const pending = new PendingHandshake(clock.now() + this.#options.handshakeTimeoutMs);
    wheel.schedule(pending, pending.dueAt);
    const onGone = (): void => pending.abort();
    socket.once("close", onGone);
    this.#pending++;
    let data: Data | undefined;
    let refused: Refusal | null = null;
    try {
      data = await pending.race(Promise.resolve(authenticate(request, { signal: pending.signal })));
    } catch (error) {
      refused = pending.isOver ? refusal("authenticate-timeout") : this.#refusalFor(error, request.address);
    }
    this.#pending--;
    wheel.remove(pending);
    socket.removeListener("close", onGone);
    if (refused === null && this.#port.isDraining) refused = refusal("draining");
    if (socket.destroyed) {
      this.#port.cancel(request.address);
      this.#port.onAborted();
    } else if (refused === null) this.#accept(socket, handshake, request, data as Data, head);
    else {
      this.#port.cancel(request.address);
      this.#refuse(socket, refused, request.address, request.path);
    }
  }

  #refusalFor(error: unknown, address: string): Refusal {
    if (error instanceof Refuse) {
      return { status: error.status, reason: "unauthorized", message: error.message, headers: error.headers };
    }
    this.#port.onAuthenticateError(address, error);
    return refusal("authenticate-error");
  }

  #accept(socket: Duplex, handshake: AcceptedHandshake, request: UpgradeRequest, data: Data, head: Buffer): void {
    let id: string;
    try {
      id = this.#options.generateId?.(request) ?? randomUUID();
      if (this.#port.isIdTaken(id))
        throw new Error(`generateId returned ${JSON.stringify(id)}, which a connected client has`);
    } catch (error) {
      this.#port.cancel(request.address);
      this.#refuse(socket, this.#refusalFor(error, request.address), request.address, request.path);
      return;
    }
    const subprotocol = chooseSubprotocol(handshake.offeredSubprotocols, this.#options.subprotocols);
    writeAccepted(socket, handshake, subprotocol, this.#options.responseHeaders);
    const { address, path } = request;
    this.#port.accept(
      socket,
      { id, data, address, path, subprotocol: subprotocol ?? "", deflate: handshake.deflate },
      request,
      head,
    );
  }

  #refuse(socket: Duplex, refused: Refusal, address: string, path: string): void {
    this.#port.onRefused(refused, address, path);
    writeRefused(socket, refused.status, refused.headers, this.bodyOf(refused));
  }

  bodyOf({ status, reason, message }: Refusal): string {
    return this.#options.refusalBody?.({ status, reason, message }) ?? `${message}\n`;
  }
}

/** A handshake that waits for `authenticate`, and its deadline. */
class PendingHandshake implements Timed {
  readonly dueAt: number;
  readonly #controller = new AbortController();
  isOver = false;
  wheelAt = 0;
  wheelPrevious: Timed | null = null;
  wheelNext: Timed | null = null;

  constructor(dueAt: number) {
    this.dueAt = dueAt;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(): void {
    this.#controller.abort();
  }

  checkDeadlines(now: number): number {
    if (now < this.dueAt) return this.dueAt;
    this.isOver = true;
    this.abort();
    return Infinity;
  }

  /** What `authenticate` says, or a rejection once the client is gone or the time is over. */
  race<Data>(decision: Promise<Data>): Promise<Data> {
    return new Promise((resolve, reject) => {
      this.signal.addEventListener("abort", () => reject(this.signal.reason as Error), { once: true });
      decision.then(resolve, reject);
    });
  }
}

function ignoreError(): void {
  // The socket closes right after, and that is where it is counted.
}
