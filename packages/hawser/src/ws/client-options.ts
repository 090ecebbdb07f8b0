import type { Agent, ClientRequest } from "node:http";
import type { createConnection } from "node:net";
import type { SecureContextOptions } from "node:tls";
import type { PerMessageDeflateOptions } from "./deflate-options.js";

/** What `new WebSocket` takes; besides these, whatever `http.request` or `https.request` takes. */
export interface ClientOptionsFor<Socket> extends SecureContextOptions {
  protocol?: string | undefined;
  /** Follows redirects, without `authorization` and `cookie` to where they were not meant for. @default false */
  followRedirects?: boolean | undefined;
  /** Fills in a masking key. @default from a strong source of entropy */
  generateMask?(mask: Buffer): void;
  /** In milliseconds; 0: none. @default 10000 */
  handshakeTimeout?: number | undefined;
  /** @default 10 */
  maxRedirects?: number | undefined;
  /** @default true */
  perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
  localAddress?: string | undefined;
  /** 13 is the only one there is. */
  protocolVersion?: number | undefined;
  headers?: { [key: string]: string } | undefined;
  origin?: string | undefined;
  agent?: Agent | undefined;
  auth?: string | undefined;
  host?: string | undefined;
  family?: number | undefined;
  checkServerIdentity?(servername: string, cert: string | string[] | Buffer | Buffer[]): boolean;
  rejectUnauthorized?: boolean | undefined;
  allowSynchronousEvents?: boolean | undefined;
  autoPong?: boolean | undefined;
  /** How long the other side may take to answer a close frame, in milliseconds. @default 30000 */
  closeTimeout?: number | undefined;
  /** Largest message in bytes; 0: no limit. @default 104857600 */
  maxPayload?: number | undefined;
  /** Without effect: what fragments and chunks cost is bounded in bytes. */
  maxBufferedChunks?: number | undefined;
  maxFragments?: number | undefined;
  maxPendingAutoPongs?: number | undefined;
  /** Without effect: text is always checked. */
  skipUTF8Validation?: boolean | undefined;
  createConnection?: typeof createConnection | undefined;
  /** Called instead of `request.end()`, which is its affair then. */
  finishRequest?: ((request: ClientRequest, websocket: Socket) => void) | undefined;
  /** What no `error` listener hears, and what a listener throws, is thrown: most often that ends the process. @default false */
  throwUnhandled?: boolean | undefined;
}

/** A handshake under way. */
export interface Connecting {
  /** Null: none is under way. */
  readonly request: ClientRequest | null;
  /** Gives it up: the WebSocket is told. */
  abort(error: Error): void;
}
