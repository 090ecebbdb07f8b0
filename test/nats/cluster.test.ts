// Three servers of NATS, each stream on all of them: what is lost with one of them is nothing.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { natsBroker } from "@hawser/nats";
import { PATIENCE_MS, sleep, until } from "../harness/concurrency.js";
import { freePort } from "../harness/free-port.js";
import { persistently, WatchedNode } from "../hub/engine-faults.js";
import { nats, NatsServer } from "./harness/nats-server.js";

describe("a cluster of three", { skip: nats.missing }, () => {
  const servers: NatsServer[] = [];
  const nodes: WatchedNode[] = [];

  before(async () => {
    const routes: number[] = [];
    for (let n = 0; n < 3; n++) routes.push(await freePort());
    const urls = routes.map((port) => `"nats://127.0.0.1:${port}"`).join(", ");
    servers.push(
      ...(await Promise.all(
        routes.map((port, n) =>
          NatsServer.start({
            config: `server_name: s${n}\ncluster { name: c, listen: "127.0.0.1:${port}", routes: [${urls}] }`,
          }),
        ),
      )),
    );
  });
  after(async () => {
    for (const { broker } of nodes) await broker.close();
    for (const server of servers) await server.close();
  });

  async function start(n: number): Promise<WatchedNode> {
    // The first of them is the one it is connected to, as long as that is there.
    const url = [n, n + 1, n + 2].map((i) => servers[i % 3]!.url).join(",");
    const node = await persistently(async () => {
      const broker = natsBroker({ url, replicas: 3, timeoutMs: 5_000 });
      return WatchedNode.start(broker);
    });
    nodes.push(node);
    return node;
  }

  test("every message arrives in order while one server after the other is killed and comes back", async () => {
    const [a, b, c] = [await start(0), await start(1), await start(2)];
    for (const node of [a, b, c]) await node.subscribe("t");
    const sent: string[] = [];
    const end = new AbortController();
    const publishing = (async () => {
      for (let n = 0; !end.signal.aborted; n++) {
        await a.publishSurely("t", `${n}`);
        sent.push(`${n}`);
        await sleep(5);
      }
    })();
    for (const server of servers) {
      const before = sent.length;
      await until(() => sent.length > before + 20, "messages");
      await server.kill();
      const killed = sent.length;
      await until(() => sent.length > killed + 20, "messages without it");
      await server.start();
    }
    end.abort();
    await publishing;
    const head = await a.head("t");
    for (const node of [a, b, c]) {
      await until(() => node.isUp, "a connection");
      // A server that has just come back answers before it has caught up with the others.
      await inTheEnd(async () => {
        const { messages, head: own } = await node.broker.read("t", { limit: 100, reverse: true });
        assert.equal(own.offset, head.offset);
        const texts = messages.map(({ bytes }) => Buffer.from(bytes).toString()).toReversed();
        assert.deepEqual(texts, sent.slice(-100), "each once, and in order");
        assert.equal(new Set(messages.map(({ epoch }) => epoch)).size, 1);
        assert.equal(own.epoch, head.epoch);
      });
    }
  });
});

/** It holds in the end. */
async function inTheEnd(holds: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await holds();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await sleep(100);
  }
}
