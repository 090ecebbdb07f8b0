/** What frameworks do with hawser/ws besides what `ws` documents. The programs themselves are run by test/ws-programs. */
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { createServer, get, type IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { WebSocket as Own, WebSocketServer } from "#hawser/ws/index.js";
import { WebSocket } from "ws";
import { LogBook } from "../harness/rig.js";

test("takes a handshake that a response has been made for, as @fastify/websocket does to run its hooks", async (t) => {
  const wss = new WebSocketServer({ noServer: true, logger: new LogBook() });
  const http = createServer();
  t.after(() => http.close());
  http.on("upgrade", (request, socket, head) => {
    new ServerResponse(request).assignSocket(socket as Socket);
    wss.handleUpgrade(request, socket, head, (client) => client.send("hello"));
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/`);
  assert.equal(String((await once(client, "message"))[0]), "hello");
  client.close();
  await once(client, "close");
});

test("goes by headers that a program has changed", async (t) => {
  const wss = new WebSocketServer({ noServer: true, perMessageDeflate: true, logger: new LogBook() });
  const http = createServer();
  t.after(() => http.close());
  http.on("upgrade", (request, socket, head) => {
    delete request.headers["sec-websocket-extensions"];
    request.headers["sec-websocket-protocol"] = "two";
    request.headers["origin"] = undefined;
    wss.handleUpgrade(request, socket, head, () => {});
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}/`;
  const client = new WebSocket(url, ["one", "two"], { origin: "https://elsewhere.example" });
  await once(client, "open");
  assert.deepEqual([client.extensions, client.protocol], ["", "two"]);
  client.close();
  await once(client, "close");
});

test("refuses a request without the headers of a handshake, as Node has left them out past maxHeadersCount before it answered 431", async (t) => {
  const wss = new WebSocketServer({ noServer: true, logger: new LogBook() });
  const http = createServer();
  t.after(() => http.close());
  http.on("upgrade", (request, socket, head) => {
    request.headers = { foo: "bar" };
    wss.handleUpgrade(request, socket, head, () => assert.fail("taken"));
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const { port } = http.address() as AddressInfo;
  const headers = { foo: "bar", Connection: "Upgrade", Upgrade: "websocket" };
  const [response] = (await once(get({ port, host: "127.0.0.1", headers }), "response")) as [IncomingMessage];
  assert.equal(response.statusCode, 400);
  assert.equal(await text(response), "Invalid Upgrade header");
});

/** As the streams of `readable-stream` are, on which duplexify stands: of no class of Node's. */
function foreign(stream: Duplex): Duplex {
  const chain: object[] = [];
  for (let at = Object.getPrototypeOf(stream) as object; at !== EventEmitter.prototype;) {
    chain.unshift(at);
    at = Object.getPrototypeOf(at) as object;
  }
  let prototype: object = EventEmitter.prototype;
  for (const one of chain) prototype = Object.create(prototype, Object.getOwnPropertyDescriptors(one)) as object;
  return Object.setPrototypeOf(stream, prototype) as Duplex;
}

test("talks without a network, on streams and with a request that a program has made, as injectWS of @fastify/websocket does", async () => {
  const wss = new WebSocketServer({ noServer: true, logger: new LogBook() });
  const [ours, theirs] = duplexPair();
  const request = {
    method: "GET",
    url: "/",
    httpVersion: "1.1",
    headers: { connection: "upgrade", upgrade: "websocket", "sec-websocket-version": 13, "sec-websocket-key": KEY },
  } as unknown as IncomingMessage;
  let left: Promise<unknown[]> | undefined;
  wss.handleUpgrade(request, foreign(ours), Buffer.alloc(0), (socket) => {
    left = once(socket, "close");
    socket.on("message", (data) => socket.send(`heard ${(data as Buffer).toString()}`));
  });
  const [head] = (await once(theirs, "data")) as [Buffer];
  assert.match(String(head), /^HTTP\/1\.1 101 /);
  const client = new Own(null) as Settable;
  const opened = once(client, "open");
  client.setSocket(foreign(theirs), Buffer.alloc(0));
  assert.throws(() => client.setSocket(theirs, Buffer.alloc(0)), /has a connection/);
  await opened;
  client.send("this");
  assert.equal(String((await once(client, "message"))[0]), "heard this");
  client.close(1000);
  assert.equal((await once(client, "close"))[0], 1000);
  assert.equal((await left!)[0], 1000);
  const dialled = new Own("ws://127.0.0.1:1").on("error", () => {});
  assert.throws(() => (dialled as Settable).setSocket(theirs, Buffer.alloc(0)), /has a connection/);
});

/** What no type says that it has. */
type Settable = Own & { setSocket(stream: Duplex, head: Buffer): void };

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** Two streams, each with what is written to the other; they do not destroy themselves. */
function duplexPair(): [Duplex, Duplex] {
  const make = (other: () => Duplex): Duplex =>
    new Duplex({
      autoDestroy: false,
      read() {},
      write(chunk, _encoding, done) {
        other().push(chunk);
        done();
      },
      final(done) {
        other().push(null);
        done();
      },
    });
  const one: Duplex = make(() => two);
  const two: Duplex = make(() => one);
  return [one, two];
}
