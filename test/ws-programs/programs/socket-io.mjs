// Socket.IO, by the alias and by its own option `wsEngine`: rooms, acknowledgements, binary, the upgrade from polling, a reconnect, a namespace
// with middleware, and permessage-deflate. socket.io-client is on `ws` itself.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { WebSocketServer } from "hawser/ws";
import { Server } from "socket.io";
import { io } from "socket.io-client";

for (const options of [{}, { wsEngine: WebSocketServer }, { perMessageDeflate: { threshold: 0 } }])
  await exercise(options);

// A page of another origin: `cors` of Socket.IO says nothing to hawser/ws, which has to be told, too. Here for one server; for all of a
// program preload.mjs does it.
class AppServer extends WebSocketServer {
  constructor(options) {
    super({ ...options, logLevel: "silent", allowedOrigins: [APP] });
  }
}
const APP = "https://app.example";
{
  const server = new Server(createServer().listen(0, "127.0.0.1"), { cors: { origin: APP }, wsEngine: AppServer });
  await once(server.httpServer, "listening");
  const dial = (origin) =>
    io(`http://127.0.0.1:${server.httpServer.address().port}`, {
      transports: ["websocket"],
      reconnection: false,
      forceNew: true,
      extraHeaders: { origin },
    });
  const page = dial(APP);
  await once(page, "connect");
  const [error] = await once(dial("https://evil.example"), "connect_error");
  assert.equal(error.description.message, "Unexpected server response: 403");
  page.close();
  await server.close();
}

async function exercise(options) {
  const http = createServer();
  const server = new Server(http, options);
  server.of("/secret").use((socket, next) => next(socket.handshake.auth.token === "abc" ? undefined : new Error("no")));
  server.on("connection", (socket) => {
    socket.on("join", (room, done) => {
      void socket.join(room);
      done(socket.id);
    });
    socket.on("say", (room, text) => socket.to(room).emit("said", text));
    socket.on("upload", (bytes, done) => done({ length: bytes.length, back: bytes }));
    socket.on("drop me", () => socket.conn.transport.socket.terminate());
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const url = `http://127.0.0.1:${http.address().port}`;

  const ada = io(url, { transports: ["websocket"], forceNew: true, reconnectionDelay: 10 });
  const grace = io(url, { forceNew: true });
  const upgraded = new Promise((resolve) => grace.io.once("open", () => grace.io.engine.once("upgrade", resolve)));
  await Promise.all([once(ada, "connect"), once(grace, "connect")]);
  assert.equal((await upgraded).name, "websocket");

  assert.equal(await ada.emitWithAck("join", "tea"), ada.id);
  assert.equal(await grace.emitWithAck("join", "tea"), grace.id);
  const heard = once(grace, "said");
  ada.emit("say", "tea", "héllo");
  assert.deepEqual(await heard, ["héllo"]);

  const bytes = Buffer.alloc(300_000, 7);
  const { length, back } = await ada.emitWithAck("upload", bytes);
  assert.equal(length, bytes.length);
  assert.deepEqual(Buffer.from(back), bytes);

  const answers = server.to("tea").timeout(5_000).emitWithAck("who?");
  for (const client of [ada, grace]) client.once("who?", (answer) => answer(client.id));
  assert.equal((await answers).length, 2);
  for (const client of [ada, grace]) client.once("news", (...args) => client.listeners("news").length === 0 && args);
  const news = Promise.all([once(ada, "news"), once(grace, "news")]);
  // Encoded once for all, by `Sender.frame`.
  const frames = new Set();
  for (const { conn } of server.sockets.sockets.values())
    conn.once("packetCreate", ({ options: { wsPreEncodedFrame } }) => frames.add(wsPreEncodedFrame));
  const texts = Promise.all([once(ada, "text"), once(grace, "text")]);
  server.emit("text", "for all");
  assert.deepEqual(await texts, [["for all"], ["for all"]]);
  assert.deepEqual([frames.size, [...frames][0].length], [1, 2]);
  server.emit("news", new Uint8Array([1, 2, 3]), { deep: Buffer.from("x") });
  for (const [first, second] of await news) assert.deepEqual([[...first], String(second.deep)], [[1, 2, 3], "x"]);

  const before = ada.id;
  const gone = once(ada, "disconnect");
  ada.emit("drop me");
  assert.equal((await gone)[0], "transport close");
  await once(ada, "connect");
  assert.notEqual(ada.id, before);

  const secret = (auth) => io(`${url}/secret`, { auth, transports: ["websocket"], forceNew: true });
  const refused = secret({ token: "guess" });
  assert.equal((await once(refused, "connect_error"))[0].message, "no");
  const admitted = secret({ token: "abc" });
  await once(admitted, "connect");

  const left = [ada, grace, admitted].map((client) => once(client, "disconnect"));
  for (const client of [ada, grace, admitted]) client.io.reconnection(false);
  await server.close();
  await Promise.all(left);
  refused.close();
}
