/** A client's opening handshake (RFC 6455 4.1), by node:http or node:https. */
import { randomBytes } from "node:crypto";
import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import type { Duplex } from "node:stream";
import { acceptValue } from "../protocol/handshake.js";
import { isToken } from "../protocol/tokens.js";
import type { DeflateParameters } from "../protocol/deflate-negotiation.js";
import type { UpgradeRequest } from "../server/api/upgrade-request.js";
import { http, loadHttps } from "../server/sockets/node-http.js";
import { makeClientSession, onUnheard } from "./client-sessions.js";
import type { Connecting } from "./client-options.js";
import { offerDeflate, readDeflate } from "./deflate-offer.js";
import type { PerMessageDeflateOptions } from "./deflate-options.js";
import { connectNet, connectTls } from "./connect-sockets.js";
import { readAddress, type Target } from "./target.js";
import { type ClientOptions, type Connector, inside, type WebSocket } from "./websocket.js";

const HANDSHAKE_TIMEOUT_MS = 10_000;
const MAX_REDIRECTS = 10;

/** See `Connector`. */
export const connect: Connector = (socket, address, protocols, options) => {
  const offered = protocols === undefined ? [] : Array.isArray(protocols) ? protocols : [protocols];
  const connection = new ClientHandshake(socket, { perMessageDeflate: true, ...options }, offered);
  // Before it begins: `finishRequest` may look at the request, and give it up.
  inside.setConnecting(socket, connection);
  connection.begin(address);
};

/** Sessions are told of the request that they came with. Here it was ours. */
const NO_REQUEST = {} as UpgradeRequest;

/** @throws SyntaxError for what is no list of different tokens */
function checkSubprotocols(offered: readonly unknown[]): void {
  const isList = offered.every((name) => typeof name === "string" && isToken(name));
  if (!isList || new Set(offered).size < offered.length) {
    throw new SyntaxError("An invalid or duplicated subprotocol was specified");
  }
}

/** One handshake, over any number of redirects. */
class ClientHandshake implements Connecting {
  readonly #socket: WebSocket;
  readonly #options: ClientOptions;
  readonly #offered: readonly string[];
  readonly #deflate: PerMessageDeflateOptions | null;
  /** The application's; their names in lower case where redirects are followed. */
  readonly #headers: Record<string, string> = {};
  request: ClientRequest | null = null;
  #redirects = 0;
  /** Where the application has sent it first. */
  #first: Target | null = null;

  constructor(socket: WebSocket, options: ClientOptions, offered: readonly string[]) {
    const { protocolVersion = 13, perMessageDeflate } = options;
    if (protocolVersion !== 13) {
      throw new RangeError(`Unsupported protocol version: ${protocolVersion} (supported versions: 13)`);
    }
    this.#socket = socket;
    this.#options = options;
    this.#offered = offered;
    for (const [name, value] of Object.entries(options.headers ?? {}))
      this.#headers[options.followRedirects === true ? name.toLowerCase() : name] = value;
    this.#deflate = perMessageDeflate === true ? {} : perMessageDeflate || null;
  }

  /** @throws SyntaxError for an address that cannot be */
  begin(address: string | URL): void {
    const target = readAddress(address);
    inside.setUrl(this.#socket, target.url.href);
    if (typeof target.fault === "string") throw new SyntaxError(target.fault);
    checkSubprotocols(this.#offered);
    this.#first = target;
    this.#ask(target);
  }

  abort(error: Error): void {
    const request = this.request;
    inside.setClosing(this.#socket);
    this.request = null;
    request?.destroy();
    // Of a request that has its response that is not enough.
    request?.socket?.destroy();
    process.nextTick(() => this.#fail(error));
  }

  #fail(error: Error): void {
    if (!inside.fail(this.#socket, error)) this.#onUnheard(error);
  }

  #onUnheard(error: Error): void {
    onUnheard(error, this.#options.throwUnhandled === true);
  }

  #ask(target: Target): void {
    const key = randomBytes(16).toString("base64");
    const request = (target.isSecure ? loadHttps() : http).request(this.#requestOptions(target, key));
    this.request = request;
    if (this.#redirects > 0) this.#socket.emit("redirect", target.url.href, request);
    request.on("timeout", () => this.#giveUp(request, "Opening handshake has timed out"));
    request.on("error", (error) => {
      if (this.request !== request) return;
      this.request = null;
      this.#fail(error);
    });
    request.on("response", (response) => this.#onResponse(request, response, target));
    request.on("upgrade", (response, stream, head) => this.#onUpgrade(request, response, stream, head, key));
    const { finishRequest } = this.#options;
    if (finishRequest === undefined) request.end();
    else finishRequest(request, this.#socket);
  }

  #requestOptions(target: Target, key: string): RequestOptions {
    const { handshakeTimeout = HANDSHAKE_TIMEOUT_MS, origin, createConnection } = this.#options;
    const given = this.#options as ClientOptions & RequestOptions;
    const { headers, auth } = this.#credentials(target);
    const own: Record<string, string> = {
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": key,
      Connection: "Upgrade",
      Upgrade: "websocket",
    };
    if (this.#deflate !== null) own["Sec-WebSocket-Extensions"] = offerDeflate(this.#deflate);
    if (this.#offered.length > 0) own["Sec-WebSocket-Protocol"] = this.#offered.join(",");
    if (origin) own["Origin"] = origin;
    return {
      ...given,
      method: "GET",
      protocol: undefined,
      hostname: undefined,
      host: target.host,
      port: target.port,
      defaultPort: given.defaultPort ?? target.defaultPort,
      path: target.path,
      socketPath: target.socketPath,
      timeout: handshakeTimeout,
      auth,
      headers: { ...headers, ...own },
      createConnection: (createConnection ?? (target.isSecure ? connectTls : connectNet)) as NonNullable<
        RequestOptions["createConnection"]
      >,
    };
  }

  /** What the application has given for the first host, as far as this one is to have it. */
  #credentials(target: Target): { headers: Record<string, string>; auth: string | undefined } {
    const headers = { ...this.#headers };
    let auth = target.auth ?? this.#options.auth;
    if (this.#options.followRedirects !== true) return { headers, auth };
    if (this.#redirects > 0 && this.#socket.listenerCount("redirect") === 0 && this.#isElsewhere(target)) {
      delete headers["authorization"];
      delete headers["cookie"];
      if (!isSameHost(this.#first!, target)) delete headers["host"];
      auth = undefined;
    }
    // As curl does it, the first one counts.
    if (auth && this.#headers["authorization"] === undefined) {
      headers["authorization"] = this.#headers["authorization"] = `Basic ${Buffer.from(auth).toString("base64")}`;
    }
    return { headers, auth };
  }

  /** Whether what the application has sent for the first host alone is not to go there. */
  #isElsewhere(target: Target): boolean {
    return !isSameHost(this.#first!, target) || (this.#first!.isSecure && !target.isSecure);
  }

  #onResponse(request: ClientRequest, response: IncomingMessage, from: Target): void {
    const { statusCode = 0, headers } = response;
    const { followRedirects = false, maxRedirects = MAX_REDIRECTS } = this.#options;
    if (headers.location !== undefined && followRedirects && statusCode >= 300 && statusCode < 400) {
      if (++this.#redirects > maxRedirects) {
        this.#giveUp(request, "Maximum redirects exceeded");
        return;
      }
      this.request = null;
      request.destroy();
      this.#follow(headers.location, from);
    } else if (!this.#socket.emit("unexpected-response", request, response)) {
      this.#giveUp(request, `Unexpected server response: ${statusCode}`);
    }
  }

  #follow(location: string, from: Target): void {
    const url = URL.canParse(location, from.url.href) ? new URL(location, from.url) : null;
    const target = url === null ? null : readAddress(url);
    if (target !== null) inside.setUrl(this.#socket, target.url.href);
    if (target === null || target.fault !== null) {
      this.#fail(new SyntaxError(target?.fault ?? `Invalid URL: ${location}`));
      return;
    }
    this.#ask(target);
  }

  #onUpgrade(request: ClientRequest, response: IncomingMessage, stream: Duplex, head: Buffer, key: string): void {
    this.#socket.emit("upgrade", response);
    // A listener may have closed it.
    if (this.request !== request || !inside.isConnecting(this.#socket)) {
      stream.destroy();
      return;
    }
    this.request = null;
    const agreed = this.#check(response, key);
    if (typeof agreed === "string") {
      this.#refuse(stream, new Error(agreed));
      return;
    }
    (stream as { setTimeout?(ms: number): void }).setTimeout?.(0);
    (stream as { setNoDelay?(on: boolean): void }).setNoDelay?.(true);
    const { subprotocol, deflate } = agreed;
    const session = makeClientSession(this.#socket, stream, subprotocol, deflate, this.#options);
    inside.open(this.#socket, session);
    session.start(NO_REQUEST, head);
  }

  /** What is agreed on by the response, or what is wrong with it. RFC 6455 4.1. */
  #check(
    { headers }: IncomingMessage,
    key: string,
  ): { readonly subprotocol: string; readonly deflate: DeflateParameters | null } | string {
    if (headers.upgrade?.toLowerCase() !== "websocket") return "Invalid Upgrade header";
    if (headers["sec-websocket-accept"] !== acceptValue(key)) return "Invalid Sec-WebSocket-Accept header";
    const subprotocol = headers["sec-websocket-protocol"];
    if (subprotocol === undefined) {
      if (this.#offered.length > 0) return "Server sent no subprotocol";
    } else if (this.#offered.length === 0) return "Server sent a subprotocol but none was requested";
    else if (!this.#offered.includes(subprotocol)) return "Server sent an invalid subprotocol";
    const extensions = headers["sec-websocket-extensions"];
    if (extensions === undefined) return { subprotocol: subprotocol ?? "", deflate: null };
    if (this.#deflate === null) return "Server sent a Sec-WebSocket-Extensions header but no extension was requested";
    const deflate = readDeflate(extensions, this.#deflate);
    if (deflate === null) return "Invalid Sec-WebSocket-Extensions header";
    if (deflate === "other") return "Server indicated an extension that was not requested";
    return { subprotocol: subprotocol ?? "", deflate };
  }

  #giveUp(request: ClientRequest, message: string): void {
    if (this.request !== request) return;
    this.abort(new Error(message));
  }

  #refuse(stream: Duplex, error: Error): void {
    inside.setClosing(this.#socket);
    process.nextTick(() => {
      if (!inside.emitError(this.#socket, error)) this.#onUnheard(error);
    });
    stream.once("close", () => inside.closeUnopened(this.#socket));
    stream.on("error", () => {});
    stream.destroy();
  }
}

function isSameHost(one: Target, other: Target): boolean {
  return one.socketPath === other.socketPath && (one.socketPath !== undefined || one.url.host === other.url.host);
}
