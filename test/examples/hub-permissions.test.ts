// examples/hub-permissions.ts, and what docs/permissions.md says of it.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { WebSocket } from "ws";
import { connect, type Live } from "@hawser/client";
import { codeBlocks, dense, readDocument } from "../docs/harness/markdown.js";
import { startExample } from "./harness/example.js";

async function liveOf(t: TestContext, port: number, user: string): Promise<Live> {
  const token = await (await fetch(`http://127.0.0.1:${port}/token?user=${user}`)).text();
  const live = connect(`ws://127.0.0.1:${port}/`, { token, WebSocket });
  t.after(() => live.close());
  return live;
}

test("docs/permissions.md shows what stands in the example", () => {
  const example = dense(readDocument("examples/hub-permissions.ts"));
  const shown = codeBlocks(readDocument("docs/permissions.md"), "ts").filter((code) => !code.includes("identify"));
  assert.equal(shown.length, 4);
  for (const code of shown) assert.ok(example.includes(dense(code)), code);
});

test("everybody may do what the rules say, and no more", async (t) => {
  const { port } = await startExample("hub-permissions", t);
  const [ada, eve] = [await liveOf(t, port, "ada"), await liveOf(t, port, "eve")];
  const ignore = { message: () => {} };
  const forbidden = { code: "forbidden" };
  await ada.topic("room:lobby").subscribe(ignore).ready;
  await eve.topic("news").subscribe(ignore).ready;
  await eve.topic("inbox:eve").subscribe(ignore).ready;
  await ada.topic("room:lobby").publish("hello");
  assert.equal(await ada.topic("room:lobby").count(), 1);
  await assert.rejects(eve.topic("room:lobby").subscribe(ignore).ready, forbidden);
  await assert.rejects(eve.topic("room:lobby").history(), forbidden);
  await assert.rejects(eve.topic("room:lobby").publish("let me in"), forbidden);
  await assert.rejects(eve.topic("room:lobby").members(), forbidden);
  await assert.rejects(eve.topic("inbox:ada").subscribe(ignore).ready, forbidden);
  await assert.rejects(ada.topic("news").publish("extra"), forbidden);
  await assert.rejects(eve.call("expel", { room: "lobby", user: "ada" }), forbidden);
  await assert.rejects(connected(connect(`ws://127.0.0.1:${port}/`, { token: "eve", WebSocket })), /unauthorized/);
});

test("whom Ada expels is told so, and does not come back", async (t) => {
  const { port } = await startExample("hub-permissions", t);
  const [ada, grace] = [await liveOf(t, port, "ada"), await liveOf(t, port, "grace")];
  const room = grace.topic("room:lobby");
  const ended = new Promise<string>((end) => {
    room.subscribe({ message: () => {}, end: ({ code }) => end(code) }).ready.catch(() => {});
  });
  await room.count();
  await ada.call("expel", { room: "lobby", user: "grace" });
  assert.equal(await ended, "revoked");
  await assert.rejects(room.subscribe({ message: () => {} }).ready, { code: "forbidden" });
});

function connected(live: Live): Promise<void> {
  return new Promise((resolve, reject) => {
    live.state.subscribe((state) => {
      if (state.phase === "open") resolve();
      if (state.phase === "closed") reject(new Error(state.why));
    });
  });
}
