import assert from "node:assert/strict";
import { test } from "node:test";
import { Refuse, refusals } from "#hawser/index.js";
import { refusal } from "#hawser/server/refusal.js";

test("a refusal for load says when to come back, a little different each time", () => {
  const seconds = new Set<number>();
  for (const [reason, { status, retry }] of Object.entries(refusals)) {
    for (let i = 0; i < 50; i++) {
      const made = refusal(reason as keyof typeof refusals);
      assert.equal(made.status, status);
      const after = made.headers["Retry-After"];
      assert.equal(after !== undefined, retry, reason);
      if (after !== undefined) seconds.add(Number(after));
    }
  }
  assert.ok([...seconds].every((wait) => Number.isInteger(wait) && wait >= 1 && wait <= 60));
  assert.ok(seconds.size > 2, "they would all come back at once");
});

test("whatever is refused for load has Retry-After, whatever is not has not", () => {
  for (const { status, retry } of Object.values(refusals)) assert.equal(retry, status === 503 || status === 429);
});

test("Refuse takes statuses of refusal alone", () => {
  assert.equal(new Refuse(401).message, "Unauthorized");
  assert.equal(new Refuse(499).message, "Refused");
  assert.equal(new Refuse(403, "not you").message, "not you");
  for (const status of [0, 101, 200, 302, 399, 600, 404.5, Number.NaN])
    assert.throws(() => new Refuse(status), RangeError);
});

test("Refuse takes no header that would write others", () => {
  assert.throws(() => new Refuse(401, "no", { "WWW-Authenticate": "Basic\r\nSet-Cookie: a=b" }));
  assert.throws(() => new Refuse(401, "no", { "Bad\r\nName": "x" }));
  assert.throws(() => new Refuse(401, "no", { "": "x" }));
  assert.throws(() => new Refuse(401, "no", { "X-Emoji": "🙂" }));
});
