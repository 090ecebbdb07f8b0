/** `WebSocketServer.setDefaults`, which is one for the process: this file has it for itself. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { WebSocketServer } from "#hawser/ws/index.js";
import { LogBook } from "../harness/rig.js";
import { RawClient } from "../harness/raw-client.js";
import { libraries, startPair } from "./pair.js";

const ORIGIN = "https://app.example";
const lib = libraries["hawser/ws"];

async function status(t: Parameters<typeof startPair>[0], options: Parameters<typeof startPair>[3]): Promise<number> {
  const { url } = await startPair(t, lib, lib, options);
  const peer = await RawClient.connect(url, { origin: ORIGIN });
  t.after(() => peer.destroy());
  return (await peer.handshake()).status;
}

test("a server has the defaults that were set, unless its own options say something else", async (t) => {
  t.after(() => WebSocketServer.setDefaults({}));
  assert.equal(await status(t, {}), 403);
  WebSocketServer.setDefaults({ allowedOrigins: [ORIGIN], maxPayload: 10, logger: new LogBook() });
  assert.equal(await status(t, {}), 101);
  assert.equal(await status(t, { allowedOrigins: undefined }), 101);
  assert.equal(await status(t, { allowedOrigins: ["https://other.example"] }), 403);
  // The list of the defaults would exclude it.
  assert.equal(await status(t, { dangerouslyAllowAnyOrigin: "a test" }), 101);
  class Own extends WebSocketServer {}
  const own = new Own({ noServer: true, maxPayload: 20 });
  assert.deepEqual([own.options.allowedOrigins, own.options.maxPayload], [[ORIGIN], 20]);
  const pair = await startPair(t, lib, lib);
  const { client, socket } = await pair.connect();
  socket.on("error", () => {});
  client.send("x".repeat(11));
  assert.equal((await once(client, "close"))[0], 1009);
  WebSocketServer.setDefaults({ pongWaitMs: 10_000 });
  assert.equal(await status(t, {}), 403);
});

test("what cannot be a default is refused, and leaves those that are there", async (t) => {
  WebSocketServer.setDefaults({ allowedOrigins: [ORIGIN] });
  t.after(() => WebSocketServer.setDefaults({}));
  const wrong: [object, RegExp][] = [
    [{ allowedOrigin: [ORIGIN] }, /allowedOrigin: .* no default \(did you mean allowedOrigins\?\)/],
    [{ port: 1 }, /port: .* no default/],
    [{ noServer: true }, /noServer: .* no default/],
    [{ allowedOrigins: ["app.example"] }, /allowedOrigins/],
    [{ allowedOrigins: [ORIGIN], dangerouslyAllowAnyOrigin: "why" }, /exclude each other/],
    [{ dangerouslyAllowAnyOrigin: true }, /dangerouslyAllowAnyOrigin/],
    [{ maxPayload: "1 MB" }, /maxPayload: got "1 MB", takes a number of bytes/],
    [{ pongWaitMs: 1.5 }, /pongWaitMs/],
  ];
  for (const [defaults, message] of wrong) {
    assert.throws(() => WebSocketServer.setDefaults(defaults), { name: /Error/, message });
  }
  assert.equal(await status(t, {}), 101);
});

test("who sets them too late is warned", async () => {
  // The warnings of the tests before have come.
  await new Promise((done) => setImmediate(done));
  const warned = once(process, "warning");
  WebSocketServer.setDefaults({});
  assert.match(((await warned) as [Error])[0].message, /those that are there already go without/);
});
