/** Where a server listens, and when it cannot. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import type { IncomingMessage } from "node:http";
import { Server as NetServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { type Client, createServer, type Server, type ServerOptions, UsageError } from "#hawser/index.js";
import { WebSocket } from "ws";
import { until } from "../harness/concurrency.js";
import { notOnWindows } from "../harness/platform.js";
import { certificates } from "../harness/certificates.js";
import { LogBook, plainHttpServer, PORTABLE, startRig } from "../harness/rig.js";
import { StepClock } from "../harness/step-clock.js";

describe("listen", () => {
  it("says that the server was closed, and not that it listens already", async () => {
    const server = createServer({ logger: new LogBook() });
    await server.listen(0);
    await assert.rejects(server.listen(0), new UsageError("listen: this server listens already"));
    const closed = server.close();
    await assert.rejects(server.listen(0), new UsageError("listen: this server has been closed"));
    await closed;
    await assert.rejects(server.listen(0), new UsageError("listen: this server has been closed"));
  });

  it("logs a fault of the listener, and goes on", async (test) => {
    const { server, log } = started(test);
    const listens = test.mock.method(NetServer.prototype, "listen");
    const { url } = await server.listen(0);
    const { this: http } = listens.mock.calls[0]!;
    const err = new Error("accept EMFILE");
    (http as NetServer).emit("error", err);
    assert.deepEqual(log.of("server-error"), [
      { event: "server-error", level: "error", text: "the listener failed", err },
    ]);
    await clientOf(server, url);
  });
});

/** A folder of its own: the paths of Unix sockets are short. */
function folderFor(test: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "hawser-"));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function started(test: TestContext, options: ServerOptions = {}): { server: Server; log: LogBook } {
  const log = new LogBook();
  const server = createServer({ logger: log, portableSockets: process.env[PORTABLE] === "1", ...options });
  test.after(() => server.close({ graceMs: 0 }));
  return { server, log };
}

/** The server's end of a client that came over the Unix socket. */
async function clientOf(server: Server, url: string, headers: Record<string, string> = {}): Promise<Client> {
  const socket = new WebSocket(url, { headers });
  await once(socket, "open");
  await until(() => server.clients.size > 0, "the client");
  return [...server.clients.values()].at(-1)!;
}

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

/** A socket whose server was killed. */
async function deadSocket(path: string): Promise<void> {
  const child = fork(
    `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.send("listens"))`,
  );
  await once(child, "message");
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.ok(statSync(path).isSocket());
}

function fork(script: string): ChildProcess {
  return spawn(process.execPath, ["-e", script], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
}

describe("a Unix socket", { skip: notOnWindows("Unix sockets") }, () => {
  it("is a place to listen, at a URL that the client of ws takes, for its owner and its group", async (test) => {
    const path = join(folderFor(test), "hawser.sock");
    const { server, log } = started(test, {
      path: "/chat",
      message: (client, message) => void client.send(message.text()),
    });
    const listening = await server.listen({ path });
    assert.deepEqual(listening, { url: `ws+unix://${path}:/chat`, host: "", port: 0 });
    const { url, host, port } = log.of("listening")[0]!;
    assert.deepEqual({ url, host, port }, listening);
    assert.equal(modeOf(path), 0o660);
    const socket = new WebSocket(listening.url);
    await once(socket, "open");
    socket.send("hello");
    assert.equal(String((await once(socket, "message"))[0]), "hello");
    const closed = once(socket, "close");
    const report = await server.close();
    assert.deepEqual([report.clean, (await closed)[0]], [1, 1001]);
    assert.ok(!existsSync(path), "the file goes with the server");
  });

  it("has the permissions that it is told, and TLS where that is set", async (test) => {
    const path = join(folderFor(test), "hawser.sock");
    const { server } = started(test, { tls: certificates.first });
    assert.equal((await server.listen({ path, mode: 0o606 })).url, `wss+unix://${path}:/`);
    assert.equal(modeOf(path), 0o606);
  });

  it("replaces one that a killed server left behind", async (test) => {
    const path = join(folderFor(test), "hawser.sock");
    await deadSocket(path);
    const { server } = started(test);
    await clientOf(server, (await server.listen({ path })).url);
    assert.deepEqual(readdirSync(dirname(path)), ["hawser.sock"]);
  });

  it("replaces no socket on which somebody answers, no file of another kind, and nothing that a link leads to", async (test) => {
    const folder = folderFor(test);
    const path = join(folder, "hawser.sock");
    const { server: first } = started(test);
    const { url } = await first.listen({ path });
    const file = join(folder, "notes.txt");
    writeFileSync(file, "mine");
    const dead = join(folder, "dead.sock");
    await deadSocket(dead);
    const toDead = join(folder, "link.sock");
    symlinkSync(dead, toDead);
    for (const taken of [path, file, folder, toDead]) {
      const { server } = started(test);
      await assert.rejects(server.listen({ path: taken }), { code: "EADDRINUSE" }, taken);
      assert.ok(!server.isReady);
    }
    await clientOf(first, url);
    assert.equal(readFileSync(file, "utf8"), "mine");
    assert.ok(existsSync(dead) && existsSync(toDead));
  });

  it("of several that find a dead one at once, one listens, and it stays reachable", async (test) => {
    const path = join(folderFor(test), "hawser.sock");
    for (let round = 0; round < 5; round++) {
      await deadSocket(path);
      const servers = Array.from({ length: 5 }, () => started(test).server);
      const outcomes = await Promise.allSettled(servers.map((server) => server.listen({ path })));
      const listening = servers.filter((_, index) => outcomes[index]!.status === "fulfilled");
      assert.equal(listening.length, 1, JSON.stringify(outcomes));
      await clientOf(listening[0]!, `ws+unix://${path}:/`);
      await listening[0]!.close({ graceMs: 0 });
    }
  });

  it("says what is wrong with where it is told to listen", async (test) => {
    const long = join(tmpdir(), "x".repeat(120));
    const wrong: [target: unknown, message: RegExp][] = [
      [{ path: "" }, /path takes the name of a file/],
      [{ path: 7 }, /path takes the name of a file/],
      [{ path: "/tmp/a\0b" }, /path takes the name of a file/],
      [{ path: long }, /is longer than the \d+ bytes/],
      [{ path: "/tmp/a.sock", mode: 0o1777 }, /mode takes permissions/],
      [{ path: "/tmp/a.sock", mode: "660" }, /mode takes permissions/],
      [{ fd: -1 }, /fd takes the number/],
      [{ fd: "3" }, /fd takes the number/],
      [{ port: 65_536 }, /port takes a whole number/],
      [{ port: "http" }, /port takes a whole number/],
      [{ port: null }, /port takes a whole number/],
      [{ port: "" }, /port takes a whole number/],
      [null, /port takes a whole number/],
      ["/run/hawser.sock", /port takes a whole number/],
      [{ host: "" }, /host takes a host name/],
      [{ socket: "/tmp/a.sock" }, /got "socket", takes port, host, reusePort; path, mode; or fd/],
    ];
    for (const [target, message] of wrong) {
      const { server } = started(test);
      await assert.rejects(server.listen(target as { port: number }), (error: Error) => {
        assert.ok(error instanceof UsageError, String(error));
        assert.match(error.message, message);
        return true;
      });
      await server.listen({ port: 0, host: "127.0.0.1" });
    }
    assert.ok(!existsSync("/tmp/a.sock"));
  });
});

describe(
  "the edges of what listen takes",
  { skip: process.platform !== "linux" && "cannot be installed here: Linux" },
  () => {
    const TO_THE_BYTE = 107;

    it("are a path of 107 bytes, with every permission, and a port that comes as text", async (test) => {
      const folder = folderFor(test);
      const path = join(folder, "x".repeat(TO_THE_BYTE - folder.length - 1));
      const { server } = started(test);
      await clientOf(server, (await server.listen({ path, mode: 0o777 })).url);
      assert.deepEqual(readdirSync(folder), [basename(path)], "the name was not cut");
      const { server: longer } = started(test);
      await assert.rejects(longer.listen({ path: `${path}x` }), /longer than the 107 bytes/);
      const text = (await started(test).server.listen("0" as unknown as number)).port;
      assert.ok(text > 0);
    });

    it("a server that is closed before its place is free says so", async (test) => {
      const path = join(folderFor(test), "hawser.sock");
      await deadSocket(path);
      const { server } = started(test);
      const listening = server.listen({ path });
      await Promise.all([
        assert.rejects(listening, new UsageError("listen: this server was closed meanwhile")),
        server.close({ graceMs: 0 }),
      ]);
      assert.ok(!server.isReady);
    });
  },
);

describe("whoever comes over a Unix socket", { skip: notOnWindows("Unix sockets") }, () => {
  it("has the address unix, and no header of theirs is believed", async (test) => {
    const { server } = started(test, { maxClientsPerAddress: 1, trustProxy: ["127.0.0.1"] });
    const { url } = await server.listen({ path: join(folderFor(test), "a.sock") });
    for (let i = 0; i < 3; i++) {
      const client = await clientOf(server, url, { "X-Forwarded-For": "203.0.113.7" });
      assert.equal(client.address, "unix", "and many of them are not one address");
    }
  });

  for (const trustProxy of ["unix", ["unix"]] as const) {
    it(`is a proxy with trustProxy ${JSON.stringify(trustProxy)}`, async (test) => {
      const { server } = started(test, { maxClientsPerAddress: 1, trustProxy });
      const { url } = await server.listen({ path: join(folderFor(test), "a.sock") });
      const from = (forwardedFor: string): Record<string, string> => ({ "X-Forwarded-For": forwardedFor });
      assert.equal((await clientOf(server, url, from("203.0.113.7"))).address, "203.0.113.7");
      assert.equal((await clientOf(server, url, from("1.1.1.1, 203.0.113.8"))).address, "203.0.113.8");
      assert.equal((await clientOf(server, url, from("unix"))).address, "unix");
      assert.equal((await clientOf(server, url)).address, "unix");
      const again = new WebSocket(url, { headers: from("203.0.113.7") });
      const [, response] = (await once(again, "unexpected-response")) as [unknown, IncomingMessage];
      assert.equal(response.statusCode, 429);
    });
  }

  it("trusts nobody over TCP for it", async (test) => {
    const rig = await startRig(test, { trustProxy: "unix" });
    const { client } = await rig.connect({ headers: { "X-Forwarded-For": "203.0.113.7" } });
    assert.equal(client.address, "127.0.0.1");
  });

  it("is led there by no browser: any host name is taken, or those that are listed", async (test) => {
    const page = { Host: "chat.example", Origin: "https://chat.example" };
    const { server } = started(test);
    await clientOf(server, (await server.listen({ path: join(folderFor(test), "a.sock") })).url, page);
    const { server: strict } = started(test, { allowedHosts: ["other.example"] });
    const { url } = await strict.listen({ path: join(folderFor(test), "b.sock") });
    const refused = new WebSocket(url, { headers: page });
    const [, response] = (await once(refused, "unexpected-response")) as [unknown, IncomingMessage];
    assert.equal(response.statusCode, 421);
  });

  it("is known as that when the HTTP server is somebody else's", async (test) => {
    const path = join(folderFor(test), "a.sock");
    const { server } = started(test, { trustProxy: "unix" });
    const http = plainHttpServer();
    test.after(() => http.close());
    server.attach(http);
    http.listen(path);
    await once(http, "listening");
    assert.equal((await clientOf(server, `ws+unix://${path}:/`)).address, "unix");
    const headers = { "X-Forwarded-For": "203.0.113.7" };
    assert.equal((await clientOf(server, `ws+unix://${path}:/`, headers)).address, "203.0.113.7");
  });
});

describe("a port", () => {
  it("that is in use rejects, and can be tried again", async (test) => {
    const taken = await startRig(test);
    const server = createServer({ clock: new StepClock(), logger: new LogBook() });
    await assert.rejects(server.listen(taken.port), { code: "EADDRINUSE" });
    assert.equal(server.isReady, false);
    const { port, url } = await server.listen(0);
    assert.equal(url, `ws://127.0.0.1:${port}/`);
    assert.ok(server.isReady);
    await assert.rejects(server.listen(0), UsageError);
    await server.close({ graceMs: 0 });
    assert.equal(server.isReady, false);
    await assert.rejects(server.listen(0), UsageError);
  });

  it("is given up by a close that comes before it has begun", async () => {
    const server = createServer({ clock: new StepClock(), logger: new LogBook() });
    const listening = server.listen(0);
    const closing = server.close();
    await assert.rejects(listening, UsageError);
    await closing;
    assert.equal(server.isReady, false);
  });
});
