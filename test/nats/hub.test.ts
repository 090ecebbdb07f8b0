// Two hubs on one NATS, and clients of @hawser/client: what is published on either is on both, and what an engine or a node does to a client is
// that it has every message, or is told that it has not.

import assert from "node:assert/strict";
import { describe, test, type TestContext } from "node:test";
import { WebSocket } from "ws";
import { connect, type Live } from "@hawser/client";
import { natsBroker } from "@hawser/nats";
import { contract } from "@hawser/wire";
import { createServer } from "#hawser/index.js";
import { createHub, type Hub, HubError } from "#hawser/hub/index.js";
import { sleep, until } from "../harness/concurrency.js";
import { freePort } from "../harness/free-port.js";
import { LogBook } from "../harness/rig.js";
import { nats, NatsServer } from "./harness/nats-server.js";

const rooms = contract({
  topics: { "room:{id}": { history: { size: 500, ttlMs: 600_000 }, presence: true } },
});

interface Node {
  readonly hub: Hub<typeof rooms>;
  readonly url: string;
  readonly stop: () => Promise<void>;
}

async function startNode(t: TestContext, server: NatsServer, port?: number): Promise<Node> {
  const logger = new LogBook();
  const hub = createHub({
    logger,
    contract: rooms,
    broker: natsBroker({ url: server.url, timeoutMs: 20_000 }),
    clusterSecret: "what the nodes of this cluster share",
    authenticate: (token) => ({ user: token ?? "nobody" }),
    allow: { subscribe: () => true, publish: () => true, presence: () => true },
    limits: { requestsPerSecond: 10_000 },
  });
  await hub.ready;
  const web = createServer(hub.serverOptions({ logger }));
  const { url } = await web.listen(port ?? (await freePort()));
  let isStopped = false;
  const stop = async (): Promise<void> => {
    if (isStopped) return;
    isStopped = true;
    await web.close({ graceMs: 200 });
    await hub.close();
  };
  t.after(stop);
  return { hub, url, stop };
}

/** A client in the room, and what it got and was told. */
class Reader {
  readonly live: Live<typeof rooms>;
  readonly got: (number | string)[] = [];
  members: string[] = [];
  readonly ready: Promise<unknown>;

  constructor(t: TestContext, { url }: Node, user: string, room: string) {
    this.live = connect(rooms, url, { token: () => user, WebSocket, onError: (error) => assert.ifError(error) });
    t.after(() => this.live.close());
    this.ready = this.live.topic("room:{id}", { id: room }).subscribe({
      message: (n) => this.got.push(n as number),
      gap: ({ why }) => this.got.push(why),
      presence: ({ members }) => (this.members = [...(members?.keys() ?? [])].toSorted()),
    }).ready;
  }

  get numbers(): number[] {
    return this.got.filter((entry) => typeof entry === "number");
  }
}

const counted = (count: number, from = 0): number[] => Array.from({ length: count }, (_, n) => from + n);

describe("hubs on NATS", { skip: nats.missing }, () => {
  async function engine(t: TestContext): Promise<NatsServer> {
    const server = await NatsServer.start();
    t.after(() => server.close());
    return server;
  }

  async function publish({ hub }: Node, from: number, count: number): Promise<void> {
    for (const n of counted(count, from)) {
      await surely(() => hub.publish("room:1", n, { key: `key ${n}` }));
    }
  }

  test("a client of one hub has what is published on the other, and sees who is there; a node that goes is no gap", async (t) => {
    const server = await engine(t);
    const [a, b] = [await startNode(t, server), await startNode(t, server)];
    const [ada, bob] = [new Reader(t, a, "ada", "1"), new Reader(t, b, "bob", "1")];
    await Promise.all([ada.ready, bob.ready]);
    await publish(a, 0, 10);
    await publish(b, 10, 10);
    await until(() => ada.got.length === 20 && bob.got.length === 20, "all messages");
    assert.deepEqual([ada.got, bob.got], [counted(20), counted(20)]);
    await until(() => [ada, bob].every(({ members }) => members.join() === "ada,bob"), "both members");
    await b.hub.revoke({ user: "ada", topic: "room:1" });
    await publish(b, 20, 1);
    await until(() => bob.got.length === 21, "the next message");
    assert.equal(ada.got.length, 20, "a revocation holds on all nodes");
    // Its port is taken over by another node, which has to be told everything by NATS.
    await b.stop();
    await publish(a, 21, 10);
    const c = await startNode(t, server, Number(new URL(b.url).port));
    await publish(c, 31, 5);
    await until(() => bob.got.length === 36, "what was missed, and what came after");
    assert.deepEqual(bob.got, counted(36));
  });

  test("NATS is killed and comes back: every client has every message, or is told", async (t) => {
    const server = await engine(t);
    const [a, b] = [await startNode(t, server), await startNode(t, server)];
    const readers = [new Reader(t, a, "ada", "1"), new Reader(t, b, "bob", "1")];
    await Promise.all(readers.map(({ ready }) => ready));
    await publish(a, 0, 20);
    await until(() => readers.every(({ got }) => got.length === 20), "the first messages");
    const publishing = publish(b, 20, 40);
    await server.kill();
    await until(() => a.hub.state === "degraded" && b.hub.state === "degraded", "the loss of the engine");
    await server.start();
    await publishing;
    await publish(a, 60, 20);
    await until(() => readers.every(({ got }) => got.at(-1) === 79), "the last message");
    for (const { got, numbers } of readers) {
      const isWhole = numbers.length === 80;
      if (!isWhole) assert.ok(got.includes("reset"), JSON.stringify(got));
      assert.deepEqual([...new Set(numbers)], numbers, "none twice");
    }
    await until(() => a.hub.state === "up" && b.hub.state === "up", "both hubs to be well");
  });

  test("NATS comes back with older data: the gap is told, and what is published from then on arrives", async (t) => {
    const server = await engine(t);
    const [a, b] = [await startNode(t, server), await startNode(t, server)];
    const readers = [new Reader(t, a, "ada", "1"), new Reader(t, b, "bob", "1")];
    await Promise.all(readers.map(({ ready }) => ready));
    await publish(a, 0, 10);
    await server.backUp();
    await publish(b, 10, 10);
    await until(() => readers.every(({ numbers }) => numbers.length === 20), "what will be lost");
    await server.restartFromBackup();
    await publish(b, 20, 15);
    await until(() => readers.every(({ numbers }) => numbers.at(-1) === 34), "the last message");
    for (const { got, numbers } of readers) {
      assert.deepEqual(numbers, counted(35));
      const reset = got.indexOf("reset");
      assert.ok(reset >= 20, JSON.stringify(got));
    }
  });
});

/** What the engine fails to do now it may do later: with its key it happens once. */
async function surely(ask: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await ask();
      return;
    } catch (error) {
      if (!(error instanceof HubError && error.code === "unavailable")) throw error;
    }
    await sleep(20);
  }
}
