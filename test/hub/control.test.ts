// What nodes tell each other: obeyed from nodes alone.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Broker } from "#hawser/hub/brokers/broker.js";
import { MemoryBroker } from "#hawser/hub/brokers/memory.js";
import { MemoryEngine } from "#hawser/hub/brokers/memory-engine.js";
import { ControlSeal } from "#hawser/hub/control-seal.js";
import { createHub, type HubOptions } from "#hawser/hub/index.js";
import { LogBook } from "../harness/rig.js";
import { StepClock } from "../harness/step-clock.js";
import { byName, everything, startHub } from "./harness/hub-rig.js";

const SECRET = "what all nodes of this cluster share";
const EVE = { user: "eve" } as const;

/** A broker on an engine that others can write to as well. */
class SharedBroker extends MemoryBroker {
  override readonly has = { history: true, presence: true, trusted: false } as never;
}

type Cluster = Pick<HubOptions<never, undefined>, "clusterSecret" | "dangerouslyTrustCluster">;

/** One node with a client of eve's, and another; both on one engine. */
async function startTwo(t: TestContext, here: Cluster, there: Cluster, isTrusted = false) {
  const clock = new StepClock();
  const engine = new MemoryEngine(clock);
  const broker = (node: string): Broker =>
    isTrusted ? new MemoryBroker(engine, node) : new SharedBroker(engine, node);
  const rig = await startHub(t, {
    clock,
    broker: broker("here"),
    authenticate: byName,
    allow: everything,
    defaultTopic: { presence: true },
    ...here,
  });
  const other = createHub({ clock, logger: new LogBook(), broker: broker("there"), ...there });
  t.after(() => other.close());
  await Promise.all([rig.hub.ready, other.ready]);
  const stranger = broker("stranger");
  await stranger.start({ message: () => {}, told: () => {}, state: () => {} });
  t.after(() => stranger.close());
  return { ...rig, other, eve: await rig.connect("eve"), say: (text: string) => stranger.tell(Buffer.from(text)) };
}

for (const [name, options, isTrusted] of [
  ["the same secret", { clusterSecret: SECRET }, false],
  ["no secret, on an engine that is private to this machine", {}, true],
  ["no secret, and a reason", { dangerouslyTrustCluster: "the engine has a password of its own" }, false],
] as const) {
  test(`a revocation of another node is obeyed with ${name}`, async (t) => {
    const { other, eve, hub } = await startTwo(t, options, options, isTrusted);
    await other.revoke(EVE);
    assert.equal((await eve.end()).code, 4403);
    assert.equal(hub.stats.controlRefused, 0);
  });
}

for (const [name, here, there] of [
  ["no secret", {}, {}],
  ["no secret of the other's", { clusterSecret: SECRET }, {}],
  ["another secret", { clusterSecret: SECRET }, { clusterSecret: SECRET.toUpperCase() }],
  ["a secret of the other's alone", {}, { clusterSecret: SECRET }],
] as const) {
  test(`it is not with ${name}: that is counted and logged, and what this node revokes holds here`, async (t) => {
    const { other, eve, hub, log } = await startTwo(t, here, there);
    await other.revoke(EVE);
    assert.equal(hub.stats.controlRefused, 1);
    assert.equal(log.lines.filter(({ event }) => event === "hub-control-refused").length, 1);
    assert.equal(eve.closed, undefined);
    await hub.revoke(EVE);
    assert.equal((await eve.end()).code, 4403);
  });
}

test("a signed message that is sent again, changed or late is not obeyed, and garbage fills no log", async (t) => {
  const { eve, hub, log, say } = await startTwo(t, { clusterSecret: SECRET }, { clusterSecret: SECRET });
  const seal = (now: number): ControlSeal => new ControlSeal(SECRET, () => now);
  const revocation = (user: string): string => JSON.stringify({ revoke: { user }, node: "there" });
  const good = seal(Date.now()).seal(revocation("nobody"), "there");
  await say(good);
  assert.equal(hub.stats.controlRefused, 0);
  await say(good);
  await say(good.replace("nobody", "eve"));
  await say(seal(Date.now() - 120_000).seal(revocation("eve"), "there"));
  await say(seal(Date.now() + 120_000).seal(revocation("eve"), "there"));
  await say(seal(Date.now()).seal("garbage", "there"));
  const said = log.lines.filter(({ event }) => event === "hub-control-refused").map(({ why }) => why);
  assert.deepEqual(said, ["repeated", "wrong signature", "too old", "too old", "unknown"]);
  for (const text of ["", "null", "[]", "{}", '{"revoke":{}}', '{"mac":"x"}', "\u0000", revocation("eve")])
    await say(text);
  for (let n = 0; n < 1000; n++) await say(`garbage ${n}`);
  assert.equal(hub.stats.controlRefused, 5 + 8 + 1000);
  assert.equal(log.lines.filter(({ event }) => event === "hub-control-refused").length, 10);
  assert.equal(eve.closed, undefined);
  assert.ok(!JSON.stringify(log.lines).includes(SECRET));
});

test("members on another node are told of with the secret on both", async (t) => {
  const { hub, other, say } = await startTwo(t, { clusterSecret: SECRET }, { clusterSecret: SECRET });
  await say(JSON.stringify({ presence: ["room"], node: "there" }));
  assert.equal(hub.stats.controlRefused, 1);
  assert.equal(other.stats.controlRefused, 1);
});

test("a secret that is too short, one with a reason to do without, and a reason that is none are refused", () => {
  assert.throws(() => createHub({ clusterSecret: "short" }), { message: /32 bytes or more/ });
  assert.throws(() => createHub({ clusterSecret: 5 as never }), { message: /text or bytes/ });
  assert.throws(() => createHub({ clusterSecret: SECRET, dangerouslyTrustCluster: "why" }), { name: "UsageError" });
  assert.throws(() => createHub({ dangerouslyTrustCluster: true as never }), { name: "OptionError" });
});

test("signed messages are taken as time goes on, and one that is old is not taken again", () => {
  let now = 1_000_000;
  const [one, other] = [new ControlSeal(SECRET, () => now), new ControlSeal(SECRET, () => now)];
  const first = one.seal("hi", "a");
  assert.deepEqual(other.open(first), { text: "hi", node: "a" });
  for (let n = 0; n < 500; n++) {
    now += 1_000;
    assert.deepEqual(other.open(one.seal("hi", "a")), { text: "hi", node: "a" });
  }
  assert.equal(other.open(first), "too old");
});
