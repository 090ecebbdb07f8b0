// The examples of ws's README, as they stand there, each with what it says that happens.

import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { createServer } from "node:http";
import { Readable } from "node:stream";
import WebSocket, { createWebSocketStream, WebSocketServer } from "ws";
import { WebSocket as Client } from "ws-itself";

const listen = async (server) => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `ws://127.0.0.1:${server.address().port}`;
};
const closed = async (...servers) => {
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
};
const open = async (url, options) => {
  const client = new Client(url, options);
  client.heard = [];
  client.on("message", (data, isBinary) => client.heard.push(isBinary ? data : String(data)));
  await once(client, "open");
  return client;
};
const heard = async (client, count) => {
  while (client.heard.length < count) await once(client, "message");
  return client.heard;
};

{
  // "Simple server", with permessage-deflate as the README sets it up.
  const wss = new WebSocketServer({
    port: 0,
    perMessageDeflate: {
      zlibDeflateOptions: { chunkSize: 1024, memLevel: 7, level: 3 },
      zlibInflateOptions: { chunkSize: 10 * 1024 },
      clientNoContextTakeover: true,
      serverNoContextTakeover: true,
      serverMaxWindowBits: 10,
      concurrencyLimit: 10,
      threshold: 1024,
    },
  });
  const received = [];
  wss.on("connection", function connection(ws) {
    ws.on("error", console.error);
    ws.on("message", function message(data) {
      received.push(data);
    });
    ws.send("something");
  });
  await once(wss, "listening");
  const client = await open(`ws://127.0.0.1:${wss.address().port}`);
  assert.match(client.extensions, /permessage-deflate/);
  assert.deepEqual(await heard(client, 1), ["something"]);
  client.send("x".repeat(50_000));
  client.close();
  await once(client, "close");
  assert.equal(received[0].toString().length, 50_000);
  await closed(wss);
}

{
  // "Multiple servers sharing a single HTTP/S server", and in front of one "Client authentication".
  const server = createServer();
  const wss1 = new WebSocketServer({ noServer: true });
  const wss2 = new WebSocketServer({ noServer: true });
  const onSocketError = (err) => console.error(err);
  wss1.on("connection", function connection(ws) {
    ws.on("error", console.error);
    ws.send("foo");
  });
  wss2.on("connection", function connection(ws, request, client) {
    ws.on("error", console.error);
    ws.on("message", function message(data) {
      ws.send(`Received message ${data} from user ${client}`);
    });
  });
  const authenticate = (request, done) =>
    setTimeout(() => done(request.headers.token ? null : new Error("no"), request.headers.token), 5);
  server.on("upgrade", function upgrade(request, socket, head) {
    const { pathname } = new URL(request.url, "wss://base.url");
    if (pathname === "/foo") {
      wss1.handleUpgrade(request, socket, head, function done(ws) {
        wss1.emit("connection", ws, request);
      });
    } else if (pathname === "/bar") {
      socket.on("error", onSocketError);
      authenticate(request, function next(err, client) {
        if (err || !client) {
          socket.write("HTTP/1.1 401 Unauthorized\r\n\r\n");
          socket.destroy();
          return;
        }
        socket.removeListener("error", onSocketError);
        wss2.handleUpgrade(request, socket, head, function done(ws) {
          wss2.emit("connection", ws, request, client);
        });
      });
    } else {
      socket.destroy();
    }
  });
  const url = await listen(server);
  const foo = await open(`${url}/foo`);
  assert.deepEqual(await heard(foo, 1), ["foo"]);
  const bar = await open(`${url}/bar`, { headers: { token: "ada" } });
  bar.send("hello");
  assert.deepEqual(await heard(bar, 1), ["Received message hello from user ada"]);
  const [refused] = await once(new Client(`${url}/bar`), "error");
  assert.equal(refused.message, "Unexpected server response: 401");
  const [lost] = await once(new Client(`${url}/elsewhere`), "error");
  assert.equal(lost.message, "socket hang up");
  for (const client of [foo, bar]) {
    client.close(3000, "bye");
    assert.deepEqual((await once(client, "close"))[0], 3000);
  }
  await closed(wss1, wss2, server);
}

{
  // "Server broadcast", the second one: to all but the one who sent it.
  const wss = new WebSocketServer({ port: 0 });
  wss.on("connection", function connection(ws) {
    ws.on("error", console.error);
    ws.on("message", function message(data, isBinary) {
      wss.clients.forEach(function each(client) {
        if (client !== ws && client.readyState === WebSocket.OPEN) {
          client.send(data, { binary: isBinary });
        }
      });
    });
  });
  await once(wss, "listening");
  const url = `ws://127.0.0.1:${wss.address().port}`;
  const [ada, grace, mary] = [await open(url), await open(url), await open(url)];
  ada.send("text");
  ada.send(Buffer.from([1, 2]));
  for (const client of [grace, mary]) assert.deepEqual(await heard(client, 2), ["text", Buffer.from([1, 2])]);
  assert.deepEqual(ada.heard, []);
  for (const client of [ada, grace, mary]) client.terminate();
  await closed(wss);
}

{
  // "How to detect and close broken connections?": one client answers pings, the other does not.
  const wss = new WebSocketServer({ port: 0 });
  function heartbeat() {
    this.isAlive = true;
  }
  wss.on("connection", function connection(ws) {
    ws.isAlive = true;
    ws.on("error", console.error);
    ws.on("pong", heartbeat);
  });
  const beats = new EventEmitter();
  const interval = setInterval(function ping() {
    wss.clients.forEach(function each(ws) {
      if (ws.isAlive === false) return ws.terminate();
      ws.isAlive = false;
      ws.ping();
    });
    beats.emit("beat");
    // Longer than a busy machine takes for a pong.
  }, 500);
  wss.on("close", function close() {
    clearInterval(interval);
  });
  await once(wss, "listening");
  const url = `ws://127.0.0.1:${wss.address().port}`;
  const alive = await open(url);
  const broken = await open(url, { autoPong: false });
  assert.equal((await once(broken, "close"))[0], 1006);
  for (let beat = 0; beat < 3; beat++) await once(beats, "beat");
  assert.equal(alive.readyState, Client.OPEN);
  alive.close();
  await once(alive, "close");
  await closed(wss);
}

{
  // "Round-trip time" and "Use the Node.js streams API", with clients of ours too.
  const wss = new WebSocketServer({ port: 0 });
  wss.on("connection", (ws) => {
    ws.on("error", console.error);
    ws.on("message", (data, isBinary) => ws.send(data, { binary: isBinary }));
  });
  await once(wss, "listening");
  const url = `ws://127.0.0.1:${wss.address().port}`;
  for (const Class of [Client, WebSocket]) {
    const ws = new Class(url);
    ws.on("error", console.error);
    ws.on("open", function open() {
      ws.send(Date.now());
    });
    const [data] = await once(ws, "message");
    assert.ok(Date.now() - data >= 0);
    ws.close();
    await once(ws, "close");
  }
  const duplex = createWebSocketStream(new WebSocket(url), { encoding: "utf8" });
  const pieces = Array.from({ length: 500 }, (_, i) => `${i}`.padEnd(1000));
  Readable.from(pieces).pipe(duplex, { end: false });
  let length = 0;
  for await (const chunk of duplex) if ((length += chunk.length) === 500_000) break;
  assert.equal(length, 500_000);
  await closed(wss);
}
