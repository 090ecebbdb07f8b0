/**
 * The differential test: the same random and damaged streams give the same messages and the same close codes from our protocol
 * core and from `ws`; every difference is explained by a sentence of the RFC (`differential/explained.ts`).
 * A fixed seed here; at length with `npm run fuzz`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { compare, report } from "./differential/compare.js";
import { EXPLAINED } from "./differential/explained.js";
import { ours } from "./differential/peers.js";
import { SEEDS } from "./differential/seeds.js";
import { MAX_MESSAGE_BYTES, makeStream } from "./differential/stream.js";

const SEED = 2026;
const STREAMS = 6_000;

test(`${STREAMS} streams of seed ${SEED}: as ws, or explained`, async () => {
  let explained = 0;
  for (let index = 0; index < STREAMS; index++) {
    const stream = makeStream(SEED, index);
    const verdict = await compare(stream);
    if (verdict.kind === "different") assert.fail(`stream ${index}: ${await report(stream)}`);
    if (verdict.kind === "explained") explained++;
  }
  assert.ok(explained < STREAMS / 5, `${explained} of ${STREAMS} differ: the streams test too little else`);
});

test("what the fuzzer found before", async () => {
  for (const { explanation, hex, compression = null } of SEEDS) {
    const verdict = await compare({ bytes: Buffer.from(hex, "hex"), cuts: [], compression, damaged: true });
    assert.equal(verdict.kind === "explained" ? verdict.by.name : verdict.kind, explanation ?? "same", hex);
  }
});

test("no explanation is idle: each has a seed that needs it", () => {
  const needed = new Set(SEEDS.map(({ explanation }) => explanation));
  assert.deepEqual(
    EXPLAINED.filter(({ name }) => !needed.has(name)).map(({ name }) => name),
    [],
  );
});

test("a seed gives the same streams again", () => {
  for (let index = 0; index < 100; index++) assert.deepEqual(makeStream(SEED, index), makeStream(SEED, index));
});

test("a core with another limit is found out", async () => {
  for (let index = 0; index < STREAMS; index++) {
    const verdict = await compare(makeStream(SEED, index), (stream) => ours(stream, MAX_MESSAGE_BYTES - 1));
    if (verdict.kind === "different") return;
  }
  assert.fail("no stream tells the two apart");
});
