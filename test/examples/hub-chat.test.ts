// examples/hub-chat.ts and the two clients that docs/hub.md shows: who is cut off misses nothing of its room.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import { WebSocket } from "ws";
import { connect, type Live } from "@hawser/client";
import { codeBlocks, readDocument } from "../docs/harness/markdown.js";
import { until } from "../harness/concurrency.js";
import { projectRoot } from "../harness/root.js";
import { TcpProxy } from "../hub/harness/tcp-proxy.js";
import { need } from "../interop/harness/system.js";
import { startExample } from "./harness/example.js";

function chatOf(t: TestContext, port: number, user: string): Live {
  const live = connect(`ws://127.0.0.1:${port}/`, { token: user, WebSocket });
  t.after(() => live.close());
  return live;
}

test("docs/hub.md shows what stands in the example", () => {
  const [shown] = codeBlocks(readDocument("docs/hub.md"), "ts");
  assert.ok(shown !== undefined && readDocument("examples/hub-chat.ts").includes(shown.trim()));
});

test("@hawser/client gets what was said while it was cut off, marked as replayed", async (t) => {
  const { port } = await startExample("hub-chat", t);
  const link = await TcpProxy.start(port);
  t.after(() => link.close());
  const ada = chatOf(t, link.port, "ada");
  const said: string[] = [];
  const room = ada.topic("room:lobby").subscribe({
    message: (data, { by, replayed }) => void said.push(`${by} ${JSON.stringify(data)}${replayed ? " (before)" : ""}`),
    gap: () => void said.push("gap"),
  });
  await room.ready;
  const grace = chatOf(t, port, "grace").topic("room:lobby");
  await grace.publish("one");
  await until(() => said.length === 1, "the first message");
  await link.refuse();
  await until(() => ada.state.current.phase !== "open", "the cut");
  await grace.publish("two");
  await grace.publish("three");
  await link.pass();
  await until(() => said.length === 3, "the messages that were missed");
  assert.deepEqual(said, ['grace "one"', 'grace "two" (before)', 'grace "three" (before)']);
  const { members } = await grace.members();
  assert.deepEqual([...(members?.keys() ?? [])], ["ada"]);
});

const python = await need("python-websockets");

test("the client in Python, written after docs/wire.md, does as well", { skip: python.missing }, async (t) => {
  const { port } = await startExample("hub-chat", t);
  const link = await TcpProxy.start(port);
  t.after(() => link.close());
  const program = join(projectRoot, "examples/wire-client.py");
  const client = spawn(python.path, ["-u", program, `ws://127.0.0.1:${link.port}/`, "room:lobby", "ada"]);
  t.after(() => client.kill("SIGKILL"));
  const printed: string[] = [];
  for (const stream of [client.stdout, client.stderr])
    createInterface({ input: stream }).on("line", (line) => printed.push(line));
  const grace = chatOf(t, port, "grace").topic("room:lobby");

  client.stdin.write("hello\n");
  await until(() => printed.length === 1, "its own message");
  await link.refuse();
  client.stdin.write("said while cut off\n");
  await grace.publish("two");
  await link.pass();
  await until(() => printed.length === 3, "what was said meanwhile");
  assert.deepEqual(printed, ['ada: "hello"', '(before) grace: "two"', 'ada: "said while cut off"']);
});
