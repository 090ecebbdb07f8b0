// The broker on a Cluster of three masters: what holds for every broker, and what is special about a Cluster.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { redisBroker } from "@hawser/redis";
import { PARTITIONS, partitionOf, slotOf } from "#redis/keys.js";
import { sleep, until } from "../harness/concurrency.js";
import { brokerContract } from "../hub/broker-contract.js";
import { persistently, WatchedNode } from "../hub/engine-faults.js";
import { RedisCluster } from "./harness/cluster.js";
import { redis } from "./harness/redis-server.js";

describe("on a Cluster", { skip: redis.missing }, () => {
  brokerContract("on a Redis Cluster", async () => {
    const cluster = await RedisCluster.start();
    return {
      keyWindowMs: 5_000,
      broker: (node) => redisBroker({ url: cluster.url, node, keyWindowMs: 5_000, timeoutMs: 20_000 }),
      pass: (ms) => sleep(ms),
      close: () => cluster.close(),
    };
  });
});

describe("a Cluster", { skip: redis.missing }, () => {
  let cluster: RedisCluster;
  before(async () => void (cluster = await RedisCluster.start({ withReplicas: true })));
  after(() => cluster.close());

  const topicsOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `topic ${i}`);

  test("a partition's slot is the one that Redis has for it, and all masters have some", async () => {
    const owners = new Map<number, number>();
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const slot = slotOf(partition);
      assert.equal(await cluster.masters[0]!.command("CLUSTER", "KEYSLOT", `x:{${partition}}:y`), slot);
      const third = Math.floor((slot * 3) / 16_384);
      owners.set(third, (owners.get(third) ?? 0) + 1);
    }
    for (const count of owners.values()) assert.ok(count > PARTITIONS / 5, [...owners.values()].join());
  });

  test("a slot that moves takes its topic with it: who is subscribed goes on, and nothing is lost", async (t) => {
    const [a, b] = [
      await WatchedNode.start(redisBroker({ url: cluster.url, timeoutMs: 20_000 })),
      await WatchedNode.start(redisBroker({ url: cluster.url, timeoutMs: 20_000 })),
    ];
    t.after(() => Promise.all([a.broker.close(), b.broker.close()]));
    const topic = "a topic that moves";
    const slot = slotOf(partitionOf(topic));
    await b.subscribe(topic);
    await a.publishSurely(topic, "before");
    const from = await cluster.ownerOf(slot);
    const to = cluster.masters.find((master) => master !== from)!;
    await cluster.moveSlot(slot, to);
    await a.publishSurely(topic, "after");
    const { messages, complete } = await a.read(topic);
    assert.deepEqual(
      [messages.map(({ bytes }) => Buffer.from(bytes).toString()), complete],
      [["before", "after"], true],
    );
    // It may have been published before the subscription had moved; the next one is heard.
    await until(() => b.states.includes("suspect"), "the new subscription");
    await a.publishSurely(topic, "later");
    await until(() => b.texts(topic).includes("later"), "a message from the slot's new master");
  });

  test("a master that is killed takes its topics down alone, and its replica brings them back", async (t) => {
    const node = await WatchedNode.start(redisBroker({ url: cluster.url, timeoutMs: 20_000 }));
    t.after(() => node.broker.close());
    const topics = topicsOf(30);
    await node.subscribe(...topics);
    for (const topic of topics) await node.publishSurely(topic, "before");
    const [victim] = cluster.masters;
    await victim!.command("WAIT", "1", "60000");
    await victim!.kill();
    await cluster.lookSharp();
    await until(() => !node.isUp, "down");
    // Those of the other masters go on meanwhile.
    const others = topics.filter((topic) => slotOf(partitionOf(topic)) >= 16_384 / 3 + 1);
    for (const topic of others) await node.publishSurely(topic, "meanwhile");
    await until(() => node.isUp, "the failover");
    for (const topic of topics) await node.publishSurely(topic, "after");
    await until(() => topics.every((topic) => node.texts(topic).includes("after")), "messages of all topics");
    const heads = await persistently(() => node.broker.heads(topics));
    assert.equal(heads.size, topics.length);
    for (const topic of topics) {
      const texts = (await node.read(topic)).messages.map(({ bytes }) => Buffer.from(bytes).toString());
      assert.equal(texts[0], "before");
    }
  });
});
