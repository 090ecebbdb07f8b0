/** What an application holds: the documented members alone, and no way from one client to another. */
import assert from "node:assert/strict";
import { createServer as createHttpServer } from "node:http";
import { describe, it, type TestContext } from "node:test";
import { inspect } from "node:util";
import { type Client, UsageError } from "#hawser/index.js";
import { frame } from "../harness/frames.js";
import { until } from "../harness/concurrency.js";
import { certificates } from "../harness/certificates.js";
import { type Rig, startRig } from "../harness/rig.js";

/** Those of `Client`, as docs and types have them. */
const MEMBERS =
  "address bufferedBytes bytesIn bytesOut close connectedAt data dropped flush id isCompressed isOpen messagesIn messagesOut path rttMs send subprotocol subscribe terminate toJSON topics unsubscribe";

const SECRET = "another's secret";

async function twoClients(test: TestContext, ways: Way = {}): Promise<Rig<{ secret: string }>> {
  const { attached = false, ...options } = ways;
  const http = attached ? createHttpServer() : undefined;
  const rig = await startRig<{ secret: string }>(
    test,
    { ...options, authenticate: () => ({ secret: SECRET }), open: (client) => client.subscribe("room") },
    http === undefined ? {} : { attach: http },
  );
  for (let i = 0; i < 20; i++) await rig.connect({ at: "?token=x" });
  return rig;
}

interface Way {
  readonly attached?: boolean;
  readonly portableSockets?: boolean;
  readonly tls?: typeof certificates.first;
}

const WAYS: readonly (readonly [string, Way])[] = [
  ["by listen", {}],
  ["without lean sockets", { portableSockets: true }],
  ["through TLS", { tls: certificates.first }],
  ["attached", { attached: true }],
];

describe("a client", () => {
  it("has the documented members and no other", async (test) => {
    const { opened } = await twoClients(test);
    const names = new Set<string>();
    for (let object: object = opened[0]!; object !== Object.prototype; object = Object.getPrototypeOf(object) as object)
      for (const name of Object.getOwnPropertyNames(object)) names.add(name);
    names.delete("constructor");
    assert.deepEqual([...names].toSorted().join(" "), MEMBERS);
    assert.deepEqual(Reflect.ownKeys(opened[0]!), [], "spread, cloned or printed, it is empty");
  });

  it("shows id, address, path and counts, and nothing else", async (test) => {
    const { opened } = await twoClients(test);
    const [client] = opened as [Client];
    const summary = JSON.parse(JSON.stringify({ client })) as { client: object };
    assert.deepEqual(summary.client, {
      id: client.id,
      address: "127.0.0.1",
      path: "/",
      messagesIn: 0,
      messagesOut: 0,
      bytesIn: 0,
      bytesOut: 0,
      dropped: 0,
      bufferedBytes: 0,
    });
    assert.ok(inspect(client, { depth: Infinity, showHidden: true }).startsWith(`Client {\n  id: '${client.id}',`));
    assert.ok(inspect({ nested: [client] }, { depth: Infinity }).includes(client.id));
  });

  for (const [how, way] of WAYS) {
    it(`leads to no other client, whatever is done with what a handler gets: ${how}`, async (test) => {
      const { opened, requests, server } = await twoClients(test, way);
      const held = [opened[0]!, requests[0]!, requests[0]!.raw, requests[0]!.raw.socket];
      const others = new Set(opened.slice(1).map(({ id }) => id));
      for (const object of held) {
        const text = inspect(object, { depth: Infinity, showHidden: true, maxArrayLength: null });
        assert.ok(!text.includes(SECRET), "data");
        // The memory that the sockets of all clients are read into.
        assert.ok(!inspect(object, { depth: 4 }).includes("(kBuffer)]: <Buffer"), "what was read last");
        for (const id of others) assert.ok(!text.includes(id), "another's id");
        assert.deepEqual(
          [...reachable(object)].filter((found) => others.has((found as Client).id)),
          [],
        );
      }
      assert.equal(server.clients.size, 20);
    });
  }

  it("hands out its topics to be read", async (test) => {
    const { opened, server } = await twoClients(test);
    const topics = opened[0]!.topics as Set<string>;
    assert.throws(() => topics.add("mine"), UsageError);
    assert.throws(() => topics.clear(), UsageError);
    topics.forEach((_topic, _same, given) => assert.throws(() => given.add("mine"), UsageError));
    // The set of nobody's topics is that of many.
    opened[1]!.unsubscribe("room");
    assert.throws(() => (opened[1]!.topics.valueOf() as Set<string>).add("mine"), UsageError);
    opened[1]!.subscribe("room");
    assert.deepEqual([topics.size, topics.has("room"), [...topics]], [1, true, ["room"]]);
    assert.equal(server.topicSizes().get("room"), 20);
  });
});

describe("a server", () => {
  it("hands out its clients and its totals to be read", async (test) => {
    const rig = await twoClients(test);
    const { server } = rig;
    const clients = server.clients as Map<string, Client>;
    for (const change of [
      () => clients.clear(),
      () => clients.delete(rig.opened[0]!.id),
      () => clients.set("x", rig.opened[0]!),
    ])
      assert.throws(change, UsageError);
    assert.equal(clients.size, 20);
    assert.equal(clients.get(rig.opened[3]!.id), rig.opened[3]);
    clients.forEach((_client, _id, given) => assert.throws(() => given.clear(), UsageError));
    assert.throws(() => (clients.valueOf() as typeof clients).clear(), UsageError);
    // What a later ECMAScript brings (`getOrInsert`, for one) changes nothing here.
    const methods = Object.getOwnPropertyNames(Map.prototype) as (keyof typeof clients | "constructor")[];
    for (const name of methods.filter((one) => one !== "constructor" && one !== "size")) {
      try {
        (clients[name] as (...args: unknown[]) => unknown)("new", () => rig.opened[0]);
      } catch {
        // Refused, or not to be called like this.
      }
    }
    assert.deepEqual([clients.size, clients.has("new")], [20, false]);

    const stats = server.stats as unknown as {
      opened: number;
      closed: { normal?: number };
      roundTrips: { counts: number[]; count: number };
      handlerErrors: { message: number };
      __defineGetter__(name: string, get: () => number): void;
    };
    for (const change of [
      () => (stats.opened = 0),
      () => delete (stats as { opened?: number }).opened,
      () => (stats.closed.normal = 7),
      () => Object.defineProperty(stats, "opened", { value: 0 }),
      () => stats.__defineGetter__("opened", () => 0),
      () => (stats.valueOf() as typeof stats).opened++,
      () => (stats.roundTrips.counts[0] = 7),
      () => stats.roundTrips.counts.push(7),
      () => (stats.roundTrips.count = 7),
      () => (Object.getOwnPropertyDescriptor(stats, "handlerErrors")!.get!() as typeof stats.handlerErrors).message++,
    ])
      assert.throws(change);
    assert.deepEqual([server.stats.opened, server.stats.roundTrips.count, server.stats.closed], [20, 0, {}]);
  });

  it("has totals that go on counting where they are held", async (test) => {
    const rig = await startRig(test, { message() {} });
    const { stats } = rig.server;
    const { peer } = await rig.connect();
    await peer.sendFrame(frame.text("one"));
    await until(() => stats.messagesIn === 1, "the message");
    assert.deepEqual({ ...stats }.opened, 1);
    assert.equal((JSON.parse(JSON.stringify(stats)) as typeof stats).messagesIn, 1);
    assert.equal(structuredClone(stats).handlerTimes.message.count, 1);
    assert.match(inspect(stats), /^\{\n  opened: 1,\n/);
    assert.throws(() => Object.freeze(rig.server.clients), UsageError);
    Object.freeze(stats.closed);
    await peer.close();
    await rig.nextClosed();
    assert.equal(stats.closed.normal, 1);
  });
});

/** All that can be reached from an object by its properties, symbols and what they give when they are read. */
function reachable(from: object): Set<object> {
  const seen = new Set<object>([from]);
  for (const object of seen) {
    for (const key of Reflect.ownKeys(object)) {
      let value: unknown;
      try {
        value = Reflect.get(object, key);
      } catch {
        continue;
      }
      if (typeof value === "object" && value !== null && !Buffer.isBuffer(value)) seen.add(value);
    }
    if (object instanceof Map || object instanceof Set)
      for (const value of object.values()) if (typeof value === "object" && value !== null) seen.add(value as object);
  }
  return seen;
}
