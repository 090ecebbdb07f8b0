// What the broker on NATS needs to be set up, and what it says when that is not so.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createTcpServer, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, describe, test, type TestContext } from "node:test";
import { connect, type NatsConnection, nkeys } from "@nats-io/transport-node";
import { natsBroker, type NatsBrokerOptions } from "@hawser/nats";
import { type Broker, type EngineState } from "#hawser/hub/index.js";
import { makeCertificate } from "../harness/certificate.js";
import { sleep, until } from "../harness/concurrency.js";
import { freePort } from "../harness/free-port.js";
import { projectRoot } from "../harness/root.js";
import { nats, NatsServer } from "./harness/nats-server.js";

const HISTORY = { binary: false, size: 10, ttlMs: 60_000 } as const;
const NOBODY = { message: () => {}, told: () => {}, state: () => {} };

async function started(t: TestContext, options: NatsBrokerOptions): Promise<Broker> {
  const broker = natsBroker({ timeoutMs: 20_000, ...options });
  t.after(() => broker.close());
  await broker.start(NOBODY);
  return broker;
}

/** Everything that a broker does. */
async function useAll(t: TestContext, broker: Broker): Promise<void> {
  const topic = `all of ${t.name}`;
  await broker.subscribe([topic]);
  for (let n = 0; n < 40; n++) await broker.publish(topic, Buffer.from("x"), { ...HISTORY, key: `${n}` });
  await broker.publish(topic, Buffer.from("x"), { ...HISTORY, size: 0 });
  await broker.publish(topic, Buffer.from("x"), { ...HISTORY, size: 0, key: "k" });
  assert.equal((await broker.read(topic, { limit: 10 })).messages.length, 10);
  const head = (await broker.heads([topic])).get(topic)!;
  assert.notEqual((await broker.renew(topic, head.epoch)).epoch, head.epoch);
  await broker.tell(Buffer.from("x"));
  const presence = broker.presence!;
  await presence.lease("n", 10_000);
  await presence.put(topic, { node: "n", key: "u" });
  assert.equal(await presence.count(topic), 1);
  await presence.remove(topic, "n", "u");
  assert.equal(await presence.count(topic), 0);
}

function refuses(options: NatsBrokerOptions, message: RegExp): Promise<void> {
  const broker = natsBroker({ timeoutMs: 20_000, ...options });
  return assert.rejects(broker.start(NOBODY), (error: Error) => {
    assert.equal(error.name, "BrokerSetupError", error.stack);
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  });
}

describe("options", () => {
  const wrong: readonly (readonly [NatsBrokerOptions, RegExp])[] = [
    [{}, /either url or connection/],
    [{ url: "http://localhost" }, /url/],
    [{ url: "nats://" }, /url/],
    [{ url: "nats://localhost", prefix: "a.b" }, /prefix/],
    [{ url: "nats://localhost", replicas: 0 }, /replicas/],
    [{ url: "nats://localhost", creds: "nothing" }, /creds/],
    [{ url: "nats://localhost", nkey: "nothing" }, /nkey/],
    [{ url: "nats://localhost", colour: "red" } as object, /no option colour/],
    [{ url: "nats://192.0.2.1" }, /without TLS and a password/],
    [{ url: "nats://u:secret@192.0.2.1" }, /without TLS;/],
    [{ url: "tls://192.0.2.1" }, /without a password/],
    [{ url: "nats://localhost,nats://u:secret@nats.example" }, /without TLS;/],
    [{ url: "nats://192.0.2.1", dangerouslyAllowInsecureUrl: "" }, /a reason/],
  ];
  for (const [options, message] of wrong) {
    test(`${JSON.stringify(options)} is refused`, () => {
      assert.throws(
        () => natsBroker(options),
        (error: Error) => message.test(error.message) && !error.message.includes("secret"),
      );
    });
  }

  test("what is safe, near, or spelled out is taken", () => {
    const seed = Buffer.from(nkeys.createUser().getSeed()).toString();
    for (const options of [
      { url: "tls://u:p@192.0.2.1" },
      { url: "tls://token@192.0.2.1,tls://192.0.2.2" },
      { url: "tls://192.0.2.1", nkey: seed },
      { url: "nats://u:p@192.0.2.1:4222", tls: {} },
      { url: "tls://192.0.2.1", tls: { cert: "x", key: "x" } },
      { url: "nats://[::1]:4222" },
      { url: "nats://127.0.0.1" },
      { url: "nats://192.0.2.1", dangerouslyAllowInsecureUrl: "a private network" },
    ]) {
      assert.ok(natsBroker(options).has.history);
    }
  });
});

describe("rights", { skip: nats.missing }, () => {
  const document = readFileSync(join(projectRoot, "docs/nats.md"), "utf8");
  const block = /^permissions \{\n[^]+?^\}\n/m.exec(document)![0];
  const rights = [...block.matchAll(/"([^"]+)"/g)].map(([, right]) => right!);
  let server: NatsServer;

  before(async () => {
    const without = (right: string): string => block.replace(`"${right}"`, `"nothing.at.all"`);
    const users = rights.map((right, i) => `{ user: u${i}, password: secret, ${without(right)} }`);
    server = await NatsServer.start({
      config: `authorization { users: [ { user: all, password: secret, ${block} }\n${users.join("\n")} ] }`,
    });
  });
  after(() => server.close());

  const url = (user: string): string => server.url.replace("//", `//${user}:secret@`);

  test("those of the document are enough for everything, streams and more room in them included", async (t) => {
    const broker = await started(t, { url: url("all") });
    await useAll(t, broker);
    await broker.publish("large", Buffer.from("x"), { ...HISTORY, size: 1_000 });
  });

  for (const [i, right] of rights.entries()) {
    test(`each is needed: ${right}`, async (t) => {
      // The streams are there.
      if (right.includes("STREAM.CREATE")) return useAll(t, await started(t, { url: url(`u${i}`) }));
      const named = right.replace(/[*>]$/, "").replaceAll(/[$.]/g, String.raw`\$&`);
      const message = new RegExp(`lacks a right: .*(${named}|_INBOX)`, "i");
      if (!right.includes("STREAM.UPDATE")) return refuses({ url: url(`u${i}`) }, message);
      const broker = await started(t, { url: url(`u${i}`) });
      await useAll(t, broker);
      await assert.rejects(broker.publish("larger", Buffer.from("x"), { ...HISTORY, size: 5_000 }), /STREAM\.UPDATE/);
    });
  }

  test("a wrong password, and none, are named", async () => {
    await refuses({ url: url("nobody") }, /does not take this user, password or token/);
    await refuses({ url: server.url }, /does not take this user, password or token/);
  });
});

describe("credentials and TLS", { skip: nats.missing }, () => {
  const certificate = makeCertificate();

  async function withConfig(t: TestContext, config: string): Promise<NatsServer> {
    const server = await NatsServer.start({ config });
    t.after(() => server.close());
    return server;
  }

  test("a token", async (t) => {
    const server = await withConfig(t, `authorization { token: "s3cr3t" }`);
    await useAll(t, await started(t, { url: server.url.replace("//", "//s3cr3t@") }));
    await refuses({ url: server.url.replace("//", "//other@") }, /does not take/);
  });

  test("an NKey", async (t) => {
    const user = nkeys.createUser();
    const seed = Buffer.from(user.getSeed()).toString();
    const server = await withConfig(t, `authorization { users: [ { nkey: ${user.getPublicKey()} } ] }`);
    await useAll(t, await started(t, { url: server.url, nkey: seed }));
  });

  test("TLS, with an authority of one's own; without it the certificate is not trusted", async (t) => {
    const server = await NatsServer.start({ tls: certificate });
    t.after(() => server.close());
    const url = `tls://localhost:${server.port}`;
    await useAll(t, await started(t, { url, tls: { ca: certificate.cert } }));
    await refuses({ url }, /TLS with NATS/);
    await refuses({ url: server.url }, /TLS with NATS/);
  });

  test("TLS that is asked for, and that the server does not have", async (t) => {
    const server = await withConfig(t, "");
    await refuses({ url: `tls://localhost:${server.port}` }, /this NATS server has none/);
  });
});

describe("what a server has to be", { skip: nats.missing }, () => {
  async function listen(t: TestContext, answer: (socket: Socket) => void): Promise<string> {
    const sockets = new Set<Socket>();
    const server = createTcpServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      answer(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return `nats://127.0.0.1:${(server.address() as { port: number }).port}`;
  }

  test("one of NATS: what speaks first, and what waits to be spoken to", async (t) => {
    const mail = await listen(t, (socket) => socket.write("220 mail.example ESMTP\r\n"));
    await refuses({ url: mail }, /is no NATS server/);
    const redis = await listen(t, (socket) => socket.on("data", () => socket.write("+PONG\r\n")));
    await refuses({ url: redis }, /is no NATS server/);
  });

  test("not older than 2.9", async (t) => {
    const url = await listen(t, (socket) => socket.write('INFO {"version":"2.8.4","max_payload":1}\r\n'));
    await refuses({ url }, /2\.8\.4, and 2\.9 or newer is needed/);
  });

  test("with JetStream, unless that is spelled out; then it has no history, and says so", async (t) => {
    const server = await NatsServer.start({ jetstream: false });
    t.after(() => server.close());
    await refuses({ url: server.url }, /JetStream is off/);
    const broker = await started(t, { url: server.url, jetstream: false });
    assert.deepEqual([broker.has, broker.presence], [{ history: false, presence: false }, undefined]);
    await assert.rejects(broker.read("t", { limit: 1 }), { name: "BrokerError" });
  });

  test("with JetStream for this account", async (t) => {
    const config = `accounts { A: { users: [ { user: a, password: secret } ] }, SYS: {} }\nsystem_account: SYS`;
    const server = await NatsServer.start({ config });
    t.after(() => server.close());
    await refuses({ url: server.url.replace("//", "//a:secret@") }, /JetStream is off/);
  });

  test("with room, for streams on as many servers as are asked for, and no streams of others in the way", async (t) => {
    const server = await NatsServer.start({ limits: "max_file: 1MB, max_mem: 1MB" });
    t.after(() => server.close());
    await refuses({ url: server.url, maxBytes: 2 ** 30 }, /JetStream has no room/);
    await refuses({ url: server.url, replicas: 3, prefix: "three" }, /JetStream refuses a stream/);
    const other = await connect({ servers: server.url });
    t.after(() => other.close());
    await create(other, { name: "theirs", subjects: ["theirs.s.x"] });
    await refuses({ url: server.url, prefix: "theirs" }, /JetStream refuses a stream: .*overlap/);
    await create(other, { name: "old-topics", subjects: ["old.s.>"], max_age: 60e9, allow_direct: true });
    await refuses({ url: server.url, prefix: "old" }, /old-topics is there already, and republishes to nowhere/);
  });

  describe("a stream that somebody made", () => {
    let server: NatsServer;
    let other: NatsConnection;
    before(async () => {
      server = await NatsServer.start();
      other = await connect({ servers: server.url });
    });
    after(async () => {
      await other.close();
      await server.close();
    });

    function make(prefix: string, kind: "topics" | "members" | "epochs", config: object): Promise<void> {
      const republish = (source: string, dest: string): object => ({
        republish: { src: `${prefix}.${source}`, dest: `${prefix}.${dest}` },
      });
      const own = {
        topics: { subjects: [`${prefix}.s.>`], discard: "new", ...republish("s.>", "l.>") },
        members: { subjects: [`${prefix}.m.>`], max_msgs_per_subject: 1 },
        epochs: { subjects: [`${prefix}.e.epoch`], ...republish("e.epoch", "n.epoch") },
      }[kind];
      return create(other, { name: `${prefix}-${kind}`, allow_direct: true, ...own, ...config });
    }

    async function limitOf(stream: string): Promise<number> {
      const answer = await other.request(`$JS.API.STREAM.INFO.${stream}`);
      return answer.json<{ config: { max_msgs_per_subject: number } }>().config.max_msgs_per_subject;
    }

    test("without a limit for each topic has none afterwards, and a topic keeps what its own size says", async (t) => {
      await make("unlimited", "topics", { max_msgs_per_subject: -1 });
      const broker = await started(t, { url: server.url, prefix: "unlimited" });
      for (let n = 0; n < 150; n++) await broker.publish("large", Buffer.from("x"), { ...HISTORY, size: 120 });
      for (let n = 0; n < 150; n++) await broker.publish("small", Buffer.from("x"), { ...HISTORY, size: 1 });
      await broker.publish("larger", Buffer.from("x"), { ...HISTORY, size: 5_000 });
      assert.equal(await limitOf("unlimited-topics"), -1);
      assert.equal((await broker.read("large", { limit: 500 })).messages.length, 120);
      assert.equal((await broker.read("small", { limit: 500 })).messages.length, 1);
    });

    test("with one has a higher one when a topic asks for it, and never a lower one", async (t) => {
      await make("limited", "topics", { max_msgs_per_subject: 50 });
      const broker = await started(t, { url: server.url, prefix: "limited" });
      for (const [size, limit] of [
        [49, 50],
        [50, 51],
        [10, 51],
      ] as const) {
        await broker.publish("t", Buffer.from("x"), { ...HISTORY, size });
        assert.equal(await limitOf("limited-topics"), limit);
      }
    });

    test("and that is full refuses publishes by number as by bytes", async (t) => {
      await make("few", "topics", { max_msgs: 3 });
      const broker = await started(t, { url: server.url, prefix: "few" });
      // The probe of the broker is one of the three.
      for (let n = 0; n < 2; n++) await broker.publish("t", Buffer.from("x"), HISTORY);
      await assert.rejects(broker.publish("t", Buffer.from("x"), HISTORY), { fault: "limit" });
      assert.equal((await broker.read("t", { limit: 10 })).messages.length, 2);
    });

    const drops = /drops messages by age, number or bytes/;
    for (const [kind, config, message] of [
      ["topics", { max_age: 60e9 }, drops],
      ["topics", { discard: "old", max_bytes: 1e6 }, drops],
      ["topics", { discard: "old", max_msgs: 1e6 }, drops],
      ["topics", { max_msgs_per_subject: 5, discard_new_per_subject: true }, /refuses messages of a topic/],
      ["topics", { retention: "interest" }, /keeps messages by interest/],
      ["topics", { retention: "workqueue" }, /keeps messages by workqueue/],
      ["members", { max_age: 60e9 }, drops],
      ["members", { max_msgs: 10 }, drops],
      ["members", { max_msgs_per_subject: -1 }, /has -1 max_msgs_per_subject instead of 1/],
      ["epochs", { max_age: 60e9 }, drops],
    ] as const) {
      test(`is refused: ${kind} with ${JSON.stringify(config)}`, async () => {
        const prefix = `${kind}-${Object.entries(config).flat().join("-")}`.replaceAll(/[^a-z0-9-]/g, "_");
        await make(prefix, kind, config);
        await refuses({ url: server.url, prefix }, message);
      });
    }

    test("is refused: one that republishes headers alone", async () => {
      const republish = { src: "bare.s.>", dest: "bare.l.>", headers_only: true };
      await make("bare", "topics", { republish });
      await refuses({ url: server.url, prefix: "bare" }, /republishes headers alone/);
    });
  });

  test("what is full refuses a publish, and says that it is full", async (t) => {
    const server = await NatsServer.start();
    t.after(() => server.close());
    const broker = await started(t, { url: server.url, maxBytes: 100_000 });
    const publish = async (): Promise<void> => {
      for (let n = 0; n < 200; n++) await broker.publish(`t${n}`, Buffer.alloc(1_000), HISTORY);
    };
    await assert.rejects(publish(), { name: "BrokerError", fault: "limit" });
    await assert.rejects(broker.publish("t", Buffer.alloc(3 * 2 ** 20), HISTORY), { fault: "limit" });
    assert.equal((await broker.read("t0", { limit: 1 })).messages.length, 1, "nothing was dropped for it");
  });
});

describe("an engine that is not there at the start", { skip: nats.missing }, () => {
  test("is told once, and tried again until it is", async (t) => {
    const port = await freePort();
    const states: [EngineState, string][] = [];
    const broker = natsBroker({ url: `nats://127.0.0.1:${port}` });
    t.after(() => broker.close());
    await broker.start({ ...NOBODY, state: (state, why) => states.push([state, why]) });
    assert.deepEqual(states, [["down", `127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}`]]);
    await assert.rejects(broker.publish("t", Buffer.from("x"), HISTORY), { fault: "unavailable" });
    await sleep(500);
    const server = await NatsServer.start({ port });
    t.after(() => server.close());
    await until(() => states.length > 1, "the first connection");
    assert.deepEqual(
      states.map(([state]) => state),
      ["down", "suspect"],
    );
    await useAll(t, broker);
  });

  test("and one that is closed meanwhile leaves nothing behind", async () => {
    const broker = natsBroker({ url: `nats://127.0.0.1:${await freePort()}` });
    await broker.start(NOBODY);
    await broker.close();
    await assert.rejects(broker.start(NOBODY), { name: "BrokerError" });
  });
});

describe("a connection of the user's own", { skip: nats.missing }, () => {
  test("stays its owner's, and its own reconnects are followed", async (t) => {
    const server = await NatsServer.start();
    t.after(() => server.close());
    const connection = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
    t.after(() => connection.close());
    const states: EngineState[] = [];
    const broker = natsBroker({ connection });
    await broker.start({ ...NOBODY, state: (state) => states.push(state) });
    await useAll(t, broker);
    await server.kill();
    await until(() => states.at(-1) === "down", "the loss of the connection");
    await server.start();
    await until(() => states.at(-1) === "suspect", "a new one");
    await useAll(t, broker);
    await broker.close();
    assert.equal(connection.isClosed(), false);
    await connection.flush();
  });

  test("is made by a function, again whenever one is lost", async (t) => {
    const server = await NatsServer.start();
    t.after(() => server.close());
    const made: NatsConnection[] = [];
    const states: EngineState[] = [];
    const broker = natsBroker({
      connection: async () => {
        const connection = await connect({ servers: server.url, reconnect: false });
        made.push(connection);
        return connection;
      },
    });
    t.after(() => broker.close());
    await broker.start({ ...NOBODY, state: (state) => states.push(state) });
    await made[0]!.close();
    await until(() => states.at(-1) === "suspect", "another one");
    assert.equal(made.length, 2);
    await useAll(t, broker);
    await broker.close();
    assert.ok(made.every((connection) => connection.isClosed()));
  });
});

async function create(connection: NatsConnection, config: { name: string } & Record<string, unknown>): Promise<void> {
  const answer = await connection.request(`$JS.API.STREAM.CREATE.${config.name}`, JSON.stringify(config), {
    timeout: 20_000,
  });
  assert.equal(answer.json<{ error?: object }>().error, undefined, answer.string());
}

describe("a broker that is closed", { skip: nats.missing }, () => {
  const program = (url: string, then: string): string => `
    import { natsBroker } from "@hawser/nats";
    const broker = natsBroker({ url: "${url}" });
    await broker.start({ message() {}, told() {}, state() {} });
    await broker.subscribe(["t"]);
    const waiting = Array.from({ length: 10 }, () => broker.publish("t", Buffer.from("x"), ${JSON.stringify(HISTORY)}));
    const settled = Promise.allSettled(waiting);
    ${then}
    await broker.close();
    await settled;
    console.log("closed");`;

  // Nothing else ends it: a timer or a socket that is left would keep it.
  async function endsByItself(source: string, meanwhile: () => unknown = () => {}): Promise<void> {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", source], {
      cwd: projectRoot,
      stdio: ["pipe", "pipe", "inherit"],
    });
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const ended = once(child, "close");
    if (source.includes("ready")) await until(() => said.includes("ready"), "its start");
    await meanwhile();
    child.stdin.end();
    assert.deepEqual(await ended, [0, null]);
    assert.match(said, /closed\n$/);
  }

  test("leaves no timer and no socket", async (t) => {
    const server = await NatsServer.start();
    t.after(() => server.close());
    await endsByItself(program(server.url, ""));
    await endsByItself(program(server.url, "await Promise.all(waiting);"));
  });

  for (const fault of ["pause", "kill"] as const) {
    test(`nor when its server is gone: ${fault}`, async (t) => {
      const server = await NatsServer.start();
      t.after(() => server.close());
      const wait = `await settled; console.log("ready"); for await (const _ of process.stdin);`;
      await endsByItself(program(server.url, wait), () => server[fault]());
    });
  }
});
