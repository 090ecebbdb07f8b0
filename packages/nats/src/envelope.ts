import { randomFillSync } from "node:crypto";
import type { StoredMessage } from "hawser/hub";
import type { MsgHdrs } from "@nats-io/transport-node";
import { nameOf, tokenOf } from "./names.js";

/** The header of every message that a node publishes. */
export const ENVELOPE = "Hawser";
const VERSION = "1";
/** For what is left out: no token is it. */
const NONE = ".";

/** What a message has besides its bytes. */
export interface Envelope extends Pick<StoredMessage, "stamp" | "binary" | "by" | "from"> {
  /** How many messages of the topic its publisher wanted kept, 0 for a topic without history; and for how long. */
  readonly size: number;
  readonly ttlMs: number;
}

/** Of size and time: what is more is read by no version, and is for ever as it is. */
const LARGEST = 10 ** 15 - 1;

/** One line: `1 <stamp> <size> <ttlMs> t|b <by> <from>`. What follows is for later versions. */
export function writeEnvelope({ stamp, size, ttlMs, binary, by, from }: Envelope): string {
  const kind = binary ? "b" : "t";
  return `${VERSION} ${stamp} ${Math.min(size, LARGEST)} ${Math.min(ttlMs, LARGEST)} ${kind} ${textOf(by)} ${textOf(from)}`;
}

/** @returns undefined for what no node wrote */
export function readEnvelope(line: string | undefined): Envelope | undefined {
  if (line === undefined) return undefined;
  const [version, stamp, size, ttl, kind, by, from] = line.split(" ");
  if (version !== VERSION || from === undefined || !/^[\w-]{11}$/.test(stamp!)) return undefined;
  const numbers = [size, ttl].map((text) => (/^\d{1,15}$/.test(text!) ? Number(text) : -1));
  const names = [by!, from].map((text) => (text === NONE ? undefined : nameOf(text)));
  const isWhole = (by === NONE || names[0] !== undefined) && (from === NONE || names[1] !== undefined);
  if (numbers.includes(-1) || !isWhole || (kind !== "t" && kind !== "b")) return undefined;
  return { stamp: stamp!, size: numbers[0]!, ttlMs: numbers[1]!, binary: kind === "b", by: names[0], from: names[1] };
}

/** Of a message in a form that this version does not read. It is there, as one whose time is over: who missed it is told so. */
const OF_LATER_FORM: Envelope = { stamp: "", size: Infinity, ttlMs: -Infinity, binary: true };

/** Of a message that is kept. @returns undefined for what no node wrote, of whatever version */
export function readStoredEnvelope(line: string | undefined): Envelope | undefined {
  const isLater = line !== undefined && Number(/^\d+(?= )/.exec(line)?.[0] ?? 0) > Number(VERSION);
  return isLater ? OF_LATER_FORM : readEnvelope(line);
}

function textOf(name: string | undefined): string {
  return name === undefined ? NONE : tokenOf(name);
}

/** The headers that are of use, those of several values by their first. */
export function headersOf(headers: MsgHdrs | undefined): Map<string, string> {
  const map = new Map<string, string>();
  for (const [name, values] of headers ?? []) map.set(name, values[0]!);
  return map;
}

const STAMP_BYTES = 8;
/** Random bytes for the next ones: to ask for them costs more than the bytes. */
const random = Buffer.alloc(512 * STAMP_BYTES);
let used = random.length;

/** Eight random bytes as text. */
export function freshStamp(): string {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  return random.toString("base64url", used, (used += STAMP_BYTES));
}
