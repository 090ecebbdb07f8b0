import assert from "node:assert/strict";
import { it } from "node:test";
import { freshId } from "#hawser/server/base/fresh-id.js";

const ids = Array.from({ length: 10_000 }, freshId);

it("a fresh id is a UUID of version 4, as RFC 9562 5.4 has it", () => {
  for (const id of ids) assert.match(id, /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
});

it("no two are the same, and every other digit is any of the sixteen", () => {
  assert.equal(new Set(ids).size, ids.length);
  for (const at of Array.from({ length: 36 }, (_, i) => i)) {
    const digits = new Set(ids.map((id) => id[at]));
    const expected = [8, 13, 14, 18, 23].includes(at) ? 1 : at === 19 ? 4 : 16;
    assert.equal(digits.size, expected, `at ${at}`);
  }
});
