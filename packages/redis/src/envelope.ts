/** A message as it stands in Redis: in a stream, and on a channel. */
import type { StoredMessage } from "hawser/hub";
import { writeFreshStamp } from "./fresh.js";

/**
 * What a node writes, and the scripts hand on as it is:
 *
 *     "h" 1 | flags 1 | stamp 8 | [length 2, by] | [length 2, from] | bytes
 *
 * An entry of a stream has what was before it in front; a message on a channel has its position in front:
 *
 *     offset before 6 | stamp before 8 | body
 *     "H" 1 | offset 6 | offset before 6 | length 1, epoch | body
 *
 * and several that were published together are one message on their channel:
 *
 *     "B" 1 | (length 4 | "H" …)+
 *
 * Numbers are big-endian. The digit after the letter is the version: what has another one is not read.
 */
const BODY = 0x6801;
const LIVE = 0x4801;
const SEVERAL = 0x4201;
const BINARY = 1;
const BY = 2;
const FROM = 4;
const FLAGS = BINARY | BY | FROM;
/** In their order. */
const TEXTS = [BY, FROM] as const;
/** Letter, version, flags, stamp. */
const BODY_HEAD = 11;
const ENTRY_HEAD = 14;
const LIVE_HEAD = 15;

/** Where the scripts find the stamp in a body, counted from 1. */
export const STAMP_AT = 4;

export type Content = Pick<StoredMessage, "bytes" | "binary" | "by" | "from">;

/** A message of a stream, and the stamp of the one before it. */
export interface Entry {
  readonly message: StoredMessage;
  readonly prevStamp: string;
}

/** What a body takes at most. */
export function roomForBody({ bytes, by, from }: Content): number {
  return BODY_HEAD + roomForText(by) + roomForText(from) + bytes.byteLength;
}

/** @returns where it ends */
export function writeBody(to: Buffer, at: number, { bytes, binary, by, from }: Content): number {
  to[at] = BODY >>> 8;
  to[at + 1] = BODY & 0xff;
  to[at + 2] = (binary ? BINARY : 0) | (by === undefined ? 0 : BY) | (from === undefined ? 0 : FROM);
  writeFreshStamp(to, at + 3);
  let end = writeText(to, by, at + BODY_HEAD);
  end = writeText(to, from, end);
  to.set(bytes, end);
  return end + bytes.byteLength;
}

// A character of a string is three bytes at most.
function roomForText(text: string | undefined): number {
  return text === undefined ? 0 : 2 + 3 * text.length;
}

function writeText(body: Buffer, text: string | undefined, at: number): number {
  if (text === undefined) return at;
  const length = body.write(text, at + 2);
  body.writeUInt16BE(length, at);
  return at + 2 + length;
}

/** All messages in one message on a channel. @returns undefined for what no node wrote */
export function readAllLive(data: Buffer): readonly StoredMessage[] | undefined {
  if (data.length < 2 || data.readUInt16BE(0) !== SEVERAL) {
    const message = readLive(data);
    return message === undefined ? undefined : [message];
  }
  const messages: StoredMessage[] = [];
  for (let at = 2; at < data.length;) {
    if (data.length < at + 4) return undefined;
    const begin = at + 4;
    at = begin + data.readUInt32BE(at);
    const message = data.length < at ? undefined : readLive(data.subarray(begin, at));
    if (message === undefined) return undefined;
    messages.push(message);
  }
  return messages;
}

/** @returns undefined for what no node wrote */
export function readLive(data: Buffer): StoredMessage | undefined {
  if (data.length < LIVE_HEAD || data.readUInt16BE(0) !== LIVE) return undefined;
  const bodyAt = LIVE_HEAD + data[14]!;
  const epoch = data.toString("latin1", LIVE_HEAD, bodyAt);
  return readBody(data, bodyAt, data.readUIntBE(2, 6), data.readUIntBE(8, 6), epoch);
}

/** @returns undefined for what no node wrote */
export function readEntry(id: Buffer, value: Buffer, epoch: string): Entry | undefined {
  const [, offset] = /^(\d{1,15})-0$/.exec(id.toString("latin1")) ?? [];
  if (offset === undefined || value.length < ENTRY_HEAD) return undefined;
  const message = readBody(value, ENTRY_HEAD, Number(offset), value.readUIntBE(0, 6), epoch);
  return message === undefined ? undefined : { message, prevStamp: value.toString("latin1", 6, ENTRY_HEAD) };
}

function readBody(data: Buffer, at: number, offset: number, prev: number, epoch: string): StoredMessage | undefined {
  if (data.length < at + BODY_HEAD || data.readUInt16BE(at) !== BODY) return undefined;
  // Of a topic without history both are 0.
  if (prev >= offset && offset !== 0) return undefined;
  const flags = data[at + 2]!;
  if ((flags & ~FLAGS) !== 0) return undefined;
  const stamp = data.toString("latin1", at + 3, at + BODY_HEAD);
  let by: string | undefined;
  let from: string | undefined;
  let begin = at + BODY_HEAD;
  for (const flag of TEXTS) {
    if ((flags & flag) === 0) continue;
    if (data.length < begin + 2) return undefined;
    const end = begin + 2 + data.readUInt16BE(begin);
    if (data.length < end) return undefined;
    const text = data.toString("utf8", begin + 2, end);
    if (flag === BY) by = text;
    else from = text;
    begin = end;
  }
  // A copy: the buffer of what was received is larger, and would be kept with it.
  const bytes = new Uint8Array(new Uint8Array(data.buffer, data.byteOffset + begin, data.length - begin));
  return { offset, prev, epoch, stamp, bytes, binary: (flags & BINARY) !== 0, by, from };
}
