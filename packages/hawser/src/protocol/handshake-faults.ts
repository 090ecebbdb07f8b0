/** Every way in which an opening handshake can be wrong, and the response it gets. The names are never reused. */

export type HandshakeFault =
  | "method"
  | "http-version"
  | "target"
  | "host"
  | "upgrade-missing"
  | "upgrade-header"
  | "connection-header"
  | "body"
  | "duplicate-header"
  | "version-missing"
  | "version"
  | "key"
  | "subprotocol"
  | "extensions";

export interface HandshakeRefusal {
  readonly status: 400 | 405 | 426;
  /** One sentence for the response's body. Fixed text: nothing that the client sent is in it. */
  readonly message: string;
  /** What the status obliges the response to have. Connection and the body's headers are the writer's. */
  readonly headers: Readonly<Record<string, string>>;
}

const NO_HEADERS = {};
const OUR_VERSION = { "Sec-WebSocket-Version": "13" };

export const handshakeFaults: Readonly<Record<HandshakeFault, HandshakeRefusal>> = {
  // RFC 7231 6.5.5: "The origin server MUST generate an Allow header field in a 405 response".
  method: { status: 405, message: "A WebSocket handshake is a GET request.", headers: { Allow: "GET" } },
  "http-version": { status: 400, message: "A WebSocket handshake needs HTTP/1.1.", headers: NO_HEADERS },
  target: { status: 400, message: "The request's target has to be a path.", headers: NO_HEADERS },
  host: { status: 400, message: "The request needs one valid Host header.", headers: NO_HEADERS },
  // RFC 7231 6.5.15: "The server MUST send an Upgrade header field in a 426 response".
  "upgrade-missing": {
    status: 426,
    message: "This address speaks WebSocket: the request needs the header Upgrade: websocket.",
    headers: { Upgrade: "websocket" },
  },
  // The client does want to upgrade, but to something that does not exist here.
  "upgrade-header": { status: 400, message: "The Upgrade header has to name websocket.", headers: NO_HEADERS },
  "connection-header": { status: 400, message: "The Connection header has to name upgrade.", headers: NO_HEADERS },
  body: { status: 400, message: "A WebSocket handshake has no body.", headers: NO_HEADERS },
  "duplicate-header": {
    status: 400,
    message: "Sec-WebSocket-Key, Sec-WebSocket-Version and Origin may be sent once only.",
    headers: OUR_VERSION,
  },
  // 400 and not 426: RFC 6455 4.2.1 has it among the required headers, and only the value of one that is there can "not match
  // a version understood by the server" (4.2.2). Telling our version along with a 400 is what the example in 4.4 does.
  "version-missing": {
    status: 400,
    message: "The request needs the header Sec-WebSocket-Version: 13.",
    headers: OUR_VERSION,
  },
  version: {
    status: 426,
    message: "This server speaks version 13 of the WebSocket protocol.",
    headers: { ...OUR_VERSION, Upgrade: "websocket" },
  },
  key: { status: 400, message: "Sec-WebSocket-Key has to be 16 bytes in base64.", headers: NO_HEADERS },
  subprotocol: {
    status: 400,
    message: "Sec-WebSocket-Protocol has to be a list of different tokens.",
    headers: NO_HEADERS,
  },
  extensions: { status: 400, message: "Sec-WebSocket-Extensions is malformed.", headers: NO_HEADERS },
};
