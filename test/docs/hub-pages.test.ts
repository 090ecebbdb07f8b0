// docs/recovery.md, docs/permissions.md and docs/hub.md: their numbers and words are those of the code, and what is no part of an example compiles.

import assert from "node:assert/strict";
import { test } from "node:test";
import { byeWords, CloseCode, gapWords, unsubWords } from "@hawser/wire";
import { MemoryEngine } from "#hawser/hub/brokers/memory-engine.js";
import { resolveHubOptions } from "#hawser/hub/hub-options.js";
import { QUIET_MS } from "#hawser/hub/recovery/checks.js";
import { StepClock } from "../harness/step-clock.js";
import { compile } from "./harness/compile.js";
import { codeBlocks, codeWords, readDocument, tableAfter } from "./harness/markdown.js";

const recovery = readDocument("docs/recovery.md");
const permissions = readDocument("docs/permissions.md");
const { limits: hubLimits, ...options } = resolveHubOptions({});

test("the reasons of a gap are the wire's, and the client's own", () => {
  const rows = tableAfter(recovery, "When messages are missing").map((row) => [
    codeWords(row["`why`"]!)[0],
    row["What has happened"],
  ]);
  assert.deepEqual(rows.slice(1), Object.entries(gapWords));
  assert.equal(rows[0]![0], "missed");
});

test("what is kept, and how long things take, has the numbers of the code", () => {
  const MiB = 1024 * 1024;
  for (const sentence of [
    `\`limits.historyBytes\` (${hubLimits.historyBytes / MiB} MiB)`,
    `\`presenceGraceMs\` (${options.presenceGraceMs / 1000} s)`,
    `\`returnsPerSecond\` (${options.returnsPerSecond})`,
    `asks for its newest position every ${QUIET_MS / 1000} s`,
  ]) {
    assert.ok(recovery.includes(sentence), sentence);
  }
  assert.ok(permissions.includes(`\`tokenGraceMs\` (${options.tokenGraceMs / 1000} s)`));
});

test("the memory of a process keeps of keys and of one topic what is told", async () => {
  const clock = new StepClock();
  const engine = new MemoryEngine(clock);
  const publish = (key: string, size = 0): { duplicate: boolean } =>
    engine.publish("topic", new Uint8Array(size), { binary: true, size: 10_000, ttlMs: 3_600_000, key });
  const [, minutes, keys] = /\| (\d+) minutes, and the latest ([\d,]+) of a topic/.exec(recovery)!;
  publish("first");
  clock.advance(Number(minutes) * 60_000 - 1);
  assert.equal(publish("first").duplicate, true);
  clock.advance(1);
  assert.equal(publish("first").duplicate, false);
  const most = Number(keys!.replace(",", ""));
  for (let count = 1; count < most; count++) publish(`key ${count}`);
  assert.equal(publish("first").duplicate, true);
  publish("one more");
  assert.equal(publish("first").duplicate, false);
  const [, mebibytes] = /and (\d+) MiB for one topic/.exec(recovery)!;
  for (let count = 0; count < 10; count++) publish(`large ${count}`, 1024 * 1024);
  const { bytes } = engine.topic("topic");
  assert.ok(bytes <= Number(mebibytes) * 1024 * 1024 && bytes > 1024 * 1024, String(bytes));
});

test("what a revoked client is told are words of the wire", () => {
  assert.ok("revoked" in unsubWords && permissions.includes("`end`, with the code `revoked`"));
  assert.equal(byeWords.forbidden.code, CloseCode.forbidden);
  assert.ok(
    permissions.includes(`closed with ${CloseCode.forbidden}`) &&
      permissions.includes(`closed with ${CloseCode.expired}`),
  );
});

test("the code that is no part of an example compiles", async () => {
  const [load, latest] = codeBlocks(recovery, "ts");
  assert.ok(readDocument("examples/follow-prices.ts").includes(latest!));
  const identify = codeBlocks(permissions, "ts").find((code) => code.includes("identify"));
  assert.ok(load !== undefined && identify !== undefined);
  await compile(`
    import { connect, type Position, type Subscription } from "@hawser/client";
    import { createServer, type UpgradeRequest } from "hawser";
    import { createHub } from "hawser/hub";
    interface Session { name: string }
    declare function sessionOf(request: UpgradeRequest): Session | false;
    declare function fetchState(): Promise<{ position: Position; lines: string[] }>;
    declare function show(lines: string[]): void;
    declare function add(line: unknown): void;
    declare let subscription: Subscription | undefined;
    const live = connect("wss://example.com/");
    { ${load} }
    { ${identify} }`);
});
