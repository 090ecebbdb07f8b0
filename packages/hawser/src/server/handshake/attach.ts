import type { IncomingMessage } from "node:http";
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { asksForUpgradeTo } from "../../protocol/handshake.js";
import { UsageError } from "../base/usage-error.js";
import { isTaken } from "../sockets/client-socket.js";
import type { NodeInternals } from "../sockets/node-internals.js";
import { asksForWebSocket, ConnectRequest } from "./connect-request.js";
import type { Listener } from "./host.js";
import type { RequestHead } from "./request.js";
import type { UpgradeSource } from "./upgrade-source.js";

/** One that takes handshakes. */
export interface Taker {
  /** It takes those of one path alone, and goes before one that takes all. */
  readonly hasPath: boolean;
  /** Whether a handshake is its own. @param isShared others listen for upgrades, too: a development server's hot reload, for instance */
  claims(request: RequestHead, isShared: boolean): boolean;
  handle(request: IncomingMessage, socket: Duplex, head: Buffer, listener: Listener): void;
  /** Whether it takes handshakes over HTTP/2, which come as streams. @default false */
  readonly takesHttp2?: boolean;
  handleStream?(request: ConnectRequest, listener: Listener): void;
  /** A request was left to the others: it is answered if nobody does. */
  watch(request: IncomingMessage, socket: Duplex, source: UpgradeSource): void;
  /** Answers those that it watches and that came from there. */
  refuseStrays(source: UpgradeSource): void;
}

const attachments = new WeakMap<UpgradeSource, Attachment>();

/** @returns what undoes it. @throws UsageError for a server whose events cannot be intercepted */
export function attach(http: UpgradeSource, taker: Taker, internals: NodeInternals): () => void {
  let attachment = attachments.get(http);
  if (attachment === undefined) attachments.set(http, (attachment = new Attachment(http, internals)));
  const attached = attachment;
  attached.add(taker);
  return () => {
    attached.takers.delete(taker);
    taker.refuseStrays(http);
    if (taker.takesHttp2 === true) attached.announceConnect();
    if (attached.takers.size > 0) return;
    attached.undo();
    attachments.delete(http);
  };
}

/**
 * Those attached to one HTTP server. They are asked before any listener for upgrades, whenever and however that was added, and what one of
 * them takes no listener sees: most of them answer whatever comes, and a second answer would stand among the frames of the first.
 */
class Attachment {
  readonly takers = new Set<Taker>();
  readonly #http: UpgradeSource;
  readonly #undo: (() => void)[];

  constructor(http: UpgradeSource, internals: NodeInternals) {
    this.#http = http;
    this.#undo = [
      intercept(http, {
        upgrade: (request, socket, head) => this.#take(request as IncomingMessage, socket as Duplex, head as Buffer),
        stream: (stream, headers, _flags, rawHeaders) =>
          this.#takeStream(stream as ServerHttp2Stream, headers as IncomingHttpHeaders, rawHeaders as string[]),
      }),
      internals.ignoreUpgrades(http, (request) => this.#isOrdinary(request)),
    ];
    // Without a listener Node takes an upgrade for an ordinary request.
    http.on("upgrade", askForUpgrades);
  }

  add(taker: Taker): void {
    this.takers.add(taker);
    if (taker.takesHttp2 === true) this.announceConnect();
  }

  /** RFC 8441 3: a client may not ask before it has been told. Sessions that are there already stay as they began. */
  announceConnect(): void {
    const enableConnectProtocol = [...this.takers].some(({ takesHttp2 }) => takesHttp2 === true);
    (this.#http as { updateSettings?: (settings: object) => void }).updateSettings?.({ enableConnectProtocol });
  }

  undo(): void {
    this.#http.removeListener("upgrade", askForUpgrades);
    for (const undo of this.#undo) undo();
  }

  get #isShared(): boolean {
    return this.#http.listenerCount("upgrade") > 1;
  }

  /** @returns whether the other listeners are not to see it */
  #take(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    if (isTaken(socket)) return true;
    const taker = this.#takerOf(request);
    if (taker !== undefined) {
      taker.handle(request, socket, head, this.#http);
      return true;
    }
    const [first] = this.takers;
    first?.watch(request, socket, this.#http);
    return false;
  }

  /**
   * The same for a stream of HTTP/2. Of those that are no WebSockets nothing is taken; of those that are, what nobody claims goes to the
   * other listeners if there is one for CONNECT.
   */
  #takeStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]): boolean {
    if (!asksForWebSocket(headers)) return false;
    const able = [...this.takers].filter(({ takesHttp2 }) => takesHttp2);
    if (able.length === 0) return false;
    if (isTaken(stream)) return true;
    const request = new ConnectRequest(stream, headers, rawHeaders);
    const isShared = this.#http.listenerCount("connect") > 0;
    const willing = able.filter((one) => one.claims(request, isShared));
    const taker = willing.find(({ hasPath }) => hasPath) ?? willing[0] ?? (isShared ? undefined : able[0]);
    taker?.handleStream?.(request, this.#http);
    return taker !== undefined;
  }

  #takerOf(request: IncomingMessage): Taker | undefined {
    const isShared = this.#isShared;
    const [first] = this.takers;
    if (this.#isOrdinary(request)) return first;
    if (isShared && !asksForUpgradeTo(request, "websocket")) return undefined;
    const willing = [...this.takers].filter((one) => one.claims(request, isShared));
    const taker = willing.find(({ hasPath }) => hasPath) ?? willing[0];
    return taker ?? (isShared ? undefined : first);
  }

  /**
   * A request to upgrade to something other than WebSocket is an ordinary one, unless somebody else may know what it asks for. Nobody
   * does h2c: RFC 9113 3.1 has it "never widely deployed" and deprecated. Where nobody answers requests it is refused.
   */
  #isOrdinary(request: IncomingMessage): boolean {
    if (asksForUpgradeTo(request, "websocket") || this.#http.listenerCount("request") === 0) return false;
    return !this.#isShared || asksForUpgradeTo(request, "h2c");
  }
}

type Emit = (this: unknown, event: string | symbol, ...args: unknown[]) => boolean;

/** By the name of an event: takes it, or answers false. */
type Takes = Readonly<Record<string, (...args: unknown[]) => boolean>>;

/** Has events go to `takes` before any listener: in `emit`, since listeners may come later, and put themselves first. */
function intercept(http: UpgradeSource, takes: Takes): () => void {
  const own = Object.getOwnPropertyDescriptor(http, "emit");
  // Looked up each time: tracers replace the prototype's.
  const emitOf = (): Emit => (own?.value ?? (Object.getPrototypeOf(http) as { emit: Emit }).emit) as Emit;
  let isUndone = false;
  const emit: Emit = function (event, ...args) {
    if ((event === "upgrade" || event === "stream") && !isUndone && takes[event]?.(...args) === true) return true;
    return Reflect.apply(emitOf(), this, [event, ...args]);
  };
  const property = { value: emit, writable: true, configurable: true, enumerable: false };
  if (!Reflect.defineProperty(http, "emit", property)) {
    throw new UsageError(
      "attach: the events of this HTTP server cannot be intercepted, for its `emit` is fixed. In an `upgrade` listener of your own, " +
        "call `handleUpgrade` for the handshakes that are this server's",
    );
  }
  return () => {
    isUndone = true;
    // Somebody else may have built on it meanwhile.
    if (http.emit !== (emit as typeof http.emit)) return;
    if (own === undefined) Reflect.deleteProperty(http, "emit");
    else Object.defineProperty(http, "emit", own);
  };
}

function askForUpgrades(): void {
  // What comes here is somebody else's.
}
