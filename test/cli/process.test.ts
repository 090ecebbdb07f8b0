// `hawser serve` as a process: signals, certificates, ports in use, and outputs that fail.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, describe, test, type TestContext } from "node:test";
import { connect as connectTls } from "node:tls";
import { pathToFileURL } from "node:url";

import { makeCertificate } from "../harness/certificate.js";
import { sleep, until } from "../harness/concurrency.js";
import { frame } from "../harness/frames.js";
import { RawClient } from "../harness/raw-client.js";
import { runCli } from "../harness/run-cli.js";
import { projectRoot } from "../harness/root.js";
import { cliPath, serve, type ServeOptions, type ServerProcess } from "../harness/server.js";

const folder = mkdtempSync(join(tmpdir(), "hawser-process-"));
after(() => rmSync(folder, { recursive: true }));

async function started(t: TestContext, args: string[], options?: ServeOptions): Promise<ServerProcess> {
  const server = await serve(args, options);
  t.after(() => server.stop());
  return server;
}

describe("a second signal", { concurrency: 2 }, () => {
  for (const [first, second, code] of [
    ["SIGINT", "SIGINT", 130],
    ["SIGTERM", "SIGTERM", 143],
    ["SIGTERM", "SIGINT", 130],
  ] as const) {
    test(`${second} after ${first} exits at once with ${code}`, async (t) => {
      const server = await started(t, ["--shutdown-grace-ms", "30000", "--close-timeout-ms", "30000"]);
      await RawClient.open(server.url, { keepHalfOpen: true }); // never answers the close frame
      server.signal(first);
      await server.waitForEvent("shutdown-started");
      await sleep(150);
      server.signal(second);
      // After the grace of 30 s it would be 0.
      assert.deepEqual(await server.exit, { code, signal: null });
    });
  }
});

test("the log says which signal it was", async (t) => {
  const server = await started(t, []);
  server.signal("SIGTERM");
  assert.equal((await server.waitForEvent("signal"))["signal"], "SIGTERM");
  await server.exit;
});

describe("SIGHUP", { concurrency: 2 }, () => {
  test("reads the certificate again; connections that are open stay", async (t) => {
    const [one, two] = [makeCertificate("one"), makeCertificate("two")];
    const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
    const put = (certificate: { cert: string; key: string }): void => {
      writeFileSync(cert, certificate.cert);
      writeFileSync(key, certificate.key);
    };
    put(one);
    const server = await started(t, ["--echo", "--tls-cert", cert, "--tls-key", key]);
    assert.match(server.url, /^wss:/);
    assert.equal(await nameOfPeer(server.port), "one");
    const client = await RawClient.open(server.url);

    put(two);
    server.signal("SIGHUP");
    await server.waitForEvent("tls-replaced");
    assert.equal(await nameOfPeer(server.port), "two");
    await client.echo("still here");

    // A mistake in the new files: one line, and the certificate in use stays.
    writeFileSync(key, one.key);
    server.signal("SIGHUP");
    const mismatch = await server.waitForEvent("tls-reload-failed");
    assert.equal(mismatch.level, "error");
    assert.match(String(mismatch["reason"]), /no certificate and key that belong together/);
    rmSync(key);
    server.signal("SIGHUP");
    const missing = await server.waitForEvent("tls-reload-failed", (line) => line !== mismatch);
    assert.match(String(missing["reason"]), /^tlsKey: cannot read .*: no such file \(ENOENT\)$/);
    assert.equal(await nameOfPeer(server.port), "two");
    await client.echo("and here");
    await client.close();
  });

  test("without a certificate it changes nothing", async (t) => {
    const server = await started(t, ["--echo"]);
    const client = await RawClient.open(server.url);
    server.signal("SIGHUP");
    assert.equal((await server.waitForEvent("reload-ignored")).level, "info");
    await client.echo("still here");
    await client.close();
  });
});

describe("an address that cannot be had: one line, exit code 1", { concurrency: 2 }, () => {
  const failure = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await runCli(["serve", ...args]);
    assert.deepEqual([code, stdout], [1, ""]);
    return stderr;
  };

  test("the port is in use", async (t) => {
    const { port } = await started(t, []);
    const line = `hawser: cannot listen on 127.0.0.1:${port}: the port is in use (EADDRINUSE)\n`;
    assert.equal(await failure("--port", String(port)), line);
  });

  test("the host is unknown, or not of this machine", async () => {
    const unknown = await failure("--port", "0", "--host", "no-such-host.invalid");
    assert.match(
      unknown,
      /^hawser: cannot listen on no-such-host\.invalid:0: the host name .* \((ENOTFOUND|EAI_AGAIN)\)\n$/,
    );
    // RFC 5737: an address for documents, which no machine has.
    const foreign = await failure("--port", "0", "--host", "192.0.2.1");
    assert.equal(
      foreign,
      "hawser: cannot listen on 192.0.2.1:0: this machine does not have the address (EADDRNOTAVAIL)\n",
    );
  });
});

describe("an output that fails does not take the server down", { concurrency: 2 }, () => {
  test("standard output is closed by its reader", async (t) => {
    const child = spawn(process.execPath, [cliPath(), "serve", "--echo", "--port", "0"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    t.after(() => child.kill("SIGKILL"));
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    const { url } = JSON.parse(line) as { url: string };
    child.stdout.destroy();
    for (let round = 0; round < 3; round++) {
      const client = await RawClient.open(url);
      await client.echo("hello");
      await client.close();
    }
    child.kill("SIGTERM");
    assert.equal(await new Promise((done) => child.once("exit", done)), 0);
  });

  test("a reader that stalls: lines are dropped and counted, nothing waits, and the process can end", async (t) => {
    // More than a pipe and the sink hold, with nobody reading until standard error says so.
    const program = `
      import { writeSync } from "node:fs";
      import { openLog } from ${JSON.stringify(pathToFileURL(join(projectRoot, "packages/cli/dist/log/log.js")).href)};
      const log = openLog("info", "json");
      for (let line = 0; line < 3000; line++) log.logger.info({ event: "line", line, padding: "x".repeat(1000) }, "");
      writeSync(2, "written\\n");
      let later = 0;
      setInterval(() => {
        if (process.argv[1] === "stall") process.exit();
        log.logger.info({ event: "later", count: ++later }, "");
      }, 50);
    `;
    const run = (mode: string): ReturnType<typeof spawn> => {
      const args = ["--input-type=module", "--eval", program, mode];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
      t.after(() => child.kill("SIGKILL"));
      return child;
    };

    const stalled = run("stall");
    assert.equal(await new Promise((done) => stalled.once("exit", done)), 0, "it ends though nobody reads");

    const child = run("go on");
    await new Promise((done) => child.stderr!.once("data", done));
    let text = "";
    child.stdout!.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    await until(() => text.includes('"log-dropped"') && /"later".*\n$/.test(text), "the log to go on");
    child.kill("SIGKILL");
    const lines = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { event: string; lines?: number; count?: number });
    const of = (name: string): typeof lines => lines.filter(({ event }) => event === name);
    const kept = of("line").length;
    const dropped = of("log-dropped").reduce((sum, line) => sum + line.lines!, 0);
    assert.ok(kept > 500 && kept < 2000, `${kept} lines were kept`);
    // Whoever reads late misses some of those that came later, too.
    assert.equal(kept + of("later").length + dropped, 3000 + of("later").at(-1)!.count!);
  });
});

test("a fault in the program: one fatal line, each client closed, exit code 1", async (t) => {
  // Whatever it is that throws, nobody catches it.
  const preload = `data:text/javascript,${encodeURIComponent("process.on('SIGUSR2', () => { throw new Error('a bug'); })")}`;
  const server = await started(t, [], { env: { NODE_OPTIONS: `--import=${preload}` } });
  const client = await RawClient.open(server.url);
  server.signal("SIGUSR2");
  assert.deepEqual(await client.nextEvent(), { type: "close", code: 1001, reason: "server shutting down" });
  await client.sendFrame(frame.close(1001));
  assert.deepEqual(await server.exit, { code: 1, signal: null });
  const fatal = server.lines.filter(({ level }) => level === "fatal");
  assert.equal(fatal.length, 1);
  assert.equal((fatal[0]!["err"] as { message: string }).message, "a bug");
  assert.deepEqual(server.strayLines, []);
});

const canBeProcessOne = spawnSync("unshare", ["--fork", "--pid", "--kill-child", "true"]).status === 0;

test(
  "as process 1, as in a container, it stops when told to",
  { skip: !canBeProcessOne && "cannot be installed here: a PID namespace takes root on Linux" },
  async (t) => {
    const command = ["--fork", "--pid", "--kill-child", process.execPath, cliPath(), "serve", "--port", "0"];
    const child = spawn("unshare", command, { stdio: ["ignore", "pipe", "inherit"] });
    t.after(() => child.kill("SIGKILL"));
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    await until(() => text.includes('"listening"'), "it to listen");
    const inside = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8");
    process.kill(Number(inside), "SIGTERM");
    assert.equal(await new Promise((done) => child.once("exit", done)), 0);
    assert.match(text, /"shutdown-finished"/);
  },
);

/** The common name of the certificate that the server shows. */
function nameOfPeer(port: number): Promise<string> {
  return new Promise((done, fail) => {
    const socket = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => {
      done(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.once("error", fail);
  });
}
