// The recipes do what docs/recipes.md says of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { freePort } from "../harness/free-port.js";
import { startExample } from "./harness/example.js";

test("message-limit: one user is slowed down over all connections, and loses nothing", async (t) => {
  const example = await startExample("recipes/message-limit", t);
  const first = await example.connect("/?user=ada");
  const second = await example.connect("/?user=ada");
  const other = await example.connect("/?user=grace");
  const began = performance.now();
  for (let i = 0; i < 10; i++) {
    first.send(`a${i}`);
    second.send(`b${i}`);
  }
  other.send("hello");
  assert.equal(await other.next(), "hello");
  for (let i = 0; i < 10; i++) assert.deepEqual([await first.next(), await second.next()], [`a${i}`, `b${i}`]);
  // Ten at once, and the other ten at 20 a second: no machine is so slow that this fails.
  assert.ok(performance.now() - began > 400);
  assert.equal(await example.stop(), 0);
});

test("schema: a message is typed, one that does not fit gets an answer, and what is no JSON closes", async (t) => {
  const example = await startExample("recipes/schema", t);
  const ada = await example.connect();
  ada.send('{"type":"name","name":"Ada"}');
  ada.send('{"type":"say","text":"hello"}');
  assert.deepEqual(JSON.parse(await ada.next()), { type: "said", name: "Ada", text: "hello" });
  ada.send('{"type":"say","text":7}');
  assert.match(await ada.next(), /"type":"error".*expected string/);
  ada.send("hello");
  assert.equal((await ada.closed)[0], 1007);
  assert.equal(await example.stop(), 0);
});

test("file-chunks: a file goes in and comes out", async (t) => {
  const example = await startExample("recipes/file-chunks", t);
  const ada = await example.connect();
  const file = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => (i * 7919) >> 5));
  const received: Buffer[] = [];
  ada.socket.on("message", (data: Buffer, isBinary) => void (isBinary && received.push(data)));
  ada.send("put");
  for (let at = 0; at < file.length; at += 50_000) ada.socket.send(file.subarray(at, at + 50_000));
  ada.send("end");
  assert.equal(await ada.next(), "stored 1000000");
  ada.send("get");
  while ((await ada.next()) !== "end");
  assert.ok(Buffer.concat(received).equals(file));

  const grace = await example.connect();
  grace.socket.send(file.subarray(0, 10));
  assert.equal((await grace.closed)[0], 1008);
  assert.equal(await example.stop(), 0);
});

test("presence: whoever is there is named once, and has left with the last connection", async (t) => {
  const example = await startExample("recipes/presence", t);
  const event = async (peer: { next(): Promise<string> }): Promise<unknown> => JSON.parse(await peer.next());
  const ada = await example.connect("/lobby?name=ada");
  assert.deepEqual(await event(ada), { type: "present", names: ["ada"] });
  const grace = await example.connect("/lobby?name=grace");
  assert.deepEqual(await event(grace), { type: "present", names: ["ada", "grace"] });
  assert.deepEqual(await event(ada), { type: "joined", name: "grace" });
  const again = await example.connect("/lobby?name=grace");
  assert.deepEqual(await event(again), { type: "present", names: ["ada", "grace"] });
  const elsewhere = await example.connect("/kitchen?name=alan");
  assert.deepEqual(await event(elsewhere), { type: "present", names: ["alan"] });
  for (const peer of [again, grace]) {
    peer.socket.close();
    await peer.closed;
  }
  assert.deepEqual(await event(ada), { type: "left", name: "grace" });
  assert.equal(await example.stop(), 0);
});

test("own-metrics: one answer has both", async (t) => {
  process.env["METRICS_PORT"] = String(await freePort());
  const example = await startExample("recipes/own-metrics", t);
  const ada = await example.connect("/orders");
  ada.send("a ship");
  assert.equal(await ada.next(), "a ship");
  const text = await (await fetch(`http://127.0.0.1:${process.env["METRICS_PORT"]}/`)).text();
  for (const line of ["hawser_connections 1", "shop_orders_total 1", "shop_watchers 1"])
    assert.ok(text.split("\n").includes(line), line);
  ada.socket.close();
  await ada.closed;
  assert.equal(await example.stop(), 0);
});
