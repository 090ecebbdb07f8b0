// What holds for every frame. The tests run each a number of times, `npm run fuzz -- wire` for as long as one likes.

import assert from "node:assert/strict";
import { topicName } from "@hawser/wire";
import type { Member, Message } from "@hawser/wire/client";
import { type Payload, payloadBytes, type Request, requestPayload, topicMatcher, writePub } from "@hawser/wire/server";
import * as fc from "fast-check";
import { readAsClient, readAsServer, writeMessage, writeRequest } from "./ends.js";

// Short enough for each limit.
const name = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 10 })
  .filter((text) => !/[\p{Cc}\p{Cs}]/u.test(text) && Buffer.byteLength(text) <= 32);
const id = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.maxSafeInteger().map(Math.abs).filter(Boolean));
const noId = fc.oneof(fc.constant(0), id);
const offset = fc.oneof(fc.nat(), fc.maxSafeInteger().map(Math.abs));
const binaryNumber = fc.integer({ min: 1, max: 2 ** 48 - 1 });
const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
const position = record({ offset, epoch: name });
const bytes = fc.uint8Array({ maxLength: 40 });
// JSON.stringify makes null of -0's sign and of undefined.
const value = fc
  .jsonValue({ maxDepth: 5, stringUnit: "grapheme" })
  .map((json) => JSON.parse(JSON.stringify(json)) as unknown);
const payload = value.map((json): Payload => ({ binary: false, json: JSON.stringify(json), value: json }));
const binaryPayload = bytes.map((all): Payload => ({ binary: true, bytes: all }));
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
/** Objects of the usual kind alone, to compare with. */
function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
}
const is = <const T>(constant: T): fc.Arbitrary<T> => fc.constant(constant);

const request: fc.Arbitrary<Request> = fc.oneof(
  record({
    verb: is("hello"),
    // With room for those of its topics.
    id: id.map((number) => Math.min(number, Number.MAX_SAFE_INTEGER - 5)),
    token: maybe(name),
    subs: fc.array(record({ topic: name, position: maybe(position) }), { maxLength: 5 }),
  }),
  record({ verb: is("sub"), id, topic: name, position: maybe(position), last: is(undefined) }),
  record({ verb: is("sub"), id, topic: name, position: is(undefined), last: offset }),
  record({ verb: is("unsub"), id: noId, topic: name }),
  record({ verb: is("pub"), id: noId, topic: name, key: maybe(name), payload }),
  record({
    verb: is("pub"),
    id: fc.oneof(is(0), binaryNumber),
    topic: name,
    key: maybe(name),
    payload: binaryPayload,
  }),
  record({ verb: is("call"), id, name, payload: maybe(payload) }),
  record({ verb: is("call"), id: binaryNumber, name, payload: binaryPayload }),
  record({ verb: is("cancel"), id }),
  record({ verb: is("auth"), id, token: name }),
  record({ verb: is("who"), id, topic: name, max: maybe(offset), watch: maybe(fc.boolean()) }),
  record({ verb: is("count"), id, topic: name, watch: maybe(fc.boolean()) }),
  record({ verb: is("back"), id, topic: name, before: maybe(offset), epoch: maybe(name), max: maybe(offset) }),
  record({ verb: is("ok"), call: name, payload: maybe(payload) }),
  record({ verb: is("err"), call: name, code: word, sentence: maybe(name) }),
  record({ verb: is("ping") }),
);

const member: fc.Arbitrary<Member> = fc.oneof(fc.tuple(name), fc.tuple(name, value));
const members = fc.array(member, { minLength: 1, maxLength: 4 });

/** A record of which the fields after the first may be missing. */
function message<T extends object>(
  needed: fc.Arbitrary<T>,
  more: Record<string, fc.Arbitrary<unknown>>,
): typeof needed {
  return fc
    .tuple(needed, fc.record(more, { requiredKeys: [], noNullPrototype: true }))
    .map(([some, others]) => ({ ...some, ...others }));
}

const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  message(record({ verb: is("hello"), hello: is(1), client: name, ping: offset }), {
    ttl: offset,
    user: name,
    has: fc.array(word),
  }),
  message(record({ verb: is("ok"), ok: id }), {
    o: offset,
    e: name,
    replay: offset,
    missed: is(true),
    page: offset,
    more: is(true),
    duplicate: is(true),
    ttl: offset,
    d: value,
  }),
  message(record({ verb: is("ok"), ok: id, n: offset, v: offset }), { in: members }),
  record({ verb: is("ok"), ok: binaryNumber, d: bytes }),
  message(record({ verb: is("err"), err: noId, code: word, msg: name }), { retry: offset }),
  message(record({ verb: is("pub"), pub: name, d: value }), { o: offset, by: name }),
  message(record({ verb: is("pub"), pub: name, d: bytes }), { o: binaryNumber, by: name }),
  record({ verb: is("gap"), gap: name, o: offset, e: name, code: word }),
  record({ verb: is("unsub"), unsub: name, code: word }),
  message(record({ verb: is("pres"), pres: name, n: offset }), {
    v: offset,
    in: members,
    out: fc.array(name, { minLength: 1 }),
  }),
  message(record({ verb: is("call"), call: name, id: name }), { d: value }),
  record({ verb: is("cancel"), cancel: name }),
  message(record({ verb: is("bye"), bye: word }), { wait: offset }),
  record({ verb: is("ping") }),
);

// oxfmt-ignore
const pieces = [
  "{", "}", "[", "]", '"', ",", ":", "\\", "d", "1", " ", "\n", "\ud800", "é", "null", "1e999", "\\u", '"d":', ',"d":1', '"\\u0064":1,',
  '"id":4,', '"o":9,', '"pub":"t",', '"sub":"t",', '{"pub":"t","d":', '"__proto__":',
];

/** Frames, with pieces of frames put in their place. */
const nearlyFrame = fc
  .tuple(
    fc.oneof(
      request.map(writeRequest),
      anyMessage.map(writeMessage),
      fc.tuple(name, value, value).map(([key, x, d]) => JSON.stringify({ pub: key, x, d }, null, 1)),
    ),
    fc.array(
      record({
        at: fc.nat(),
        gone: fc.nat({ max: 6 }),
        put: fc.constantFrom(...pieces),
      }),
      { maxLength: 3 },
    ),
  )
  .map(([frame, edits]) => {
    let text = typeof frame === "string" ? frame : Buffer.from(frame).toString("latin1");
    for (const { at, gone, put } of edits) {
      const from = at % (text.length + 1);
      text = text.slice(0, from) + put + text.slice(from + gone);
    }
    return text;
  });

const room = topicMatcher({ topics: { "room:{id}": {}, "/{team}/{id}:typing": {} } });
const param = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }).filter((text) => !/\p{Cs}/u.test(text));

const part = fc.tuple(
  fc.constantFrom("", "a", "ab", "b"),
  fc.constantFrom("", "{p}", "{p}", "a"),
  fc.constantFrom("", "a", "ba", "b"),
);
// At most one parameter, so that it needs no other name.
const pattern = fc
  .tuple(part, fc.constantFrom("", ":a", ":b", ":"))
  .map(([pieces, rest]) => pieces.join("") + rest)
  .filter(Boolean);

type Property = readonly [what: string, property: fc.IProperty<unknown>];

export const properties: readonly Property[] = [
  property("a request that a client writes is the one that a server reads", request, (sent) => {
    assert.deepEqual(readAsServer(writeRequest(sent)), sent);
  }),
  property("a message that a server writes is the one that a client reads", anyMessage, (sent) => {
    assert.deepEqual(readAsClient(writeMessage(sent)), sent);
  }),
  property("whatever text comes, a server answers, and takes what JSON has", nearlyFrame, (text) => {
    checkReading(text);
  }),
  property("any text at all", fc.string({ unit: "binary" }), (text) => {
    checkReading(text);
    readAsClient(text);
  }),
  property("whatever text comes, a client does not throw, and takes what JSON has", nearlyFrame, (text) => {
    const read = readAsClient(text);
    if (read === undefined || read.verb === "ping") return;
    const { verb, ...fields } = JSON.parse(text) as Record<string, unknown>;
    assert.deepEqual({ ...read }, { ...fields, verb: verb === undefined ? Object.keys(fields)[0] : read.verb });
  }),
  property("any bytes at all", fc.uint8Array({ maxLength: 64 }), (frame) => {
    readAsServer(frame);
    readAsClient(frame);
  }),
  property(
    "a payload is the same bytes as in its frame",
    fc.tuple(name, value, fc.nat({ max: 3 })),
    ([key, d, space]) => {
      const text = `${JSON.stringify({ pub: key, d }, null, space)}${" ".repeat(space)}`;
      const read = readAsServer(text);
      assert.ok(read.verb === "pub" && !read.payload.binary);
      assert.equal(payloadBytes(text, read.payload.json, Buffer.from(text)).toString(), read.payload.json);
    },
  ),
  property("the name of a topic has one set of parameters", record({ team: param, id: param }), (params) => {
    for (const pattern of ["room:{id}", "/{team}/{id}:typing"] as const) {
      const topic = topicName(pattern, params);
      const needed = pattern === "room:{id}" ? { id: params.id } : params;
      assert.deepEqual(room(topic)?.topic, { ...needed, name: pattern, topic });
    }
  }),
  property(
    "a name that matches is the one its parameters make",
    fc.stringMatching(/^room:[a:/%235AF中]{0,8}$/u),
    (topic) => {
      const found = room(topic)?.topic;
      if (found !== undefined) assert.equal(topicName(found.name, found as { team: string; id: string }), topic);
    },
  ),
  property(
    "two patterns are refused for a name of both, and for no other reason",
    fc.tuple(pattern, pattern, fc.stringMatching(/^[ab:]{1,5}$/)),
    ([first, second, name]) => {
      if (first === second) return;
      try {
        topicMatcher({ topics: { [first]: {}, [second]: {} } });
      } catch (error) {
        const both = / both match "(.*)"$/.exec(String(error))![1]!;
        assert.ok(matches(first, both) && matches(second, both), both);
        return;
      }
      assert.ok(!(matches(first, name) && matches(second, name)), name);
    },
  ),
];

function matches(pattern: string, name: string): boolean {
  return topicMatcher({ topics: { [pattern]: {} } })(name) !== undefined;
}

/** What a server takes from a text is what JSON has in it, and what it stores is a frame of these fields alone. */
function checkReading(text: string): void {
  const read = readAsServer(text);
  if (read.verb === "fault") return;
  const frame = JSON.parse(text) as Record<string, unknown>;
  if (read.verb === "pub") assert.deepEqual([frame["pub"], frame["key"]], [read.topic, read.key]);
  const taken = "payload" in read ? read.payload : undefined;
  const verb = Object.keys(requestPayload).find((verb) => verb === read.verb);
  if (taken === undefined) return assert.ok(verb === undefined || !("d" in frame));
  assert.ok(!taken.binary);
  assert.deepEqual(taken.value, frame["d"]);
  assert.match(text.slice(text.lastIndexOf(taken.json) + taken.json.length), /^[ \t\r\n]*\}[ \t\r\n]*$/);
  const stored = JSON.parse(writePub("t", taken.json, 7, "u")) as object;
  assert.deepEqual(stored, { pub: "t", o: 7, by: "u", d: frame["d"] });
}

function property<T>(what: string, arbitrary: fc.Arbitrary<T>, check: (input: T) => void): Property {
  return [what, fc.property(arbitrary, check) as fc.IProperty<unknown>];
}
