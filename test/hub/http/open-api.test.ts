// The OpenAPI document is equal to the code: it has the same operations, and takes and refuses the same bodies.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { operations } from "#hawser/hub/http/operations.js";
import { document, postOf, requestValidator, validator } from "./harness/contract.js";
import { withRig } from "./harness/rig.js";

/** Bodies of which both have to think the same, by what may be wrong with them. */
const NAMES = ["", "t", "a\u0000b", "x".repeat(255), "x".repeat(256), 7, null, ["t"]];
const WHOLES = [0, 1, 1.5, -1, 1000, 1001, 2 ** 53 - 1, 2 ** 53, "1", null];

const VALUES: Record<string, readonly unknown[]> = {
  topic: NAMES,
  topics: [
    [],
    ["a"],
    ["a", "b"],
    ["a", "a"],
    [""],
    [7],
    "a",
    null,
    Array.from({ length: 1001 }, (_, index) => `t${index}`),
  ],
  data: [null, 1, "a", {}, []],
  base64: ["", "AAEC", "AA==", "AA=", "A", "-_==", 7],
  key: ["k", "", "x".repeat(128), "x".repeat(129), 7],
  epoch: ["e", "", "x".repeat(32), "x".repeat(33), 7],
  max: WHOLES,
  before: WHOLES,
  after: WHOLES,
  user: NAMES,
  client: NAMES,
  other: [1],
};
const GOOD: Record<string, unknown> = {
  topic: "t",
  topics: ["a", "b"],
  data: 1,
  base64: "AAEC",
  key: "k",
  epoch: "e",
  max: 5,
  before: 3,
  after: 3,
  user: "u",
  client: "c",
  other: 1,
};

describe("the OpenAPI document", () => {
  it("has the operations of the code", () => {
    assert.deepEqual(
      Object.keys(document.paths),
      Object.keys(operations).map((name) => `/${name}`),
    );
    assert.equal(document.openapi, "3.1.0");
  });

  it("has examples that its own schemas take, and no reference that leads nowhere", () => {
    for (const name of Object.keys(operations)) {
      const { requestBody, responses } = postOf(name);
      for (const { schema, examples } of [
        requestBody.content["application/json"]!,
        responses["200"]!.content!["application/json"]!,
      ]) {
        const validate = validator(schema);
        const values = Object.values(examples ?? {});
        assert.ok(values.length > 0);
        for (const { value } of values) assert.ok(validate(value), `${name}: ${JSON.stringify(validate.errors)}`);
      }
    }
    const text = JSON.stringify(document);
    for (const [, path] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const found = path!.split("/").reduce<unknown>((at, step) => (at as Record<string, unknown>)?.[step], document);
      assert.ok(found, path);
    }
  });

  for (const name of Object.keys(operations)) {
    it(`takes and refuses the bodies that ${name} takes and refuses`, async () => {
      await withRig(async ({ ask }) => {
        const validate = requestValidator(name);
        const seen = { taken: 0, refused: 0 };
        for (const body of bodiesFor(name)) {
          const { status, text } = await ask(name, { body });
          const isTaken = validate(body);
          assert.equal(status, isTaken ? 200 : 400, `${JSON.stringify(body).slice(0, 200)}: ${text.slice(0, 200)}`);
          seen[isTaken ? "taken" : "refused"]++;
        }
        assert.ok(seen.taken > 2 && seen.refused >= 10, JSON.stringify(seen));
      });
    });
  }
});

/** Every set of good fields, and each field with each of its values beside the others that are needed. */
function* bodiesFor(name: string): Generator<Record<string, unknown>> {
  const fields = [...Object.keys(operations[name as keyof typeof operations].fields), "other"];
  for (let bits = 0; bits < 2 ** fields.length; bits++) {
    yield Object.fromEntries(fields.filter((_, index) => (bits >> index) & 1).map((field) => [field, GOOD[field]]));
  }
  const needed = { publish: ["topic", "data"], broadcast: ["topics", "data"], revoke: ["user"] }[name] ?? ["topic"];
  const base = Object.fromEntries(needed.map((field) => [field, GOOD[field]]));
  for (const field of fields) for (const value of VALUES[field]!) yield { ...base, [field]: value };
}
