// `hawser connect --hub`, in a pipe and on a terminal, against a hub that is cut, restarted and hostile.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test, type TestContext } from "node:test";
import { WebSocketServer } from "ws";
import { type Client, createServer } from "hawser";
import { createHub, HubError, type Hub } from "hawser/hub";
import { readEnvironment } from "#cli/config/environment.js";
import { runProgram } from "#cli/program.js";
import { makeCertificate } from "../harness/certificate.js";
import { until } from "../harness/concurrency.js";
import { freePort } from "../harness/free-port.js";
import { LogBook } from "../harness/rig.js";
import { runCli } from "../harness/run-cli.js";
import { type Running, spawnCli } from "../harness/spawn-cli.js";

const state = mkdtempSync(join(tmpdir(), "hawser-connect-hub-"));
after(() => rmSync(state, { recursive: true }));
const env = { XDG_STATE_HOME: state, NO_COLOR: "1" };
const hasScript = spawnSync("script", ["-qec", "true", "/dev/null"]).status === 0;

interface TestHub {
  readonly hub: Hub;
  readonly url: string;
  readonly port: number;
  /** Of the last handshake. */
  readonly headers: () => Readonly<Record<string, string | string[] | undefined>>;
  readonly open: () => number;
  /** Breaks all connections, and publishes before anybody can come back. */
  readonly cut: (...messages: readonly unknown[]) => Promise<void>;
  readonly stop: () => Promise<void>;
}

async function startHub(t: TestContext, port?: number): Promise<TestHub> {
  const clients = new Set<Client>();
  const logger = new LogBook();
  let headers: Readonly<Record<string, string | string[] | undefined>> = {};
  const hub = createHub({
    logger,
    defaultTopic: { history: { size: 1000, ttlMs: 60_000 }, presence: true },
    authenticate: (token) => token !== undefined && token !== "wrong" && { user: token },
    allow: {
      subscribe: (_, { name }) => name !== "secret",
      publish: (_, { name }) => name !== "secret",
      presence: () => true,
    },
    calls: {
      double: (input) => Number(input) * 2,
      bytes: () => Uint8Array.of(0, 27, 255),
      buy() {
        throw new HubError("out-of-stock", "none \u001b[2J left");
      },
    },
  });
  const server = createServer(
    hub.serverOptions({
      logger,
      dangerouslyAllowAnyOrigin: "a test",
      open(client, request) {
        ({ headers } = request);
        clients.add(client);
      },
      close: (client) => void clients.delete(client),
    }),
  );
  const address = await server.listen(port ?? (await freePort()), "127.0.0.1");
  const stop = async (): Promise<void> => {
    await server.close();
    await hub.close();
  };
  t.after(stop);
  return {
    hub,
    url: address.url,
    port: address.port,
    headers: () => headers,
    open: () => clients.size,
    async cut(...messages) {
      for (const client of clients) client.terminate();
      for (const data of messages) await hub.publish("room", data);
    },
    stop,
  };
}

/** The events of a pipe so far. */
function eventsOf(stdout: string): Record<string, unknown>[] {
  const lines = stdout.slice(0, stdout.lastIndexOf("\n") + 1).split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Record<string, unknown>);
}

function named(stdout: string, event: string): Record<string, unknown>[] {
  return eventsOf(stdout).filter((one) => one["event"] === event);
}

function hubArgs({ url }: { url: string }, ...more: readonly string[]): string[] {
  return ["connect", "--hub", url, "--token", "ada", ...more];
}

describe("in a pipe", { concurrency: 2 }, () => {
  test("each line is a command, and each event a line of JSON", async (t) => {
    const hub = await startHub(t);
    await hub.hub.publish("room", "before");
    const running = spawnCli(t, hubArgs(hub, "--wait", "20s"));
    const lines = [
      "/sub room last 5",
      '/pub room {"a":1}',
      "hello",
      "//slash",
      "/binary 00ff",
      "/call double 21",
      "/call bytes",
      "/call buy",
      "/call nothing",
      "/pub secret 1",
      "/sub secret",
      "/back room 2",
      "/back",
      "/who room",
      "/count room",
      "/unsub",
      "plain text goes nowhere",
      "/bogus",
    ];
    running.type(`${lines.join("\n")}\n`);
    running.endInput();
    await running.sees("/bogus");
    running.signal("SIGTERM");
    const { code, stdout, stderr } = await running.finished;
    assert.deepEqual([code, stderr], [0, ""]);
    const message = (offset: number, data: object, more: object = { by: "ada", replayed: false }): object => ({
      event: "message",
      topic: "room",
      offset,
      ...more,
      ...data,
    });
    const events = eventsOf(stdout);
    const epoch = named(stdout, "published")[0]!["epoch"];
    assert.deepEqual(
      events.filter(({ event }) => event === "message"),
      [
        message(1, { data: "before" }, { replayed: true }),
        message(2, { data: { a: 1 } }),
        message(3, { data: "hello" }),
        message(4, { data: "/slash" }),
        message(5, { binary: "00ff" }),
      ],
    );
    assert.deepEqual(
      named(stdout, "published").map((one) => [one["topic"], one["offset"], one["epoch"], one["duplicate"]]),
      [2, 3, 4, 5].map((offset) => ["room", offset, epoch, false]),
    );
    assert.deepEqual(named(stdout, "answer"), [
      { event: "answer", call: "double", data: 42 },
      { event: "answer", call: "bytes", binary: "001bff" },
    ]);
    assert.deepEqual(
      named(stdout, "error").map(({ command, error }) => [command, error]),
      [
        ["/call buy", "out-of-stock"],
        ["/call nothing", "unknown-call"],
        ["/pub secret", "forbidden"],
        ["/sub secret", "forbidden"],
        ["publish", "usage"],
        ["", "usage"],
      ],
    );
    assert.match(stdout, /"message":"none \\u001b\[2J left"/);
    const offsets = named(stdout, "page").map(({ messages, more }) => [
      (messages as { offset: number }[]).map(({ offset }) => offset),
      more,
    ]);
    assert.deepEqual(offsets, [
      [[4, 5], true],
      [[2, 3], true],
    ]);
    assert.deepEqual(named(stdout, "members"), [
      { event: "members", topic: "room", count: 1, members: [{ user: "ada" }] },
      { event: "members", topic: "room", count: 1 },
    ]);
    assert.deepEqual(
      events.filter(({ event }) => event === "state").map((one) => one["state"]),
      ["open", "closed"],
    );
  });

  test("cut, it resumes: what was published meanwhile comes once, in order, and marked", async (t) => {
    const hub = await startHub(t);
    const running = spawnCli(t, hubArgs(hub, "--sub", "room"));
    await running.sees('"event":"subscribed"');
    await hub.hub.publish("room", 0);
    await running.sees('"data":0');
    for (let round = 1; round <= 3; round++) {
      await hub.cut(round * 10, round * 10 + 1);
      await running.sees(`"data":${round * 10 + 1}`);
      await hub.hub.publish("room", round * 10 + 2);
      await running.sees(`"data":${round * 10 + 2}`);
    }
    running.signal("SIGINT");
    const { code, stdout } = await running.finished;
    assert.equal(code, 0);
    assert.deepEqual(
      named(stdout, "message").map(({ data, replayed }) => [data, replayed]),
      [[0, false], ...[1, 2, 3].flatMap((round) => [0, 1, 2].map((n) => [round * 10 + n, n < 2]))],
    );
    const lost = named(stdout, "state").filter((one) => one["state"] === "waiting");
    assert.ok(lost.length >= 3);
    assert.match(String(lost[0]!["message"]), /^the connection was lost: /);
    assert.ok(!Number.isNaN(Date.parse(String(lost[0]!["retryAt"]))));
    assert.deepEqual(named(stdout, "gap"), []);
  });

  test("a server that restarts is told as a gap, and goes on", async (t) => {
    const hub = await startHub(t);
    const running = spawnCli(t, hubArgs(hub, "--sub", "room"));
    await running.sees('"event":"subscribed"');
    await hub.hub.publish("room", "old");
    await running.sees('"data":"old"');
    await hub.stop();
    await running.sees(/"state":"waiting".*the server is shutting down/);
    const again = await startHub(t, hub.port);
    await running.sees('"gap":"missed"');
    await again.hub.publish("room", "new");
    await running.sees('"data":"new"');
    running.signal("SIGINT");
    const { code, stdout } = await running.finished;
    assert.equal(code, 0);
    const [gap] = named(stdout, "gap");
    assert.deepEqual([gap!["topic"], gap!["offset"]], ["room", 0]);
  });

  test("without a connection at the end it is exit code 1", async (t) => {
    const hub = await startHub(t);
    const running = spawnCli(t, hubArgs(hub, "--sub", "room"));
    await running.sees('"event":"subscribed"');
    await hub.stop();
    await running.sees('"state":"waiting"');
    running.signal("SIGINT");
    const { code, stderr } = await running.finished;
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^hawser: ws:\/\/127\.0\.0\.1:\d+\/: (the server is shutting down|nobody is listening there .*)\n$/,
    );
  });

  test("the server ends a subscription", async (t) => {
    const hub = await startHub(t);
    const running = spawnCli(t, hubArgs(hub, "--sub", "room"));
    await running.sees('"event":"subscribed"');
    await hub.hub.revoke({ user: "ada", topic: "room" });
    await running.sees('{"event":"unsubscribed","topic":"room","code":"revoked"}');
    running.signal("SIGINT");
    assert.equal((await running.finished).code, 0);
  });

  test("who comes and goes, for those who watch", async (t) => {
    const hub = await startHub(t);
    const watcher = spawnCli(t, hubArgs(hub, "--sub", "room"));
    watcher.type("/who watch\n");
    await watcher.sees('"count":1,"members":[{"user":"ada"}]');
    const bob = spawnCli(t, ["connect", "--hub", hub.url, "--token", "bob", "--sub", "room"]);
    await watcher.sees('"came":["bob"],"went":[]');
    bob.signal("SIGINT");
    await watcher.sees('"came":[],"went":["bob"]');
    watcher.type("/who unwatch\n/unsub\n/who watch\n");
    await watcher.sees('"error":"usage"');
    watcher.signal("SIGINT");
    assert.equal((await watcher.finished).code, 0);
  });

  test("many lines, faster than the server takes them, and none is lost", async (t) => {
    const hub = await startHub(t);
    const lines = Array.from({ length: 300 }, (_, at) => `/pub room ${at}`);
    const running = spawnCli(t, hubArgs(hub));
    running.type(`${lines.join("\n")}\n`);
    running.endInput();
    const { code, stdout } = await running.finished;
    assert.equal(code, 0);
    assert.deepEqual(named(stdout, "error"), []);
    const { messages } = await hub.hub.history("room", { limit: 1000 });
    assert.deepEqual(
      messages.map(({ data }) => data),
      lines.map((_, at) => at),
    );
  });

  test("a huge message, whole; and one that the server does not take", async (t) => {
    const hub = await startHub(t);
    const running = spawnCli(t, hubArgs(hub, "--sub", "room"));
    await running.sees('"event":"subscribed"');
    const huge = "x".repeat(400_000);
    await hub.hub.publish("room", huge);
    await running.sees(/x"\}\n/);
    running.type(`/pub room "${"y".repeat(600_000)}"\n`);
    await running.sees('"error":"lost"');
    running.signal("SIGINT");
    const { stdout } = await running.finished;
    assert.deepEqual(
      named(stdout, "message").map(({ data }) => data),
      [huge],
    );
  });

  test("--execute, a token from the environment, headers and origin; and who has seen enough", async (t) => {
    const hub = await startHub(t);
    const flags = ["--header", "X-One: 1", "--origin", "https://a.example", "--wait", "0"];
    const args = ["connect", "--hub", hub.url, ...flags, "--execute", "/sub room", "--execute", "hi"];
    const { code, stdout, stderr } = await runCli(args, { env: { HAWSER_CONNECT_TOKEN: "eve" } });
    assert.deepEqual([code, stderr], [0, ""]);
    assert.deepEqual(
      named(stdout, "message").map(({ by, data }) => [by, data]),
      [["eve", "hi"]],
    );
    assert.deepEqual([hub.headers()["x-one"], hub.headers()["origin"]], ["1", "https://a.example"]);
  });

  test("a certificate that nobody vouches for", async (t) => {
    const hub = await startHub(t);
    const https = createHttpsServer(makeCertificate());
    https.on("upgrade", (request, near) => {
      const far = connectTcp(hub.port, "127.0.0.1");
      const headers = Object.entries(request.headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
      far.write(`GET / HTTP/1.1\r\n${headers.join("")}\r\n`);
      near
        .on("error", () => {})
        .pipe(far)
        .on("error", () => {})
        .pipe(near);
    });
    await new Promise<void>((done) => https.listen(0, "127.0.0.1", done));
    t.after(() => void https.close());
    const url = `wss://localhost:${(https.address() as AddressInfo).port}/`;
    const refused = await runCli(hubArgs({ url }, "--execute", "/sub room"));
    assert.deepEqual([refused.code, refused.stdout], [2, ""]);
    assert.match(refused.stderr, /its certificate is self-signed/);
    const args = hubArgs({ url }, "--dangerously-accept-any-certificate", "--execute", "/sub room", "--wait", "0");
    const { code, stdout } = await runCli(args);
    assert.equal(code, 0, stdout);
    assert.equal(named(stdout, "subscribed").length, 1);
  });
});

describe("what cannot be done", { concurrency: 2 }, () => {
  test("wrong flags, exit code 2", async () => {
    for (const [args, line] of [
      [["localhost:1", "--sub", "a"], "--sub: is for --hub"],
      [["localhost:1", "--token", "a"], "--token: is for --hub"],
      [["--listen", "0", "--sub", "a"], "--sub: is for --hub"],
      [["--listen", "0", "--hub"], "connect: takes --hub or --listen, and not both"],
      [["--hub"], "connect: takes the URL of a server, or --listen and a port"],
      [["--hub", "localhost:1", "--subprotocol", "x"], "--subprotocol: not with --hub, which does that by itself"],
      [["--hub", "localhost:1", "--ping-every", "1"], "--ping-every: not with --hub, which does that by itself"],
      [["--hub", "localhost:1"], "ws://localhost:1/: nobody is listening there (ECONNREFUSED)"],
    ] as const) {
      const lines: string[] = [];
      const code = await runProgram(["connect", ...args], { environment: {}, complain: (line) => lines.push(line) });
      assert.deepEqual([code, lines], [2, [`hawser: ${line}`]]);
    }
  });

  test("a WebSocket server that is no hub, exit code 2", async (t) => {
    const ws = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => false });
    t.after(() => ws.close());
    await new Promise((done) => ws.once("listening", done));
    const url = `ws://127.0.0.1:${(ws.address() as AddressInfo).port}/`;
    assert.deepEqual(await runCli(hubArgs({ url })), {
      code: 2,
      stdout: "",
      stderr: `hawser: ${url}: a WebSocket server, but no hub: it does not speak hawser.v1\n`,
    });
  });

  test("a wrong token, and none, exit code 1", async (t) => {
    const { url } = await startHub(t);
    assert.deepEqual(await runCli(["connect", "--hub", url, "--token", "wrong"]), {
      code: 1,
      stdout: "",
      stderr: `hawser: ${url}: the server does not take the token\n`,
    });
    const { code, stderr } = await runCli(["connect", "--hub", url]);
    assert.equal(code, 1);
    assert.match(stderr, /: the server wants a token: --token, or HAWSER_CONNECT_TOKEN\n$/);
  });

  test("the variable with the token is no option of the server's", () => {
    assert.deepEqual(readEnvironment({ HAWSER_CONNECT_TOKEN: "x" }), []);
  });
});

describe(
  "on a terminal",
  { skip: !hasScript && "cannot be installed here: a terminal takes script of util-linux", concurrency: 2 },
  () => {
    async function open(t: TestContext, hub: TestHub, ...args: readonly string[]): Promise<Running> {
      const running = spawnCli(t, hubArgs(hub, ...args), { terminal: true, env });
      await running.sees(/connected to ws:\/\/127\.0\.0\.1:\d+\/ as ada in [\d.]+ ms; \/help lists the commands/);
      return running;
    }

    test("a conversation", async (t) => {
      const hub = await startHub(t);
      await hub.hub.publish("room", "before");
      const running = await open(t, hub);
      running.type("/sub room last 5\r");
      await running.sees("subscribed to room\r\n");
      await running.sees("room 1 (replayed) < before\r\n");
      running.type('{"a":[1]}\r');
      await running.sees('room 2 ada < {\r\n    "a": [\r\n      1\r\n    ]\r\n  }\r\n');
      running.type("/binary 00ff\r");
      await running.sees("room 3 ada < binary, 2 bytes\r\n  00000000  00 ff ");
      running.type("/call double 21\r");
      await running.sees(/double answered after [\d.]+ ms: 42\r\n/);
      running.type("/call buy\r");
      await running.sees("/call buy: out-of-stock: none \\u001b[2J left\r\n");
      running.type("/pub elsewhere 1\r");
      await running.sees("published in elsewhere at 1\r\n");
      running.type("/who watch\r");
      await running.sees("room: 1 here: ada\r\n");
      const bob = spawnCli(t, ["connect", "--hub", hub.url, "--token", "bob", "--sub", "room"]);
      await running.sees("room: bob came, 2 here\r\n");
      bob.signal("SIGINT");
      await running.sees("room: bob went, 1 here\r\n");
      running.type("/back 2\r");
      await running.sees("2 messages of room; /back shows those before\r\n");
      running.type("/back\r");
      await running.sees("1 message of room, and none before\r\n");
      running.type("/help\r");
      await running.sees("/sub TOPIC [last N]");
      // The tab completes commands and topics.
      for (const [begun, rest] of [
        ["/uns", "ub"],
        [" r", "oom"],
      ] as const) {
        const before = running.stdout().length;
        running.type(`${begun}\t`);
        await until(() => running.stdout().slice(before).includes(rest), rest);
      }
      running.type("\r");
      await running.sees("no longer subscribed to room\r\n");
      running.type("\u0004");
      const { code, stdout } = await running.finished;
      assert.equal(code, 0);
      assert.match(stdout, /closed\r\n$/);
      await until(() => hub.open() === 0, "the end of all connections");
    });

    test("cut, it says so, and resumes; a restart is a gap", async (t) => {
      const hub = await startHub(t);
      const running = await open(t, hub, "--sub", "room");
      await running.sees("subscribed to room at 0");
      await hub.cut("while away");
      await running.sees(/not connected: the connection was lost: .+; connecting again in \d\.\d s\r\n/);
      await running.sees("connected as ada\r\n");
      await running.sees("room 1 (replayed) < while away\r\n");
      await hub.stop();
      await running.sees(/not connected: the server is shutting down; connecting again in \d+\.\d s\r\n/);
      const again = await startHub(t, hub.port);
      await running.sees("room: messages are missing here: missed: what was missed is no longer there");
      await again.hub.publish("room", "new");
      await running.sees("room 1 < new\r\n");
      running.type("\u0003");
      assert.equal((await running.finished).code, 0);
    });

    test("what is typed is not torn by what comes, and cannot be faked by it", async (t) => {
      const hub = await startHub(t);
      const running = await open(t, hub, "--sub", "room");
      await running.sees("subscribed to room at 0");
      running.type("half a ");
      await running.sees("half a ");
      await hub.hub.publish("room", "\u001b[2Jinterruption\r> ", { by: "eve < hi" });
      await running.sees('room 1 "eve < hi" < \\u001b[2Jinterruption\\u000d> \r\n');
      await running.sees(/interruption[^\n]*\n[\s\S]*half a /);
      running.type("line\r");
      await running.sees("room 2 ada < half a line\r\n");
      await hub.hub.publish("room", "x".repeat(300_000));
      await running.sees("x … 300000 bytes in all\r\n");
      running.type("\u0003");
      assert.equal((await running.finished).code, 0);
    });

    test("a user who is put out", async (t) => {
      const hub = await startHub(t);
      const running = await open(t, hub, "--sub", "room");
      await running.sees("subscribed to room at 0");
      await hub.hub.revoke({ user: "ada" });
      await running.sees("not connected: the server does not want this user; connecting again in ");
      running.type("\u0003");
      await running.finished;
    });

    test("a wrong token is one line, and no prompt", async (t) => {
      const { url } = await startHub(t);
      const running = spawnCli(t, ["connect", "--hub", url, "--token", "wrong"], { terminal: true, env });
      const { code, stdout } = await running.finished;
      assert.deepEqual([code, stdout], [1, `hawser: ${url}: the server does not take the token\r\n`]);
    });
  },
);
