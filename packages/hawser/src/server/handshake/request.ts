import type { IncomingMessage } from "node:http";
import { isWord } from "../../protocol/tokens.js";
import type { UpgradeRequest } from "../api/upgrade-request.js";
import { LeanRequest } from "../sockets/node-internals.js";
import { addressAt } from "./address.js";
import { ConnectRequest } from "./connect-request.js";
import type { Target } from "./target.js";
import { readUri } from "./uri.js";

/** What a handshake came as: parsed by node:http, not parsed by it, or as a stream of HTTP/2. */
export type RequestHead = IncomingMessage | LeanRequest | ConnectRequest;

export function messageOf(head: RequestHead): IncomingMessage {
  return head instanceof LeanRequest || head instanceof ConnectRequest ? head.message : head;
}

/** IP address of the one who connected, or the word for a Unix socket; empty when it is gone. */
export function peerAddressOf(head: RequestHead): string {
  if (head instanceof ConnectRequest) return head.peerAddress;
  return head instanceof LeanRequest ? (head.remote.address ?? "") : addressAt(head.socket);
}

/** The request of a handshake as the application sees it. Headers, query and `raw` are made when they are asked for: most ask for none. */
export class LazyUpgradeRequest implements UpgradeRequest {
  readonly path: string;
  readonly address: string;
  readonly httpVersion: string;
  readonly subprotocols: readonly string[];
  readonly #head: RequestHead;
  readonly #query: string;
  #parsed: URLSearchParams | null = null;

  constructor(head: RequestHead, target: Target, address: string, subprotocols: readonly string[]) {
    this.#head = head;
    this.path = target.path;
    this.#query = target.query;
    this.address = address;
    this.httpVersion = head.httpVersion;
    this.subprotocols = subprotocols;
  }

  get raw(): IncomingMessage {
    return messageOf(this.#head);
  }

  get query(): URLSearchParams {
    return (this.#parsed ??= new URLSearchParams(this.#query));
  }

  get headers(): IncomingMessage["headers"] {
    return this.raw.headers;
  }
}

/** The value of a header as it was sent, that of several lines joined with commas; undefined when there is none. */
export function headerOf(head: RequestHead, name: string): string | undefined {
  const { rawHeaders } = head;
  let value: string | undefined;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (!isWord(rawHeaders[i]!, name)) continue;
    value = value === undefined ? rawHeaders[i + 1]! : `${value}, ${rawHeaders[i + 1]!}`;
  }
  return value;
}

/** What the request was sent to. The authority of a target in absolute form goes before Host (RFC 9112 3.2.2). */
export function authorityOf(head: RequestHead): string | undefined {
  if (head instanceof ConnectRequest) return head.authority;
  const { url = "/" } = head;
  const uri = url.startsWith("/") ? null : readUri(url);
  return uri === null ? headerOf(head, "host") : uri.authority;
}
