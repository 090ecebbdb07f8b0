// `hawser connect`, in a pipe and on a terminal, against the real server, `ws`, and what is no WebSocket server.

import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { after, before, describe, test, type TestContext } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { makeCertificate } from "../harness/certificate.js";
import { complaintOf } from "../harness/complaint.js";
import { runCli } from "../harness/run-cli.js";
import { cliPath, serve, type ServerProcess } from "../harness/server.js";
import { spawnCli } from "../harness/spawn-cli.js";

const state = mkdtempSync(join(tmpdir(), "hawser-connect-"));
after(() => rmSync(state, { recursive: true }));
const env = { XDG_STATE_HOME: state };

const hasScript = spawnSync("script", ["-qec", "true", "/dev/null"]).status === 0;

async function wsServer(t: TestContext, options: object = {}): Promise<{ url: string; server: WebSocketServer }> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", ...options });
  server.on("connection", (socket) => socket.on("error", () => {}));
  t.after(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  await new Promise((done) => server.once("listening", done));
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, server };
}

describe("in a pipe", { concurrency: 2 }, () => {
  let server: ServerProcess;
  before(async () => void (server = await serve(["--echo"])));
  after(() => server.stop());

  test("each line is a message, and each message a line", async (t) => {
    const running = spawnCli(t, ["connect", server.url, "--wait", "20s"]);
    running.type("hello\n/ping is text here\n");
    running.endInput();
    await running.sees("/ping is text here\n");
    running.signal("SIGINT");
    assert.deepEqual(await running.finished, { code: 0, stdout: "hello\n/ping is text here\n", stderr: "" });
  });

  test("a Unix socket is as good as a port", async (t) => {
    // As the server names itself, and as `ws` writes it.
    const path = join(state, "connect.sock");
    const listening = await serve(["--echo", "--socket", path]);
    t.after(() => listening.stop());
    for (const url of [listening.url, `ws+unix:${path}:/room`]) {
      const { code, stdout, stderr } = await runCli(["connect", url, "--execute", "hello", "--wait", "300ms"]);
      assert.deepEqual([code, stdout, stderr], [0, "hello\n", ""]);
    }
    assert.equal((await listening.waitForEvent("connect", (line) => line["path"] === "/room"))["address"], "unix");
    const missing = await runCli(["connect", `ws+unix:${path}.not:/`, "--execute", "x"]);
    assert.deepEqual([missing.code, missing.stdout], [2, ""]);
    assert.equal(missing.stderr, `hawser: ws+unix:${path}.not:/: there is no such file (ENOENT)\n`);
  });

  test("the end of the input ends it, after a while, with 1000", async (t) => {
    const { url, server: ws } = await wsServer(t);
    const closed = new Promise((done) =>
      ws.on("connection", (socket) => socket.on("close", (code) => done(code)).send("hi")),
    );
    const { code, stdout, stderr } = await runCli(["connect", url, "--wait", "300ms"]);
    assert.deepEqual([code, stdout, stderr, await closed], [0, "hi\n", "", 1000]);
  });

  test("--execute sends, prints what comes, and reads no input", async (t) => {
    const running = spawnCli(t, ["connect", server.url, "--execute", '{"a":1}', "--execute", "two", "--wait", "10s"]);
    running.type("not this\n");
    await running.sees("two\n");
    running.signal("SIGTERM");
    assert.deepEqual(await running.finished, { code: 0, stdout: '{"a":1}\ntwo\n', stderr: "" });
  });

  test("many lines, and none is lost", async (t) => {
    const lines = Array.from({ length: 20_000 }, (_, at) => `line ${at} ${"x".repeat(at % 200)}`);
    const running = spawnCli(t, ["connect", server.url, "--wait", "30s"]);
    running.type(`${lines.join("\n")}\n`);
    running.endInput();
    await running.sees(/line 19999 x+\n/);
    running.signal("SIGINT");
    const { code, stdout } = await running.finished;
    assert.equal(code, 0);
    assert.equal(stdout, `${lines.join("\n")}\n`);
  });

  test("a slow reader, and one that has seen enough", async () => {
    // More than a pipe holds; and time for the echo on a busy machine, since the wait counts from the end of the input.
    const [lines, program] = [20_000, `seq 1 20000 | "$0" "$1" connect "$2" --wait 15`];
    const run = async (reader: string): Promise<string> => {
      const args = ["-c", `${program} | ${reader}`, process.execPath, cliPath(), server.url];
      const { stdout, stderr } = await promisify(execFile)("sh", args);
      assert.equal(stderr, "");
      return stdout.trim();
    };
    assert.equal(await run("(sleep 2; wc -l)"), String(lines));
    assert.equal(await run("head -1"), "1");
  });

  test("binary is hexadecimal, and control sequences are escaped", async (t) => {
    const { url, server: ws } = await wsServer(t);
    ws.on("connection", (socket) => {
      socket.send(Buffer.from([0, 27, 255]));
      socket.send("\u001b[31mred\nsecond line");
      socket.send('{\n  "a": 1\n}');
      socket.close(1000);
    });
    assert.deepEqual(await runCli(["connect", url, "--wait", "20s"]), {
      code: 0,
      stdout: '001bff\n\\u001b[31mred\\u000asecond line\n{   "a": 1 }\n',
      stderr: "",
    });
  });

  test("subprotocols, headers, origin and compression are offered", async (t) => {
    const { url, server: ws } = await wsServer(t, { perMessageDeflate: { threshold: 0 } });
    const asked = new Promise<NodeJS.Dict<string | string[]>>((done) =>
      ws.on("connection", (socket, request) => {
        done(request.headers);
        socket.send("x".repeat(500));
        socket.close();
      }),
    );
    const flags = ["--subprotocol", "b", "--subprotocol", "a", "--header", "X-One: 1", "--header", "X-Two: 2"];
    const { stdout } = await runCli(["connect", url, ...flags, "--origin", "https://a.example", "--wait", "20s"]);
    assert.equal(stdout, `${"x".repeat(500)}\n`);
    const headers = await asked;
    assert.equal(headers["sec-websocket-protocol"], "b, a");
    assert.deepEqual([headers["x-one"], headers["x-two"], headers["origin"]], ["1", "2", "https://a.example"]);
    assert.match(String(headers["sec-websocket-extensions"]), /^permessage-deflate/);
  });

  test("a close that is no good end is said in words, with exit code 1", async (t) => {
    const { url, server: ws } = await wsServer(t);
    ws.on("connection", (socket) => socket.close(1008, "no such room"));
    assert.deepEqual(await runCli(["connect", url, "--wait", "20s"]), {
      code: 1,
      stdout: "",
      stderr: `hawser: ${url}: closed by the server: 1008 (policy violation) "no such room"\n`,
    });
  });

  test("a server that dies", async (t) => {
    const own = await serve(["--echo"]);
    t.after(() => own.stop());
    const running = spawnCli(t, ["connect", own.url]);
    await own.waitForEvent("connect");
    own.signal("SIGKILL");
    const { code, stderr } = await running.finished;
    assert.equal(code, 1);
    assert.match(stderr, /^hawser: ws:\/\/.*: the connection was lost: .+\n$/);
  });

  test("a certificate that nobody vouches for", async (t) => {
    const http = createHttpsServer(makeCertificate());
    const ws = new WebSocketServer({ server: http });
    ws.on("connection", (socket) => socket.on("message", (data) => socket.send(data, { binary: false })));
    await new Promise<void>((done) => http.listen(0, "127.0.0.1", done));
    t.after(() => {
      for (const client of ws.clients) client.terminate();
      http.close();
    });
    const url = `wss://localhost:${(http.address() as AddressInfo).port}/`;
    const refused = await runCli(["connect", url]);
    assert.deepEqual([refused.code, refused.stdout], [2, ""]);
    assert.match(refused.stderr, /^hawser: wss:.*: its certificate is self-signed \(DEPTH_ZERO_SELF_SIGNED_CERT\)\n$/);
    const args = ["connect", url, "--dangerously-accept-any-certificate", "--execute", "hi", "--wait", "10s"];
    const running = spawnCli(t, args);
    await running.sees("hi\n");
    running.signal("SIGINT");
    assert.equal((await running.finished).code, 0);
  });
});

describe("what cannot be done is one line, and exit code 2", { concurrency: 2 }, () => {
  const cases: [args: string, line: string | RegExp][] = [
    ["", "connect: takes the URL of a server, or --listen and a port"],
    ["localhost:1 --listen 9000", "connect: takes a URL or --listen, and not both"],
    ["localhost:1 --host ::1", "--host: is for --listen"],
    ["localhost:1 --bogus", "unknown option '--bogus'; hawser connect --help lists all"],
    ["localhost:1 --wait x", '--wait: got "x"; takes a duration such as 10, 10s, 500ms or 1m'],
    ["--listen 70000", '--listen: got "70000"; takes a whole number from 0 to 65535'],
    ["ftp://x", /^"ftp:\/\/x" is no address of a WebSocket server/],
    ["localhost:1", "ws://localhost:1/: nobody is listening there (ECONNREFUSED)"],
  ];
  for (const [args, line] of cases) {
    test(args === "" ? "no URL" : args, async () => {
      const { code, lines } = await complaintOf(["connect", ...args.split(" ").filter((word) => word !== "")]);
      assert.deepEqual([code, lines.length], [2, 1], lines.join("\n"));
      assert.match(lines[0]!, /^hawser: [^\n]+$/);
      const said = lines[0]!.slice("hawser: ".length);
      if (typeof line === "string") assert.equal(said, line);
      else assert.match(said, line);
    });
  }

  test("a web server", async (t) => {
    const http = createServer((_, response) => response.end("hello"));
    await new Promise<void>((done) => http.listen(0, "127.0.0.1", done));
    t.after(() => http.close());
    const { port } = http.address() as AddressInfo;
    assert.deepEqual(await runCli(["connect", `http://127.0.0.1:${port}/here`]), {
      code: 2,
      stdout: "",
      stderr: `hawser: ws://127.0.0.1:${port}/here: answered 200 OK: no WebSocket there\n`,
    });
  });
});

describe("--listen", { concurrency: 2 }, () => {
  test("clients come, are heard, are answered, and are closed at the end", async (t) => {
    const running = spawnCli(t, ["connect", "--listen", "0", "--subprotocol", "chat", "--execute", "welcome"]);
    await running.sees(/listening on ws:\/\/127\.0\.0\.1:\d+\/; lines go to every client\n/);
    const url = /listening on (ws:\S+);/.exec(running.stderr())?.[1] ?? "";
    const client = new WebSocket(`${url}room`, ["chat"]);
    const messages: string[] = [];
    client.on("message", (data: Buffer) => messages.push(data.toString()));
    const closed = new Promise((done) => client.on("close", (code) => done(code)));
    await new Promise((done) => client.once("open", done));
    assert.equal(client.protocol, "chat");
    client.send("to the person");
    client.send(Buffer.from([1, 2]));
    await running.sees("to the person\n0102\n");
    running.type("to the client\n");
    await new Promise<void>((done) => {
      const check = (): void => (messages.length === 2 ? done() : void setTimeout(check, 5));
      check();
    });
    assert.deepEqual(messages, ["welcome", "to the client"]);
    running.endInput();
    running.signal("SIGINT");
    assert.equal(await closed, 1001);
    const { code, stdout, stderr } = await running.finished;
    assert.deepEqual([code, stdout], [0, "to the person\n0102\n"]);
    assert.match(stderr, /^#1 connected from 127\.0\.0\.1: \/room, subprotocol chat$/m);
    assert.match(stderr, /^#1 closed by us with 1001 \(going away\)/m);
  });

  test("a port that is in use", async (t) => {
    const { url } = await wsServer(t);
    const { port } = new URL(url);
    assert.deepEqual(await runCli(["connect", "--listen", port]), {
      code: 1,
      stdout: "",
      stderr: `hawser: cannot listen on 127.0.0.1:${port}: the port is in use (EADDRINUSE)\n`,
    });
  });
});

describe(
  "on a terminal",
  { skip: !hasScript && "cannot be installed here: a terminal takes script of util-linux", concurrency: 2 },
  () => {
    test("a conversation, with JSON, a ping, a dump, and a history", async (t) => {
      const server = await serve(["--echo"]);
      t.after(() => server.stop());
      const state = mkdtempSync(join(tmpdir(), "hawser-connect-"));
      t.after(() => rmSync(state, { recursive: true }));
      const env = { XDG_STATE_HOME: state, NO_COLOR: "1" };
      const running = spawnCli(t, ["connect", server.url], { terminal: true, env });
      await running.sees(/connected to ws:\/\/127\.0\.0\.1:\d+\/ \(in [\d.]+ ms\); \/help lists the commands/);
      running.type("hello there\r");
      await running.sees("< hello there\r\n");
      running.type('{"a":[1]}\r');
      await running.sees('< {\r\n    "a": [\r\n      1\r\n    ]\r\n  }\r\n');
      running.type("/ping\r");
      await running.sees(/pong after [\d.]+ ms\r\n/);
      running.type("/binary 00ff\r");
      await running.sees("< binary, 2 bytes\r\n  00000000  00 ff ");
      running.type("/nothing\r");
      await running.sees("there is no command /nothing; /help lists them, and //nothing sends it as it is");
      running.type("/close 4000 done\r");
      const { code, stdout } = await running.finished;
      assert.equal(code, 0);
      assert.match(stdout, /closed: 4000 \(private to the application\)/);
      const line = await server.waitForEvent("disconnect");
      assert.deepEqual([line["code"], line["reason"], line["messagesIn"]], [4000, "done", 3]);
      const file = join(state, "hawser", "connect-history");
      assert.match(readFileSync(file, "utf8"), /^hello there\n\{"a":\[1\]\}\n\/ping\n/);
      assert.equal(statSync(file).mode & 0o777, 0o600);

      // Another time: the arrow up finds the line before.
      const again = spawnCli(t, ["connect", server.url], { terminal: true, env });
      await again.sees("/help lists the commands");
      again.type("\u001b[A\u001b[A\u001b[A\u001b[A\u001b[A\u001b[A\r");
      await again.sees("< hello there");
      again.type("\u0004");
      assert.equal((await again.finished).code, 0);
    });

    test("what is typed is not torn by what comes, and cannot be faked by it", async (t) => {
      const { url, server } = await wsServer(t);
      const socket = new Promise<WebSocket>((done) => server.on("connection", (one) => done(one)));
      const running = spawnCli(t, ["connect", url], { terminal: true, env: { ...env, NO_COLOR: "1" } });
      const peer = await socket;
      const heard = new Promise<string>((done) => peer.once("message", (data: Buffer) => done(data.toString())));
      await running.sees("/help lists the commands");
      running.type("half a ");
      await running.sees("half a ");
      peer.send("\u001b[2Jinterruption\r> ");
      await running.sees("< \\u001b[2Jinterruption\\u000d> \r\n");
      // The line that was begun is shown again below.
      await running.sees(/interruption[^\n]*\n[\s\S]*half a /);
      running.type("line\r");
      assert.equal(await heard, "half a line");
      peer.close(1008, "be\u001bgone");
      const { code, stdout } = await running.finished;
      assert.equal(code, 1);
      assert.match(stdout, /closed by the server: 1008 \(policy violation\) "be\\u001bgone"\r\n/);
    });

    test("Ctrl+C closes with 1000, and pings are sent every so often; no HOME is no fault", async (t) => {
      const { url, server } = await wsServer(t);
      const pinged = new Promise((done) => server.on("connection", (one) => one.once("ping", () => done(true))));
      const closed = new Promise((done) => server.on("connection", (one) => one.once("close", (code) => done(code))));
      const args = ["connect", url, "--ping-every", "50ms"];
      const running = spawnCli(t, args, { terminal: true, env: { XDG_STATE_HOME: "", HOME: "/nonexistent" } });
      await running.sees(/pong after [\d.]+ ms/);
      assert.equal(await pinged, true);
      running.type("\u0003");
      assert.deepEqual([(await running.finished).code, await closed], [0, 1000]);
    });

    test("--listen: clients have numbers", async (t) => {
      const running = spawnCli(t, ["connect", "--listen", "0"], { terminal: true, env: { ...env, NO_COLOR: "1" } });
      await running.sees(/listening on ws:\/\/127\.0\.0\.1:\d+\//);
      const client = new WebSocket(/listening on (ws:[^;]+);/.exec(running.stdout())?.[1] ?? "");
      const heard = new Promise<string>((done) => client.once("message", (data: Buffer) => done(data.toString())));
      await new Promise((done) => client.once("open", done));
      await running.sees("#1 connected from 127.0.0.1: /");
      client.send("hello");
      await running.sees("#1 < hello");
      running.type("you too\r");
      assert.equal(await heard, "you too");
      client.close(1000, "bye");
      await running.sees('#1 closed with 1000 (normal) "bye"');
      running.type("nobody?\r");
      await running.sees("there is no client to send it to");
      running.type("\u0004");
      assert.equal((await running.finished).code, 0);
    });
  },
);
