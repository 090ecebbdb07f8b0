/** What compiles: it is checked when the tests are built. What each does at run time is checked beside it. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AdminOptions, createAdmin } from "#admin/index.js";
import { type Client, createServer, type Message, type ServerOptions, type TlsOptions } from "#hawser/index.js";
import { optionRules } from "#hawser/tools.js";
import { encodeFrame, type FrameOptions, TEXT } from "#hawser/protocol/index.js";
import { frame } from "../harness/frames.js";
import { certificates } from "../harness/certificates.js";
import { startRig } from "../harness/rig.js";

/** Each option, as undefined. */
type Undefined<Options> = { [Name in keyof Required<Options>]: undefined };

interface User {
  name: string;
}

describe("undefined is the same as left out", () => {
  it("for each option of a server", async () => {
    const names = Object.keys(optionRules).map((name) => [name, undefined]);
    const none = Object.fromEntries(names) as Undefined<ServerOptions>;
    // That it compiles is the test, under exactOptionalPropertyTypes.
    const options: ServerOptions = none;
    const server = createServer({ ...options, logLevel: "silent" });
    await server.listen(0);
    assert.equal(server.publish("topic", "text", { except: undefined, key: undefined }), 0);
    await server.close({ graceMs: undefined, reason: undefined });
  });

  it("for each option of the admin listener, of TLS and of a frame", () => {
    const admin: Undefined<AdminOptions> = {
      token: undefined,
      allowedHosts: undefined,
      logger: undefined,
      logTail: undefined,
      metrics: undefined,
      hub: undefined,
      readyWithoutEngine: undefined,
      engineGraceMs: undefined,
      nodes: undefined,
      tryUrl: undefined,
      clock: undefined,
    };
    createAdmin(createServer(), admin);
    const options: Undefined<FrameOptions> = { compressed: undefined, more: undefined, maskingKey: undefined };
    assert.deepEqual(encodeFrame(TEXT, "a", options), Buffer.from([0x81, 1, 0x61]));
    const tls: TlsOptions = { ...certificates.first, passphrase: undefined };
    createServer({ tls });
  });
});

describe("a handler", () => {
  it("may return anything, and only a promise is waited for", async (test) => {
    const returned: unknown[] = ["sent", 1, true, null, {}, [], () => {}];
    // What is not to be waited for must not take a turn either.
    const pending: number[] = [];
    const rig = await startRig(test, {
      message(client, message): unknown {
        pending.push(rig.server.pendingHandlers);
        client.send(message);
        return returned[Number(message.text())];
      },
    });
    const { peer } = await rig.connect();
    await peer.sendBytes(
      Buffer.concat([...returned.keys(), 0].map((index) => encodeFrame(TEXT, `${index}`, { maskingKey: 1 }))),
    );
    for (const index of [...returned.keys(), 0]) assert.equal(String((await peer.nextMessage()).bytes), `${index}`);
    assert.deepEqual(pending, Array(returned.length + 1).fill(0));
  });

  it("may be an expression", async (test) => {
    const rig = await startRig(test, {
      open: (client) => client.send("welcome"),
      message: (client, message) => client.send(message),
      drain: (client) => client.bufferedBytes,
      close: (_client, { code }) => code,
      request: (_request, response) => response.end("Hello"),
    });
    const { peer } = await rig.connect();
    assert.equal(String((await peer.nextMessage()).bytes), "welcome");
    await peer.sendFrame(frame.text("back"));
    assert.equal(String((await peer.nextMessage()).bytes), "back");
  });
});

describe("the type of client.data", () => {
  it("is what authenticate returns, wherever it stands", () => {
    const servers = [
      createServer({
        message(client) {
          client.data.name.trim();
        },
        authenticate: ({ path }) => ({ name: path }),
      }),
      createServer({
        async open(client) {
          greet(client);
          client.data = { name: "somebody" };
        },
        async message(client, message) {
          const user: User = client.data;
          users.set(client, user.name + message.text());
        },
        close(client, { code }) {
          if (code === 1000) users.delete(client);
        },
        async authenticate({ query }) {
          if (query.has("wrong")) return false;
          return { name: query.get("name") ?? "" };
        },
      }),
      createServer({
        open: (client) => client.subscribe("all"),
        message: handle,
        authenticate: (request) => find(request.path),
      }),
      createServer({
        authenticate: (request) => find(request.path),
        message: (client) => client.send(client.data.name),
      }),
    ];
    for (const server of servers) assert.equal(server.clients.get("nobody")?.data.name.trim(), undefined);
    // @ts-expect-error There is no such property.
    createServer({ message: (client) => void client.data.age, authenticate: () => ({ name: "" }) });
    // @ts-expect-error Nobody gives it a value.
    createServer({ message: (client) => void client.data.age });
    assert.throws(
      () => createServer({ authenticate: () => 1, data: () => 2 }),
      /authenticate and data exclude each other/,
    );
  });

  it("is what data returns, which makes the first value for each client", async (test) => {
    const rig = await startRig(test, {
      message(client) {
        client.send(`${++client.data.count} on ${client.data.path}`);
      },
      data: ({ path }) => ({ count: 0, path }),
    });
    const peers = [(await rig.connect({ at: "a" })).peer, (await rig.connect({ at: "b" })).peer] as const;
    for (const peer of [...peers, peers[0]]) await peer.sendFrame(frame.text(""));
    assert.equal(String((await peers[0].nextMessage()).bytes), "1 on /a");
    assert.equal(String((await peers[1].nextMessage()).bytes), "1 on /b");
    assert.equal(String((await peers[0].nextMessage()).bytes), "2 on /a");
  });
});

const users = new Map<Client<User>, string>();

function greet(client: Client<User>): void {
  client.send(client.data.name);
}

function handle(client: Client<User>, message: Message): string {
  return client.data.name + message.text();
}

async function find(name: string): Promise<User> {
  return { name };
}
