// What the dashboard is told of a hub: how it is, its topics, their members, and the nodes.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { type AdminHub, createAdmin, type NodeReport } from "#admin/index.js";
import { membersPage } from "#admin/hub.js";
import { HubSampler } from "#admin/hub-sampler.js";
import { shownNodes } from "#admin/nodes.js";
import { topicPage } from "#admin/topic-page.js";
import { createServer } from "#hawser/index.js";
import { createHub, HubError, type Hub } from "#hawser/hub/index.js";
import { writeHello } from "@hawser/wire/client";
import { LogBook } from "../harness/rig.js";
import { until } from "../harness/concurrency.js";
import { type AdminRig, startAdmin } from "./harness/rig.js";

async function startWithHub(
  t: TestContext,
): Promise<AdminRig & { hub: Hub; join: (topics: string[]) => Promise<void> }> {
  const hub = createHub({
    defaultTopic: { history: { size: 10, ttlMs: 60_000 }, presence: true },
    allow: { subscribe: () => true, presence: () => true },
    authenticate: (token) => ({ user: String(token) }),
    logger: new LogBook(),
  });
  t.after(() => hub.close());
  const rig = await startAdmin(t, { hub }, hub.serverOptions<string>({ open: () => {}, message: () => {} }));
  return {
    ...rig,
    hub,
    async join(topics) {
      const before = hub.stats.topics;
      const socket = await rig.client("/", ["hawser.v1"]);
      socket.send(
        writeHello(
          1,
          "ada",
          topics.map((topic) => [topic] as const),
        ),
      );
      await until(() => hub.stats.topics >= before + topics.length, "the subscriptions");
    },
  };
}

/** Looks at all topics have pauses behind them, by a clock that stands still unless somebody moves it. */
function keepTicking(t: TestContext, { clock }: AdminRig): void {
  const ticking = setInterval(() => clock.advance(20), 5);
  t.after(() => clearInterval(ticking));
}

test("each second: engine, figures and nodes; what happened before somebody looked is not of the last minute", async (t) => {
  const { dashboard, clock, hub, join } = await startWithHub(t);
  await hub.publish("room", 1);
  clock.advance(1000);
  await join(["room", "other"]);
  await hub.publish("room", 2);
  const one = await dashboard();
  assert.equal((await one.next("hello"))["hasHub"], true);
  const [node] = (await one.next("nodes"))["nodes"] as NodeReport[];
  assert.deepEqual([node!.id, node!.isThis, node!.topics, node!.engine?.state], [hub.stats.node, true, 2, "up"]);
  clock.advance(1000);
  const sample = await one.next("hub");
  assert.deepEqual([sample["topics"], sample["members"], sample["suspects"]], [2, 2, 0]);
  const totals = sample["totals"] as Record<string, [number, number]>;
  assert.deepEqual([totals["published"], totals["delivered"], totals["gaps"]], [[2, 1], [1, 1], [0, 0]]); // oxfmt-ignore
  assert.equal((sample["engine"] as { state: string }).state, "up");
  const { median } = sample["publishMs"] as { median: number };
  assert.ok(median > 0);
  // A minute later nothing of it is new.
  for (let n = 0; n < 61; n++) clock.advance(1000);
  let last = totals;
  while (last["published"]![1] !== 0) last = (await one.next("hub"))["totals"] as typeof totals;
  assert.deepEqual(last["published"], [2, 0]);
});

test("topics by page, and the members of one", async (t) => {
  const rig = await startWithHub(t);
  const { dashboard, join } = rig;
  keepTicking(t, rig);
  await join(Array.from({ length: 60 }, (_, n) => `topic ${String(n).padStart(2, "0")}`));
  const one = await dashboard();
  one.send({ type: "topics", request: 1, search: "", sort: "name", page: 1 });
  const { request, total, matched, page, pages, rows } = await one.next("topics");
  assert.deepEqual([request, total, matched, page, pages], [1, 60, 60, 1, 2]);
  assert.deepEqual((rows as { name: string }[]).map(({ name }) => name), Array.from({ length: 10 }, (_, n) => `topic ${50 + n}`)); // oxfmt-ignore
  one.send({ type: "members", request: 2, topic: "topic 07" });
  assert.deepEqual(await one.next("members"), {
    type: "members", request: 2, ok: true, text: "", count: 1, members: [{ key: "ada", details: "" }],
  }); // oxfmt-ignore
  for (const wrong of [{ sort: "toString" }, { page: 20 }, { search: "x".repeat(201) }]) {
    const other = await dashboard();
    other.send({ type: "topics", request: 1, search: "", sort: "name", page: 0, ...wrong });
    assert.deepEqual(await other.closed(), [1008, "not a request"]);
  }
});

test("a client's topics of the hub are among its rooms, and found", async (t) => {
  const rig = await startWithHub(t);
  const { dashboard, join } = rig;
  keepTicking(t, rig);
  await join(["room", "other"]);
  const one = await dashboard();
  one.send({ type: "clients", request: 1, search: "OTHER", sort: "room", descending: false, page: 0 });
  const { matched, rows } = await one.next("clients");
  const [row] = rows as { rooms: string[]; roomCount: number }[];
  assert.deepEqual([matched, row!.rooms, row!.roomCount], [1, ["room", "other"], 2]);
});

test("without a hub there are no topics to ask for", async (t) => {
  const { dashboard, clock } = await startAdmin(t);
  const one = await dashboard();
  assert.equal((await one.next("hello"))["hasHub"], false);
  clock.advance(1000);
  await one.next("sample");
  one.send({ type: "topics", request: 1, search: "", sort: "name", page: 0 });
  assert.deepEqual(await one.closed(), [1008, "not a request"]);
});

test("members: two hundred at most, each bounded; an engine that is away is said to be", async () => {
  const members = Array.from({ length: 500 }, (_, n) => ({
    key: `${n}${"x".repeat(400)}`,
    details: { bio: "y".repeat(9999) },
  }));
  const page = await membersPage({ count: async () => 5000, members: async () => members }, "room");
  assert.deepEqual([page.ok, page.count, page.members.length], [true, 5000, 200]);
  assert.ok(JSON.stringify(page).length < 200 * 700);
  const away = { count: async () => 1, members: () => Promise.reject(new HubError("unavailable", "secret address")) };
  assert.deepEqual(await membersPage(away, "room"), {
    ok: false, text: "It cannot be said who is in this topic (unavailable).", count: 0, members: [],
  }); // oxfmt-ignore
});

test("a page past the end is the last one, and past a thousand there is none", () => {
  const asked: number[] = [];
  const hub = {
    topics: ({ limit = 0 }) => {
      asked.push(limit);
      return {
        total: 100_000,
        matched: 120,
        topics: Array.from({ length: Math.min(limit, 120) }, (_, n) => ({ name: `${n}` })),
      };
    },
  } as unknown as AdminHub;
  const { page, pages, rows } = topicPage(hub, { search: "", sort: "name", page: 19 });
  assert.deepEqual([page, pages, rows.length, asked], [2, 3, 20, [1000]]);
});

test("nodes of a cluster: as many as fit, and what they say bounded", () => {
  const node: NodeReport = {
    id: "x".repeat(1000), name: "y".repeat(1000), isThis: false, state: "gone", clients: 1, sessions: 1, topics: 1,
    engine: { state: "degraded", since: 0, why: "z".repeat(5000) }, startedAt: 0, lastSeen: 0,
  }; // oxfmt-ignore
  const { total, nodes } = shownNodes(Array.from({ length: 1000 }, () => node));
  assert.deepEqual([total, nodes.length], [1000, 200]);
  assert.deepEqual([nodes[0]!.id.length, nodes[0]!.name.length, nodes[0]!.engine?.why.length], [200, 200, 200]);
});

test("nodes come from whoever knows of them", async (t) => {
  const hub = createHub({ logger: new LogBook() });
  t.after(() => hub.close());
  const other = { id: "b", name: "worker 2" } as NodeReport;
  const engine = { state: "up", since: 0, why: "" } as const;
  const { dashboard } = await startAdmin(t, { hub, nodes: () => [{ ...other, engine }] });
  const one = await dashboard();
  const { total, nodes } = await one.next("nodes");
  assert.deepEqual([total, (nodes as NodeReport[])[0]!.name], [1, "worker 2"]);
  assert.throws(() => createAdmin(createServer(), { node: [] } as object), { name: "UsageError" });
});

test("publish times of the last minute are those of the buckets that filled in it", () => {
  const times = (counts: number[]): object => ({
    boundsMs: [1, 10, 100],
    counts,
    sumMs: 0,
    count: counts.reduce((a, b) => a + b),
  });
  const hub = createHub({ logger: new LogBook() });
  const stats = { ...hub.stats };
  const sampler = new HubSampler({ get stats() { return { ...stats }; } }); // oxfmt-ignore
  Object.assign(stats, { publishTimes: times([1000, 0, 0, 0]) });
  assert.deepEqual(sampler.take()!.publishMs, { median: null, p99: null });
  Object.assign(stats, { publishTimes: times([1060, 39, 0, 1]) });
  assert.deepEqual(sampler.take()!.publishMs, { median: 1, p99: 10 });
  Object.assign(stats, { publishTimes: times([1060, 39, 0, 100]) });
  assert.deepEqual(sampler.take()!.publishMs, { median: 100, p99: 100 });
  return hub.close();
});
