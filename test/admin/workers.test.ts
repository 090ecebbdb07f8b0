// The metrics and the dashboard of several workers: what each of them tells, as that of one server.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createHub, type HubStats, type TopicInfo } from "#hawser/hub/index.js";
import { type AdminOptions, type ClientOrder, createAdmin, Gathered, obey, type WorkerReport } from "#admin/index.js";
import { mergeInto, metricsText, parseMetrics, totalsOf } from "#admin/workers/merge.js";
import { StepClock } from "../harness/step-clock.js";
import { ask } from "./harness/rig.js";

const metricsOf = (n: number): string => `# HELP a_total Counted.
# TYPE a_total counter
a_total{why="x y"} ${n}

# HELP b_seconds Times.
# TYPE b_seconds histogram
b_seconds_bucket{le="0.1"} ${n}
b_seconds_bucket{le="+Inf"} ${2 * n}
b_seconds_sum ${n / 2}
b_seconds_count ${2 * n}

# HELP c Now.
# TYPE c gauge
c ${n}

# HELP d_seconds Quantiles.
# TYPE d_seconds summary
d_seconds{quantile="1"} ${n}
d_seconds_count ${n}

# HELP e_start_time_seconds Begun.
# TYPE e_start_time_seconds gauge
e_start_time_seconds ${100 + n}

# HELP f_info Versions.
# TYPE f_info gauge
f_info{version="1 \\"2\\""} 1
`;

const reportOf = (n: number, more: Partial<WorkerReport> = {}): WorkerReport => ({
  isReady: true,
  connections: n,
  backlogBytes: 10 * n,
  messagesIn: n,
  messagesOut: 2 * n,
  bytesIn: 3 * n,
  bytesOut: 4 * n,
  rooms: { total: 30, largest: [["lobby", n]] },
  clients: [],
  rss: 1000 * n,
  heapUsed: 100 * n,
  metrics: metricsOf(n),
  startedAt: 5000,
  ...more,
});

const silent = (): void => {};
const idle = createHub({ logger: { debug: silent, info: silent, warn: silent, error: silent } });
const nothing = idle.stats;
after(() => idle.close());

/** Of a hub that has counted this, and of these topics. */
function hubOf(
  stats: Omit<Partial<HubStats>, "engine"> & { readonly engine: Partial<HubStats["engine"]> },
  ...largest: TopicInfo[]
): NonNullable<WorkerReport["hub"]> {
  const engine = { ...nothing.engine, ...stats.engine };
  return { stats: { ...nothing, topics: largest.length, ...stats, engine }, largest };
}

const topic = (name: string, subscribers: number, offset: number): TopicInfo => ({
  name, subscribers, members: subscribers, head: { epoch: "e", offset }, messages: offset, deliveries: offset * subscribers, messagesPerSecond: 2, historyBytes: 100, phase: "live",
}); // oxfmt-ignore

test("the hubs of workers are one hub: a topic at two of them is one, and totals stay when a worker is gone", () => {
  const gathered = new Gathered({ isReady: () => true, send: () => {}, clock: new StepClock() });
  const { hub } = gathered;
  assert.deepEqual([hub.stats], [undefined], "none has told of one");
  const engine = { state: "up", why: "", lost: 0 } as unknown as HubStats["engine"];
  const down = { ...engine, state: "degraded" } as HubStats["engine"];
  const add = (pid: number, report: NonNullable<WorkerReport["hub"]>): void =>
    gathered.add({ id: pid, pid }, reportOf(1, { hub: report }));
  const times = { boundsMs: [1, 5], counts: [1, 2, 3], sumMs: 9, count: 6 };
  const counted = { gaps: { ...nothing.gaps, slow: 1 }, publishTimes: times };
  add(1, hubOf({ ...counted, published: 5, sessions: 2, engine }, topic("/Lobby", 3, 7), topic("/a", 1, 1)));
  add(2, hubOf({ ...counted, published: 4, sessions: 1, engine: down }, topic("/Lobby", 2, 9), topic("/b", 4, 2)));
  assert.deepEqual(
    [hub.stats?.published, hub.stats?.sessions, hub.stats?.topics, hub.stats?.engine.state, hub.stats?.gaps.slow],
    [9, 3, 3, "degraded", 2],
  );
  assert.deepEqual(hub.stats?.publishTimes, { boundsMs: [1, 5], counts: [2, 4, 6], sumMs: 18, count: 12 });
  const { total, matched, topics } = hub.topics({ limit: 2 });
  assert.deepEqual([total, matched, topics.map(({ name }) => name)], [3, 3, ["/Lobby", "/b"]]);
  assert.deepEqual(
    [topics[0]!.subscribers, topics[0]!.members, topics[0]!.head?.offset, topics[0]!.historyBytes],
    [5, undefined, 9, 200],
  );
  assert.deepEqual(hub.topics({ search: "lob", sort: "name" }).topics.length, 1);
  gathered.end({ id: 1, pid: 1 });
  assert.deepEqual([hub.stats?.published, hub.stats?.sessions, hub.stats?.gaps.slow], [9, 1, 2]);
  add(1, hubOf({ topics: 500, engine }));
  assert.equal(hub.topics({}).total, 500, "more than are listed");
});

test("metrics are added up as it makes sense for each kind, and read as they were written", () => {
  assert.equal(metricsText(parseMetrics(metricsOf(3))), metricsOf(3));
  const all = parseMetrics(metricsOf(3));
  mergeInto(all, parseMetrics(metricsOf(5)));
  assert.equal(
    metricsText(all),
    metricsOf(8)
      .replace('d_seconds{quantile="1"} 8', 'd_seconds{quantile="1"} 5')
      .replace("e_start_time_seconds 108", "e_start_time_seconds 103"),
  );
});

test("of a process that is gone totals are left, and nothing else", () => {
  const all = parseMetrics(metricsOf(3));
  mergeInto(all, totalsOf(parseMetrics(metricsOf(5))));
  const expected = metricsOf(8)
    .replace('d_seconds{quantile="1"} 8', 'd_seconds{quantile="1"} 3')
    .replace("c 8", "c 3")
    .replace("e_start_time_seconds 108", "e_start_time_seconds 103");
  assert.equal(metricsText(all), expected);
});

test("workers are watched as one server, and totals never go back when one is replaced", async () => {
  const gathered = new Gathered({ isReady: () => true, send: () => {}, clock: new StepClock() });
  assert.match(await gathered.text(), /^hawser_workers 0$/m);
  gathered.add({ id: 1, pid: 11 }, reportOf(3));
  gathered.add({ id: 2, pid: 12 }, reportOf(5));
  gathered.add({ id: 1, pid: 11 }, reportOf(4));
  assert.deepEqual({ ...gathered.stats }, { messagesIn: 9, messagesOut: 18, bytesIn: 27, bytesOut: 36 });
  assert.deepEqual(gathered.memory(), { rss: 9000, heapUsed: 900 });
  assert.equal(gathered.clients.size, 9);
  assert.equal(gathered.backlogBytes, 90);
  assert.deepEqual([...gathered.topicSizes()], [["lobby", 9]]);
  assert.equal(gathered.topicSizes().size, 30);
  gathered.end({ id: 1, pid: 11 });
  assert.equal(gathered.stats.messagesIn, 9);
  assert.equal(gathered.clients.size, 5);
  gathered.add({ id: 1, pid: 13 }, reportOf(1));
  const text = await gathered.text();
  for (const line of [
    'a_total{why="x y"} 10',
    'b_seconds_bucket{le="+Inf"} 20',
    "c 6",
    "hawser_workers 2",
    "hawser_workers_ended_total 1",
    'hawser_worker_connections{worker="1"} 1',
    'hawser_worker_resident_memory_bytes{worker="2"} 5000',
  ]) {
    assert.ok(text.split("\n").includes(line), line);
  }
});

test("what an operator does to a client is told to the worker that has it", () => {
  const sent: [pid: number, order: ClientOrder][] = [];
  const clock = new StepClock();
  const gathered = new Gathered({ isReady: () => true, send: (pid, order) => void sent.push([pid, order]), clock });
  const client = {
    id: "c1", address: "::1", path: "/", topics: ["lobby"], ageMs: 500, rttMs: 1, bufferedBytes: 0, messagesIn: 0, messagesOut: 0,
    bytesIn: 0, bytesOut: 0, dropped: 0, isOpen: true,
  }; // oxfmt-ignore
  gathered.add({ id: 2, pid: 12 }, reportOf(1, { clients: [client] }));
  const shown = gathered.clients.get("c1")!;
  assert.deepEqual([clock.now() - shown.connectedAt, [...shown.topics]], [500, ["lobby"]]);
  shown.close(1008, "why");
  assert.equal(shown.send("text"), "queued");
  assert.deepEqual(
    sent.map(([pid]) => pid),
    [12, 12],
  );
  const done: unknown[] = [];
  const here = {
    close: (...what: unknown[]) => void done.push(what),
    send: (text: unknown) => (done.push(text), "sent" as const),
  };
  for (const [, order] of sent) obey(new Map([["c1", here]]), order);
  for (const other of [null, "close", { order: "close", id: "c2" }, {}]) obey(new Map([["c1", here]]), other);
  assert.deepEqual(done, [[1008, "why"], "text"]);
});

test("each worker is a node of the dashboard, with what it says of its hub", () => {
  const clock = new StepClock();
  const gathered = new Gathered({ isReady: () => true, send: () => {}, clock });
  const engine = { state: "degraded", since: 7000, why: "ECONNREFUSED" } as const;
  gathered.add({ id: 2, pid: 20 }, reportOf(2, { hub: hubOf({ node: "b", sessions: 1, topics: 9, engine }) }));
  gathered.add({ id: 1, pid: 10 }, reportOf(1, { isReady: false }));
  clock.advance(3000);
  const before = Date.now();
  const [first, second] = gathered.nodes();
  assert.ok(first!.lastSeen >= before - 3000 && first!.lastSeen <= Date.now() - 3000);
  const { lastSeen: _, ...rest } = second!;
  assert.deepEqual(rest, {
    id: "b", name: "worker 2, process 20", isThis: false, state: "degraded",
    clients: 2, sessions: 1, topics: 9, engine, startedAt: 5000,
  }); // oxfmt-ignore
  assert.deepEqual([first!.id, first!.name, first!.state, first!.engine], ["10", "worker 1, process 10", "draining", undefined]); // oxfmt-ignore
  gathered.end({ id: 2, pid: 20 });
  assert.equal(gathered.nodes().length, 1);
});

test("/readyz asks for the engine of the workers: one that has it is enough, and one that ends does not count", async (t) => {
  const clock = new StepClock();
  const gathered = new Gathered({ isReady: () => true, send: () => {}, clock });
  const start = async (options: AdminOptions): Promise<number> => {
    const admin = createAdmin(gathered, { clock, ...options });
    t.after(() => admin.close());
    return (await admin.listen()).port;
  };
  const ports = [await start({}), await start({ engineGraceMs: 0 }), await start({ readyWithoutEngine: true })];
  const ready = async (): Promise<number[]> =>
    (await Promise.all(ports.map((port) => ask(port, "/readyz", {})))).map(({ status }) => status);
  const tell = (pid: number, state: "up" | "degraded", wasReached: boolean, isReady = true): void => {
    const engine = { state, since: 0, why: "", wasReached, forMs: 500 };
    gathered.add({ id: pid, pid }, reportOf(1, { isReady, hub: hubOf({ node: `${pid}`, engine }) }));
  };
  gathered.add({ id: 1, pid: 1 }, reportOf(1));
  assert.deepEqual(await ready(), [200, 200, 200], "no hub");
  tell(1, "degraded", false);
  assert.deepEqual(await ready(), [503, 503, 200], "not reached yet");
  tell(2, "up", true);
  assert.deepEqual(await ready(), [200, 200, 200], "one has it");
  tell(2, "degraded", true);
  clock.advance(9499);
  assert.deepEqual(await ready(), [200, 503, 200], "away for less than the grace");
  clock.advance(1);
  assert.deepEqual(await ready(), [503, 503, 200], "away for ten seconds, though nobody has told anything since");
  tell(3, "up", true, false);
  assert.deepEqual(await ready(), [503, 503, 200], "one that takes no clients");
});
