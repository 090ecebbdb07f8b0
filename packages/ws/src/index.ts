/** What a program gets that asks for `ws`: all of `hawser/ws`. */
export {
  createWebSocketStream,
  // oxlint-disable-next-line import/no-default-export -- `ws` has one
  default,
  extension,
  "module.exports",
  Sender,
  Server,
  subprotocol,
  WebSocket,
  WebSocketServer,
} from "hawser/ws";
export type {
  AddressInfo,
  ClientOptions,
  CloseEvent,
  Data,
  ErrorEvent,
  Event,
  EventListenerOptions,
  FinishRequestCallback,
  MessageEvent,
  PerMessageDeflateOptions,
  RawData,
  ServerDefaults,
  ServerOptions,
  VerifyClientCallbackAsync,
  VerifyClientCallbackSync,
} from "hawser/ws";
