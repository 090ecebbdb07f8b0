/// <reference types="node" preserve="true" />
/** The API of `ws` on Hawser's engine: `import { WebSocketServer } from "hawser/ws"` in place of `from "ws"`. */
import type { IncomingMessage } from "node:http";
import type { AddressInfo as NodeAddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { connect } from "./connect.js";
import type { PerMessageDeflateOptions as WsPerMessageDeflateOptions } from "./deflate-options.js";
import { Sender } from "./frame-sender.js";
import { extension, subprotocol } from "./header-lists.js";
import { WebSocketServer } from "./server.js";
import type { ServerDefaults as WsServerDefaults } from "./server-defaults.js";
import type {
  ServerOptions as WsServerOptions,
  VerifyClientCallbackAsync as WsVerifyClientCallbackAsync,
  VerifyClientCallbackSync as WsVerifyClientCallbackSync,
} from "./server-options.js";
import { setSocket } from "./set-socket.js";
import { createWebSocketStream } from "./stream.js";
import type { RawData as WsRawData } from "./event-target.js";
import {
  type ClientOptions as WsClientOptions,
  inside,
  WebSocket as Socket,
  type WebSocketEventMap as EventMap,
} from "./websocket.js";

inside.connect = connect;
Object.defineProperty(Socket.prototype, "setSocket", {
  configurable: true,
  writable: true,
  value(this: Socket, stream: Duplex, head: Buffer, options?: WebSocket.ClientOptions) {
    setSocket(this, stream, head, options);
  },
});

/** What `ws` has on its class besides. */
interface Statics {
  Server: typeof WebSocketServer;
  WebSocketServer: typeof WebSocketServer;
  WebSocket: typeof WebSocket;
  createWebSocketStream: typeof createWebSocketStream;
  /** `Sender.frame` alone. */
  Sender: typeof Sender;
  extension: typeof extension;
  subprotocol: typeof subprotocol;
}

const WebSocket: typeof Socket & Statics = Object.assign(Socket, {
  Server: WebSocketServer,
  WebSocketServer,
  WebSocket: Socket as typeof Socket & Statics,
  createWebSocketStream,
  Sender,
  extension,
  subprotocol,
});
type WebSocket = Socket;

/** The types by the names that those of `ws` have. */
declare namespace WebSocket {
  export type Server<
    Class extends typeof Socket = typeof Socket,
    Request extends typeof IncomingMessage = typeof IncomingMessage,
  > = WebSocketServer<Class, Request>;
  export type { Server as WebSocketServer };
  export type WebSocket = Socket;
  export type RawData = WsRawData;
  export type Data = string | WsRawData;
  export type AddressInfo = NodeAddressInfo;
  export type ClientOptions = WsClientOptions;
  export type PerMessageDeflateOptions = WsPerMessageDeflateOptions;
  export type ServerOptions<
    Class extends typeof Socket = typeof Socket,
    Request extends typeof IncomingMessage = typeof IncomingMessage,
  > = WsServerOptions<Class, Request>;
  export type ServerDefaults = WsServerDefaults;
  export type VerifyClientCallbackSync<Request extends IncomingMessage = IncomingMessage> =
    WsVerifyClientCallbackSync<Request>;
  export type VerifyClientCallbackAsync<Request extends IncomingMessage = IncomingMessage> =
    WsVerifyClientCallbackAsync<Request>;
  export type FinishRequestCallback = NonNullable<WsClientOptions["finishRequest"]>;
  export type Event = EventMap["open"];
  export type ErrorEvent = EventMap["error"];
  export type CloseEvent = EventMap["close"];
  export type MessageEvent = EventMap["message"];
  export type WebSocketEventMap = EventMap;
  export interface EventListenerOptions {
    once?: boolean | undefined;
  }
}

// oxlint-disable-next-line import/no-default-export -- `ws` has one, and programs that were written for it import it
export default WebSocket;
export { createWebSocketStream, extension, Sender, subprotocol, WebSocket, WebSocketServer, WebSocketServer as Server };
/** What `require` gives: the class, as with `ws`. */
export { WebSocket as "module.exports" };
export type AddressInfo = WebSocket.AddressInfo;
export type ClientOptions = WebSocket.ClientOptions;
export type CloseEvent = WebSocket.CloseEvent;
export type Data = WebSocket.Data;
export type ErrorEvent = WebSocket.ErrorEvent;
export type Event = WebSocket.Event;
export type EventListenerOptions = WebSocket.EventListenerOptions;
export type FinishRequestCallback = WebSocket.FinishRequestCallback;
export type MessageEvent = WebSocket.MessageEvent;
export type PerMessageDeflateOptions = WebSocket.PerMessageDeflateOptions;
export type RawData = WebSocket.RawData;
export type ServerDefaults = WebSocket.ServerDefaults;
export type { ServerOptions, VerifyClientCallbackAsync, VerifyClientCallbackSync } from "./server-options.js";
