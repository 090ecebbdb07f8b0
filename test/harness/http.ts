/** The opening handshake as bytes: requests that may be wrong on purpose, and the answer as it came. */
import { createHash, randomBytes } from "node:crypto";

export interface HandshakeOptions {
  /** Path and query. @default that of the URL */
  path?: string;
  /** Added to the request, or put in place of a default header of the same name; `null` leaves that header out. */
  headers?: Record<string, string | null>;
  /** The value of Sec-WebSocket-Extensions, such as `permessage-deflate; client_max_window_bits`. */
  offer?: string;
  protocols?: string;
  origin?: string;
  /** @default a fresh one */
  key?: string;
}

export interface HttpResponse {
  status: number;
  reason: string;
  /** Each header with all its values, names in lower case. */
  headers: Map<string, string[]>;
  body: string;
}

export function freshKey(): string {
  return randomBytes(16).toString("base64");
}

/** RFC 6455 4.2.2: what Sec-WebSocket-Accept must be for this key. */
export function acceptFor(key: string): string {
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

/** A correct upgrade request, except for what the options change. */
export function upgradeRequest(url: string, options: HandshakeOptions = {}): string {
  const { host, pathname, search } = new URL(url);
  const headers = new Map<string, [name: string, value: string]>();
  const set = (name: string, value: string | null | undefined): void => {
    if (value === null) headers.delete(name.toLowerCase());
    else if (value !== undefined) headers.set(name.toLowerCase(), [name, value]);
  };
  set("Host", host);
  set("Upgrade", "websocket");
  set("Connection", "Upgrade");
  set("Sec-WebSocket-Key", options.key ?? freshKey());
  set("Sec-WebSocket-Version", "13");
  set("Sec-WebSocket-Extensions", options.offer);
  set("Sec-WebSocket-Protocol", options.protocols);
  set("Origin", options.origin);
  for (const [name, value] of Object.entries(options.headers ?? {})) set(name, value);
  const lines = [...headers.values()].map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${options.path ?? pathname + search} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** The response's head, and where its body begins; undefined while there is no empty line yet. */
export function parseResponseHead(bytes: Buffer): { response: HttpResponse; length: number } | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end === -1) return undefined;
  const [statusLine = "", ...headerLines] = bytes.toString("latin1", 0, end).split("\r\n");
  const match = /^HTTP\/1\.[01] (\d{3}) ?(.*)$/.exec(statusLine);
  if (match === null) throw new Error(`not an HTTP status line: ${JSON.stringify(statusLine)}`);
  const headers = new Map<string, string[]>();
  for (const line of headerLines) {
    const colon = line.indexOf(":");
    if (colon < 1) throw new Error(`not an HTTP header line: ${JSON.stringify(line)}`);
    const name = line.slice(0, colon).toLowerCase();
    headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()]);
  }
  return { response: { status: Number(match[1]), reason: match[2] ?? "", headers, body: "" }, length: end + 4 };
}
