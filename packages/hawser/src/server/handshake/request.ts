import type { IncomingMessage } from "node:http";
import { isWord } from "../../protocol/tokens.js";
import type { UpgradeRequest } from "../api/upgrade-request.js";
import { PlainRequest } from "../internals/plain-request.js";
import { addressAt } from "./address.js";

/** What a handshake came as: parsed by node:http, or not. */
export type RequestHead = IncomingMessage | PlainRequest;

export function messageOf(head: RequestHead): IncomingMessage {
  return head instanceof PlainRequest ? head.message : head;
}

/** IP address of the one who connected, or the word for a Unix socket; empty when it is gone. */
export function peerAddressOf(head: RequestHead): string {
  return head instanceof PlainRequest ? (head.remote.address ?? "") : addressAt(head.socket);
}

/** Headers, query and `raw` are worked out when they are asked for: most applications ask for none of them. */
export class NodeUpgradeRequest implements UpgradeRequest {
  readonly path: string;
  readonly address: string;
  readonly subprotocols: readonly string[];
  readonly #head: RequestHead;
  readonly #query: string;
  #parsed: URLSearchParams | null = null;

  constructor(head: RequestHead, target: Target, address: string, subprotocols: readonly string[]) {
    this.#head = head;
    this.path = target.path;
    this.#query = target.query;
    this.address = address;
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
export function headerOf(raw: RequestHead, name: string): string | undefined {
  const { rawHeaders } = raw;
  let value: string | undefined;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (!isWord(rawHeaders[i]!, name)) continue;
    value = value === undefined ? rawHeaders[i + 1]! : `${value}, ${rawHeaders[i + 1]!}`;
  }
  return value;
}

/** What the request was sent to. The authority of a target in absolute form goes before Host (RFC 9112 3.2.2). */
export function authorityOf(raw: RequestHead): string | undefined {
  const { url = "/" } = raw;
  return url.startsWith("/") ? headerOf(raw, "host") : (ABSOLUTE.exec(url)?.[1] ?? headerOf(raw, "host"));
}

const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i;

export interface Target {
  readonly path: string;
  readonly query: string;
}

/** Path and query of a request's target, which may also be in absolute form (RFC 9112 3.2). */
export function readTarget(target: string): Target {
  const origin = target.startsWith("/") ? 0 : (ABSOLUTE.exec(target)?.[0].length ?? 0);
  const hash = target.indexOf("#", origin);
  const end = hash < 0 ? target.length : hash;
  const mark = target.indexOf("?", origin);
  if (mark < 0 || mark > end) return { path: target.slice(origin, end) || "/", query: "" };
  return { path: target.slice(origin, mark) || "/", query: target.slice(mark + 1, end) };
}
