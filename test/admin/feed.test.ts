// The live feed: what a dashboard is told and may do.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { WebSocket } from "ws";
import { until } from "../harness/concurrency.js";
import { type AdminRig, type Dashboard, type FeedMessage, startAdmin } from "./harness/rig.js";

interface Row {
  readonly id: string;
  readonly rooms: string[];
  readonly messagesIn: number;
}

let requests = 0;

/** What costs a look at all clients or rooms waits for its turn, by the clock: it goes on meanwhile. */
async function ticking<T>({ clock }: AdminRig, promise: Promise<T>): Promise<T> {
  const timer = setInterval(() => clock.advance(20), 2);
  return promise.finally(() => clearInterval(timer));
}

async function clientsOf(
  rig: AdminRig,
  dashboard: Dashboard,
  query: object = {},
): Promise<FeedMessage & { rows: Row[] }> {
  const all = { search: "", sort: "age", descending: false, page: 0 };
  dashboard.send({ type: "clients", request: ++requests, ...all, ...query });
  return (await ticking(rig, dashboard.next("clients"))) as FeedMessage & { rows: Row[] };
}

async function roomsOf(dashboard: Dashboard, total: number): Promise<FeedMessage> {
  for (;;) {
    const rooms = await dashboard.next("rooms");
    if (rooms["total"] === total) return rooms;
  }
}

test("a sample each second, with what happened in it", async (t) => {
  const { dashboard, client, server, clock } = await startAdmin(t);
  const one = await dashboard();
  const hello = await one.next("hello");
  assert.equal(hello["mayAct"], false);
  const columns = hello["columns"] as string[];
  assert.deepEqual(hello["history"], []);

  const [a, b] = [await client(), await client()];
  clock.advance(1000);
  await one.next("sample");
  a.send("one");
  a.send("two");
  await once(b, "message");
  await until(() => server.stats.messagesIn === 2, "both messages");
  clock.advance(1000);
  const sample = (await one.next("sample"))["sample"] as number[];
  const value = (name: string): number | null | undefined => sample[columns.indexOf(name)];
  assert.deepEqual(
    ["ready", "connections", "messagesIn", "messagesOut", "bytesIn", "bytesOut", "rttMedian", "backlog"].map(value),
    [1, 2, 2, 2, 6, 6, null, 0],
  );
  assert.ok(value("rss")! > 1024 * 1024);

  // Who comes later gets what was before.
  const two = await dashboard();
  assert.equal(((await two.next("hello"))["history"] as unknown[]).length, 2);
});

test("ten minutes are kept", async (t) => {
  const { dashboard, clock } = await startAdmin(t);
  clock.advance(700_000);
  const { history } = await (await dashboard()).next("hello");
  assert.equal((history as unknown[]).length, 600);
});

test("rooms by size, and the log as it goes on", async (t) => {
  const rig = await startAdmin(t);
  const { dashboard, client, clock } = rig;
  const one = await dashboard();
  await one.next("hello");
  await client("/small");
  await client("/large");
  await client("/large");
  clock.advance(1000);
  assert.deepEqual(await ticking(rig, roomsOf(one, 2)), {
    type: "rooms",
    total: 2,
    largest: [
      ["/large", 2],
      ["/small", 1],
    ],
  });
  const log = await one.next("log");
  const entries = log["entries"] as { event: string; level: string; fields: [string, string][] }[];
  assert.deepEqual(
    entries.map(({ event }) => event),
    ["connect", "connect", "connect"],
  );
  assert.deepEqual(Object.fromEntries(entries[0]!.fields)["path"], "/small");
});

test("of the log fifty lines a second, the latest, and how many there were besides", async (t) => {
  const { dashboard, clock, logTail } = await startAdmin(t);
  const one = await dashboard();
  await one.next("hello");
  let line = 0;
  for (const [lines, shown] of [
    [50, 50],
    [80, 50],
    [51, 50],
    [3, 3],
  ] as const) {
    for (let i = 0; i < lines; i++) logTail.write(JSON.stringify({ level: "info", event: `line-${++line}` }));
    clock.advance(1000);
    const { entries, skipped } = (await one.next("log")) as unknown as {
      entries: { event: string }[];
      skipped: number;
    };
    assert.deepEqual([entries.length, skipped], [shown, lines - shown]);
    assert.deepEqual([entries[0]!.event, entries.at(-1)!.event], [`line-${line - shown + 1}`, `line-${line}`]);
  }
});

test("the clients in pages, searched and sorted", async (t) => {
  const rig = await startAdmin(t);
  const { client } = rig;
  const one = await rig.dashboard();
  await one.next("hello");
  for (let i = 0; i < 55; i++) await client(i % 11 === 0 ? "/rare" : "/common");
  const first = await clientsOf(rig, one);
  assert.deepEqual(
    [first["total"], first["matched"], first["page"], first["pages"], first.rows.length],
    [55, 55, 0, 2, 50],
  );
  const second = await clientsOf(rig, one, { page: 1 });
  assert.equal(second.rows.length, 5);
  assert.equal(new Set([...first.rows, ...second.rows].map(({ id }) => id)).size, 55);
  const rare = await clientsOf(rig, one, { search: "RARE" });
  assert.deepEqual([rare["total"], rare["matched"], rare.rows[0]?.rooms], [55, 5, ["/rare"]]);
});

test("actions need the token; then they are done, answered and logged", async (t) => {
  const { dashboard, client, admin, log, server } = await startAdmin(t);
  const one = await dashboard();
  await one.next("hello");
  const socket = await client();
  const [id = ""] = server.clients.keys();
  const ask = async (action: object): Promise<unknown[]> => {
    one.send({ request: 7, ...action });
    const { request, ok, text } = await one.next("result");
    assert.equal(request, 7);
    return [ok, text];
  };
  for (const action of [
    { type: "disconnect", id },
    { type: "send", id, text: "hello" },
  ]) {
    assert.deepEqual(await ask(action), [false, "Actions need the admin token."]);
  }
  assert.deepEqual(log.of("admin-action"), []);
  assert.equal(server.clients.size, 1);

  one.send({ type: "authorize", token: admin.token });
  assert.equal((await one.next("authorized"))["ok"], true);
  const heard = once(socket, "message");
  assert.deepEqual(await ask({ type: "send", id, text: "a secret text" }), [true, "Sent."]);
  const [data, isBinary] = (await heard) as [Buffer, boolean];
  assert.deepEqual([data.toString(), isBinary], ["a secret text", false]);
  const closed = once(socket, "close");
  assert.deepEqual(await ask({ type: "disconnect", id }), [true, "Disconnected."]);
  const [code, reason] = (await closed) as [number, Buffer];
  assert.deepEqual([code, reason.toString()], [1008, "disconnected by the operator"]);
  await until(() => server.clients.size === 0, "the client to be gone");
  assert.deepEqual(await ask({ type: "disconnect", id }), [false, "The client is not connected any more."]);

  assert.deepEqual(
    log.of("admin-action").map((line) => [line["action"], line["id"], line["address"], line["result"]]),
    [
      ["send", id, "127.0.0.1", "sent"],
      ["disconnect", id, "127.0.0.1", "closed"],
      ["disconnect", id, "127.0.0.1", "gone"],
    ],
  );
  assert.doesNotMatch(JSON.stringify(log.lines), /a secret text/);
});

test("neither messages nor tokens are in anything that a dashboard is told", async (t) => {
  const rig = await startAdmin(t);
  const { dashboard, client, admin, clock, logTail, server } = rig;
  const told: string[] = [];
  const one = await dashboard();
  one.socket.on("message", (data: Buffer) => told.push(data.toString()));
  await one.next("hello");
  const [a, b] = [await client(), await client()];
  a.send("the contents of a message");
  await once(b, "message");
  logTail.write(JSON.stringify({ level: "info", event: "admin-listening", url: "http://x/", token: admin.token }));
  try {
    JSON.parse("the contents of a message");
  } catch (err) {
    logTail.tee({ debug() {}, info() {}, warn() {}, error() {} }).error({ event: "handler-error", err }, "it failed");
  }
  clock.advance(1000);
  await one.next("log");
  await clientsOf(rig, one);
  const all = told.join("\n");
  assert.match(all, /handler-error.*SyntaxError/);
  assert.match(all, /admin-listening/);
  assert.doesNotMatch(all, /the contents|contents of/);
  assert.ok(!all.includes(admin.token));
  assert.equal(server.stats.messagesIn, 1);
});

test("what is no request ends the connection, and so does a flood of them", async (t) => {
  const { dashboard } = await startAdmin(t);
  const wrong: (string | Buffer)[] = [
    "",
    "[]",
    "null",
    '{"type":"clients"}',
    '{"type":"clients","request":1,"search":"","sort":"__proto__","descending":false,"page":0}',
    '{"type":"clients","request":1,"search":"","sort":"age","descending":false,"page":-1}',
    '{"type":"disconnect","request":1}',
    `{"type":"send","request":1,"id":"a","text":"${"x".repeat(65_537)}"}`,
    '{"type":"other","request":1}',
    Buffer.from('{"type":"authorize","token":"x"}'),
  ];
  for (const message of wrong) {
    const one = await dashboard();
    one.socket.send(message);
    assert.deepEqual(await one.closed(), [1008, "not a request"], String(message).slice(0, 100));
  }
  const one = await dashboard();
  for (let i = 0; i < 31; i++) one.send({ type: "disconnect", request: i, id: "nobody" });
  assert.deepEqual(await one.closed(), [1008, "too many requests"]);
});

test("a dashboard that goes leaves nothing behind, and none costs nothing but the sample", async (t) => {
  const { dashboard, clock, server } = await startAdmin(t);
  let looks = 0;
  const topicSizes = server.topicSizes.bind(server);
  server.topicSizes = () => (looks++, topicSizes());
  clock.advance(5000);
  assert.equal(looks, 0);
  const one = await dashboard();
  await one.next("rooms");
  const seen = looks;
  assert.ok(seen > 0);
  one.socket.close();
  await once(one.socket, "close");
  await until(() => {
    const before = looks;
    clock.advance(1000);
    return looks === before;
  }, "the dashboard to be forgotten");
});

test("closing ends the dashboards with 1001", async (t) => {
  const { dashboard, admin } = await startAdmin(t);
  const one = await dashboard();
  await one.next("hello");
  const closed = one.closed();
  await admin.close();
  assert.deepEqual(await closed, [1001, "the server has ended"]);
  assert.equal(one.socket.readyState, WebSocket.CLOSED);
});
