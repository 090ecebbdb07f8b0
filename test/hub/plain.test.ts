// Plain clients: put into topics by the server, they get the bare payloads. In one room with clients of hawser.v1.

import assert from "node:assert/strict";
import { test } from "node:test";
import { writePub } from "@hawser/wire/client";
import { until } from "../harness/concurrency.js";
import { turns } from "../harness/rig.js";
import { byName, everything, goOn, has, startHub } from "./harness/hub-rig.js";

const ROOMS = {
  authenticate: byName,
  allow: everything,
  defaultTopic: { history: { size: 10, ttlMs: 60_000 }, presence: true },
} as const;

test("text goes both ways: a string in d is bare text, anything else its JSON, bytes are bytes", async (t) => {
  const { connect, plain } = await startHub(t, ROOMS, (hub) => ({
    open: (client) => (client.subprotocol === "" ? hub.join(client, client.path) : undefined),
    message: (client, message) => hub.publish(client.path, message),
  }));
  const { peer } = await plain("lobby");
  const ada = await connect("ada", [["/lobby"]]);
  await ada.answer(2);
  peer.socket.send('he said "hi"');
  assert.equal(await peer.next(), 'he said "hi"');
  has(await ada.next("pub"), { o: 1, d: 'he said "hi"' });
  peer.socket.send(Buffer.of(0, 255));
  assert.deepEqual(await peer.next(), Buffer.of(0, 255));
  assert.deepEqual(Buffer.from((await ada.next("pub")).d as Uint8Array), Buffer.of(0, 255));
  ada.send(writePub("/lobby", "hello\n中"), '{"pub":"/lobby","d":{"a": [1.0]}}', writePub("/lobby", null));
  assert.deepEqual([await peer.next(), await peer.next(), await peer.next()], ["hello\n中", '{"a": [1.0]}', "null"]);
});

test("the application's handlers see plain clients' messages alone, and open and close of all", async (t) => {
  const seen: string[] = [];
  const { connect, plain, hub } = await startHub(t, ROOMS, {
    open: ({ subprotocol }) => void seen.push(`open ${subprotocol}`),
    message: (_, message) => void seen.push(message.text()),
    close: ({ subprotocol }) => void seen.push(`close ${subprotocol}`),
  });
  const ada = await connect("ada");
  ada.send(writePub("room", 1, 2));
  await ada.answer(2);
  ada.close();
  await until(() => seen.length === 2, "the close of one");
  const { peer } = await plain();
  peer.socket.send("hi");
  peer.socket.close();
  await until(() => seen.length === 5, "the close of the other");
  assert.deepEqual(seen, ["open hawser.v1", "close hawser.v1", "open ", "hi", "close "]);
  assert.equal(hub.stats.sessions, 0);
});

test("joined is joined: what is published after it comes, and what was before if it is asked for", async (t) => {
  const { plain, hub } = await startHub(t, ROOMS);
  for (const n of [1, 2, 3]) await hub.publish("room", n);
  const { peer, client } = await plain();
  await hub.join(client, "room", { last: 2 });
  await hub.join(client, "room", { last: 2 });
  await hub.publish("room", 4);
  assert.deepEqual([await peer.next(), await peer.next(), await peer.next()], ["2", "3", "4"]);
  hub.leave(client, "room");
  await hub.publish("room", 5);
  await turns();
  assert.deepEqual(peer.received, []);
});

test("a plain client is not sent its own message, and another one of its user is", async (t) => {
  const { plain, connect, hub } = await startHub(
    t,
    { ...ROOMS, identify: ({ path }) => (path === "/" ? undefined : { user: path }) },
    (hub) => ({
      open: (client) => (client.subprotocol === "" ? hub.join(client, "room") : undefined),
      message: (client, message) => hub.publish("room", message, { by: client.path, except: client }),
    }),
  );
  const [one, other] = [await plain("ada"), await plain("ada")];
  const wire = await connect("ada", [["room"]]);
  await wire.answer(2);
  one.peer.socket.send("of one");
  assert.equal(await other.peer.next(), "of one");
  other.peer.socket.send("of the other");
  assert.equal(await one.peer.next(), "of the other");
  has(await wire.next("pub"), { d: "of one", by: "/ada" });
  has(await wire.next("pub"), { d: "of the other" });
  await hub.publish("room", "of the server");
  assert.deepEqual([await one.peer.next(), await other.peer.next()], ["of the server", "of the server"]);
});

test("a plain client whose token ends is closed with 4401 after its grace, in a topic or not", async (t) => {
  const { plain, hub, clock } = await startHub(t, {
    ...ROOMS,
    identify: ({ path }) => (path === "/" ? undefined : { user: path, expiresAt: Date.now() + 60_000, graceMs: 5_000 }),
  });
  const [member, visitor, nobody] = [await plain("ada"), await plain("bob"), await plain()];
  for (const { client } of [member, nobody]) await hub.join(client, "room");
  const codes: number[] = [];
  for (const { peer } of [member, visitor, nobody]) peer.socket.on("close", (code) => codes.push(code));
  await goOn(clock, 63_000, 250);
  assert.deepEqual(codes, []);
  await goOn(clock, 4_000, 250);
  await until(() => codes.length === 2, "the end of both");
  assert.deepEqual(codes, [4401, 4401]);
  assert.ok(nobody.client.isOpen);
});

test("a plain client that is revoked is out of the topic, and closed with 4403 when it was its last, or was about all", async (t) => {
  const { plain, hub } = await startHub(t, { ...ROOMS, identify: ({ path }) => ({ user: path }) });
  const [ada, bob] = [await plain("ada"), await plain("bob")];
  const codes: number[] = [];
  for (const { peer } of [ada, bob]) peer.socket.on("close", (code) => codes.push(code));
  for (const topic of ["one", "two"]) await hub.join(ada.client, topic);
  await hub.revoke({ user: "/ada", topic: "one" });
  await hub.publish("one", "not for it");
  await hub.publish("two", "for it");
  assert.equal(await ada.peer.next(), "for it");
  await hub.revoke({ user: "/ada", topic: "two" });
  await until(() => codes.length === 1, "the end of one");
  await hub.revoke({ client: bob.client.id });
  await until(() => codes.length === 2, "the end of the other");
  assert.deepEqual(codes, [4403, 4403]);
});

test("a plain client is a member by its id, or by who it is known to be", async (t) => {
  const { plain, hub, rig } = await startHub(t, {
    ...ROOMS,
    identify: ({ path }) => (path === "/" ? undefined : { user: path }),
  });
  const [nobody, somebody] = [await plain(), await plain("ada")];
  for (const { client } of [nobody, somebody]) await hub.join(client, "room");
  const members = await hub.members("room");
  assert.deepEqual(members.map(({ key }) => key).toSorted(), ["/ada", nobody.client.id].toSorted());
  somebody.peer.socket.close();
  await until(() => rig.closed.length === 1, "the end of one");
  assert.equal(await hub.count("room"), 1);
});

test("a client of hawser.v1 cannot be joined, nor a topic that is none", async (t) => {
  const { connect, plain, hub, rig } = await startHub(t, ROOMS);
  await connect("ada");
  await assert.rejects(hub.join(rig.opened[0]!, "room"), /by itself/);
  const { client } = await plain();
  await assert.rejects(hub.join(client, "x".repeat(256)), { name: "HubError", code: "too-big" });
  await assert.rejects(hub.join(client, ""), { name: "HubError", code: "bad-request" });
});
