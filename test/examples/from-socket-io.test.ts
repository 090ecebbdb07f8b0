// The chat of docs/migrating-from-socket-io.md on Socket.IO and on the hub, by the two pages' code that it shows.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { before, test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { WebSocket } from "ws";
import { connect, type ConnectOptions } from "@hawser/client";
import { codeBlocks, dense, readDocument } from "../docs/harness/markdown.js";
import { until } from "../harness/concurrency.js";
import { projectRoot } from "../harness/root.js";
import { TcpProxy } from "../hub/harness/tcp-proxy.js";
import { startProgram } from "./harness/example.js";

const folder = join(projectRoot, "examples/beside");
const page = readDocument("docs/migrating-from-socket-io.md");
const blocks = codeBlocks(page, "js");

/** A page's code, as a function of what stands around it. */
type PageCode = (url: string, token: string, show: Show, reload: () => void, connecting: unknown) => Promise<Answer>;
type Show = (by: string, text: string) => void;
interface Answer {
  readonly now: number;
  readonly close: () => void;
}

/** Socket.IO's own client, as it ships it for browsers. */
interface Io {
  io(url: string, options: object): unknown;
}
let ioClient: Io;

before(async () => {
  const script = pathToFileURL(join(projectRoot, "scripts/prepare.mjs")).href;
  await promisify(execFile)(process.execPath, [
    "-e",
    `import(${JSON.stringify(script)}).then((m) => m.installFolder("examples/beside", "what examples run beside"))`,
  ]);
  // It takes the global WebSocket when it is loaded, and Node 20 has none.
  (globalThis as { WebSocket?: unknown }).WebSocket ??= WebSocket;
  ioClient = createRequire(import.meta.url)(join(folder, "node_modules/socket.io/client-dist/socket.io.js")) as Io;
});

function pageCode(heading: string, last: string, name: string): PageCode {
  const code = blocks.find((block) => block.startsWith(`// ${heading}\nconst ${last}`))!;
  const AsyncFunction = (async () => {}).constructor as new (...args: string[]) => PageCode;
  return new AsyncFunction(
    "url",
    "token",
    "show",
    "reload",
    name,
    `${code}return { now, close: () => ${last}.close() };`,
  );
}

const sides = [
  {
    name: "before",
    run: pageCode("Socket.IO", "socket", "io"),
    connecting: (url: string, options: object) =>
      ioClient.io(url, { ...options, transports: ["websocket"], forceNew: true }),
  },
  {
    name: "after",
    run: pageCode("Hawser", "live", "connect"),
    connecting: (url: string, options: ConnectOptions) => connect(url, { ...options, WebSocket }),
  },
];

test("the document shows what stands in the programs", () => {
  for (const [index, { name }] of sides.entries()) {
    const program = dense(readDocument(`examples/beside/from-socket-io/${name}.mjs`));
    assert.ok(program.includes(dense(blocks[index]!.replace(/^.*\n/, ""))), name);
  }
});

for (const { name, run, connecting } of sides) {
  test(`${name}: who is in the room hears who says what, the sender too, and the server tells the time`, async (t) => {
    const { port } = await start(t, name);
    const heard: Record<string, string[]> = { ada: [], grace: [] };
    for (const [user, lines] of Object.entries(heard)) {
      const url = `http://127.0.0.1:${port}`;
      const show: Show = (by, text) => lines.push(`${by}: ${text}`);
      const { now, close } = await run(url, user, show, () => assert.fail("a gap"), connecting);
      t.after(close);
      assert.ok(Math.abs(now - Date.now()) < 60_000);
    }
    await until(() => heard["ada"]!.length === 2 && heard["grace"]!.length === 1, "both messages");
    assert.deepEqual(heard, { ada: ["ada: hello", "grace: hello"], grace: ["grace: hello"] });
  });
}

test("after: the staff's room is for Ada, a message has its bounds, and a cut is nothing to care about", async (t) => {
  const { port } = await start(t, "after");
  const link = await TcpProxy.start(port);
  t.after(() => link.close());
  const live = connect(`ws://127.0.0.1:${link.port}/`, { token: "grace", WebSocket });
  t.after(() => live.close());
  const staff = live.topic("room:staff");
  await assert.rejects(staff.subscribe({ message: () => {} }).ready, { code: "forbidden" });
  await assert.rejects(staff.publish("hello"), { code: "forbidden" });
  const room = live.topic("room:lobby");
  await assert.rejects(room.publish("x".repeat(2001)), { code: "bad-request" });
  const heard: unknown[] = [];
  await room.subscribe({ message: (text) => heard.push(text), gap: () => assert.fail("a gap") }).ready;
  await link.refuse();
  await until(() => live.state.current.phase !== "open", "the cut");
  const other = connect(`ws://127.0.0.1:${port}/`, { token: "ada", WebSocket });
  t.after(() => other.close());
  await other.topic("room:lobby").publish("while you were away");
  await link.pass();
  await until(() => heard.length === 1, "what was missed");
  assert.deepEqual(heard, ["while you were away"]);
});

test("before: the same bounds", async (t) => {
  const { port } = await start(t, "before");
  const socket = ioClient.io(`http://127.0.0.1:${port}`, {
    auth: { token: "grace" },
    transports: ["websocket"],
    forceNew: true,
  }) as { emitWithAck: (...args: string[]) => Promise<{ error?: string }>; close: () => void };
  t.after(() => socket.close());
  assert.deepEqual(await socket.emitWithAck("join", "staff"), { error: "forbidden" });
  assert.deepEqual(await socket.emitWithAck("say", "lobby", "hello"), { error: "forbidden" });
  assert.deepEqual(await socket.emitWithAck("join", "lobby"), {});
  assert.deepEqual(await socket.emitWithAck("say", "lobby", "x".repeat(2001)), { error: "bad-request" });
});

function start(t: TestContext, name: string): Promise<{ port: number }> {
  return startProgram(join(folder, `from-socket-io/${name}.mjs`), t);
}
