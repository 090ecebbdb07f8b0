/** Where hawser/ws is not as `ws` is: each row of the table in docs/migrating-from-ws.md, and the option that gives back what `ws` does. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createTcpServer, type AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import * as hawser from "#hawser/ws/index.js";
import { WebSocket, WebSocketServer } from "#hawser/ws/index.js";
import * as ws from "ws";
import { until } from "../harness/concurrency.js";
import { frame, PING } from "../harness/frames.js";
import { RawClient } from "../harness/raw-client.js";
import { listenOn, LogBook, stepUntil } from "../harness/rig.js";
import { projectRoot } from "../harness/root.js";
import { StepClock } from "../harness/step-clock.js";
import { closed, libraries, type Pair, record, SlowBlob, startPair } from "./pair.js";

type Options = NonNullable<Parameters<typeof startPair>[3]>;

const lib = libraries["hawser/ws"];
const library = pathToFileURL(join(projectRoot, "packages/hawser/dist/ws/index.js")).href;

async function serve(test: TestContext, options: Options = {}): Promise<Pair & { clock: StepClock; log: LogBook }> {
  const clock = new StepClock();
  const log = new LogBook();
  const pair = await startPair(test, lib, lib, { clock, logger: log, ...options });
  return { ...pair, clock, log };
}

/** A raw client and the server's end of it. */
async function open(
  test: TestContext,
  pair: Pair,
): Promise<{ peer: RawClient; socket: Pair["accepted"][0]["socket"] }> {
  const before = pair.accepted.length;
  const peer = await RawClient.open(pair.url);
  test.after(() => peer.destroy());
  await until(() => pair.accepted.length > before, "the server's end");
  return { peer, socket: pair.accepted[before]!.socket };
}

/** By the first cell of their rows. */
const rows: Record<
  string,
  { default: (test: TestContext) => Promise<void>; restored?: (test: TestContext) => Promise<void> }
> = {
  "pages of other origins": {
    async default(test) {
      const { url } = await serve(test);
      const peer = await RawClient.connect(url, { origin: "https://evil.example" });
      test.after(() => peer.destroy());
      assert.equal((await peer.handshake()).status, 403);
    },
    async restored(test) {
      const { url } = await serve(test, { dangerouslyAllowAnyOrigin: "a test" });
      (await RawClient.open(url, { origin: "https://evil.example" })).destroy();
    },
  },
  "clients that are silent": {
    async default(test) {
      const pair = await serve(test);
      const { peer, socket } = await open(test, pair);
      await stepUntil(pair.clock, () => socket.readyState === socket.CLOSED, "the end of a silent client", 5_000);
      assert.ok(peer.frames().some(({ opcode }) => opcode === PING));
    },
    async restored(test) {
      const pair = await serve(test, { pongWaitMs: Infinity });
      const { peer, socket } = await open(test, pair);
      pair.clock.advance(600_000);
      await pair.connect();
      assert.equal(socket.readyState, socket.OPEN);
      assert.equal(peer.frames().length, 0);
    },
  },
  "long messages": {
    async default(test) {
      const pair = await serve(test);
      const { client, socket } = await pair.connect();
      const errors: Error[] = [];
      socket.on("error", (error) => errors.push(error));
      client.send(Buffer.alloc(512 * 1024 + 1));
      await closed(client, socket);
      assert.equal((errors[0] as NodeJS.ErrnoException).code, "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH");
    },
    async restored(test) {
      const pair = await serve(test, { maxPayload: 100 * 1024 * 1024 });
      const { client, socket } = await pair.connect();
      client.send(Buffer.alloc(2 * 1024 * 1024));
      const [data] = (await once(socket, "message")) as [Buffer];
      assert.equal(data.length, 2 * 1024 * 1024);
      const unlimited = await serve(test, { maxPayload: 0, perMessageDeflate: true });
      const ends = await unlimited.connect({ maxPayload: 0, perMessageDeflate: true });
      ends.client.send(Buffer.alloc(2 * 1024 * 1024));
      await once(ends.socket, "message");
    },
  },
  "messages that take long": {
    async default(test) {
      const pair = await serve(test);
      const { peer, socket } = await open(test, pair);
      await peer.sendBytes(Buffer.from([0x81, 0xfe]));
      await until(() => pair.clock.timers > 0, "the wheel");
      await stepUntil(
        pair.clock,
        () => socket.readyState !== socket.OPEN,
        "the end of a message that takes long",
        5_000,
      );
    },
    async restored(test) {
      const pair = await serve(test, { messageTimeoutMs: Infinity, pongWaitMs: Infinity });
      const { peer, socket } = await open(test, pair);
      await peer.sendBytes(Buffer.from([0x81, 0xfe]));
      await pair.connect();
      pair.clock.advance(600_000);
      await pair.connect();
      assert.equal(socket.readyState, socket.OPEN);
    },
  },
  "clients that do not read what they are sent": {
    async default(test) {
      const pair = await serve(test);
      const { peer, socket } = await open(test, pair);
      peer.socket.pause();
      let outcome: Error | undefined;
      for (let i = 0; i < 64; i++) socket.send(Buffer.alloc(1024 * 1024), (error) => (outcome = error ?? outcome));
      assert.notEqual(socket.readyState, socket.OPEN);
      await until(() => outcome !== undefined, "what the callback is told");
      socket.terminate();
    },
    async restored(test) {
      const pair = await serve(test, { maxBacklogBytes: Infinity });
      const { peer, socket } = await open(test, pair);
      peer.socket.pause();
      const messages: unknown[] = [];
      socket.on("message", (data) => messages.push(data));
      for (let i = 0; i < 64; i++) socket.send(Buffer.alloc(1024 * 1024));
      assert.equal(socket.readyState, socket.OPEN);
      assert.ok(socket.bufferedAmount > 32 * 1024 * 1024);
      // It is read all the same.
      await peer.sendFrame(frame.text("still there"));
      await until(() => messages.length === 1, "its message");
      socket.terminate();
    },
  },
  "clients that take nothing for long": {
    async default(test) {
      const pair = await serve(test);
      const { peer, socket } = await open(test, pair);
      peer.socket.pause();
      for (let i = 0; i < 12; i++) socket.send(Buffer.alloc(1024 * 1024));
      await until(() => socket.bufferedAmount > 0, "what waits");
      await stepUntil(pair.clock, () => socket.readyState === socket.CLOSED, "the write timeout", 1_000);
      assert.equal(pair.log.of("disconnect")[0]!["cause"], "write-timeout");
    },
    async restored(test) {
      const pair = await serve(test, { writeWaitMs: Infinity, pongWaitMs: Infinity });
      const { peer, socket } = await open(test, pair);
      peer.socket.pause();
      for (let i = 0; i < 12; i++) socket.send(Buffer.alloc(1024 * 1024));
      await pair.connect();
      pair.clock.advance(600_000);
      await pair.connect();
      assert.equal(socket.readyState, socket.OPEN);
      socket.terminate();
    },
  },
  "floods of pings": {
    async default(test) {
      const pair = await serve(test);
      const { peer, socket } = await open(test, pair);
      for (let i = 0; i < 1001; i++) void peer.sendFrame(frame.ping(""));
      await until(() => socket.readyState !== socket.OPEN, "the end of a flood");
    },
    async restored(test) {
      const pair = await serve(test, { maxControlFramesPerSecond: Infinity });
      const { peer, socket } = await open(test, pair);
      let pings = 0;
      socket.on("ping", () => pings++);
      for (let i = 0; i < 1500; i++) void peer.sendFrame(frame.ping(""));
      await until(() => pings === 1500, "all pings");
      assert.equal(socket.readyState, socket.OPEN);
    },
  },
  "a `verifyClient` that does not answer": {
    async default(test) {
      const pair = await serve(test, { verifyClient: (_info: unknown, _done: unknown) => {} });
      const peer = await RawClient.connect(pair.url);
      test.after(() => peer.destroy());
      const response = peer.handshake();
      await until(() => pair.clock.timers > 0, "its deadline");
      await stepUntil(pair.clock, () => peer.socket.readableEnded || peer.socket.destroyed, "the refusal", 1_000);
      assert.equal((await response).status, 503);
    },
    async restored(test) {
      let decide = (_isVerified: boolean): void => {};
      const pair = await serve(test, {
        handshakeTimeoutMs: Infinity,
        verifyClient: (_info: unknown, done: (isVerified: boolean) => void) => void (decide = done),
      });
      const client = pair.dial({ handshakeTimeout: 0 });
      const initial = decide;
      await until(() => decide !== initial, "the question");
      pair.clock.advance(600_000);
      decide(true);
      await once(client, "open");
    },
  },
  "servers that do not answer the client half": {
    async default() {
      const waiting = new WebSocket("ws://127.0.0.1:1");
      waiting.on("error", () => {});
      assert.equal((waiting._req as { timeout?: number } | null)?.timeout, 10_000);
      await closed(waiting as never);
    },
    async restored(test) {
      const silent = createTcpServer().listen(0, "127.0.0.1");
      await once(silent, "listening");
      test.after(() => silent.close());
      const { port } = silent.address() as AddressInfo;
      const impatient = new WebSocket(`ws://127.0.0.1:${port}`, { handshakeTimeout: 10 });
      const [error] = (await once(impatient, "error")) as [Error];
      assert.equal(error.message, "Opening handshake has timed out");
      const patient = new WebSocket(`ws://127.0.0.1:${port}`, { handshakeTimeout: 0 });
      patient.on("error", () => {});
      await once(silent, "connection");
      patient.terminate();
      await closed(patient as never);
    },
  },
  "more clients than there is room for": {
    async default(test) {
      const { url } = await serve(test, { maxClients: 1 });
      const first = await RawClient.open(url);
      const second = await RawClient.connect(url);
      test.after(() => [first, second].map((peer) => peer.destroy()));
      assert.equal((await second.handshake()).status, 503);
    },
    async restored(test) {
      const options = { maxClients: Infinity, maxHandshakesPerSecond: Infinity, maxPendingHandshakes: Infinity };
      const { url } = await serve(test, options);
      (await RawClient.open(url)).destroy();
    },
  },
  "an `error` that nobody listens to": {
    async default(test) {
      const pair = await serve(test);
      const { peer, socket } = await open(test, pair);
      await peer.sendBytes(Buffer.from([0x85, 0x80, 0, 0, 0, 0]));
      await closed(socket);
      const warned = once(process, "warning");
      const lonely = new WebSocket("ws://127.0.0.1:1");
      await closed(lonely as never);
      const [warning] = (await warned) as [Error];
      assert.match(warning.message, /ECONNREFUSED/);
    },
    async restored(test) {
      const pair = await serve(test, { throwUnhandled: true });
      const { peer, socket } = await open(test, pair);
      const thrown = nextThrown(test);
      await peer.sendBytes(Buffer.from([0x85, 0x80, 0, 0, 0, 0]));
      assert.equal((await thrown).code, "WS_ERR_INVALID_OPCODE");
      await closed(socket);
      const second = nextThrown(test);
      const lonely = new WebSocket("ws://127.0.0.1:1", { throwUnhandled: true });
      assert.equal((await second).code, "ECONNREFUSED");
      await closed(lonely as never);
    },
  },
  "a listener that throws": {
    async default(test) {
      const pair = await serve(test);
      const { client, socket } = await pair.connect();
      socket.on("message", () => {
        throw new Error("a fault of the application");
      });
      client.send("x");
      const [code] = (await once(client, "close")) as [number];
      assert.equal(code, 1011);
      assert.equal(pair.log.of("handler-error").length, 1);
    },
    async restored(test) {
      const pair = await serve(test, { throwUnhandled: true });
      const { client, socket } = await pair.connect();
      socket.on("message", () => {
        throw new Error("a fault of the application");
      });
      const thrown = nextThrown(test);
      client.send("x");
      assert.equal((await thrown).message, "a fault of the application");
      assert.equal(socket.readyState, socket.OPEN);
    },
  },
  "compression's window": {
    async default(test) {
      const pair = await serve(test, { perMessageDeflate: true });
      const dialled = pair.dial({ perMessageDeflate: true });
      const [response] = (await once(dialled, "upgrade")) as [{ headers: Record<string, string> }];
      assert.equal(
        response.headers["sec-websocket-extensions"],
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
      );
    },
    async restored(test) {
      const kept = { serverNoContextTakeover: false, clientNoContextTakeover: false };
      const pair = await serve(test, { perMessageDeflate: kept });
      const dialled = pair.dial({ perMessageDeflate: true });
      const [response] = (await once(dialled, "upgrade")) as [{ headers: Record<string, string> }];
      assert.equal(response.headers["sec-websocket-extensions"], "permessage-deflate");
    },
  },
  compressing: {
    async default(test) {
      const pair = await serve(test, { perMessageDeflate: { threshold: 0 } });
      const { client, socket } = await pair.connect({ perMessageDeflate: { threshold: 0 } });
      const outcome = new Promise((done) => client.send("foo", done));
      assert.equal(client.bufferedAmount, 0);
      const received = once(socket, "message");
      client.terminate();
      assert.equal(await outcome, null);
      assert.equal(String((await received)[0]), "foo");
      await closed(client, socket);
    },
  },
  "a blob that cannot be read": {
    async default(test) {
      const pair = await serve(test);
      const { client, socket } = await pair.connect();
      const told: string[] = [];
      client.on("error", ({ message }) => told.push(`error ${message}`));
      const blob = new SlowBlob(["1234"]);
      client.send(blob, (error) => told.push(`callback ${error?.message}`));
      blob.settle(new Error("a failure"));
      const [code] = (await once(socket, "close")) as [number];
      assert.deepEqual([code, ...told], [1011, "callback a failure", "error a failure"]);
    },
  },
  "what is sent in one turn of the event loop": {
    async default(test) {
      const pair = await serve(test);
      const { client, socket } = await pair.connect();
      const { _socket: below } = client as unknown as { _socket: Socket };
      const before = below.bytesWritten;
      client.send("foo");
      assert.deepEqual([below.bytesWritten, client.bufferedAmount], [before, 0]);
      const [data] = (await once(socket, "message")) as [Buffer];
      assert.equal(data.toString(), "foo");
      assert.ok(below.bytesWritten > before);
    },
  },
  "a connection that closes while it is paused": {
    async default(test) {
      const pair = await serve(test);
      const { client, socket } = await pair.connect();
      const lines = record(socket);
      socket.pause();
      client.send("unheard");
      socket.close();
      await stepUntil(pair.clock, () => socket.readyState === socket.CLOSED, "the end of a paused client", 5_000);
      assert.deepEqual(lines, ["close 1006  3"]);
    },
  },
  "`ws._socket` with `port`": {
    async default(test) {
      const pair = await serve(test);
      const { client, socket } = await pair.connect();
      const { request } = pair.accepted[0]!;
      const { _socket: below } = socket as unknown as { _socket: Socket };
      assert.ok(below instanceof Socket);
      assert.equal(below, request.socket);
      assert.equal(below.remoteAddress, "127.0.0.1");
      assert.ok(below.bytesWritten > 0);
      below.write("not a frame");
      socket.send("a frame");
      const [data] = (await once(client, "message")) as [Buffer];
      assert.equal(data.toString(), "a frame");
      below.destroy();
      await closed(client, socket);
    },
    async restored(test) {
      const pair = await serve(test, { portableSockets: true });
      const { client, socket } = await pair.connect();
      const { _socket: below } = socket as unknown as { _socket: Socket };
      assert.equal(below.constructor, Socket);
      below.write(Buffer.from("\x81\x03raw", "latin1"));
      const [data] = (await once(client, "message")) as [Buffer];
      assert.equal(data.toString(), "raw");
    },
  },
  "the log": {
    async default(test) {
      const { url, log } = await serve(test);
      const peer = await RawClient.connect(url, { origin: "https://evil.example" });
      test.after(() => peer.destroy());
      await peer.handshake();
      assert.equal(log.of("refused").length, 1);
      const { stdout, stderr } = await refuseInProcess("{}");
      assert.equal(stdout, "");
      assert.deepEqual((JSON.parse(stderr) as { event: string }).event, "refused");
    },
    async restored() {
      assert.deepEqual(await refuseInProcess('{ logLevel: "silent" }'), { stdout: "", stderr: "" });
    },
  },
  "`close` of a server with `port`": {
    async default(test) {
      for (const portableSockets of [false, true]) {
        const pair = await serve(test, { portableSockets });
        const { client, socket } = await pair.connect();
        const came: string[] = [];
        socket.on("close", () => came.push("client"));
        pair.wss.on("close", () => came.push(`server ${pair.wss.clients.size}`));
        const over = new Promise((done) => pair.wss.close(done));
        client.close();
        await over;
        assert.deepEqual(came, ["client", "server 0"]);
      }
    },
  },
  "several servers on one HTTP server": {
    async default(test) {
      const http = createHttpServer();
      const servers = ["/a", "/b"].map((path) => new WebSocketServer({ server: http, path, logger: new LogBook() }));
      const port = await listenOn(http);
      test.after(() => {
        for (const one of servers) one.close();
        http.closeAllConnections();
        http.close();
      });
      const came: string[] = [];
      servers.forEach((one, i) => one.on("connection", () => came.push("ab"[i]!)));
      for (const path of ["/b", "/a"]) {
        const peer = await RawClient.open(`ws://127.0.0.1:${port}${path}`);
        test.after(() => peer.destroy());
      }
      assert.deepEqual(came, ["b", "a"]);
    },
  },
  "a path that no server takes": {
    async default(test) {
      const pair = await serve(test, { path: "/here" });
      const peer = await RawClient.connect(pair.url);
      test.after(() => peer.destroy());
      const { status, body } = await peer.handshake();
      assert.deepEqual([status, body], [400, "Bad Request"]);
    },
  },
  "a request to upgrade to something else": {
    async default(test) {
      const pair = await serve(test);
      const peer = await RawClient.connect(pair.url);
      test.after(() => peer.destroy());
      const headers = { Upgrade: "h2c", "Sec-WebSocket-Key": null, "Sec-WebSocket-Version": null };
      assert.equal((await peer.handshake({ headers })).status, 426);
    },
  },
  "an empty element in a list of subprotocols": {
    async default(test) {
      const pair = await serve(test);
      for (const [offer, chosen] of [
        ["", undefined],
        ["a, ,b", ["a"]],
      ] as const) {
        const peer = await RawClient.connect(pair.url);
        test.after(() => peer.destroy());
        const { status, headers } = await peer.handshake({ headers: { "Sec-WebSocket-Protocol": offer } });
        assert.deepEqual([status, headers.get("sec-websocket-protocol")], [101, chosen]);
      }
    },
  },
  "version 8 of the protocol": {
    async default(test) {
      const pair = await serve(test);
      const peer = await RawClient.connect(pair.url);
      test.after(() => peer.destroy());
      const { status, headers } = await peer.handshake({ headers: { "Sec-WebSocket-Version": "8" } });
      assert.deepEqual([status, headers.get("sec-websocket-version")], [400, ["13"]]);
      assert.throws(() => new WebSocket(pair.url, { protocolVersion: 8 }), RangeError);
    },
  },
  "handshakes that break HTTP otherwise": {
    async default(test) {
      const pair = await serve(test);
      const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
      const lines = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", key];
      for (const [first, ...more] of [
        ["GET / HTTP/1.0", "Host: a.example"],
        ["GET / HTTP/1.1", "Host: a.example", "Content-Length: 1"],
        ["GET / HTTP/1.1", "Host:"],
      ]) {
        const peer = await RawClient.connect(pair.url);
        test.after(() => peer.destroy());
        await peer.sendBytes([first, ...more, ...lines, "", "x"].join("\r\n"));
        assert.equal((await peer.nextResponse())!.status, 400, first);
      }
    },
  },
  "frames that break the rules otherwise": {
    async default(test) {
      const pair = await serve(test, { perMessageDeflate: true, maxPayload: 0 });
      const mask = [0, 0, 0, 0];
      for (const [bytes, code, message] of [
        [[0x82, 0xfe, 0, 1, ...mask, 0], 1002, /takes too many bytes$/],
        [[0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, ...mask], 1002, /payload length > 2\^53 - 1$/],
        [[0xc1, 0x80, ...mask], 1007, /^invalid compressed data$/],
      ] as [number[], number, RegExp][]) {
        const before = pair.accepted.length;
        const peer = await RawClient.open(pair.url, { offer: "permessage-deflate" });
        test.after(() => peer.destroy());
        await until(() => pair.accepted.length > before, "the server's end");
        const failed = once(pair.accepted[before]!.socket, "error");
        await peer.sendBytes(Buffer.from(bytes));
        assert.match(((await failed) as [Error])[0].message, message);
        await peer.ended();
        assert.equal(peer.frames().at(-1)!.payload.readUInt16BE(), code);
      }
      const { peer, socket } = await open(test, await serve(test));
      const failed = once(socket, "error");
      await peer.sendBytes(Buffer.from([0x82, 0xff, 0x00, 0x20, 0, 0, 0, 0, 0, 0, ...mask]));
      assert.equal(((await failed) as [NodeJS.ErrnoException])[0].code, "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH");
    },
  },
  "the answer that refuses": {
    async default(test) {
      const pair = await serve(test, { path: "/here" });
      const peer = await RawClient.connect(pair.url);
      test.after(() => peer.destroy());
      const { headers } = await peer.handshake();
      assert.deepEqual(headers.get("content-type"), ["text/plain; charset=utf-8"]);
    },
  },
  "an offer of compression that cannot be": {
    async default(test) {
      const pair = await serve(test, { perMessageDeflate: true });
      const peer = await RawClient.connect(pair.url);
      test.after(() => peer.destroy());
      const offer = "permessage-deflate; server_max_window_bits=foo";
      const { status, headers } = await peer.handshake({ offer });
      assert.deepEqual([status, headers.get("sec-websocket-extensions")], [101, undefined]);
      const small = await serve(test, { perMessageDeflate: { clientMaxWindowBits: 10 } });
      const other = await RawClient.connect(small.url);
      test.after(() => other.destroy());
      const { headers: its } = await other.handshake({ offer: "permessage-deflate" });
      assert.match(its.get("sec-websocket-extensions")![0]!, /^permessage-deflate(?!.*client_max_window_bits)/);
    },
  },
  "`binaryType` `fragments`": {
    async default(test) {
      const pair = await serve(test);
      const { client, socket } = await pair.connect();
      socket.binaryType = "fragments";
      client.send(Buffer.from("one"), { fin: false });
      client.send(Buffer.from("two"));
      const [data] = (await once(socket, "message")) as [Buffer[]];
      assert.deepEqual(data, [Buffer.from("onetwo")]);
    },
  },
  "`skipUTF8Validation`": {
    async default(test) {
      const pair = await serve(test, { skipUTF8Validation: true });
      const { peer, socket } = await open(test, pair);
      const errors: NodeJS.ErrnoException[] = [];
      socket.on("error", (error) => errors.push(error));
      await peer.sendFrame(frame.text(Buffer.from([0xff])));
      await closed(socket);
      assert.equal(errors[0]!.code, "WS_ERR_INVALID_UTF8");
    },
  },
  "`Receiver`, `Sender`, `PerMessageDeflate`": {
    async default() {
      const missing = Object.keys(ws).filter((name) => !(name in hawser));
      assert.deepEqual(missing.toSorted(), ["PerMessageDeflate", "Receiver"]);
      assert.deepEqual(Object.keys(hawser.Sender), ["frame"]);
    },
  },
};

describe("hawser/ws is not as ws", () => {
  for (const [name, row] of Object.entries(rows)) {
    it(`in ${name}`, row.default);
    if (row.restored !== undefined) it(`in ${name}, but for the option`, row.restored);
  }

  it("in nothing else than the table says", () => {
    const page = readFileSync(join(projectRoot, "docs/migrating-from-ws.md"), "utf8");
    const [, table = ""] = page.split("## The quick way")[1]!.split("| What");
    const lines = table.split("\n\n", 1)[0]!.split("\n").slice(2);
    const cells = lines.map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()));
    assert.deepEqual(
      cells.map(([, what]) => what),
      Object.keys(rows),
    );
    for (const [, what, , , option] of cells) {
      assert.equal(option !== "", rows[what!]!.restored !== undefined, `the option in the row ${what}`);
    }
  });
});

/** What a process prints that refuses a page. @param options source text */
async function refuseInProcess(options: string): Promise<{ stdout: string; stderr: string }> {
  const program = `
    import { WebSocket, WebSocketServer } from ${JSON.stringify(library)};
    const wss = new WebSocketServer({ port: 0, host: "127.0.0.1", ...${options} });
    wss.on("listening", () => {
      const page = new WebSocket("ws://127.0.0.1:" + wss.address().port, { origin: "https://evil.example" });
      page.on("error", ({ message }) => (message.endsWith("403") ? wss.close() : console.log(message)));
    });`;
  return promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program]);
}

/** What is thrown outside of any call, which would end the process. */
function nextThrown(test: TestContext): Promise<NodeJS.ErrnoException> {
  return new Promise((done) => {
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    const restore = (): void => {
      process.removeAllListeners("uncaughtException");
      for (const listener of listeners) process.on("uncaughtException", listener);
    };
    process.once("uncaughtException", (error) => {
      restore();
      done(error);
    });
    test.after(restore);
  });
}
