// docs/wire.md is equal to the code: fields, words, codes and limits; and its examples are frames.

import assert from "node:assert/strict";
import { test } from "node:test";
import { byeWords, CloseCode, errorWords, gapWords, isFinal, limits, SUBPROTOCOL, unsubWords } from "@hawser/wire";
import { fieldKinds, requestFields } from "@hawser/wire/server";
import { fieldChecks, neededFields } from "#wire/client/read-message.js";
import { readAsClient, readAsServer, writeMessage, writeRequest } from "../wire/harness/ends.js";
import { codeBlocks, codeWords, readDocument, tableAfter, tableWith } from "./harness/markdown.js";

const page = readDocument("docs/wire.md");

type Row = Record<string, string>;

function word(row: Row, column: string): string {
  return codeWords(row[column] ?? "")[0] ?? "";
}

/** The table of fields after a heading, as each verb's fields and what they hold. */
function fieldsAfter(heading: string): Record<string, Record<string, string>> {
  const fields: Record<string, Record<string, string>> = {};
  for (const row of tableAfter(page, heading)) {
    (fields[word(row, "Verb")] ??= {})[word(row, "Field")] = word(row, "Holds");
  }
  return fields;
}

test("the subprotocol", () => assert.ok(page.includes(`Sec-WebSocket-Protocol: ${SUBPROTOCOL}`)));

test("the fields of each request", () => assert.deepEqual(fieldsAfter("What a client sends"), requestFields));

test("what each kind of field takes", () => {
  const kinds = tableWith(page, "Kind").map((row) => [word(row, "Kind"), row["Takes"]]);
  assert.deepEqual(
    Object.fromEntries(kinds),
    Object.fromEntries(Object.entries(fieldKinds).map(([name, { what }]) => [name, what])),
  );
});

test("the fields of each message", () => {
  const documented = fieldsAfter("What a server sends");
  assert.deepEqual(Object.keys(documented).toSorted(), Object.keys(neededFields).toSorted());
  const named = new Set(Object.values(documented).flatMap((fields) => Object.keys(fields)));
  assert.deepEqual([...named].toSorted(), Object.keys(fieldChecks).toSorted());
  for (const [verb, needed] of Object.entries(neededFields)) {
    const without = Object.entries(documented[verb]!).filter(([, holds]) => !holds.endsWith("?"));
    const names = without.map(([name]) => name).filter((name) => name !== verb);
    assert.deepEqual(
      names,
      needed.filter((name) => name !== "d"),
      verb,
    );
  }
  // What a field holds, by an example of it that no other kind takes.
  const examples: Record<string, unknown> = { whole: 1, text: "", flag: true, texts: ["a"], members: [["a"]] };
  for (const fields of Object.values(documented)) {
    for (const [name, holds] of Object.entries(fields)) {
      for (const [kind, example] of Object.entries(examples)) {
        assert.equal(fieldChecks[name]!(example), kind === holds.replace("?", ""), `${name} and ${kind}`);
      }
    }
  }
});

test("the error words", () => {
  assert.deepEqual(
    Object.fromEntries(
      tableWith(page, "Word").map((row) => [word(row, "Word"), { retry: row["Again"], meaning: row["Meaning"] }]),
    ),
    errorWords,
  );
});

for (const [column, words] of [
  ["Gap", gapWords],
  ["Unsub", unsubWords],
] as const) {
  test(`the words of a ${column.toLowerCase()}`, () => {
    assert.deepEqual(
      Object.fromEntries(tableWith(page, column).map((row) => [word(row, column), row["Meaning"]])),
      words,
    );
  });
}

test("the words of a bye, with their close codes", () => {
  const rows = tableWith(page, "Bye").map((row) => [
    word(row, "Bye"),
    { code: Number(row["Close code"]), meaning: row["Meaning"] },
  ]);
  assert.deepEqual(Object.fromEntries(rows), byeWords);
});

test("the close codes, and which are final", () => {
  const rows = tableWith(page, "Code");
  const codes = rows.map((row) => Number(row["Code"]));
  for (const row of rows) assert.equal(row["Final"], isFinal(Number(row["Code"])) ? "yes" : "no", row["Code"]);
  for (const code of [...Object.values(CloseCode), ...Object.values(byeWords).map((bye) => bye.code)]) {
    assert.ok(codes.includes(code), `no advice on ${code}`);
  }
  const final = Array.from({ length: 5000 }, (_, code) => code).filter(isFinal);
  assert.deepEqual(final, codes.filter(isFinal));
});

test("the limits", () => {
  const rows = tableWith(page, "Limit").map((row) => [word(row, "Limit"), Number(row["Value"])]);
  assert.deepEqual(Object.fromEntries(rows), limits);
});

test("each example is what the two ends write and read", () => {
  const lines = codeBlocks(page, "hawser").flatMap((block) => block.trim().split("\n"));
  assert.ok(lines.length > 40);
  const verbs = new Set<string>();
  for (const line of lines) {
    const frame = line.slice(2);
    if (line.startsWith("→ ")) {
      const request = readAsServer(frame);
      assert.ok(request.verb !== "fault", line);
      assert.equal(writeRequest(request), frame);
      verbs.add(`→ ${request.verb}`);
    } else {
      const message = readAsClient(frame);
      assert.ok(line.startsWith("← ") && message !== undefined, line);
      assert.equal(writeMessage(message), frame);
      verbs.add(`← ${message.verb}`);
    }
  }
  const all = [
    ...Object.keys(requestFields).map((verb) => `→ ${verb}`),
    ...Object.keys(neededFields).map((verb) => `← ${verb}`),
  ];
  assert.deepEqual(
    all.filter((verb) => !verbs.has(verb)),
    ["→ unsub", "→ err"],
  );
});

test("the examples of binary frames are the same message and publish", () => {
  const [block = ""] = codeBlocks(page, "hex");
  const [message, request] = block
    .trim()
    .split("\n")
    .map((line) => Buffer.from(line.slice(2).replaceAll(" ", ""), "hex"));
  const bytes = Buffer.from([0, 1, 255]);
  assert.deepEqual(readAsClient(message!), { verb: "pub", pub: "room:42", o: 126, by: "u7", d: bytes });
  const payload = { binary: true, bytes };
  assert.deepEqual(readAsServer(request!), { verb: "pub", id: 4, topic: "room:42", key: "7f2c9a", payload });
});
