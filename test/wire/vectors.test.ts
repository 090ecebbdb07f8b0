// The vectors that other implementations run as well, run by both of our ends.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { topicName } from "@hawser/wire";
import { type Request, topicMatcher } from "@hawser/wire/server";
import { projectRoot } from "../harness/root.js";
import { type Fields, readAsClient, readAsServer, writeMessage, writeRequest } from "./harness/ends.js";

interface Vector {
  about: string;
  frame: string;
  written?: true;
}

interface RequestVector extends Vector {
  request?: Fields;
  fault?: { code: string; id: number; foreign: boolean };
}

interface MessageVector extends Vector {
  verb?: string;
  ignored?: true;
}

interface BinaryVector extends RequestVector {
  from: "client" | "server";
  message?: Fields;
  ignored?: true;
}

for (const { about, frame, request, fault, written } of vectors("requests") as RequestVector[]) {
  test(`a client sends ${about}`, () => checkRequest(frame, { request, fault, written }));
}

for (const { about, frame, verb, ignored, written } of vectors("messages") as MessageVector[]) {
  test(`a server sends ${about}`, () => {
    const message = readAsClient(frame);
    const expected = ignored ? undefined : { ...(JSON.parse(frame) as object), verb };
    assert.deepEqual(message, expected);
    if (written) assert.equal(writeMessage(message!), frame);
  });
}

for (const { about, from, frame, request, fault, message, ignored, written } of vectors("binary") as BinaryVector[]) {
  test(`in binary, ${about}`, () => {
    const bytes = Buffer.from(frame, "hex");
    if (from === "client") return checkRequest(bytes, { request, fault, written });
    const read = readAsClient(bytes);
    assert.deepEqual(read, ignored ? undefined : { ...message, d: Buffer.from(String(message!["d"]), "hex") });
    if (written) assert.deepEqual(Buffer.from(writeMessage(read!) as Uint8Array), bytes);
  });
}

const topics = vectors("topics") as {
  names: { pattern: string; params: Record<string, string>; name: string }[];
  others: { pattern: string; name: string }[];
};

for (const { pattern, params, name } of topics.names) {
  test(`the topic ${name} is of ${pattern}`, () => {
    assert.equal(topicName(pattern, params), name);
    assert.deepEqual(topicMatcher({ topics: { [pattern]: {} } })(name)?.topic, {
      ...params,
      name: pattern,
      topic: name,
    });
  });
}

for (const { pattern, name } of topics.others) {
  test(`the topic ${name} is not of ${pattern}`, () => {
    assert.equal(topicMatcher({ topics: { [pattern]: {} } })(name), undefined);
  });
}

function checkRequest(
  frame: string | Buffer,
  { request, fault, written }: { request: Fields | undefined; fault: object | undefined; written: true | undefined },
): void {
  const read = readAsServer(frame);
  if (read.verb === "fault") {
    const { verb: _, sentence, ...rest } = read;
    assert.deepEqual(rest, fault);
    // It is a sentence for a person.
    assert.match(sentence, /^\S.* .*\S$/);
    return;
  }
  assert.deepEqual(plain(read), request);
  if (!written) return;
  const again = writeRequest(read);
  assert.deepEqual(typeof again === "string" ? again : Buffer.from(again), frame);
}

/** A request as the vectors have it: without what is undefined, and of its payload the JSON or the bytes in hexadecimal. */
function plain(request: Request): unknown {
  const payload = "payload" in request ? request.payload : undefined;
  if (payload === undefined) return JSON.parse(JSON.stringify(request));
  const written = payload.binary ? { bytes: Buffer.from(payload.bytes).toString("hex") } : { json: payload.json };
  if (!payload.binary) assert.deepEqual(payload.value, JSON.parse(payload.json));
  return JSON.parse(JSON.stringify({ ...request, payload: written }));
}

function vectors(name: string): unknown {
  return JSON.parse(readFileSync(join(projectRoot, `packages/wire/vectors/${name}.json`), "utf8"));
}
