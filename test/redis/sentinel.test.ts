// The broker behind Sentinels: what holds for every broker, and a failover.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { redisBroker } from "@hawser/redis";
import { sleep, until } from "../harness/concurrency.js";
import { brokerContract } from "../hub/broker-contract.js";
import { WatchedNode } from "../hub/engine-faults.js";
import { redis } from "./harness/redis-server.js";
import { SentinelSetup } from "./harness/sentinel.js";

describe("behind Sentinels", { skip: redis.missing }, () => {
  let setup: SentinelSetup;
  before(async () => void (setup = await SentinelSetup.start()));
  after(() => setup.close());

  brokerContract("on Redis behind Sentinels", async () => ({
    keyWindowMs: 5_000,
    broker: (node) => redisBroker({ url: setup.url, node, keyWindowMs: 5_000, timeoutMs: 20_000 }),
    pass: (ms) => sleep(ms),
    close: async () => {},
  }));

  test("a failover: what is published is rejected until the replica is the master, and what that lacks is told", async (t) => {
    const [a, b] = [
      await WatchedNode.start(redisBroker({ url: setup.url, timeoutMs: 20_000 })),
      await WatchedNode.start(redisBroker({ url: setup.url, timeoutMs: 20_000 })),
    ];
    t.after(() => Promise.all([a.broker.close(), b.broker.close()]));
    const topic = "through a failover";
    await b.subscribe(topic);
    const old = await setup.master();
    const replica = setup.servers.find((server) => server !== old)!;
    await a.publishSurely(topic, "1");
    await old.command("WAIT", "1", "60000");
    const kept = await a.head(topic);
    // The replica stands still and is cut off, and the master goes on alone for a moment.
    replica.pause();
    await old.command("CLIENT", "KILL", "TYPE", "replica");
    await a.publishSurely(topic, "2");
    await a.publishSurely(topic, "3");
    await until(() => b.texts(topic).length === 3, "what the replica will never have");
    const lost = await a.head(topic);
    await old.kill();
    replica.resume();
    await setup.lookSharp();
    await until(() => !a.isUp && !b.isUp, "down");
    await a.publishSurely(topic, "4");
    await until(() => a.isUp && b.isUp, "the failover");
    await a.publishSurely(topic, "5");
    await until(() => b.texts(topic).includes("5"), "a message by the new master");
    assert.equal(await setup.master(), replica);
    const fromKept = await b.read(topic, kept);
    const texts = fromKept.messages.map(({ bytes }) => Buffer.from(bytes).toString());
    assert.deepEqual([texts, fromKept.complete], [["4", "5"], true]);
    for (const position of [lost, { epoch: lost.epoch, offset: lost.offset }]) {
      const { complete, diverged } = await b.read(topic, position);
      assert.deepEqual([complete, diverged], [false, true]);
    }
  });
});
