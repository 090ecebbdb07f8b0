import { splitList } from "../../protocol/tokens.js";
import { type Refusal, refusal } from "../api/refusal.js";
import type { ResolvedOptions } from "../api/resolved-options.js";
import { TokenBucket } from "../base/token-bucket.js";
import type { ClientAddresses } from "./client-addresses.js";
import { ConnectRequest } from "./connect-request.js";
import { Hosts, isOnLoopback, type Listener } from "./host.js";
import { Origins } from "./origin.js";
import { authorityOf, headerOf, type RequestHead } from "./request.js";
import { SessionShares } from "./session-shares.js";
import type { Targets } from "./target.js";
import type { UpgradePort } from "./upgrade-port.js";

/** Where Next has its hot reload, at an address of its own in each version. */
const PATHS_OF_NEXT = "/_next/";

/** Which handshakes may come in, by the options and by how many there are already. What is wrong with them as such was looked at before. */
export class Admission<Data> {
  readonly #options: ResolvedOptions<Data>;
  readonly #port: UpgradePort<Data>;
  readonly #targets: Targets;
  readonly #addresses: ClientAddresses;
  readonly #origins: Origins;
  readonly #hosts: Hosts;
  readonly #rate: TokenBucket;
  readonly #shares: SessionShares;

  constructor(options: ResolvedOptions<Data>, port: UpgradePort<Data>, targets: Targets, addresses: ClientAddresses) {
    this.#options = options;
    this.#port = port;
    this.#targets = targets;
    this.#addresses = addresses;
    this.#origins = new Origins(options);
    this.#hosts = new Hosts(options.allowedHosts);
    this.#shares = new SessionShares(options.maxClientsPerHttp2Session);
    this.#rate = new TokenBucket(options.maxHandshakesPerSecond, port.clock.now());
  }

  /** Clients over HTTP/2, and handshakes under way that have a place among them. */
  get http2Clients(): number {
    return this.#shares.total;
  }

  /**
   * Whether a handshake is for this server, on an HTTP server that others may share. Without `path` it is, unless it is plainly one of
   * theirs: it offers subprotocols of which this server speaks none, so that the client would not have it, or belongs to Next.
   */
  claims(head: RequestHead, isShared: boolean): boolean {
    if (!isShared || this.#options.path !== undefined) return this.#serves(head);
    const offered = splitList(headerOf(head, "sec-websocket-protocol") ?? "");
    const isSpoken = offered.length === 0 || offered.some((name) => this.#options.subprotocols.includes(name));
    return isSpoken && !this.#targets.of(head).path.startsWith(PATHS_OF_NEXT);
  }

  /**
   * Looks at one thing after another, what costs least first, and takes a place among the clients when nothing is against it.
   * @param pending how many handshakes wait for `authenticate`
   */
  check(head: RequestHead, address: string, listener: Listener | undefined, pending: number): Refusal | null {
    if (this.#port.isDraining) return refusal("draining");
    if (!this.#serves(head)) return refusal("path");
    const misled = this.#checkPage(head, listener);
    if (misled !== null) return refusal(misled);
    if (!this.#rate.take(this.#port.clock.now())) return refusal("handshake-rate");
    if (pending >= this.#options.maxPendingHandshakes) return refusal("pending-handshakes");
    const stream = head instanceof ConnectRequest ? head.stream : null;
    if (stream !== null && !this.#shares.hasRoom(stream)) return refusal("http2-session-limit");
    const place = this.#port.places.reserve(address);
    if (place !== "reserved") return refusal(place);
    if (stream !== null) this.#shares.take(stream);
    return null;
  }

  /** Whether the request's path is one that takes WebSockets. */
  #serves(head: RequestHead): boolean {
    return this.#options.path === undefined || this.#targets.of(head).path === this.#options.path;
  }

  /** What a page asks for has to be meant for us: by its origin, and by the host name under which it looked for us. */
  #checkPage(head: RequestHead, listener: Listener | undefined): "origin" | "unknown-host" | null {
    const origin = headerOf(head, "origin");
    if (origin === undefined) return null;
    const host = authorityOf(head);
    const allowed = this.#origins.judge(origin, host);
    if (allowed === null) return "origin";
    if (allowed === "listed" || this.#hosts.allows(host)) return null;
    if (this.#hosts.isGiven) return "unknown-host";
    return allowed === "own" && isOnLoopback(listener) && !this.#addresses.isForwarded(head) ? "unknown-host" : null;
  }
}
