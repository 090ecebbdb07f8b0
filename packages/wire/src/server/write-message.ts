import type { ByeWord, ErrorWord, GapWord, UnsubWord } from "../words.js";
import type { JsonText, Position } from "./request.js";

/** The answer to `{}`, and what a connection gets that was told nothing for a while. */
export const PING = "{}";

/** Who is in a topic: a key, and what else is to be known. */
export type Member = readonly [key: string, info?: JsonText];

/** What an answer may say besides its payload. */
export interface Answer {
  /** Offset: the position of a subscription, or of what was published. */
  readonly o?: number | undefined;
  readonly e?: string | undefined;
  /** How many messages of the topic follow that were published before. */
  readonly replay?: number | undefined;
  /** What was asked for is no longer there, and nothing follows. */
  readonly missed?: true | undefined;
  /** How many messages of the topic follow as a page of its history. */
  readonly page?: number | undefined;
  /** There is more before this page. */
  readonly more?: true | undefined;
  /** A message with this key was published before, and has this position. */
  readonly duplicate?: true | undefined;
  /** For how many milliseconds the token is good. */
  readonly ttl?: number | undefined;
  /** How many are there. */
  readonly n?: number | undefined;
}

/** How many are in a topic, and who came and went. Each list of changes has a version one above the one before. */
export interface Presence {
  readonly n: number;
  /** Left out where numbers alone are told. */
  readonly v?: number | undefined;
  readonly in?: readonly Member[] | undefined;
  readonly out?: readonly string[] | undefined;
}

export function writeHello(hello: {
  /** The id of the client. */
  readonly client: string;
  /** After how many milliseconds of silence the server says something. */
  readonly ping: number;
  readonly ttl?: number | undefined;
  /** What messages that this client publishes have as `by`. */
  readonly user?: string | undefined;
  /** What this server has beyond the first version. */
  readonly has?: readonly string[] | undefined;
}): string {
  return JSON.stringify({ hello: 1, ...hello });
}

export function writeOk(id: number, answer: Answer = {}, data?: JsonText): string {
  return withData(JSON.stringify({ ok: id, ...answer }), data);
}

/** The answer to `who`. */
export function writeMembers(id: number, presence: Presence): string {
  // That nobody is there is something else than that only their number is told.
  const nobody = presence.in?.length === 0 ? ',"in":[]' : "";
  return `{"ok":${id}${presenceFields(presence)}${nobody}}`;
}

/** `id` is 0 where the frame was none that has one. `retry` is in milliseconds. */
export function writeErr(id: number, code: ErrorWord | (string & {}), sentence: string, retry?: number): string {
  return JSON.stringify({ err: id, code, msg: sentence, retry });
}

/** What a message begins with: its payload follows, and a `}`. */
export function pubHead(topic: string, offset?: number, by?: string): string {
  const o = offset === undefined ? "" : `,"o":${offset}`;
  const from = by === undefined ? "" : `,"by":${JSON.stringify(by)}`;
  return `{"pub":${JSON.stringify(topic)}${o}${from},"d":`;
}

/** A message: the same text for all subscribers, live or replayed. */
export function writePub(topic: string, json: JsonText, offset?: number, by?: string): string {
  return `${pubHead(topic, offset, by)}${json}}`;
}

export function writeGap(topic: string, { offset, epoch }: Position, code: GapWord): string {
  return JSON.stringify({ gap: topic, o: offset, e: epoch, code });
}

export function writeUnsub(topic: string, code: UnsubWord): string {
  return JSON.stringify({ unsub: topic, code });
}

export function writePresence(topic: string, presence: Presence): string {
  return `{"pres":${JSON.stringify(topic)}${presenceFields(presence)}}`;
}

/** A call of the server's, which the client answers with `ok` or `err`. */
export function writeCall(name: string, id: string, data?: JsonText): string {
  return withData(JSON.stringify({ call: name, id }), data);
}

/** The server no longer waits for the answer. */
export function writeCancel(id: string): string {
  return JSON.stringify({ cancel: id });
}

/** `wait`: not to come back for so many milliseconds. */
export function writeBye(code: ByeWord, wait?: number): string {
  return JSON.stringify({ bye: code, wait });
}

function presenceFields({ n, v, in: joined = [], out = [] }: Presence): string {
  const version = v === undefined ? "" : `,"v":${v}`;
  const members = joined.map(([key, info]) => `[${JSON.stringify(key)}${info === undefined ? "" : `,${info}`}]`);
  const coming = members.length === 0 ? "" : `,"in":[${members.join(",")}]`;
  const going = out.length === 0 ? "" : `,"out":${JSON.stringify(out)}`;
  return `,"n":${n}${version}${coming}${going}`;
}

/** The payload becomes the last key, as it is. */
function withData(frame: string, data: JsonText | undefined): string {
  return data === undefined ? frame : `${frame.slice(0, -1)},"d":${data}}`;
}
