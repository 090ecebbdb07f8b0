/** `hawser serve` on a Unix socket: behind the proxies, and on one that systemd passes on. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after, describe, it, type TestContext } from "node:test";
import { WebSocket } from "ws";
import { until } from "../harness/concurrency.js";
import { freePort } from "../harness/free-port.js";
import { cliPath, type LogLine, serve } from "../harness/server.js";
import { caddy, haproxy, nginx } from "./proxies/kinds.js";
import { startProxy } from "./proxies/proxy.js";
import { need } from "./harness/system.js";

const folder = mkdtempSync(join(tmpdir(), "hawser-"));
// A proxy may run as another user.
chmodSync(folder, 0o755);
after(() => rmSync(folder, { recursive: true }));

/** All of 127.0.0.0/8 is this machine on Linux. */
const CLIENT = "127.0.0.2";

for (const kind of [nginx, haproxy, caddy]) {
  const program = await need(kind.program);
  const skip = process.platform === "linux" ? program.missing : "cannot be installed here: Linux's 127.0.0.2";
  describe(`behind ${kind.name} on a Unix socket`, { skip }, () => {
    it("a page of the public name connects and has its own address, if the socket's peers are trusted", async (test) => {
      for (const [name, trust, address] of [
        ["trusted", ["--trust-proxy", "unix"], CLIENT],
        ["not", [], "unix"],
      ] as const) {
        const path = join(folder, `${kind.program}-${name}.sock`);
        const server = await serve(["--echo", "--socket", path, "--socket-mode", "666", ...trust]);
        test.after(() => server.stop());
        assert.equal(server.url, `ws+unix://${path}:/`);
        assert.equal(statSync(path).mode & 0o777, 0o666);
        const proxy = await startProxy(kind, path);
        test.after(() => proxy.stop());
        const socket = new WebSocket(`wss://127.0.0.1:${proxy.port}/room`, {
          ca: proxy.ca,
          localAddress: CLIENT,
          origin: "https://chat.example.com",
          headers: { Host: "chat.example.com" },
        });
        await once(socket, "open");
        socket.send("hello");
        assert.equal(String((await once(socket, "message"))[0]), "hello");
        assert.equal((await server.waitForEvent("connect"))["address"], address);
        server.signal("SIGTERM");
        assert.equal((await once(socket, "close"))[0], 1001);
        assert.deepEqual(await server.exit, { code: 0, signal: null });
        assert.ok(!existsSync(path));
        assert.deepEqual(server.strayLines, []);
      }
    });
  });
}

const systemd = await need("systemd-analyze");

describe("a socket that systemd passes on", { skip: systemd.missing }, () => {
  const activate = join(dirname(systemd.path), "systemd-socket-activate");

  /** systemd starts the program when the first client comes. */
  async function activated(test: TestContext, listen: string[], args: string[]): Promise<ChildProcess> {
    const flags = listen.flatMap((place) => ["--listen", place]);
    const command = [...flags, process.execPath, cliPath(), "serve", "--echo", "--log-format", "json", ...args];
    const child = spawn(activate, command, { stdio: ["ignore", "pipe", "pipe"] });
    test.after(() => child.kill("SIGKILL"));
    child.stderr.setEncoding("utf8");
    let said = "";
    child.stderr.on("data", (text: string) => (said += text));
    await until(() => (said.match(/Listening on/g) ?? []).length === listen.length, "systemd to listen");
    return child;
  }

  const path = join(folder, "activated.sock");
  for (const isUnix of [true, false]) {
    it(`is listened on: ${isUnix ? "a Unix socket" : "TCP"}`, async (test) => {
      const port = await freePort();
      // Whatever else it was told.
      const child = await activated(
        test,
        [isUnix ? path : `127.0.0.1:${port}`],
        ["--port", "1", "--trust-proxy", "unix"],
      );
      const firstLine = once(createInterface({ input: child.stdout! }), "line");
      const socket = new WebSocket(isUnix ? `ws+unix://${path}:/` : `ws://127.0.0.1:${port}/`);
      await once(socket, "open");
      const { event, url } = JSON.parse(String((await firstLine)[0])) as LogLine;
      assert.equal(event, "listening");
      assert.equal(url, isUnix ? `ws+unix://${path}:/` : `ws://127.0.0.1:${port}/`);
      const closed = once(socket, "close");
      child.kill("SIGTERM");
      assert.equal((await closed)[0], 1001);
      assert.deepEqual(await once(child, "exit"), [0, null]);
      if (isUnix) assert.ok(existsSync(path), "it is systemd's");
    });
  }

  it("has to be one", async (test) => {
    const ports = [await freePort(), await freePort()];
    const child = await activated(
      test,
      ports.map((port) => `127.0.0.1:${port}`),
      [],
    );
    const exited = once(child, "exit");
    const socket = new WebSocket(`ws://127.0.0.1:${ports[0]}/`);
    socket.on("error", () => {});
    assert.deepEqual(await exited, [2, null]);
  });
});
