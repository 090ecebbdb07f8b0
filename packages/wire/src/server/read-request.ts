import { BinaryKind, readBinary } from "../binary.js";
import { limits } from "../limits.js";
import type { ErrorWord } from "../words.js";
import { type FieldKind, type FieldKindName, fieldKinds } from "./field-kinds.js";
import { findPayload, firstKey, nestsDeeperThan, trimJson } from "./payload.js";
import { requestFields, requestPayload } from "./request-fields.js";
import type { Fault, Payload, Position, Request, RequestVerb } from "./request.js";

/** The frame without its payload, once its fields are known to hold what they have to. */
type Head = Readonly<Record<string, unknown>>;

type Verb = Exclude<RequestVerb, "ping">;

const TOO_DEEP = `a frame nests at most ${limits.depth} deep`;

/** Reads a text frame of a client's. Never throws: what is no request is a fault. */
export function readRequest(text: string): Request | Fault {
  if (text === "{}") return { verb: "ping" };
  const place = findPayload(text);
  const before = place === undefined ? text : `${text.slice(0, place.comma)}}`;
  // First of all: JSON.parse takes a hundred times as long for what nests without end.
  if (nestsDeeperThan(before, limits.depth)) return { ...foreign(TOO_DEEP), code: "too-big" };
  const head = parse(before);
  if (!isObject(head)) return foreign("a frame has to be one JSON object, and d its last key");
  const verb = firstKey(text);
  const isEmpty = place === undefined && Object.keys(head).length === 0;
  if (verb === "") return isEmpty ? { verb: "ping" } : foreign("there is no verb");
  const id = idOf(head);
  if (!isVerb(verb)) {
    // With an id it may be a request of a later version.
    return { ...fault(id, "unsupported", `there is no verb ${quoted(verb)}`), foreign: id === 0 };
  }
  const wrong = checkHead(verb, head);
  if (wrong !== undefined) return fault(id, wrong.code, wrong.sentence);
  if (place === undefined) {
    if (requestPayload[verb] === "needed") return fault(id, "bad-request", `${verb} needs d, the payload`);
    return build(verb, head, undefined);
  }
  const json = trimJson(text.slice(place.start, place.end));
  // The frame itself is one more.
  if (nestsDeeperThan(json, limits.depth - 1)) return fault(id, "too-big", TOO_DEEP);
  const value = parse(json);
  if (value === undefined || trimJson(text.slice(place.end)) !== "}") {
    return fault(id, "bad-request", "d has to be JSON and the last key");
  }
  return build(verb, head, { binary: false, json, value });
}

/** Reads a binary frame of a client's. Its payload is a view of the frame. */
export function readBinaryRequest(frame: Uint8Array): Request | Fault {
  const read = readBinary(frame);
  if (read === undefined) return foreign("a binary frame has a header of eight bytes and a name");
  const { kind, number: id, name, second, payload } = read;
  const verb = kind === BinaryKind.pub ? "pub" : "call";
  if (kind !== BinaryKind.pub && kind !== BinaryKind.call)
    return fault(id, "unsupported", `no request is of kind ${kind}`);
  if (verb === "call" && second !== undefined) return fault(id, "bad-request", "a call has no second name");
  const head = { [verb]: name, id: id === 0 ? undefined : id, key: second };
  const wrong = checkHead(verb, head);
  if (wrong !== undefined) return fault(id, wrong.code, wrong.sentence);
  return build(verb, head, { binary: true, bytes: payload });
}

/** The fields of each request, looked up once. */
const fieldsOf: ReadonlyMap<string, readonly { name: string; kind: FieldKind; optional: boolean }[]> = new Map(
  Object.entries(requestFields).map(([verb, fields]) => [
    verb,
    Object.entries(fields).map(([name, field]) => ({
      name,
      kind: fieldKinds[field.replace("?", "") as FieldKindName],
      optional: field.endsWith("?"),
    })),
  ]),
);

/** JSON has no undefined: that is for what is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Head {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isVerb(word: string): word is Verb {
  return fieldsOf.has(word);
}

/** What is wrong with the fields of a request. */
function checkHead(verb: Verb, head: Head): { code: ErrorWord; sentence: string } | undefined {
  // The literal d was cut off, so this one came with an escape.
  if (Object.hasOwn(head, "d")) return { code: "bad-request", sentence: 'd has to be written as "d"' };
  for (const key of Object.keys(head)) {
    if (key !== verb && isVerb(key)) {
      return { code: "bad-request", sentence: `a frame has one verb, and not both ${verb} and ${key}` };
    }
  }
  for (const { name, kind, optional } of fieldsOf.get(verb)!) {
    const value = head[name];
    if (value === undefined && optional) continue;
    const code = kind.check(value);
    if (code !== undefined) return { code, sentence: `${name} has to be ${kind.what}` };
  }
  // Each topic of a hello is a request with an id of its own, after that of the hello.
  if (verb === "hello" && (head["id"] as number) + subsOf(head).length > limits.number) {
    return { code: "bad-request", sentence: "id has to leave room for those of subs" };
  }
  if (verb === "sub" && (head["o"] === undefined) !== (head["e"] === undefined)) {
    return { code: "bad-request", sentence: "o and e make a position together" };
  }
  if (verb === "sub" && head["o"] !== undefined && head["last"] !== undefined) {
    return {
      code: "bad-request",
      sentence: "a subscription begins at a position or with the last messages, and not at both",
    };
  }
  return undefined;
}

/** The request of a head that was checked: that is what the casts are for. */
function build(verb: Verb, head: Head, payload: Payload | undefined): Request {
  const id = (head["id"] ?? 0) as number;
  const topic = head[verb] as string;
  switch (verb) {
    case "hello":
      return { verb, id, token: head["token"] as string | undefined, subs: subsOf(head) };
    case "sub":
      return { verb, id, topic, position: positionOf(head["o"], head["e"]), last: head["last"] as number | undefined };
    case "unsub":
      return { verb, id, topic };
    case "pub":
      return { verb, id, topic, key: head["key"] as string | undefined, payload: payload! };
    case "call":
      return { verb, id, name: topic, payload };
    case "cancel":
      return { verb, id: head["cancel"] as number };
    case "auth":
      return { verb, id, token: head["auth"] as string };
    case "who":
      return { verb, id, topic, max: head["max"] as number | undefined, watch: head["watch"] as boolean | undefined };
    case "count":
      return { verb, id, topic, watch: head["watch"] as boolean | undefined };
    case "back":
      return {
        verb,
        id,
        topic,
        before: head["before"] as number | undefined,
        epoch: head["e"] as string | undefined,
        max: head["max"] as number | undefined,
      };
    case "ok":
      return { verb, call: topic, payload };
    case "err":
      return { verb, call: topic, code: head["code"] as string, sentence: head["msg"] as string | undefined };
  }
}

function subsOf(head: Head): { topic: string; position: Position | undefined }[] {
  const subs = (head["subs"] ?? []) as [topic: string, offset?: number, epoch?: string][];
  return subs.map(([topic, offset, epoch]) => ({ topic, position: positionOf(offset, epoch) }));
}

function positionOf(offset: unknown, epoch: unknown): Position | undefined {
  return offset === undefined ? undefined : { offset: offset as number, epoch: epoch as string };
}

function idOf({ id }: Head): number {
  return fieldKinds.id.check(id) === undefined ? (id as number) : 0;
}

function fault(id: number, code: ErrorWord, sentence: string): Fault {
  return { verb: "fault", id, code, sentence, foreign: false };
}

function foreign(sentence: string): Fault {
  return { verb: "fault", id: 0, code: "bad-request", sentence, foreign: true };
}

/** A word of the client's, short enough for a sentence. */
function quoted(word: string): string {
  return JSON.stringify(word.length > 32 ? `${word.slice(0, 32)}…` : word);
}
