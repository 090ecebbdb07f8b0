// docs/cli.md: what it says about events, codes and messages is so.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { commandLogEvents } from "#cli/log/events.js";
import { logEvents } from "hawser";
import { runCli } from "../harness/run-cli.js";
import { codeBlocks, codeWords, readDocument, tableAfter } from "./harness/markdown.js";

const page = readDocument("docs/cli.md");

test("the events that the command adds, with their fields", () => {
  const rows = tableAfter(page, "The log").map((row) => [codeWords(row["Event"]!)[0]!, codeWords(row["Fields"]!)]);
  assert.deepEqual(Object.fromEntries(rows), commandLogEvents);
  assert.deepEqual(
    Object.keys(commandLogEvents).filter((event) => event in logEvents),
    [],
  );
});

test("the config file of the example is valid", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "hawser-docs-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [example = ""] = codeBlocks(page, "yaml");
  assert.match(example, /^port: 8080$/m);
  // Its certificate is not there, and everything before that is in order.
  writeFileSync(join(folder, "hawser.yaml"), example);
  const { code, stderr } = await runCli(["serve", "--config", "hawser.yaml", "--check-config"], { cwd: folder });
  assert.equal(code, 2);
  assert.match(
    stderr,
    /^hawser: tlsCert: cannot read ".*cert\.pem" from config file hawser\.yaml, line \d+: no such file \(ENOENT\)\n$/,
  );
  writeFileSync(join(folder, "hawser.yaml"), example.replace(/^tls.*\n/gm, ""));
  assert.equal((await runCli(["serve", "--config", "hawser.yaml", "--check-config"], { cwd: folder })).code, 0);
});

test("the sessions of the examples are what the command prints", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "hawser-docs-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [check = "", wrong = ""] = codeBlocks(page, "console");

  writeFileSync(join(folder, "hawser.yaml"), "\n\npongWaitMs: 30000\n");
  const args = ["serve", "--config", "hawser.yaml", "--port", "9000", "--check-config"];
  const { stdout } = await runCli(args, { cwd: folder, env: { HAWSER_ECHO: "1" } });
  assert.equal(check.slice(check.indexOf("\n") + 1), stdout);

  writeFileSync(join(folder, "hawser.yaml"), "\n\npongWait: 30000\n");
  const lines = wrong.split("\n");
  assert.equal(`${lines[1]}\n`, (await runCli(["serve", "--pong-wait-ms", "1m"])).stderr);
  assert.equal(`${lines[3]}\n`, (await runCli(["serve", "--config", "hawser.yaml"], { cwd: folder })).stderr);
});
