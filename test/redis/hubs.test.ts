// Two hubs on one Redis, and @hawser/client: clients that come back to the other node, and an engine that went back.

import assert from "node:assert/strict";
import { after, before, describe, test, type TestContext } from "node:test";
import { WebSocket } from "ws";
import { connect, type Live } from "@hawser/client";
import { redisBroker } from "@hawser/redis";
import { createServer } from "#hawser/index.js";
import { createHub, type Hub } from "#hawser/hub/index.js";
import { until } from "../harness/concurrency.js";
import { freePort } from "../harness/free-port.js";
import { LogBook } from "../harness/rig.js";
import { TcpProxy } from "../hub/harness/tcp-proxy.js";
import { redis, RedisServer } from "./harness/redis-server.js";

const HISTORY = { size: 100, ttlMs: 600_000 };

interface Node {
  readonly hub: Hub;
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** What a client was told of its topic, in order. */
interface Reader {
  readonly live: Live;
  readonly log: string[];
}

describe("hubs on one Redis", { skip: redis.missing }, () => {
  let server: RedisServer;
  before(async () => void (server = await RedisServer.start()));
  after(() => server.close());

  async function startNode(t: TestContext, port = 0, timeoutMs = 20_000): Promise<Node> {
    const logger = new LogBook();
    const hub = createHub({
      logger,
      broker: redisBroker({ url: server.url, timeoutMs }),
      clusterSecret: "what the nodes of this cluster share",
      defaultTopic: { history: HISTORY, presence: true },
      authenticate: (token) => (token === undefined ? false : { user: token }),
      allow: { subscribe: () => true, publish: () => true, presence: () => true },
    });
    await hub.ready;
    const web = createServer(hub.serverOptions({ logger }));
    const { url } = await web.listen(port);
    let isStopped = false;
    const stop = async (): Promise<void> => {
      if (isStopped) return;
      isStopped = true;
      await web.close({ graceMs: 100 });
      await hub.close();
    };
    t.after(stop);
    return { hub, url, stop };
  }

  async function read(t: TestContext, url: string, topic: string): Promise<Reader> {
    const live = connect(url, { token: () => "ada", WebSocket });
    t.after(() => live.close());
    const log: string[] = [];
    const subscription = live.topic(topic).subscribe({
      message: (data) => void log.push(String(data)),
      gap: ({ why }) => void log.push(`gap ${why}`),
    });
    await subscription.ready;
    return { live, log };
  }

  /** Until it is answered. */
  async function publish({ hub }: Node, topic: string, text: string): Promise<void> {
    let isDone = false;
    while (!isDone) {
      isDone = await hub.publish(topic, text, { key: text }).then(
        () => true,
        () => false,
      );
    }
  }

  test("what is published on one node reaches the clients of both, in the same order", async (t) => {
    const [a, b] = [await startNode(t), await startNode(t)];
    const readers = [await read(t, a.url, "room"), await read(t, b.url, "room")];
    const texts = Array.from({ length: 100 }, (_, i) => `message ${i}`);
    await Promise.all(texts.map((text, i) => publish(i % 2 === 0 ? a : b, "room", text)));
    await until(() => readers.every(({ log }) => log.length === 100), "all messages");
    assert.deepEqual(readers[0]!.log, readers[1]!.log);
    assert.equal(await b.hub.count("room"), 1, "one user, on two nodes");
    await b.hub.revoke({ user: "ada", topic: "room" });
    await publish(b, "room", "not for her");
    assert.ok(!readers[0]!.log.includes("not for her"));
  });

  test("a client whose node is gone has what it missed from another one", async (t) => {
    const port = await freePort();
    const [a, b] = [await startNode(t, port), await startNode(t)];
    const { log } = await read(t, a.url, "hop");
    await publish(b, "hop", "1");
    await until(() => log.length === 1, "the first message");
    await a.stop();
    await publish(b, "hop", "2");
    await publish(b, "hop", "3");
    const c = await startNode(t, port);
    await publish(c, "hop", "4");
    await until(() => log.length === 4, "what was missed");
    assert.deepEqual(log, ["1", "2", "3", "4"]);
  });

  for (const isNewNode of [false, true]) {
    const where = isNewNode ? "a node that knows nothing" : "the node that has seen it all";
    test(`an engine that went back: a client that comes back to ${where} is told a gap`, async (t) => {
      const topic = `rollback ${isNewNode}`;
      const [a, b] = [await startNode(t), await startNode(t)];
      const way = await TcpProxy.start(portOf(a));
      t.after(() => way.close());
      const reader = await read(t, `ws://127.0.0.1:${way.port}/`, topic);
      const stays = await read(t, b.url, topic);
      await publish(b, topic, "1");
      await server.backUp();
      for (const text of ["2", "3"]) await publish(b, topic, text);
      await until(() => reader.log.length === 3 && stays.log.length === 3, "three messages");
      await way.refuse();
      await server.restartFromBackup();
      const back = isNewNode ? await startNode(t) : b;
      // More than it had seen before: by its number alone its position would be one of the past.
      for (const text of ["2'", "3'", "4'", "5'"]) await publish(back, topic, text);
      way.target = portOf(back);
      await way.pass();
      await until(() => reader.log.some((entry) => entry.startsWith("gap")), "a gap");
      await publish(back, topic, "6'");
      await until(() => reader.log.includes("6'"), "what comes afterwards");
      assert.deepEqual(reader.log.slice(0, 4), ["1", "2", "3", "gap missed"]);
      await until(() => stays.log.includes("6'"), "what comes afterwards, for who was there all the time");
      assert.ok(stays.log.includes("gap reset"), stays.log.join());
    });
  }

  test("a publish during an outage is answered in time, and happens once when it is sent again", async (t) => {
    const [a, b] = [await startNode(t, 0, 2_000), await startNode(t, 0, 2_000)];
    const { log } = await read(t, b.url, "outage");
    server.pause();
    await assert.rejects(a.hub.publish("outage", "once", { key: "k" }), { code: "unavailable" });
    await until(() => a.hub.state === "degraded" && b.hub.state === "degraded", "both hubs to notice");
    server.resume();
    await until(() => a.hub.state === "up" && b.hub.state === "up", "both hubs to be well");
    let published = false;
    while (!published) {
      published = await a.hub.publish("outage", "once", { key: "k" }).then(
        () => true,
        () => false,
      );
    }
    await publish(a, "outage", "after");
    await until(() => log.includes("after"), "the message after it");
    assert.deepEqual(log, ["once", "after"]);
  });
});

function portOf({ url }: Node): number {
  return Number(new URL(url).port);
}
