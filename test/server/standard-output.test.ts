/** The built-in logger's reader may stall or go: that holds up neither the server nor the end of its process. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, it, type TestContext } from "node:test";
import { until } from "../harness/concurrency.js";
import { projectRoot } from "../harness/root.js";

const SERVERS = 60;
/** Logs two lines for each server, one of them with 100 KB. */
const flood = (servers: number): string => `
  const { createServer } = await import(${JSON.stringify(pathToFileURL(join(projectRoot, "packages/hawser/dist/index.js")).href)});
  for (let i = 0; i < ${servers}; i++) await createServer({}).close({ reason: "x".repeat(100_000) });
  process.stderr.write("flooded");
`;

function run(test: TestContext, end: string, servers = SERVERS): ChildProcess {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", flood(servers) + end], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  test.after(() => child.kill("SIGKILL"));
  return child;
}

function linesOf(child: ChildProcess): { event: string; lines?: number }[] {
  const lines: { event: string }[] = [];
  let rest = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    lines.push(...parts.map((line) => JSON.parse(line) as { event: string }));
  });
  return lines;
}

describe("the built-in logger", () => {
  it("loses nothing when somebody reads, up to the end of the process", async (test) => {
    const child = run(test, "process.exit(7)", 1);
    const lines = linesOf(child);
    const [code] = (await once(child, "close")) as [number];
    assert.deepEqual([code, lines.length], [7, 2]);
  });

  it("holds up neither the server nor the end of its process when the reader stalls", async (test) => {
    const child = run(test, "process.exit(7)");
    let flooded = "";
    child.stderr!.on("data", (text) => (flooded += String(text)));
    const [exit] = await Promise.all([once(child, "exit"), once(child.stderr!, "end")]);
    assert.deepEqual([flooded, exit], ["flooded", [7, null]]);
  });

  it("says how many lines were dropped, once the reader goes on", async (test) => {
    const child = run(test, "setInterval(() => {}, 1_000)");
    await once(child.stderr!, "data");
    const lines = linesOf(child);
    await until(() => lines.some(({ event }) => event === "log-dropped"), "the line");
    const dropped = lines.find(({ event }) => event === "log-dropped")!.lines!;
    assert.ok(dropped > 0);
    assert.equal(lines.length - 1 + dropped, 2 * SERVERS);
  });

  it("ends nothing when the reader is gone", async (test) => {
    const child = run(test, "process.exit(7)");
    child.stdout!.destroy();
    const [code] = (await once(child, "exit")) as [number];
    assert.equal(code, 7);
  });
});
