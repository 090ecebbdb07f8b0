import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenBucket } from "#hawser/server/base/token-bucket.js";

function taken(bucket: TokenBucket, tries: number, now: number): number {
  return Array.from({ length: tries }, () => bucket.take(now)).filter(Boolean).length;
}

test("a bucket lets a second's worth through at once, and then so many a second", () => {
  const bucket = new TokenBucket(10, 5_000);
  assert.equal(taken(bucket, 100, 5_000), 10);
  assert.equal(taken(bucket, 100, 5_099), 0);
  assert.equal(taken(bucket, 100, 5_100), 1);
  assert.equal(taken(bucket, 100, 5_600), 5);
});

test("a bucket does not save up for longer than a second", () => {
  const bucket = new TokenBucket(10, 0);
  taken(bucket, 10, 0);
  assert.equal(taken(bucket, 100, 3_600_000), 10);
});
