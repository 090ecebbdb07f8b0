import type { OptionName } from "./rules.js";

/** Options that people bring from elsewhere (`ws`, Bun, uWebSockets.js, Socket.IO, crossws), by their name there, and what does it here. */
export const foreignOptions: Readonly<Record<string, OptionName>> = {
  allowRequest: "authenticate",
  backpressureLimit: "maxBacklogBytes",
  cert: "tls",
  closeOnBackpressureLimit: "overflow",
  closeTimeout: "closeTimeoutMs",
  connectTimeout: "handshakeTimeoutMs",
  cors: "allowedOrigins",
  genId: "generateId",
  handleProtocols: "subprotocols",
  handshakeTimeout: "handshakeTimeoutMs",
  headers: "responseHeaders",
  heartbeat: "pingPeriodMs",
  heartbeatInterval: "pingPeriodMs",
  heartbeatTimeout: "pongWaitMs",
  https: "tls",
  idleTimeout: "idleTimeoutMs",
  key: "tls",
  maxBackpressure: "maxBacklogBytes",
  maxBufferedAmount: "maxBacklogBytes",
  maxConnections: "maxClients",
  maxHttpBufferSize: "maxMessageBytes",
  maxLifetime: "maxAgeMs",
  maxMessageSize: "maxMessageBytes",
  maxPayload: "maxMessageBytes",
  maxPayloadLength: "maxMessageBytes",
  onClose: "close",
  onMessage: "message",
  onOpen: "open",
  onclose: "close",
  onmessage: "message",
  onopen: "open",
  origin: "allowedOrigins",
  origins: "allowedOrigins",
  perMessageDeflate: "compression",
  pingInterval: "pingPeriodMs",
  pingTimeout: "pongWaitMs",
  protocols: "subprotocols",
  sendPings: "pingPeriodMs",
  sendPingsAutomatically: "pingPeriodMs",
  ssl: "tls",
  upgrade: "authenticate",
  upgradeTimeout: "handshakeTimeoutMs",
  verifyClient: "authenticate",
};

/** The same for what is no option here at all. */
const otherwise: Readonly<Record<string, string>> = {
  autoPong: "pings are always answered",
  backlog: "the listener's queue is the system's",
  clientTracking: "server.clients always has them",
  fd: "see server.listen({ fd })",
  fetch: "see the option request, or server.attach(httpServer)",
  host: "see server.listen(port, host)",
  hostname: "see server.listen(port, host)",
  httpServer: "see server.attach(httpServer)",
  noServer: "see server.handleUpgrade(request, socket, head), or server.attach(httpServer)",
  port: "see server.listen(port, host)",
  publishToSelf: "see server.publish(topic, message, { except: client })",
  server: "see server.attach(httpServer)",
  transports: "WebSocket is the only one",
  unix: "see server.listen({ path })",
};

/** What an option of another library is here, in a few words; undefined: it is not known. */
export function hintForForeign(name: string): string | undefined {
  if (Object.hasOwn(otherwise, name)) return otherwise[name];
  if (!Object.hasOwn(foreignOptions, name)) return undefined;
  const option = foreignOptions[name]!;
  // Elsewhere it may be seconds (Bun) or minutes (uWebSockets.js).
  return `here it is ${option}${option.endsWith("Ms") ? ", in milliseconds" : ""}`;
}
