// docs/causes-and-close-codes.md is equal to the catalogues in the code.

import assert from "node:assert/strict";
import { test } from "node:test";
import { causes, refusals } from "hawser";
import { type OptionName, optionRules } from "hawser/tools";
import { handshakeFaults, violations } from "hawser/protocol";
import { codeWords, readDocument, tableAfter, tableWith } from "./harness/markdown.js";

const page = readDocument("docs/causes-and-close-codes.md");

test("every cause, with its code, who began, level and meaning", () => {
  assert.deepEqual(
    tableAfter(page, "Causes"),
    Object.entries(causes).map(([name, { code, initiator, level, meaning }]) => ({
      Cause: `\`${name}\``,
      Code: String(code ?? "varies"),
      Began: initiator,
      Level: level,
      Meaning: meaning,
    })),
  );
});

test("every violation, with its code, cause and reason", () => {
  assert.deepEqual(
    tableAfter(page, "Frames that break a rule"),
    Object.entries(violations).map(([name, [code, reason]]) => ({
      Violation: `\`${name}\``,
      Code: String(code),
      Cause: `\`${causeWith(code)}\``,
      "Reason in the close frame": reason,
    })),
  );
});

test("every fault of a handshake, with its status, headers and message", () => {
  assert.deepEqual(
    tableWith(page, "Reason"),
    Object.entries(handshakeFaults).map(([name, { status, headers, message }]) => ({
      Reason: `\`${name}\``,
      Status: String(status),
      Headers: Object.entries(headers)
        .map(([header, value]) => `\`${header}: ${value}\``)
        .join(", "),
      Message: message,
    })),
  );
});

test("every refusal, with its status, headers and message", () => {
  assert.deepEqual(
    tableWith(page, "Refusal"),
    Object.entries(refusals).map(([name, { status, retry, message }]) => ({
      Refusal: `\`${name}\``,
      Status: String(status),
      Headers: retry ? "`Retry-After`" : "",
      Message: message,
    })),
  );
});

test("every close code and status that a server sends is in the advice on connecting again", () => {
  const advised = tableAfter(page, "When to connect again").map((row) => row["The client sees"]);
  const sent = [
    ...Object.values(causes).map(({ code }) => code),
    ...Object.values(refusals).map(({ status }) => status),
    ...Object.values(handshakeFaults).map(({ status }) => status),
  ];
  for (const code of sent) {
    if (code !== null) assert.ok(advised.join(", ").split(", ").includes(String(code)), `no advice on ${code}`);
  }
});

test("the tables name no cause and no option that does not exist", () => {
  for (const row of tableWith(page, "It")) {
    for (const word of codeWords(row["Cause"] ?? "")) assert.ok(Object.hasOwn(causes, word), word);
    for (const word of codeWords(row["It"] ?? "")) {
      assert.ok(optionRules[word.split(":", 1)[0] as OptionName] !== undefined, `there is no option ${word}`);
    }
  }
});

/** The cause that answers a violation: of those with its code the one that is not about time. */
function causeWith(code: number): string | undefined {
  const names = Object.entries(causes).filter(([name, cause]) => cause.code === code && !name.endsWith("-timeout"));
  return names.at(-1)?.[0];
}
