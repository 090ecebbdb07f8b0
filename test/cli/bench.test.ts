// `hawser bench` against the real server, against `ws`, and against what is no WebSocket server.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { type WebSocket, WebSocketServer } from "ws";
import type { Report } from "#cli/bench/report.js";
import { PATIENCE_MS, sleep } from "../harness/concurrency.js";
import { complaintOf } from "../harness/complaint.js";
import { type Finished, runCli } from "../harness/run-cli.js";
import { cliPath, type LogLine, serve, type ServerProcess } from "../harness/server.js";
import { spawnCli } from "../harness/spawn-cli.js";

const SHORT = ["--duration", "400ms", "--warm-up", "0"];

async function bench(url: string, ...args: string[]): Promise<{ report: Report; finished: Finished }> {
  const finished = await runCli(["bench", url, "--json", ...args]);
  assert.notEqual(finished.stdout, "", finished.stderr);
  return { report: JSON.parse(finished.stdout) as Report, finished };
}

async function started(t: TestContext, ...args: string[]): Promise<ServerProcess> {
  const server = await serve(args);
  t.after(() => server.stop());
  return server;
}

async function wsServer(
  t: TestContext,
  onClient: (socket: WebSocket, server: WebSocketServer) => void,
): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  server.on("connection", (socket) => {
    socket.on("error", () => {});
    onClient(socket, server);
  });
  t.after(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  await new Promise((done) => server.once("listening", done));
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** The server's own totals, when it has said of all clients that they are gone. */
async function totals(server: ServerProcess): Promise<{ messagesIn: number; messagesOut: number; lines: LogLine[] }> {
  await server.waitForEvent("disconnect", (line) => line["clients"] === 0);
  await server.stop();
  const lines = server.lines.filter(({ event }) => event === "disconnect");
  const sum = (field: string): number => lines.reduce((total, line) => total + Number(line[field]), 0);
  return { messagesIn: sum("messagesIn"), messagesOut: sum("messagesOut"), lines };
}

describe("echo", { concurrency: 2 }, () => {
  test("closed loop: what it counts is what the server has counted, and all is closed with 1000", async (t) => {
    const server = await started(t, "--echo");
    const { report, finished } = await bench(
      server.url,
      "--connections",
      "7",
      "--threads",
      "2",
      "--in-flight",
      "3",
      "--duration",
      "2s",
      "--warm-up",
      "0",
    );
    assert.deepEqual([finished.code, finished.stderr, report.problem], [0, "", null]);
    assert.deepEqual([report.opened, report.threads, report.closes, report.errors], [7, 2, [], []]);
    assert.ok(report.messages.received > 21, "more than one round");
    // A message counts as received when it comes, and for the latency by when it was sent.
    const measured = report.latencyMs?.count ?? 0;
    assert.ok(measured > 21 && measured <= report.total.received, `${measured} of ${report.total.received}`);
    assert.equal(report.messages.unanswered, 0);
    const { p50, p90, p99, p999, max, min } = report.latencyMs!;
    assert.ok(0 < min && min <= p50 && p50 <= p90 && p90 <= p99 && p99 <= p999 && p999 <= max);
    assert.equal(
      report.histogram.reduce((sum, { count }) => sum + count, 0),
      measured,
    );
    const { messagesIn, messagesOut, lines } = await totals(server);
    assert.deepEqual([messagesIn, messagesOut], [report.total.sent, report.total.received]);
    assert.equal(report.total.sent, report.total.received);
    // The connections, and the one that looked first whether there is a server.
    assert.equal(lines.length, 8);
    assert.ok(lines.every((line) => line["code"] === 1000 && line["cause"] === "normal"));
  });

  test("over a Unix socket", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "hawser-bench-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const server = await started(t, "--echo", "--socket", join(folder, "a.sock"));
    const args = ["--connections", "3", "--threads", "2", "--duration", "200ms", "--warm-up", "0"];
    const { report, finished } = await bench(server.url, ...args);
    assert.deepEqual([finished.code, finished.stderr, report.problem], [0, "", null]);
    assert.deepEqual([report.url, report.opened, report.errors], [server.url.replace("://", ":"), 3, []]);
    assert.equal(report.messages.unanswered, 0);
    assert.ok(report.messages.received > 0);
  });

  test("open loop: so many as were due, and no more", async (t) => {
    const server = await started(t, "--echo");
    const { report, finished } = await bench(
      server.url,
      "--rate",
      "200",
      "--connections",
      "5",
      "--duration",
      "1s",
      "--warm-up",
      "200ms",
    );
    assert.equal(finished.code, 0);
    assert.ok(Math.abs((report.latencyMs?.count ?? 0) - 200) <= 1, `${report.latencyMs?.count} of 200`);
    assert.equal(report.rate, 200);
    assert.equal(report.inFlight, null);
    const { messagesIn } = await totals(server);
    assert.equal(messagesIn, report.total.sent);
    assert.ok(report.total.sent >= 240, "the warm-up is in the total");
  });

  test("a server that stalls shows in the percentiles: no coordinated omission", async (t) => {
    let count = 0;
    const url = await wsServer(t, (socket) =>
      socket.on("message", (data, isBinary) => {
        // Nothing at all is answered for 700 ms.
        if (++count === 60) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700);
        socket.send(data, { binary: isBinary });
      }),
    );
    const { report } = await bench(url, "--rate", "200", "--connections", "4", "--duration", "2s", "--warm-up", "0");
    assert.ok(Math.abs(report.latencyMs!.count - 400) <= 1, "each message that was due is measured");
    // 140 of 400 messages were due in the stall. Counted from when they were sent, four would be slow: one of a hundred.
    assert.ok(report.latencyMs!.p90 > 250, `p90 ${report.latencyMs!.p90} ms`);
    assert.ok(report.latencyMs!.max > 650, `max ${report.latencyMs!.max} ms`);
    assert.ok(report.latencyMs!.min < 350, `min ${report.latencyMs!.min} ms`);
  });

  test("a generator that is held up itself counts from when messages were due, and says so", async (t) => {
    let onMessage = (): void => {};
    const begun = new Promise<void>((done) => (onMessage = done));
    const url = await wsServer(t, (socket) =>
      socket.on("message", (data: Buffer, isBinary) => {
        onMessage();
        socket.send(data, { binary: isBinary });
      }),
    );
    const args = ["--rate", "200", "--connections", "2", "--duration", "2s", "--warm-up", "0"];
    const running = spawnCli(t, ["bench", url, "--json", ...args]);
    await begun;
    running.signal("SIGSTOP");
    await sleep(700);
    running.signal("SIGCONT");
    const report = JSON.parse((await running.finished).stdout) as Report;
    assert.ok(report.latencyMs!.p90 > 250, `p90 ${report.latencyMs!.p90} ms`);
    assert.ok(report.generator.lagMs!.max > 400, `lag ${report.generator.lagMs!.max} ms`);
    assert.equal(report.generator.isLimit, true);
  });

  test("answers that never come are told, and counted with the time they waited", async (t) => {
    let count = 0;
    const url = await wsServer(t, (socket) =>
      socket.on("message", (data) => (++count % 2 === 0 ? socket.send(data, { binary: false }) : undefined)),
    );
    const { report } = await bench(url, "--rate", "50", "--connections", "2", "--duration", "600ms", "--warm-up", "0");
    assert.ok(report.messages.unanswered >= 14, `${report.messages.unanswered} of 15`);
    assert.ok((report.latencyMs?.p90 ?? 0) >= 1900, "they waited until the end, 2 s later");
    assert.ok((report.backlog ?? 0) >= 14, "they are in the backlog");
  });

  test("binary, of a size, and too short for a time of its own", async (t) => {
    let [binary, text, size] = [0, 0, 0];
    const url = await wsServer(t, (socket) =>
      socket.on("message", (data: Buffer, isBinary) => {
        if (isBinary) binary++;
        else text++;
        size = data.length;
        socket.send(data, { binary: isBinary });
      }),
    );
    const one = await bench(url, "--size", "1k", "--binary", "--connections", "1", ...SHORT);
    assert.deepEqual([text, size, one.report.messageBytes, one.report.messageType], [0, 1024, 1024, "binary"]);
    assert.equal(binary, one.report.total.sent);
    const other = await bench(url, "--size", "5", "--connections", "1", ...SHORT);
    assert.deepEqual([size, other.report.messageType], [5, "text"]);
    // One may be under way at the end.
    const { latencyMs, messages } = other.report;
    assert.ok(Math.abs((latencyMs?.count ?? 0) - messages.received) <= 1, `${latencyMs?.count} ${messages.received}`);
  });

  test("a server that does not echo", async (t) => {
    const url = await wsServer(t, () => {});
    const { report, finished } = await bench(url, "--connections", "1", ...SHORT);
    assert.equal(finished.code, 1);
    assert.match(finished.stderr, /^hawser: no message came back: is it an echo server\?.*\n$/);
    assert.equal(report.total.sent, 1);
  });
});

describe("fan-out", { concurrency: 2 }, () => {
  test("rooms of hawser serve: each listener gets each message", async (t) => {
    const server = await started(t);
    const { report, finished } = await bench(
      server.url,
      "--load",
      "fanout",
      "--connections",
      "9",
      "--threads",
      "2",
      ...SHORT,
    );
    assert.deepEqual([finished.code, finished.stderr], [0, ""]);
    assert.equal(report.total.missing, 0);
    assert.ok(report.total.sent > 1);
    assert.equal(report.total.received, report.total.sent * 8);
    assert.ok((report.latencyMs?.count ?? 0) > 8);
    const { messagesIn, messagesOut } = await totals(server);
    assert.deepEqual([messagesIn, messagesOut], [report.total.sent, report.total.received]);
  });

  test("at a rate, in several rooms", async (t) => {
    const server = await started(t);
    const { report } = await bench(
      `${server.url}chat`,
      "--load",
      "fanout",
      "--rooms",
      "3",
      "--connections",
      "12",
      "--rate",
      "60",
      "--duration",
      "1s",
      "--warm-up",
      "0",
    );
    assert.equal(report.total.missing, 0);
    assert.equal(report.total.received, report.total.sent * 3);
    // A busy machine may not get to the last of them in time, and each room may have one more; three rooms at that rate would be 180.
    assert.ok(report.total.sent > 30 && report.total.sent <= 63, `${report.total.sent} of 60`);
    await totals(server);
    const paths = server.lines.filter(({ event }) => event === "connect").map((line) => String(line["path"]));
    assert.deepEqual([...new Set(paths)].toSorted(), ["/chat", "/chat/1", "/chat/2", "/chat/3"]);
  });

  test("a server that wants a subscription and sends to all, the publisher too", async (t) => {
    const joined = new Set<WebSocket>();
    const url = await wsServer(t, (socket) => {
      socket.on("close", () => joined.delete(socket));
      socket.on("message", (data: Buffer, isBinary) => {
        if (data.toString() === "join") {
          joined.add(socket);
          socket.send("welcome");
        } else for (const one of joined) one.send(`{"said":${JSON.stringify(data.toString())}}`, { binary: isBinary });
      });
    });
    const { report, finished } = await bench(
      url,
      "--load",
      "fanout",
      "--connections",
      "4",
      "--subscribe",
      "join",
      ...SHORT,
    );
    assert.equal(finished.code, 0);
    assert.equal(report.total.missing, 0);
    const published = report.total.sent - 4;
    assert.ok(published > 1);
    assert.equal(report.total.received, published * 3);
    assert.equal(report.total.foreign, 4 + published, "the welcomes, and the publisher's own copies");
    assert.ok((report.latencyMs?.count ?? 0) > 0, "the time is found inside the JSON");
  });
});

test("storm: handshakes, each closed with 1000", async (t) => {
  const server = await started(t, "--echo");
  const { report, finished } = await bench(
    server.url,
    "--load",
    "storm",
    "--connections",
    "3",
    "--rate",
    "50",
    "--duration",
    "1s",
    "--warm-up",
    "0",
  );
  assert.deepEqual([finished.code, finished.stderr], [0, ""]);
  // A busy machine has not the time for all; those that were due count all the same.
  assert.ok(report.opened > 0 && report.opened <= 51, `${report.opened} of 50`);
  assert.ok(Math.abs((report.latencyMs?.count ?? 0) - 50) <= 1, `${report.latencyMs?.count} of 50`);
  const { lines } = await totals(server);
  assert.equal(lines.length, report.opened + 1);
  assert.ok(lines.every((line) => line["code"] === 1000));
});

describe("what goes wrong during the run is counted, and the report comes all the same", { concurrency: 2 }, () => {
  test("a server that closes the connections", async (t) => {
    let count = 0;
    const url = await wsServer(t, (socket) =>
      socket.on("message", (data) =>
        ++count > 20 ? socket.close(4005, "enough") : socket.send(data, { binary: false }),
      ),
    );
    const { report, finished } = await bench(url, "--connections", "3", "--duration", "20s", "--warm-up", "0");
    assert.equal(finished.code, 1);
    assert.equal(finished.stderr, "hawser: 3 connections ended during the run: 4005 enough\n");
    assert.deepEqual(report.closes, [{ code: 4005, reason: "enough", count: 3 }]);
    assert.ok(report.seconds < 15, "nothing is left to wait for");
  });

  test("a server that dies", async (t) => {
    const server = await started(t, "--echo");
    const running = spawnCli(t, ["bench", server.url, "--connections", "4", "--duration", "20s", "--warm-up", "0"]);
    let open = 0;
    // The fourth, besides the first look.
    await server.waitForEvent("connect", () => ++open === 5);
    server.signal("SIGKILL");
    const { code, stdout, stderr } = await running.finished;
    assert.equal(code, 1);
    assert.match(stderr, /^hawser: 4 connections ended during the run: 1006 .+\n$/);
    // One that had not been read from when the server died may be reset, and another ended.
    const [closes = ""] = /^closes .*$/m.exec(stdout) ?? [];
    const counts = [...closes.matchAll(/(\d+) × 1006 /g)].map(([, count]) => Number(count));
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      4,
      stdout,
    );
  });

  test("connections that are refused", async (t) => {
    const server = await started(t, "--echo", "--max-clients", "3");
    const { report, finished } = await bench(server.url, "--connections", "5", ...SHORT);
    assert.equal(finished.code, 1);
    assert.match(finished.stderr, /^hawser: 2 connections could not be opened: HTTP 503\n$/);
    assert.deepEqual([report.opened, report.errors], [3, [{ kind: "HTTP 503", count: 2 }]]);
    assert.ok(report.total.received > 0);
  });

  test("too many open files", async (t) => {
    const server = await started(t, "--echo");
    // Enough to load the program, which opens many of its files at once.
    const command = `ulimit -n 400; exec "$0" "$@"`;
    const args = [process.execPath, cliPath(), "bench", server.url, "--connections", "600", "--json", ...SHORT];
    const child = spawn("sh", ["-c", command, ...args], { stdio: ["ignore", "pipe", "pipe"], timeout: PATIENCE_MS });
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const)
      child[name].setEncoding("utf8").on("data", (text: string) => (output[name] += text));
    const code = await new Promise((done) => child.once("close", done));
    assert.equal(code, 1, output.stderr);
    assert.match(
      output.stderr,
      /^hawser: \d+ connections could not be opened: EMFILE, too many open files: see ulimit -n\n$/,
    );
    const report = JSON.parse(output.stdout) as Report;
    assert.equal(report.opened + (report.errors[0]?.count ?? 0), 600);
    assert.ok(report.total.received > 0);
  });

  test("Ctrl+C ends it early, with a report", async (t) => {
    const server = await started(t, "--echo");
    const running = spawnCli(t, [
      "bench",
      server.url,
      "--json",
      "--connections",
      "2",
      "--duration",
      "5m",
      "--warm-up",
      "0",
    ]);
    let open = 0;
    await server.waitForEvent("connect", () => ++open === 3);
    running.signal("SIGINT");
    const { code, stdout, stderr } = await running.finished;
    assert.deepEqual([code, stderr], [0, ""]);
    const report = JSON.parse(stdout) as Report;
    assert.equal(report.wasInterrupted, true);
    assert.ok(report.seconds < 300, "it would be five minutes");
  });
});

test("Ctrl+C before the server has answered", async (t) => {
  const silent = createTcpServer((socket) => void socket.on("error", () => {}).resume());
  await new Promise<void>((done) => silent.listen(0, "127.0.0.1", done));
  t.after(() => silent.close());
  const asked = once(silent, "connection");
  const { port } = silent.address() as AddressInfo;
  const running = spawnCli(t, ["bench", `127.0.0.1:${port}`]);
  const [socket] = (await asked) as [Socket];
  running.signal("SIGINT");
  assert.deepEqual(await running.finished, {
    code: 2,
    stdout: "",
    stderr: `hawser: ws://127.0.0.1:${port}/: interrupted before it had answered\n`,
  });
  socket.destroy();
});

test(
  "on a terminal its progress is shown, and then the report",
  {
    skip:
      spawnSync("script", ["-qec", "true", "/dev/null"]).status !== 0 &&
      "cannot be installed here: a terminal takes script of util-linux",
  },
  async (t) => {
    const server = await started(t, "--echo");
    const args = ["bench", server.url, "--connections", "2", "--duration", "3s", "--warm-up", "3s"];
    const { code, stdout } = await spawnCli(t, args, { terminal: true }).finished;
    assert.equal(code, 0, stdout);
    assert.match(stdout, /\r.\[Kwarming up \d\.\d of 3 s: /);
    assert.match(stdout, /\r.\[K\d\.\d of 3 s: [\d,]+ received\/s, 2 open\r/);
    const table = stdout.slice(stdout.lastIndexOf("\u001b[K") + 3);
    assert.match(
      table,
      /^target +ws:\/\/127\.0\.0\.1:\d+\/\r\nload +echo, 2 connections, 1 in flight each, 64 bytes of text\r\n/,
    );
    for (const row of [
      "time",
      "sent",
      "received",
      "latency",
      "distribution",
      "connections",
      "closes",
      "errors",
      "generator",
    ])
      assert.match(table, new RegExp(`^${row} +\\S`, "m"));
    assert.match(table, /^latency +p50 .+ p90 .+ p99 .+ p99\.9 .+ max .+$/m);
  },
);

describe("what cannot be done is one line, and exit code 2", { concurrency: 2 }, () => {
  const MS = "takes a duration such as 10, 10s, 500ms or 1m, 10ms or more";
  const cases: [args: string, line: RegExp][] = [
    ["", /^missing required argument 'url'; hawser bench --help lists all$/],
    ["localhost:1 localhost:2", /^too many arguments for 'bench'.*; hawser bench --help lists all$/],
    ["localhost:1 --bogus", /^unknown option '--bogus'; hawser bench --help lists all$/],
    ["localhost:1 --conections 5", /^unknown option '--conections' \(did you mean --connections\?\)$/],
    ["localhost:1 --duration 1x", new RegExp(`^--duration: got "1x"; ${MS}$`)],
    ["localhost:1 --duration 0", new RegExp(`^--duration: got "0"; ${MS}$`)],
    ["localhost:1 --connections 0", /^--connections: got "0"; takes a whole number from 1 to 100000$/],
    ["localhost:1 --rate -1", /^--rate: got "-1"; takes how many per second, up to 10000000$/],
    [
      "localhost:1 --size 1g",
      /^--size: got "1g"; takes a number of bytes such as 64, 1k, 64KiB or 1MiB, up to 16777216$/,
    ],
    ["localhost:1 --load flood", /^--load: got "flood"; takes echo, fanout or storm$/],
    ["localhost:1 --header x", /^--header: got "x"; takes "Name: value", and none that is part of the handshake/],
    ["localhost:1 --subprotocol a,b", /^--subprotocol: got "a,b"; takes a name without blanks or commas$/],
    ["localhost:1 --rate 5 --in-flight 2", /'--in-flight <n>' cannot be used with option '--rate <n>'/],
    ["localhost:1 --load fanout --connections 1", /^--connections: got 1; takes 2 or more for each room of a fan-out/],
    ["localhost:1 --rooms 2", /^--rooms: is for --load fanout$/],
    ["ftp://localhost/", /^"ftp:\/\/localhost\/" is no address of a WebSocket server/],
    ["ws://192.0.2.1/", /^192\.0\.2\.1 is not this machine: --i-own-this-server says/],
    ["localhost:1", /^ws:\/\/localhost:1\/: nobody is listening there \(ECONNREFUSED\)$/],
  ];
  for (const [args, line] of cases) {
    test(args === "" ? "no URL" : args, async () => {
      const { code, lines } = await complaintOf(["bench", ...args.split(" ").filter((word) => word !== "")]);
      assert.deepEqual([code, lines.length], [2, 1], lines.join("\n"));
      assert.match(lines[0]!, /^hawser: [^\n]+$/);
      assert.match(lines[0]!.slice("hawser: ".length), line);
    });
  }

  test("a web server", async (t) => {
    const http = createServer((_, response) => response.writeHead(404).end());
    await new Promise<void>((done) => http.listen(0, "127.0.0.1", done));
    t.after(() => http.close());
    const { port } = http.address() as AddressInfo;
    assert.deepEqual(await runCli(["bench", `http://127.0.0.1:${port}/here`]), {
      code: 2,
      stdout: "",
      stderr: `hawser: ws://127.0.0.1:${port}/here: answered 404 Not Found: no WebSocket there\n`,
    });
  });
});
