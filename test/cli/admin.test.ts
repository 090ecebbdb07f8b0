// `hawser serve --admin-port`: the admin listener as the command runs it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, test } from "node:test";

import { commandLogEvents } from "#cli/log/events.js";
import { adminLogEvents } from "@hawser/admin";
import { logEvents } from "hawser";
import { ask } from "../admin/harness/rig.js";
import { until } from "../harness/concurrency.js";
import { RawClient } from "../harness/raw-client.js";
import { complaintOf } from "../harness/complaint.js";
import { runCli } from "../harness/run-cli.js";
import { cliPath, serve, type ServerProcess } from "../harness/server.js";

const TOKEN = "a-token-that-was-chosen";

async function adminOf(server: ServerProcess): Promise<{ port: number; token: unknown }> {
  const { port, token } = await server.waitForEvent("admin-listening");
  return { port: Number(port), token };
}

test("--admin-port 0: a free port on loopback, told in the log with the token", async (t) => {
  const server = await serve(["--admin-port", "0"]);
  t.after(() => server.stop());
  const line = await server.waitForEvent("admin-listening");
  assert.equal(line["url"], `http://127.0.0.1:${String(line["port"])}/`);
  assert.deepEqual([line.level, line["host"]], ["info", "127.0.0.1"]);
  assert.match(String(line["token"]), /^[\w-]{32}$/);
  const { port } = await adminOf(server);
  assert.equal((await ask(port, "/healthz", {})).status, 200);
  assert.equal((await ask(port, "/readyz", {})).status, 200);
  assert.match((await ask(port, "/metrics", {})).headers["content-type"] ?? "", /^text\/plain; /);
  const page = await ask(port, "/", {});
  assert.equal(page.headers["content-type"], "text/html; charset=utf-8");
  assert.ok(!page.body.includes(String(line["token"])));
  assert.deepEqual(server.strayLines, []);
});

test("without it there is none", async () => {
  const server = await serve([]);
  assert.equal((await server.stop()).code, 0);
  assert.deepEqual(
    server.lines.filter(({ event }) => event.startsWith("admin")),
    [],
  );
});

test("people get the address with the token in it", async () => {
  const busy = await occupied();
  // The command ends by itself, since its own port is taken; its admin listener has been there before.
  const { code, stderr, stdout } = await runCli([
    "serve",
    "--log-format",
    "pretty",
    "--admin-port",
    "0",
    "--port",
    String(busy.port),
  ]);
  busy.close();
  assert.equal(code, 1);
  assert.equal(stderr, `hawser: cannot listen on 127.0.0.1:${busy.port}: the port is in use (EADDRINUSE)\n`);
  assert.match(stdout, /admin-listening url=http:\/\/127\.0\.0\.1:\d+\/ .*token=[\w-]{32}/);
});

test("a pretty log ends its start with the dashboard's address", async (t) => {
  const args = ["serve", "--port", "0", "--admin-port", "0", "--log-format", "pretty"];
  const child = spawn(process.execPath, [cliPath(), ...args], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const lines: string[] = [];
  child.stdout.setEncoding("utf8").on("data", (text: string) => lines.push(text));
  await until(() => lines.join("").includes("The dashboard is on"), "the dashboard's address");
  assert.match(lines.join(""), /^The dashboard is on http:\/\/localhost:\d+\/#token=[\w-]{32}$/m);
});

test("a token that was given is taken, and is nowhere in the log", async (t) => {
  const server = await serve(["--admin-port", "0"], { env: { HAWSER_ADMIN_TOKEN: TOKEN } });
  t.after(() => server.stop());
  const { port, token } = await adminOf(server);
  assert.equal(token, undefined);
  assert.equal((await ask(port, "/metrics", {})).status, 401);
  assert.equal((await ask(port, "/metrics", { authorization: `Bearer ${TOKEN}` })).status, 200);
  await server.stop();
  assert.ok(!JSON.stringify(server.lines).includes(TOKEN));
});

test("--admin-allowed-host adds a name", async (t) => {
  const server = await serve(["--admin-port", "0", "--admin-allowed-host", "ops.example.com"]);
  t.after(() => server.stop());
  const { port } = await adminOf(server);
  assert.equal((await ask(port, "/healthz", { host: "ops.example.com" })).status, 200);
  assert.equal((await ask(port, "/healthz", { host: "other.example.com" })).status, 421);
});

test("a port in use: one line, exit code 1, and nothing listens", async () => {
  const busy = await occupied();
  const { code, stderr, stdout } = await runCli(["serve", "--port", "0", "--admin-port", String(busy.port)]);
  busy.close();
  assert.equal(code, 1);
  assert.equal(stderr, `hawser: cannot listen on 127.0.0.1:${busy.port}: the port is in use (EADDRINUSE)\n`);
  assert.equal(stdout, "");
});

test("it closes last: while clients are shown out, it says that no new ones are taken", async (t) => {
  const server = await serve(["--admin-port", "0", "--shutdown-grace-ms", "4000"]);
  t.after(() => server.stop());
  const { port } = await adminOf(server);
  // It does not answer the close frame, and so the shutdown waits for it.
  const client = await RawClient.open(server.url);
  t.after(() => client.destroy());
  server.signal("SIGTERM");
  await server.waitForEvent("shutdown-started");
  const draining = await ask(port, "/readyz", {});
  assert.deepEqual([draining.status, draining.body], [503, "not ready: no new clients are taken\n"]);
  assert.equal((await ask(port, "/healthz", {})).status, 200);
  client.destroy();
  assert.deepEqual(await server.exit, { code: 0, signal: null });
  await assert.rejects(ask(port, "/healthz", {}), /ECONNREFUSED/);
});

describe("--health-on-main-port", () => {
  test("the probes, and these alone, on the main port", async (t) => {
    const server = await serve(["--health-on-main-port"]);
    t.after(() => server.stop());
    for (const path of ["/healthz", "/readyz"]) {
      const { status, headers } = await ask(server.port, path, {});
      assert.deepEqual([status, headers["content-type"]], [200, "text/plain; charset=utf-8"]);
      // Balancers ask by address or under any name.
      assert.equal((await ask(server.port, path, { host: "any.example" })).status, 200);
      assert.equal((await ask(server.port, path, {}, "POST")).status, 405);
    }
    for (const path of ["/metrics", "/lobby", "/healthz/x"])
      assert.match((await ask(server.port, path, {})).body, /<html/);
    const client = await RawClient.open(`${server.url}healthz`);
    t.after(() => client.destroy());
    assert.equal((await server.waitForEvent("connect"))["path"], "/healthz", "WebSockets may have the path as a room");
  });

  test("without the page, everything else is told that this is a WebSocket server", async (t) => {
    const server = await serve(["--health-on-main-port", "--no-page"]);
    t.after(() => server.stop());
    assert.equal((await ask(server.port, "/readyz", {})).status, 200);
    const { status, headers, body } = await ask(server.port, "/", {});
    assert.deepEqual([status, headers.upgrade, body], [426, "websocket", "This is a WebSocket server.\n"]);
  });

  test("by default the main port has none", async (t) => {
    const server = await serve(["--no-page"]);
    t.after(() => server.stop());
    assert.equal((await ask(server.port, "/healthz", {})).status, 426);
  });
});

describe("wrong settings: one line, exit code 2", () => {
  const cases: [args: string[], env: Record<string, string>, line: RegExp][] = [
    [
      ["--admin-port", "65536"],
      {},
      /^adminPort: got "?65536"? from flag --admin-port; takes a whole number from 0 to 65535$/,
    ],
    [
      ["--admin-port", "9464", "--port", "9464"],
      {},
      /^adminPort: got 9464 from flag --admin-port; takes a port other than that of the clients$/,
    ],
    [
      ["--admin-host", "0.0.0.0"],
      {},
      /^adminHost: given by flag --admin-host without adminPort; there is no admin listener$/,
    ],
    [
      [],
      { HAWSER_ADMIN_TOKEN: TOKEN },
      /^adminToken: given by environment variable HAWSER_ADMIN_TOKEN without adminPort/,
    ],
    [["--admin-port", "0", "--admin-token", TOKEN], {}, /^unknown option '--admin-token'/],
    [
      ["--admin-port", "0", "--admin-allowed-host", "https://a.example"],
      {},
      /^adminAllowedHosts: got "https:\/\/a\.example"/,
    ],
  ];
  for (const [args, env, line] of cases) {
    test(args.join(" ") || "HAWSER_ADMIN_TOKEN alone", async () => {
      // Where a case is no error after all, the test must not begin to serve.
      const { code, lines } = await complaintOf(["serve", "--check-config", "--port", "0", ...args], env);
      assert.deepEqual([code, lines.length], [2, 1], lines.join("\n"));
      assert.match(lines[0]!, /^hawser: [^\n]*$/);
      assert.match(lines[0]!.slice("hawser: ".length), line);
    });
  }

  test("a token that is too short is not shown, and neither is one that fits", async () => {
    const wrong = await runCli(["serve", "--admin-port", "0"], { env: { HAWSER_ADMIN_TOKEN: "shortsecret" } });
    assert.equal(wrong.code, 2);
    assert.equal(
      wrong.stderr,
      "hawser: adminToken: wrong value from environment variable HAWSER_ADMIN_TOKEN; " +
        "takes 16 to 256 letters, digits and - . _ ~\n",
    );
    const right = await runCli(["serve", "--admin-port", "0", "--check-config"], {
      env: { HAWSER_ADMIN_TOKEN: TOKEN },
    });
    assert.equal(right.code, 0);
    assert.match(right.stdout, /adminToken +\(secret\) +environment variable HAWSER_ADMIN_TOKEN/);
  });
});

test("its events are nobody else's", () => {
  const others = [...Object.keys(logEvents), ...Object.keys(commandLogEvents)];
  assert.deepEqual(
    Object.keys(adminLogEvents).filter((event) => others.includes(event)),
    [],
  );
});

async function occupied(): Promise<{ port: number; close(): void }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as { port: number }).port, close: () => void server.close() };
}
