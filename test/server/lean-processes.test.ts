/** Servers with lean sockets where a process is not the usual one: several on one port, a thread, switches of Node's. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, it, type TestContext } from "node:test";
import { RawClient } from "../harness/raw-client.js";

const isBun = process.versions["bun"] !== undefined;
const root = join(import.meta.dirname, "../../..");
/** Node 20 has it as an experiment. */
const PERMISSION = process.allowedNodeEnvironmentFlags.has("--permission")
  ? "--permission"
  : "--experimental-permission";

interface Running {
  started: { port: number; isLean: boolean }[];
  /** Ends it. @returns its exit code, and what it said on stderr */
  stop(): Promise<{ code: number | null; stderr: string }>;
}

async function start(test: TestContext, how: string, ...switches: string[]): Promise<Running> {
  const child = spawn(process.execPath, [...switches, join(import.meta.dirname, "harness/echo-main.js"), how], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, NODE_OPTIONS: "", NODE_TEST_CONTEXT: undefined },
  });
  test.after(() => child.kill("SIGKILL"));
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const closed = once(child, "close");
  const line = once(createInterface(child.stdout), "line");
  const first = await Promise.race([line, closed.then(() => null)]);
  assert.ok(first !== null, stderr);
  return {
    started: JSON.parse(String(first[0])) as Running["started"],
    async stop() {
      child.stdin.end();
      const [code] = (await closed) as [number | null];
      return { code, stderr };
    },
  };
}

async function echo(test: TestContext, port: number): Promise<void> {
  const client = await RawClient.open(`ws://127.0.0.1:${port}/`);
  test.after(() => client.destroy());
  await client.echo("hello");
  await client.echo("x".repeat(100_000));
  await client.close();
}

describe("a server with lean sockets", { skip: isBun }, () => {
  it("shares its port with the other processes of a cluster", async (test) => {
    const server = await start(test, "cluster");
    const [one, two] = server.started;
    assert.equal(one!.port, two!.port);
    assert.deepEqual([one!.isLean, two!.isLean], [true, true]);
    for (let i = 0; i < 6; i++) await echo(test, one!.port);
    assert.deepEqual(await server.stop(), { code: 0, stderr: "" });
  });

  it("serves from a thread, which may be ended at any time", async (test) => {
    const server = await start(test, "thread");
    assert.equal(server.started[0]!.isLean, true);
    await echo(test, server.started[0]!.port);
    const connected = await RawClient.open(`ws://127.0.0.1:${server.started[0]!.port}/`);
    test.after(() => connected.destroy());
    assert.deepEqual(await server.stop(), { code: 0, stderr: "" });
  });

  it("is told of by one warning with --pending-deprecation", async (test) => {
    const server = await start(test, "alone", "--pending-deprecation");
    assert.equal(server.started[0]!.isLean, true);
    await echo(test, server.started[0]!.port);
    const { code, stderr } = await server.stop();
    assert.equal(code, 0);
    assert.equal(stderr.match(/DEP0111/g)?.length, 1, stderr);
  });

  it("serves without them where warnings end the process", async (test) => {
    const server = await start(test, "alone", "--pending-deprecation", "--throw-deprecation");
    assert.equal(server.started[0]!.isLean, false);
    await echo(test, server.started[0]!.port);
    assert.deepEqual(await server.stop(), { code: 0, stderr: "" });
  });

  it("serves without them where Node has permissions", async (test) => {
    // Since Node 25 a listener needs a permission as well.
    const net = process.allowedNodeEnvironmentFlags.has("--allow-net") ? ["--allow-net"] : [];
    const server = await start(test, "alone", PERMISSION, `--allow-fs-read=${root}/*`, ...net);
    assert.equal(server.started[0]!.isLean, false);
    await echo(test, server.started[0]!.port);
    const { code, stderr } = await server.stop();
    assert.equal(code, 0, stderr);
  });
});
