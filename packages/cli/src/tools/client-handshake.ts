/** The client's side of the opening handshake, RFC 6455 4.1: the request out, the server's answer checked. */
import { randomBytes } from "node:crypto";
import { acceptValue, type DeflateParameters, type Extension, parseExtensions } from "hawser/protocol";
import type { Header } from "./headers.js";
import type { Target } from "./target.js";

export interface Offer {
  /** Favourite first. */
  readonly subprotocols: readonly string[];
  readonly headers: readonly Header[];
  /** Offer permessage-deflate. */
  readonly compression: boolean;
}

export interface Request {
  readonly key: string;
  readonly text: string;
}

export function makeRequest(target: Target, offer: Offer): Request {
  const key = randomBytes(16).toString("base64");
  const own: Header[] = [
    ["Host", target.host],
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Key", key],
    ["Sec-WebSocket-Version", "13"],
  ];
  if (offer.subprotocols.length > 0) own.push(["Sec-WebSocket-Protocol", offer.subprotocols.join(", ")]);
  // RFC 7692 7.1.2.2: with client_max_window_bits the server may ask for a smaller window; we compress nothing ourselves.
  if (offer.compression) own.push(["Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"]);
  const { username, password } = target.url;
  if (username !== "" || password !== "") {
    const credentials = `${decoded(username)}:${decoded(password)}`;
    own.push(["Authorization", `Basic ${Buffer.from(credentials).toString("base64")}`]);
  }
  // What the user gives, Host say, stands in place of ours.
  const given = new Set(offer.headers.map(([name]) => name.toLowerCase()));
  const headers = [...own.filter(([name]) => !given.has(name.toLowerCase())), ...offer.headers];
  return {
    key,
    text: `GET ${target.path} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`,
  };
}

/** What is no percent-encoding stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export interface Agreement {
  /** "" if none. */
  readonly subprotocol: string;
  /** Null: no compression. */
  readonly deflate: DeflateParameters | null;
}

/** What is wrong with an answer: its kind, the same for all of that kind, and in words. */
export interface Refusal {
  readonly kind: string;
  readonly text: string;
}

/** @param head the answer up to the empty line */
export function readAnswer(head: string, key: string, offer: Offer): Agreement | Refusal {
  const [statusLine = "", ...lines] = head.split("\r\n");
  const status = /^HTTP\/1\.[01] (?<code>\d{3})(?: (?<reason>.*))?$/.exec(statusLine)?.groups;
  if (status === undefined) return { kind: "not HTTP", text: "what answers there does not speak HTTP/1.1" };
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()]);
  }
  const valueOf = (name: string): string | undefined => headers.get(name)?.join(", ");

  if (status["code"] !== "101") return notSwitched(status["code"] ?? "", status["reason"] ?? "", valueOf("location"));
  if (
    valueOf("upgrade")?.toLowerCase() !== "websocket" ||
    !/(^|,)\s*upgrade\s*(,|$)/i.test(valueOf("connection") ?? "")
  )
    return { kind: "upgrade", text: "its 101 does not switch to WebSocket (Upgrade, Connection)" };
  // RFC 6455 4.1: anything but the hash of our key is not from a WebSocket server that has read our request.
  if (valueOf("sec-websocket-accept") !== acceptValue(key))
    return { kind: "accept", text: "its Sec-WebSocket-Accept does not answer our key: no WebSocket server" };

  const subprotocol = valueOf("sec-websocket-protocol") ?? "";
  if (subprotocol !== "" && !offer.subprotocols.includes(subprotocol))
    return {
      kind: "subprotocol",
      text: `it chose the subprotocol ${JSON.stringify(subprotocol)}, which was not offered`,
    };
  const deflate = readDeflate(valueOf("sec-websocket-extensions"), offer.compression);
  if (deflate === "wrong") return { kind: "extensions", text: "it answered with an extension that was not offered so" };
  return { subprotocol, deflate };
}

/** Statuses that say: not you, or not now. With any other there is no WebSocket. */
const REFUSED: ReadonlySet<string> = new Set(["400", "401", "403", "407", "408", "421", "429", "503"]);

function notSwitched(code: string, reason: string, location: string | undefined): Refusal {
  const answered = `answered ${`${code} ${reason}`.trim()}${location === undefined ? "" : ` (to ${location})`}`;
  const meaning = REFUSED.has(code) ? "the WebSocket was refused" : "no WebSocket there";
  return { kind: `HTTP ${code}`, text: `${answered}: ${meaning}` };
}

const WINDOW_BITS = /^(?:[89]|1[0-5])$/;

/** RFC 7692 7.1: what a server may answer to our offer. */
function readDeflate(header: string | undefined, offered: boolean): DeflateParameters | null | "wrong" {
  if (header === undefined) return null;
  const [extension, another] = parseExtensions(header) ?? [];
  if (!offered || extension?.name !== "permessage-deflate" || another !== undefined) return "wrong";
  const params = new Map<string, string | true>(extension.params satisfies Extension["params"]);
  for (const [name, value] of params) {
    if (name.endsWith("_no_context_takeover") ? value !== true : !WINDOW_BITS.test(String(value))) return "wrong";
  }
  if (params.size !== extension.params.length) return "wrong";
  const known = ["server_no_context_takeover", "client_no_context_takeover", ...WINDOWS];
  if ([...params.keys()].some((name) => !known.includes(name))) return "wrong";
  const [serverMaxWindowBits = 15, clientMaxWindowBits = 15] = WINDOWS.map((name) => Number(params.get(name) ?? 15));
  return {
    serverNoContextTakeover: params.has("server_no_context_takeover"),
    clientNoContextTakeover: params.has("client_no_context_takeover"),
    serverMaxWindowBits,
    clientMaxWindowBits,
  };
}

const WINDOWS = ["server_max_window_bits", "client_max_window_bits"] as const;
