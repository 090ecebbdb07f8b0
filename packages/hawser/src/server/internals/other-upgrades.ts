import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { isToken, isWord, splitList } from "../../protocol/tokens.js";
import { http } from "../sockets/node-http.js";

// RFC 9110 7.8: "A server MAY ignore a received Upgrade header field". curl --http2 and Java's client ask each plain server for h2c, and
// mean a request that is answered as any other is.

/** Since Node 24.9: what decides whether a request is an upgrade. Before, each that asked for one was, once anybody listened for upgrades. */
interface UpgradeDecider {
  shouldUpgradeCallback?: (request: IncomingMessage) => boolean;
}

/**
 * Has an HTTP server take requests for which `isOrdinary` holds as if they did not ask for an upgrade, where Node can do that.
 * @returns what undoes it
 */
export function ignoreUpgrades(server: object, isOrdinary: (request: IncomingMessage) => boolean): () => void {
  const decider = server as UpgradeDecider;
  const before = decider.shouldUpgradeCallback;
  if (typeof before !== "function") return () => {};
  let isUndone = false;
  const decide = (request: IncomingMessage): boolean =>
    (isUndone || !isOrdinary(request)) && before.call(server, request);
  decider.shouldUpgradeCallback = decide;
  return () => {
    isUndone = true;
    // Somebody else may have built on it meanwhile.
    if (decider.shouldUpgradeCallback === decide) decider.shouldUpgradeCallback = before;
  };
}

/** Node's own listener for connections: `http2` uses it for connections that turn out to speak HTTP/1.1. */
const { _connectionListener: serveConnection } = http as {
  _connectionListener?: (this: Server, socket: Socket) => void;
};

/**
 * Takes back an upgrade that Node has decided on: the connection starts anew as one whose first bytes are the same request without the
 * connection option `upgrade`. So body, keep-alive, pipelined requests and deadlines are Node's affair, as for any request.
 * @returns false where that is not possible: the request has no connection of Node's behind it, or its server has no listener for requests
 */
export function handleAsRequest(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
  if (!(socket instanceof Socket) || serveConnection === undefined) return false;
  const { server, parser } = socket as SocketOfHttp;
  // Node says null once its parser is done with the connection. Bun has none.
  if (!server || parser !== null) return false;
  // Without anybody who answers requests it would wait for ever.
  if (server.listenerCount("request") === 0) return false;
  socket.on("error", ignoreError);
  socket.unshift(Buffer.concat([Buffer.from(headWithoutUpgrade(request), "latin1"), head]));
  afterAnswers(request, socket, () => {
    socket.removeListener("error", ignoreError);
    if (socket.destroyed) return;
    socket.setTimeout(0);
    serveConnection.call(server, socket);
  });
  return true;
}

/**
 * Calls `then`, at once if it can, when the requests that came before on this connection have been answered. RFC 9112 9.3.2: a server
 * "MUST send the corresponding responses in the same order that the requests were received". Node tells of an upgrade before that.
 * A response to `request` itself is none of those: frameworks make one to have their routes and hooks decide (@fastify/websocket).
 */
export function afterAnswers(request: IncomingMessage, socket: Duplex, then: () => void): void {
  const { _httpMessage: unfinished } = socket as SocketOfHttp;
  if (unfinished && unfinished.req !== request && !socket.destroyed) {
    unfinished.once("close", () => afterAnswers(request, socket, then));
  } else then();
}

function ignoreError(): void {
  // A reset meanwhile: the socket closes right after.
}

/** What Node's HTTP server keeps at its connections, and no document says so. */
type SocketOfHttp = Socket & {
  readonly server?: Server | null;
  readonly parser?: object | null;
  readonly _httpMessage?: ServerResponse | null;
};

/**
 * Header lines in their order; of `Connection` the other options remain, and of `Proxy-Connection`, which Node's parser reads in the same
 * way. What is no option goes as well: no parser may find an upgrade in it again. Never longer than it came.
 */
function headWithoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  let head = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    let value = rawHeaders[i + 1]!;
    if (isWord(name, "connection") || isWord(name, "proxy-connection")) {
      const options = splitList(value).filter((option) => isToken(option) && !isWord(option, "upgrade"));
      if (options.length === 0) continue;
      value = options.join(",");
    }
    head += `${name}:${value}\r\n`;
  }
  return `${head}\r\n`;
}
