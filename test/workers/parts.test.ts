// What workers are made of, without a process: shares of limits, waits before restarts, lines of output, options.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test } from "node:test";
import { projectRoot } from "../harness/root.js";
import { canReusePort } from "#hawser/server/listen.js";
import { Supervisor, workerBroker } from "#hawser/workers/index.js";
import { eachLine, markLine } from "#hawser/workers/output-lines.js";
import { Restarts } from "#hawser/workers/restarts.js";
import { shareOf } from "#hawser/workers/share.js";

test("shares of a limit add up to it, and differ by one at most", () => {
  for (const count of [1, 2, 3, 7, 64]) {
    for (const limit of [64, 100, 1001, 65_536, 2 ** 40 + 5]) {
      const shares = Array.from({ length: count }, (_, index) => shareOf(limit, index + 1, count));
      assert.equal(
        shares.reduce((sum, share) => sum + share, 0),
        limit,
      );
      assert.ok(Math.max(...shares) - Math.min(...shares) <= 1);
    }
  }
  assert.equal(shareOf(0, 1, 4), 0, "no limit stays none");
  assert.equal(shareOf(3, 4, 4), 1, "nobody is left without anything");
});

test("a worker that served is replaced at once; one that keeps ending is waited for longer and longer, up to a bound", () => {
  const restarts = new Restarts();
  assert.equal(restarts.ended(60_000), 0);
  assert.equal(restarts.ended(1_000), 0);
  assert.deepEqual(
    Array.from({ length: 4 }, () => restarts.ended(undefined)),
    [100, 200, 400, 800],
  );
  assert.equal(restarts.failedStarts, 4);
  for (let n = 0; n < 100; n++) assert.ok(restarts.ended(undefined) <= 30_000);
  restarts.ready();
  assert.equal(restarts.failedStarts, 0);
  assert.deepEqual(
    [restarts.ended(10), restarts.ended(10), restarts.ended(1_000), restarts.ended(10)],
    [100, 200, 0, 100],
  );
  for (let n = 0; n < 100; n++) assert.ok(restarts.ended(0) <= 5_000);
  assert.equal(restarts.failedStarts, 0, "they had started");
});

test("output comes line by line wherever it is cut, and a line without an end is bounded", async () => {
  const text = '{"a":"ü"}\r\nplain\n\nlast';
  const bytes = Buffer.from(text);
  for (let cut = 1; cut < bytes.length; cut++) {
    const lines: string[] = [];
    const stream = Readable.from([bytes.subarray(0, cut), bytes.subarray(cut)]);
    eachLine(stream, (line) => lines.push(line));
    await new Promise((resolve) => stream.once("close", resolve));
    assert.deepEqual(lines, ['{"a":"ü"}', "plain", "", "last"]);
  }
  const lengths: number[] = [];
  const stream = Readable.from(Array.from({ length: 50 }, () => Buffer.alloc(10_000, "x")));
  eachLine(stream, ({ length }) => lengths.push(length));
  await new Promise((resolve) => stream.once("close", resolve));
  assert.equal(
    lengths.reduce((sum, length) => sum + length, 0),
    500_000,
  );
  assert.ok(Math.max(...lengths) <= 64 * 1024);
});

test("a line of JSON has the worker as a field", () => {
  assert.deepEqual(JSON.parse(markLine('{"level":"info","n":1}', 3)), { worker: 3, level: "info", n: 1 });
  for (const line of ["{}", '{"half', "text", ""]) assert.equal(markLine(line, 3), line);
});

test("docs/workers.md has each line that the supervisor logs", () => {
  const source = readFileSync(join(projectRoot, "packages/hawser/src/workers/supervisor.ts"), "utf8");
  const logged = [...source.matchAll(/event: "([\w-]+)"/g)].map(([, event]) => event!);
  const page = readFileSync(join(projectRoot, "docs/workers.md"), "utf8");
  const told = [...page.matchAll(/^\| `(workers?-[\w-]+)`/gm)].map(([, event]) => event!);
  assert.deepEqual([...new Set(logged)].toSorted(), told.toSorted());
});

test("options are checked, and named where they are wrong", () => {
  for (const [options, message] of [
    [{ workers: 0 }, /workers: got 0, takes "auto", or a whole number from 1 to 1024/],
    [{ workers: 1.5 }, /workers/],
    [{ worker: 2 }, /there is no option worker/],
    [{ drainTimeoutMs: -1 }, /drainTimeoutMs/],
    [{ listen: { port: 70_000 } }, /port/],
  ] as const) {
    assert.throws(() => new Supervisor(options as never), message);
  }
  assert.throws(() => workerBroker(), { name: "UsageError" });
});

test("a port is shared where Node and the system can, and nowhere else", () => {
  const versions = ["20.20.2", "22.11.0", "22.12.0", "23.0.0", "23.1.0", "24.0.0", "26.1.0"];
  assert.deepEqual(
    versions.map((version) => canReusePort("linux", version)),
    [false, false, true, false, true, true, true],
  );
  assert.equal(canReusePort("darwin", "24.0.0"), false);
});
