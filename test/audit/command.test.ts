// `hawser audit` as a command: its report in each form, its exit codes, and what it refuses.

import assert from "node:assert/strict";
import { createServer as createHttpServer } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Server } from "node:net";
import { once } from "node:events";
import { describe, test, type TestContext } from "node:test";

import { practices } from "#cli/audit/index.js";
import { acceptValue } from "hawser/protocol";
import { complaintOf } from "../harness/complaint.js";
import { freePort } from "../harness/free-port.js";
import { runCli } from "../harness/run-cli.js";
import { serve } from "../harness/server.js";
import {
  auditJson,
  PATIENT,
  describeReport,
  faultCommand,
  named,
  namedButNoise,
  startFault,
} from "./harness/auditing.js";

/** Deadlines of Hawser's that an audit of some seconds sees pass. */
const SHORT = [
  "--pong-wait-ms",
  "2500",
  "--write-wait-ms",
  "2500",
  "--headers-timeout-ms",
  "2500",
  "--request-timeout-ms",
  "2500",
];

async function listening(t: TestContext, server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("hawser serve passes", { concurrency: 3 }, () => {
  for (const mode of [[], ["--echo"]]) {
    test(`from outside, ${mode[0] ?? "rooms"}`, async (t) => {
      const server = await serve([...SHORT, ...mode]);
      t.after(() => server.stop());
      const { report, code } = await auditJson(server.url, ...PATIENT);
      assert.deepEqual([...named(report, "fail"), ...namedButNoise(report, "warn")], [], describeReport(report));
      // What is seen from inside alone; what tiny messages cost, too, unless their sender is stopped.
      assert.deepEqual(
        namedButNoise(report, "not testable").filter((name) => name !== "tiny-messages"),
        ["log-ids", "stall", "shutdown", "log-structure", "log-events", "log-levels", "log-per-message"],
        describeReport(report),
      );
      const measured = (name: string): NonNullable<(typeof report.results)[number]["measured"]> =>
        report.results.find((result) => result.name === name)?.measured ?? {};
      assert.equal(measured("message-size")["limitBytes"], 512 * 1024);
      assert.equal(measured("message-size")["isExact"], true);
      const { droppedAfterMs } = measured("silent-client");
      assert.ok(Number(droppedAfterMs) > 2400, `dropped after ${droppedAfterMs} ms`);
      const { periodMs } = measured("heartbeat");
      assert.ok(Number(periodMs) > 1500, `a ping every ${periodMs} ms`);
      assert.equal(code, 0);
    });
  }

  test("with compression, over a port that --exec listens on", async () => {
    const port = await freePort();
    const words = [
      process.execPath,
      "packages/cli/bin/hawser.js",
      "serve",
      "--port",
      String(port),
      "--echo",
      "--compression",
      ...SHORT,
    ];
    const { report, code } = await auditJson(`localhost:${port}`, ...PATIENT, "--exec", words.join(" "));
    assert.deepEqual(named(report, "fail"), [], describeReport(report));
    for (const verdict of ["warn", "not testable"])
      assert.deepEqual(namedButNoise(report, verdict), [], describeReport(report));
    assert.equal(report.results.find(({ name }) => name === "compression-bomb")?.measured?.["closeCode"], 1009);
    assert.equal(code, 0);
  });
});

describe("--quick says what it could not wait for", { concurrency: 2 }, () => {
  test("one with deadlines of a minute", async (t) => {
    const server = await serve([]);
    t.after(() => server.stop());
    const { report, code } = await auditJson(server.url, "--quick");
    assert.deepEqual(named(report, "fail"), [], describeReport(report));
    // A busy machine may not get so far in the time.
    assert.match(
      report.results.find(({ name }) => name === "silent-client")?.seen ?? "",
      /^(still connected after .*: run without --quick|not known within the time of --quick: run without it)$/,
    );
    assert.equal(code, 0);
  });

  test("one that sends pings, and waits for no answer", async (t) => {
    const { report } = await auditJson(await startFault(t, "never-drops"), "--quick");
    // Or a busy machine has not got so far in the time.
    const isKnown = !named(report, "not testable").includes("silent-client");
    assert.deepEqual(named(report, "fail"), isKnown ? ["silent-client"] : [], describeReport(report));
  });
});

describe("what cannot be audited", { concurrency: 4 }, () => {
  const refused = async (args: readonly string[], line: RegExp): Promise<void> => {
    const { code, lines } = await complaintOf(["audit", ...args]);
    assert.equal(code, 2);
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(`${lines[0]}\n`, line);
    assert.doesNotMatch(lines[0]!, /\n/);
  };

  test("a Unix socket", () =>
    refused(
      ["ws+unix:/run/a.sock:/"],
      /^hawser: ws\+unix:\/run\/a\.sock:\/: an audit needs addresses and ports: .*\n$/,
    ));

  test("nothing listens", async () => {
    const line = /^hawser: ws:\/\/127\.0\.0\.1:\d+\/ cannot be reached \(ECONNREFUSED\)\n$/;
    await refused([`127.0.0.1:${await freePort()}`], line);
    // As a process: nothing on standard output.
    const { code, stdout, stderr } = await runCli(["audit", `127.0.0.1:${await freePort()}`]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, line);
  });

  test("a web server", async (t) => {
    const server = createHttpServer((_, response) => response.end("hello"));
    await refused(
      [await listening(t, server)],
      /^hawser: ws:.* answered the handshake with 200: no WebSocket server, /,
    );
  });

  test("a server of another protocol", async (t) => {
    const server = createTcpServer((socket) => socket.on("error", () => {}).end("220 mail.example ESMTP\r\n"));
    await refused(
      [await listening(t, server)],
      /^hawser: ws:.* is no WebSocket server: it answered .* something else than HTTP\n$/,
    );
  });

  test("a Socket.IO server by its bare address: where it answers", async (t) => {
    // As Engine.IO does: what is not at its path is ended after a second, without an answer.
    const server = createHttpServer().on("upgrade", (request, socket) => {
      socket.on("error", () => {});
      if (!request.url?.startsWith("/socket.io/?")) return void setTimeout(() => socket.end(), 100);
      const accept = acceptValue(String(request.headers["sec-websocket-key"]));
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
    });
    t.after(() => server.closeAllConnections());
    const target = await listening(t, server);
    const hint = /; Socket\.IO answers at ws:\/\/127\.0\.0\.1:\d+\/socket\.io\/\?EIO=4&transport=websocket\n$/;
    for (const path of ["", "/", "/chat?room=1", "/socket.io/"]) await refused([`${target}${path}`], hint);
    // Whoever writes a password into the address does not find it in the log of a CI run.
    const { stderr } = await runCli(["audit", `ws://me:secret@${target}/`]);
    assert.match(stderr, hint);
    assert.doesNotMatch(stderr, /secret/);
  });

  test("a server that says nothing", async (t) => {
    const server = createTcpServer((socket) => socket.on("error", () => {}).resume());
    await refused(
      [await listening(t, server), "--quick"],
      /^hawser: ws:.* is no WebSocket server: it did not answer .* in time\n$/,
    );
  });

  test("one that wants credentials, until they are given", async (t) => {
    const server = createHttpServer().on("upgrade", (request, socket) => {
      const status = request.headers.authorization === "Bearer x" ? "404 Not Found" : "401 Unauthorized";
      socket.on("error", () => {}).end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`);
    });
    const target = await listening(t, server);
    await refused([target], /refused the handshake with 401: --header "Name: value" gives credentials/);
    await refused([target, "--header", "Authorization: Bearer x"], /answered the handshake with 404/);
  });

  test("a server that is not on this machine", async () => {
    await refused(["ws://192.0.2.1/"], /^hawser: 192\.0\.2\.1 is not this machine: --i-own-this-server says/);
  });

  test("wrong usage", async () => {
    await refused([], /missing required argument 'url'; hawser audit --help lists all/);
    await refused(["mailto:x"], /"mailto:x" is no address of a WebSocket server/);
    await refused(["localhost:1", "localhost:2"], /^hawser: audit: got "localhost:2" after the URL; takes one URL\n$/);
    await refused(["localhost:1", "--fast"], /^hawser: unknown option '--fast'; hawser audit --help lists all\n$/);
    await refused(
      ["localhost:1", "--wait-ms", "1m"],
      /^hawser: audit: got "1m" from flag --wait-ms; takes a whole number/,
    );
    await refused(
      ["localhost:1", "--header", "x"],
      /^hawser: audit: got "x" from flag --header; takes "Name: value"\n$/,
    );
    await refused(["localhost:1", "--json", "--junit"], /--json and --junit are two forms of one report/);
    await refused(["localhost:1", "--quick", "--wait-ms", "5000"], /--quick sets the waits/);
    await refused(["localhost:1", "--exec", " "], /flag --exec is empty/);
  });

  test("a command that does not start a server", async () => {
    const port = await freePort();
    await refused(
      [`localhost:${port}`, "--exec", `echo no such thing >&2; exit 3`],
      /^hawser: --exec: the command ended before it listened on localhost:\d+ \(exit code 3; no such thing\)\n$/,
    );
    // What comes behind the exit is read as well.
    await refused(
      [`localhost:${port}`, "--exec", `(sleep 0.5; echo too late >&2) & exit 4`],
      /^hawser: --exec: .* \(exit code 4; too late\)\n$/,
    );
  });

  test("a port that is in use already, with --exec", async (t) => {
    const target = await listening(
      t,
      createTcpServer((socket) => socket.on("error", () => {}).destroy()),
    );
    await refused([target, "--exec", "true"], /is in use already: --exec starts the server itself\n$/);
  });
});

describe("the report", { concurrency: 3 }, () => {
  test("as a table: each practice, what was seen, and advice with a link where something failed", async (t) => {
    const { code, stdout, stderr } = await runCli([
      "audit",
      await startFault(t, "any-origin"),
      ...PATIENT,
      "--verbose",
    ]);
    assert.equal(code, 1);
    for (const [number, { name }] of Object.entries(practices))
      assert.match(stdout, new RegExp(`^ ?${number}\\. ${name.replace("/", "\\/")} +(pass|fail|not testable)$`, "m"));
    assert.match(stdout, /^ {4}fail +pages of other sites may not connect: Origin https:\/\/attacker\.example/m);
    assert.match(stdout, /→ compare Origin .*\n?.*\(docs\/options\.md#upgrade\)/);
    assert.equal(stdout.split('the server has to be started here: --exec "COMMAND"').length - 1, 1);
    assert.match(stdout, /^\d+ passed, 1 failed, \d+ warned, \d+ not testable$/m);
    assert.ok(!stdout.includes("\u001b"), "no colours");
    assert.deepEqual(
      stdout.split("\n").filter((line) => line.length > 100),
      [],
    );
    // What it is about to do.
    assert.match(stderr, /^oversized headers are refused: sends handshakes with headers of 8 KiB to 1 MiB$/m);
  });

  test("as JUnit XML", async (t) => {
    const { code, stdout, stderr } = await runCli(["audit", await startFault(t, "bad-utf8"), ...PATIENT, "--junit"]);
    assert.deepEqual([code, stderr], [1, ""]);
    assert.match(
      stdout,
      /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<testsuites name="hawser audit ws:\/\/127\.0\.0\.1:\d+\/" tests="34" failures="1" errors="0" skipped="\d+"/,
    );
    assert.equal(stdout.match(/<testsuite /g)?.length, 10);
    assert.equal(stdout.match(/<testcase /g)?.length, stdout.match(/<\/testcase>/g)?.length);
    assert.match(
      stdout,
      /<failure message="3 of 16 taken: text that is not UTF-8 \(8\.1\), .*" type="protocol-violations">close with 1002/,
    );
  });

  test("a server that dies is the verdict of that step, and with --exec the others still run", async () => {
    const port = await freePort();
    const { report, code } = await auditJson(
      `127.0.0.1:${port}`,
      "--wait-ms",
      "9000",
      "--exec",
      faultCommand(port, "crashes"),
    );
    const of = (name: string): string => {
      const result = report.results.find((one) => one.name === name);
      return `${result?.verdict}: ${result?.seen}`;
    };
    assert.match(of("protocol-violations"), /^fail: the server did not live through it: .*exit code 1; .*Error: /);
    assert.match(of("origin"), /^pass/);
    assert.match(of("ping-flood"), /^(pass|warn|not testable: .* this machine was too busy to tell)/);
    assert.match(of("shutdown"), /^pass/);
    assert.equal(code, 1);
  });
});
