/** The opening handshake as bytes: requests that may be wrong on purpose, and the answer as it came. */
import { MAX_HEAD_BYTES, skipInterim } from "../tools/interim.js";
import type { Target } from "../tools/target.js";

/** Name and value of each header that is added to a request or, with null, left out of it. */
export type Headers = Readonly<Record<string, string | null>>;

export interface Response {
  readonly status: number;
  /** Names in lower case; of a header that stands twice, the values joined with commas. */
  readonly headers: ReadonlyMap<string, string>;
  /** As much of it as came with the head. */
  readonly body: string;
  /** What follows the head. */
  readonly rest: Buffer;
}

/** An upgrade request. A later header replaces an earlier one of the same name. */
export function upgradeRequest(target: Target, key: string, ...more: readonly Headers[]): string {
  const headers = new Map<string, readonly [name: string, value: string]>();
  const own: Headers = {
    Host: target.host,
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Key": key,
    "Sec-WebSocket-Version": "13",
  };
  for (const [name, value] of [own, ...more].flatMap((some) => Object.entries(some))) {
    if (value === null) headers.delete(name.toLowerCase());
    else headers.set(name.toLowerCase(), [name, value]);
  }
  const lines = [...headers.values()].map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${target.path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** The final response of those that begin here; null: its head is not whole yet; undefined: this is not HTTP, or has no end. */
export function readResponse(received: Buffer): Response | null | undefined {
  const bytes = skipInterim(received);
  if (bytes === undefined || !"HTTP/1.".startsWith(bytes.toString("latin1", 0, 7))) return undefined;
  const end = bytes.indexOf("\r\n\r\n");
  if (end === -1) return received.length > MAX_HEAD_BYTES ? undefined : null;
  const [statusLine = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1];
  if (status === undefined) return undefined;
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon < 1) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers.set(name, headers.has(name) ? `${headers.get(name)}, ${value}` : value);
  }
  const rest = bytes.subarray(end + 4);
  return { status: Number(status), headers, body: rest.toString("utf8", 0, 500), rest };
}
