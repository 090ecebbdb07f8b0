// docs/functions.md: its signatures are equal to the types, its examples compile, and every option that is a function or an object is there.

import assert from "node:assert/strict";
import { test } from "node:test";
import { optionRules } from "hawser/tools";
import { compile } from "./harness/compile.js";
import { codeBlocks, readDocument } from "./harness/markdown.js";

const page = readDocument("docs/functions.md");
const declared = codeBlocks(page, "typescript");
const options = declared.filter((code) => !code.startsWith("interface "));
const interfaces = declared.filter((code) => code.startsWith("interface "));

test("every option that is a function or an object has a chapter", () => {
  const headings = [...page.matchAll(/^## (\w+)$/gm)].map(([, heading]) => heading!);
  const wanted = Object.entries(optionRules).filter(([, { kind }]) => kind === "function" || kind === "object");
  for (const [name] of wanted) assert.ok(headings.includes(name), name);
  for (const heading of headings) assert.ok(Object.hasOwn(optionRules, heading), `there is no option ${heading}`);
});

test("its signatures and fields are those of the types", async () => {
  assert.ok(options.length > 8 && interfaces.length > 6);
  await compile(`
    import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
    import * as hawser from "hawser";
    import type { Cause, ClientSummary, Initiator, Payload, RefusalReason } from "hawser";
    type Data = { name: string };
    namespace Page {
      type Client<Data> = hawser.Client<Data>;
      type Message = hawser.Message;
      type UpgradeRequest = hawser.UpgradeRequest;
      type Disconnect = hawser.Disconnect;
      export interface Options { ${options.join("")} }
    }
    namespace Fields { ${interfaces.map((code) => `export ${code}`).join("")} }
    type Flat<T> = { [Key in keyof T]: T[Key] };
    /** Each can stand for the other, and has the same members. */
    type Same<A, B> = A extends B ? (B extends A ? (keyof A extends keyof B ? (keyof B extends keyof A ? true : "more") : "fewer") : "wider") : "other";
    ${options
      .map((code) => code.split(":", 1)[0]!.trim())
      .map(
        (name) =>
          `const ${name}: Same<Page.Options["${name}"], NonNullable<hawser.ServerOptions<Data>["${name}"]>> = true;`,
      )
      .join("\n")}
    ${interfaces
      .map((code) => /interface (\w+)(<\w+>)?/.exec(code)!)
      .map(
        ([, name, takes]) =>
          `const ${name}: Same<Flat<Fields.${name}${takes ?? ""}>, Flat<hawser.${name}${takes ?? ""}>> = true;`,
      )
      .join("\n")}`);
});

test("its examples compile", async () => {
  const examples = codeBlocks(page, "ts");
  assert.ok(examples.length >= 12);
  await compile(`
    import { readFileSync } from "node:fs";
    import { createServer, Refuse } from "hawser";
    ${examples.map((code) => `{ ${code} }`).join("\n")}`);
});

test("one that is wrong does not", async () => {
  await assert.rejects(
    compile('import { createServer } from "hawser"; createServer({ open: (client) => client.nothing });'),
    /nothing/,
  );
});
