// What is wrong with a server, or with what was said of it, is named; and the rights that docs/redis.md lists are enough.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { createClient } from "@redis/client";
import { redisBroker, type RedisBrokerOptions } from "@hawser/redis";
import { until } from "../harness/concurrency.js";
import { certificates } from "../harness/certificates.js";
import { freePort } from "../harness/free-port.js";
import { readDocument } from "../docs/harness/markdown.js";
import { WatchedNode } from "../hub/engine-faults.js";
import { RedisCluster } from "./harness/cluster.js";
import { redis, RedisServer, type RedisServerOptions } from "./harness/redis-server.js";
import { MASTER_NAME } from "./harness/sentinel.js";

const NOBODY = { message: () => {}, told: () => {}, state: () => {} };

async function serve(t: TestContext, options: RedisServerOptions = {}): Promise<RedisServer> {
  const server = await RedisServer.start(options);
  t.after(() => server.close());
  return server;
}

/** A server that is none of Redis: it says something when it is connected to, and something to whatever it is told. */
async function pretend(t: TestContext, greeting: string, answer: string): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    if (greeting !== "") socket.write(greeting);
    socket.on("data", () => socket.write(answer));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `redis://127.0.0.1:${(server.address() as { port: number }).port}`;
}

async function refuses(options: RedisBrokerOptions, message: RegExp): Promise<void> {
  const broker = redisBroker({ timeoutMs: 20_000, ...options });
  await assert.rejects(broker.start(NOBODY), (error: Error) => {
    assert.equal(error.name, "BrokerSetupError", String(error));
    assert.match(error.message, message);
    return true;
  });
  await assert.rejects(broker.read("t", { limit: 1 }), { name: "BrokerError" });
}

/** Everything that a broker does. */
async function exercise(options: RedisBrokerOptions, t: TestContext): Promise<void> {
  const node = await WatchedNode.start(redisBroker({ timeoutMs: 20_000, node: "n", ...options }));
  t.after(() => node.broker.close());
  const { broker } = node;
  const topics = Array.from({ length: 20 }, (_, i) => `topic ${i}`);
  await node.subscribe(...topics);
  // Another one each time: its key is the text.
  const text = randomUUID();
  for (const topic of topics) await node.publishSurely(topic, text);
  await broker.publish("no history", Buffer.from("x"), { binary: true, size: 0, ttlMs: 0 });
  await until(() => topics.every((topic) => node.texts(topic).length === 1), "all messages");
  const head = (await broker.heads(topics)).get("topic 0")!;
  await broker.read("topic 0", { after: head, limit: 5 });
  await broker.read("topic 0", { limit: 5, reverse: true });
  await broker.renew("topic 0", head.epoch);
  await broker.tell(Buffer.from("all"));
  await broker.tell(Buffer.from("one"), "n");
  await until(() => node.controls.length === 2, "both control messages");
  const presence = broker.presence!;
  await presence.lease("n", 600_000);
  for (const key of ["u1", "u2", "u3"]) await presence.put("topic 0", { node: "n", key });
  await presence.remove("topic 0", "n", "u1");
  assert.equal((await presence.list("topic 0", 1)).length, 1);
  assert.equal(await presence.count("topic 0"), 2);
  await presence.lease("n", 0);
  assert.equal(await presence.count("topic 0"), 0);
  broker.unsubscribe(topics);
  assert.deepEqual(node.foreignAt, []);
}

/** The rights as the document has them: what follows the name of the user. */
function documentedRights(): string[] {
  const [, rights] =
    /^ACL SETUSER hub on >\S+ (.+?)$/m.exec(readDocument("docs/redis.md").replaceAll("\\\n", " ")) ?? [];
  assert.ok(rights !== undefined, "docs/redis.md has the rights");
  return rights.trim().split(/\s+/);
}

const user = (rights: readonly string[]): string => `user hub on >secret ${rights.join(" ")}`;

describe("a server that will not do", { skip: redis.missing }, () => {
  test("a wrong password, none, and one that nobody asks for are named", async (t) => {
    const server = await serve(t, { config: ["requirepass secret"] });
    await refuses({ url: `redis://:wrong@127.0.0.1:${server.port}` }, /does not take this user and password/);
    await refuses({ url: server.url }, /asks for a password/);
    await refuses({ url: `redis://hub:secret@127.0.0.1:${server.port}` }, /does not take this user and password/);
  });

  test("another kind of server is named: one that answers, one that speaks first, a Sentinel", async (t) => {
    await refuses({ url: await pretend(t, "", "HTTP/1.1 400 Bad Request\r\n\r\n") }, /no Redis/);
    await refuses({ url: await pretend(t, 'INFO {"server_id":"x"}\r\n', "-ERR 'Unknown'\r\n") }, /no Redis/);
    await refuses({ url: await pretend(t, "", "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n") }, /no Redis/);
    const http = await pretend(t, "", "HTTP/1.1 400 Bad Request\r\n\r\n");
    await refuses({ url: http.replace("redis:", "rediss:") }, /TLS with Redis: what answers there speaks no TLS$/);
    const sentinel = await serve(t, {
      port: await freePort(),
      isSentinel: true,
      config: [`sentinel monitor ${MASTER_NAME} 127.0.0.1 1 1`],
    });
    await refuses({ url: sentinel.url }, /this is a Sentinel/);
    await refuses(
      { url: `redis+sentinel://127.0.0.1:${sentinel.port}/other` },
      /watches no master that is called other/,
    );
    const server = await serve(t);
    await refuses({ url: `${server.url}/99` }, /the database in the URL: DB index is out of range/);
    await refuses({ url: `redis+sentinel://127.0.0.1:${server.port}/${MASTER_NAME}` }, /no Sentinel/);
  });

  test("one that is too old is named", async (t) => {
    const hello = (version: string, mode: string): string =>
      `%4\r\n+server\r\n+redis\r\n+version\r\n+${version}\r\n+mode\r\n+${mode}\r\n+role\r\n+master\r\n`;
    await refuses(
      { url: await pretend(t, "", "-ERR unknown command `HELLO`, with args beginning with: `3`\r\n") },
      /older/,
    );
    await refuses({ url: await pretend(t, "", hello("6.0.16", "standalone")) }, /redis 6\.0\.16, and 6\.2 is needed/);
    await refuses({ url: await pretend(t, "", hello("6.2.7", "cluster")) }, /redis 6\.2\.7, and a Cluster needs 7\.0/);
  });

  test("one that is not there is told as down, and found once it is", async (t) => {
    const port = await freePort();
    const states: string[] = [];
    const broker = redisBroker({ url: `redis://127.0.0.1:${port}` });
    t.after(() => broker.close());
    await broker.start({ ...NOBODY, state: (state, why) => void states.push(`${state}: ${why}`) });
    assert.equal(states.length, 1);
    assert.match(states[0]!, /^down: 127\.0\.0\.1:\d+: .*ECONNREFUSED/);
    await assert.rejects(broker.subscribe(["t"]), { name: "BrokerError", fault: "unavailable" });
    await serve(t, { port });
    await until(() => states.length === 2, "the server");
    assert.match(states[1]!, /^suspect: /);
  });

  async function whyDown(t: TestContext, url: string): Promise<string> {
    const broker = redisBroker({ url, timeoutMs: 2_000 });
    t.after(() => broker.close());
    return new Promise((resolve) => {
      broker.start({ ...NOBODY, state: (state, why) => resolve(`${state}: ${why}`) }).catch(() => {});
    });
  }

  test("with TLS a certificate that nobody vouches for is refused, and one that is known is taken", async (t) => {
    const server = await serve(t);
    const [cert, key] = [join(server.folder, "cert.pem"), join(server.folder, "key.pem")];
    writeFileSync(cert, certificates.first.cert);
    writeFileSync(key, certificates.first.key);
    const port = await freePort();
    for (const [name, value] of [
      ["tls-cert-file", cert],
      ["tls-key-file", key],
      ["tls-ca-cert-file", cert],
      ["tls-auth-clients", "no"],
      ["tls-port", String(port)],
    ] as const) {
      await server.command("CONFIG", "SET", name, value);
    }
    await refuses({ url: `rediss://127.0.0.1:${port}` }, /TLS with Redis: self.signed certificate/);
    assert.match(await whyDown(t, `redis://127.0.0.1:${port}`), /^down: .*; perhaps it wants TLS$/);
    assert.match(
      await whyDown(t, server.url.replace("redis:", "rediss:")),
      /^down: .*; perhaps it cannot be reached, or speaks no TLS$/,
    );
    await exercise({ url: `rediss://127.0.0.1:${port}`, tls: { ca: certificates.first.cert } }, t);
  });
});

describe("rights", { skip: redis.missing }, () => {
  test("those that are documented are enough, and without any one of them it is named", async (t) => {
    const rights = documentedRights();
    const server = await serve(t, { config: [user(rights)] });
    const url = `redis://hub:secret@127.0.0.1:${server.port}`;
    await exercise({ url }, t);
    const commands = rights.filter((right) => right.startsWith("+"));
    // What a Cluster alone needs, and what only a server without the scripts is asked.
    const others = ["+spublish", "+ssubscribe", "+sunsubscribe", "+cluster|slots", "+eval", "+unsubscribe"];
    for (const right of commands.filter((command) => !others.includes(command))) {
      await server.command("ACL", "SETUSER", "hub", right.replace("+", "-"));
      await refuses({ url }, new RegExp(`lacks a right: .*${right.slice(1).replace("|", ".")}`, "i"));
      await server.command("ACL", "SETUSER", "hub", right);
    }
    await server.command("ACL", "SETUSER", "hub", "resetkeys", "~other:*");
    await refuses({ url }, /lacks a right/);
    await server.command("ACL", "SETUSER", "hub", "resetkeys", "~hawser:*", "resetchannels", "&other:*");
    await refuses({ url }, /lacks a right/);
  });

  test("and in a Cluster", async (t) => {
    const cluster = await RedisCluster.start();
    t.after(() => cluster.close());
    for (const master of cluster.masters) {
      await master.command("ACL", "SETUSER", "hub", "on", ">secret", ...documentedRights());
    }
    await exercise({ url: cluster.url.replace("redis://", "redis://hub:secret@") }, t);
  });
});

describe("a client of the user's own", { skip: redis.missing }, () => {
  test("is taken as a model, for one server and for a Cluster, and left alone", async (t) => {
    const server = await serve(t, { config: ["requirepass secret"] });
    const socket = { host: "127.0.0.1", port: server.port };
    const own = createClient({ socket, password: "secret", database: 3 });
    await exercise({ client: own }, t);
    assert.equal(own.isOpen, false);
    await exercise({ client: () => createClient({ url: `redis://:secret@127.0.0.1:${server.port}` }) }, t);
    const cluster = await RedisCluster.start();
    t.after(() => cluster.close());
    await exercise({ client: createClient({ url: cluster.masters[1]!.url }) }, t);
    const asked = new Set<number | undefined>();
    await exercise(
      {
        client(address) {
          asked.add(address?.port);
          return createClient({ url: `redis://127.0.0.1:${address?.port ?? cluster.masters[2]!.port}` });
        },
      },
      t,
    );
    assert.deepEqual(asked, new Set([undefined, ...cluster.masters.map(({ port }) => port)]));
  });
});
