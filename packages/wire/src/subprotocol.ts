/** What client and server agree on in the opening handshake (`Sec-WebSocket-Protocol`). */
export const SUBPROTOCOL = "hawser.v1";
