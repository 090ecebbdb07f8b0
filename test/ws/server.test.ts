/** The server half of hawser/ws: where handshakes come from, what the application may say to them, and what is done for many at once. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { WebSocket, WebSocketServer } from "#hawser/ws/index.js";
import { certificates } from "../harness/certificates.js";
import { until } from "../harness/concurrency.js";
import { frame } from "../harness/frames.js";
import { RawClient } from "../harness/raw-client.js";
import { listenOn, LogBook, turns } from "../harness/rig.js";
import { closed, libraries, startPair } from "./pair.js";

const lib = libraries["hawser/ws"];

describe("a server of hawser/ws", () => {
  it("takes one of port, server and noServer", () => {
    const http = createHttpServer();
    for (const options of [
      {},
      { port: 0, noServer: true },
      { server: http, port: 0 },
      { server: http, noServer: true },
    ])
      assert.throws(() => new WebSocketServer(options), TypeError);
    assert.throws(() => new WebSocketServer({ noServer: true }).address(), /noServer/);
  });

  it("tells that it cannot listen", async (test) => {
    const { port } = await startPair(test, lib, lib);
    const second = new WebSocketServer({ port, host: "127.0.0.1", logger: new LogBook() });
    const [error] = (await once(second, "error")) as [NodeJS.ErrnoException];
    assert.equal(error.code, "EADDRINUSE");
  });

  it("calls back when it listens, and has its address", async (test) => {
    const wss = await new Promise<WebSocketServer>((done) => {
      const made: WebSocketServer = new WebSocketServer({ port: 0, host: "127.0.0.1", logger: new LogBook() }, () =>
        done(made),
      );
    });
    test.after(() => wss.close());
    assert.deepEqual(Object.keys(wss.address() as AddressInfo).toSorted(), ["address", "family", "port"]);
    wss.close();
    assert.equal(wss.address(), null);
  });

  it("answers an ordinary request with 426", async (test) => {
    const { port } = await startPair(test, lib, lib);
    const response = await fetch(`http://127.0.0.1:${port}/`);
    assert.deepEqual([response.status, await response.text()], [426, "Upgrade Required"]);
  });

  for (const [name, http] of [
    ["http", createHttpServer()],
    ["https", createHttpsServer(certificates.first)],
  ] as const) {
    it(`takes the handshakes of a server of node:${name} that is there, and leaves it at its close`, async (test) => {
      const wss = new WebSocketServer({ server: http, logger: new LogBook() });
      const port = await listenOn(http);
      test.after(() => {
        http.closeAllConnections();
        http.close();
      });
      let secure: unknown;
      wss.options.verifyClient = (info: { secure: boolean }) => {
        ({ secure } = info);
        return true;
      };
      wss.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
      const client = new WebSocket(`${name === "http" ? "ws" : "wss"}://127.0.0.1:${port}/`, {
        rejectUnauthorized: false,
      });
      await once(client, "open");
      assert.equal(secure, name === "https");
      client.send("echo");
      const [data] = (await once(client, "message")) as [Buffer];
      assert.equal(data.toString(), "echo");
      const ended = new Promise((done) => wss.close(done));
      await turns();
      assert.equal(client.readyState, WebSocket.OPEN, "close leaves clients");
      assert.equal(http.listenerCount("upgrade"), 0);
      client.close();
      await ended;
    });
  }

  it("with noServer takes what it is handed, once", async (test) => {
    const http = createHttpServer();
    const wss = new WebSocketServer({ noServer: true, logger: new LogBook() });
    const thrown: unknown[] = [];
    http.on("upgrade", (request, socket, head) => {
      wss.handleUpgrade(request, socket, head, (client, accepted) => {
        assert.equal(accepted, request);
        client.send(`hello ${request.url}`);
      });
      try {
        wss.handleUpgrade(request, socket, head, () => {});
      } catch (error) {
        thrown.push(error);
      }
    });
    const port = await listenOn(http);
    test.after(() => {
      http.closeAllConnections();
      http.close();
    });
    const client = new WebSocket(`ws://127.0.0.1:${port}/here`);
    const [data] = (await once(client, "message")) as [Buffer];
    assert.equal(data.toString(), "hello /here");
    assert.match(String(thrown[0]), /called more than once with the same socket/);
    assert.equal(wss.clients.size, 1);
    client.terminate();
    await closed(client as never);
    await until(() => wss.clients.size === 0, "its end here");
  });

  it("asks shouldHandle and handleUpgrade of a class that extends it, and makes clients of the class that it is given", async (test) => {
    class Mine extends WebSocket {
      readonly isMine = true;
    }
    class Picky extends WebSocketServer<typeof Mine> {
      asked: (string | undefined)[] = [];
      override shouldHandle({ url }: IncomingMessage): boolean {
        return url !== "/no";
      }
      override handleUpgrade(...args: Parameters<WebSocketServer<typeof Mine>["handleUpgrade"]>): void {
        this.asked.push(args[0].url);
        super.handleUpgrade(...args);
      }
    }
    const wss = new Picky({ port: 0, host: "127.0.0.1", WebSocket: Mine, logger: new LogBook() });
    test.after(() => wss.close());
    await once(wss, "listening");
    const url = `ws://127.0.0.1:${(wss.address() as AddressInfo).port}`;
    const refused = await RawClient.connect(url, { path: "/no" });
    const taken = once(wss, "connection") as Promise<[Mine]>;
    const peer = await RawClient.open(`${url}/yes`);
    test.after(() => [refused, peer].map((one) => one.destroy()));
    assert.equal((await refused.handshake()).status, 400);
    const [client] = await taken;
    assert.ok(client instanceof Mine && client.isMine);
    assert.deepEqual(wss.asked, ["/yes", "/no"]);
  });

  for (const portableSockets of [false, true]) {
    it(`leaves a broken handshake to wsClientError, with a socket to answer on${portableSockets ? ", portableSockets" : ""}`, async (test) => {
      const { wss, url } = await startPair(test, lib, lib, { portableSockets });
      wss.on("wsClientError", (error, socket, request) => {
        socket.end(
          `HTTP/1.1 418 Teapot\r\nConnection: close\r\nContent-Length: 0\r\nX-Why: ${error.message} ${request.url}\r\n\r\n`,
        );
      });
      const peer = await RawClient.connect(url);
      test.after(() => peer.destroy());
      const { status, headers } = await peer.handshake({ headers: { "Sec-WebSocket-Key": "short" } });
      assert.deepEqual([status, headers.get("x-why")], [418, ["Missing or invalid Sec-WebSocket-Key header /"]]);
    });
  }

  it("lets no header of the application's break out of its line", async (test) => {
    const { wss, url } = await startPair(test, lib, lib);
    wss.on("headers", (headers) => headers.push("X-A: b\r\nSet-Cookie: c"));
    const peer = await RawClient.connect(url);
    test.after(() => peer.destroy());
    assert.equal((await peer.handshake()).status, 500);
  });

  it("encodes what a loop sends to many once, and writes once a turn for each", async (test) => {
    const pair = await startPair(test, lib, lib);
    const peers: RawClient[] = [];
    for (let i = 0; i < 5; i++) peers.push(await RawClient.open(pair.url));
    test.after(() => peers.map((peer) => peer.destroy()));
    await until(() => pair.accepted.length === 5, "all");
    const bytes = Buffer.from("first");
    for (const client of pair.wss.clients) client.send(bytes);
    // The same buffer, which is another message by now.
    bytes.write("other");
    for (const client of pair.wss.clients) client.send(bytes, { binary: false });
    for (const client of pair.wss.clients) client.send("text");
    for (const client of pair.wss.clients) client.send("text", { binary: true });
    for (const peer of peers) {
      await until(() => peer.frames().length === 4, "four frames");
      assert.deepEqual(
        peer.frames().map(({ opcode, payload }) => `${opcode} ${payload.toString()}`),
        ["2 first", "1 other", "1 text", "2 text"],
      );
    }
  });

  it("gives each client messages that are its own to write to", async (test) => {
    const pair = await startPair(test, lib, lib);
    const peers = [await RawClient.open(pair.url), await RawClient.open(pair.url)];
    test.after(() => peers.map((peer) => peer.destroy()));
    await until(() => pair.accepted.length === 2, "both");
    const kept: Buffer[] = [];
    for (const { socket } of pair.accepted) {
      socket.on("message", (data) => {
        kept.push(data as Buffer);
        socket.send(data);
        (data as Buffer).fill("x");
      });
    }
    for (const peer of peers) {
      const all = Array.from({ length: 10 }, (_, i) => frame.binary(`message ${i}`));
      for (const one of all) void peer.sendFrame(one);
    }
    for (const peer of peers) {
      await until(() => peer.frames().length === 10, "all echoes");
      assert.deepEqual(
        peer.frames().map(({ payload }) => payload.toString()),
        Array.from({ length: 10 }, (_, i) => `message ${i}`),
      );
    }
    assert.ok(kept.every((data) => data.toString() === "x".repeat(9)));
  });

  it("emits one event a turn with allowSynchronousEvents false", async (test) => {
    const pair = await startPair(test, lib, lib, { allowSynchronousEvents: false });
    const peer = await RawClient.open(pair.url);
    test.after(() => peer.destroy());
    await until(() => pair.accepted.length === 1, "it");
    const seen: string[] = [];
    pair.accepted[0]!.socket.on("message", (data) => {
      seen.push((data as Buffer).toString());
      void Promise.resolve().then(() => seen.push("then"));
    });
    void peer.sendFrame(frame.text("one"));
    void peer.sendFrame(frame.text("two"));
    await until(() => seen.length === 4, "both");
    assert.deepEqual(seen, ["one", "then", "two", "then"]);
  });

  it("answers no ping with autoPong false", async (test) => {
    const pair = await startPair(test, lib, lib, { autoPong: false });
    const { client, socket } = await pair.connect();
    let pongs = 0;
    client.on("pong", () => pongs++);
    client.ping("one");
    const [data] = (await once(socket, "ping")) as [Buffer];
    socket.pong(data);
    await once(client, "pong");
    assert.equal(pongs, 1);
  });

  it("without clientTracking has no clients, and is closed at once", async () => {
    const wss = new WebSocketServer({ noServer: true, clientTracking: false });
    assert.equal("clients" in wss, false);
    wss.close();
    await once(wss, "close");
  });
});
