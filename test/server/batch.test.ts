import assert from "node:assert/strict";
import { test } from "node:test";
import { Batch } from "#hawser/server/sending/batch.js";

const hello = Buffer.from("hello ");
const world = Buffer.from("world");

test("the same frames in the same order are the same batch, joined once", () => {
  const empty = Batch.empty();
  const one = empty.with(hello).with(world);
  const other = empty.with(hello).with(world);
  assert.equal(one, other);
  assert.equal(one.join().toString(), "hello world");
  assert.equal(one.join(), other.join());
  assert.equal(one.byteLength, 11);
});

test("other frames, or another order, are another batch", () => {
  const empty = Batch.empty();
  const one = empty.with(hello).with(world);
  const other = empty.with(world).with(hello);
  assert.notEqual(one, other);
  assert.equal(one.join().toString(), "hello world");
  assert.equal(other.join().toString(), "worldhello ");
});

test("frames are told apart by identity, not by content", () => {
  const empty = Batch.empty();
  assert.notEqual(empty.with(hello), empty.with(Buffer.from("hello ")));
});

test("a batch of one frame is that frame, without a copy", () => {
  assert.equal(Batch.empty().with(hello).join(), hello);
});

test("a batch that forgot does not hand its continuation out again", () => {
  const empty = Batch.empty();
  const before = empty.with(hello);
  empty.forget();
  assert.notEqual(empty.with(hello), before);
});

test("a long batch is joined without running out of stack", () => {
  let batch = Batch.empty();
  const byte = Buffer.from("x");
  for (let i = 0; i < 100_000; i++) batch = batch.with(byte);
  assert.equal(batch.join().length, 100_000);
});
