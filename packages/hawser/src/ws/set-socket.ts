import type { Duplex } from "node:stream";
import type { UpgradeRequest } from "../server/api/upgrade-request.js";
import { makeClientSession } from "./client-sessions.js";
import { type ClientOptions, inside, type WebSocket } from "./websocket.js";

/** Sessions are told of the request that they came with. Here somebody else has seen it. */
const NO_REQUEST = {} as UpgradeRequest;

/**
 * `ws.setSocket`, of which the types of `ws` say nothing: talks on `stream` as the client of whoever is at its other end, for programs that
 * have done the handshake themselves, as `injectWS` of @fastify/websocket has. For a server's end there is `handleUpgrade`.
 * @param head what has come after the handshake
 * @throws Error for a WebSocket that has connected, or is about to
 */
export function setSocket(socket: WebSocket, stream: Duplex, head: Buffer, options: ClientOptions = {}): void {
  const isDialled = socket.url !== undefined;
  if (isDialled || !inside.isConnecting(socket)) throw new Error("setSocket: this WebSocket has a connection already");
  const session = makeClientSession(socket, stream, "", null, options);
  inside.open(socket, session);
  session.start(NO_REQUEST, head);
}
