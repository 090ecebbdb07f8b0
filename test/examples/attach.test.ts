// The examples that attach to an HTTP server which is already there all do the same, so one contract holds for them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startExample } from "./harness/example.js";

for (const name of ["node-http", "express", "fastify", "hono"]) {
  test(`${name}: HTTP and WebSocket on one port, and an orderly end`, async (t) => {
    const example = await startExample(name, t);
    const response = await fetch(`http://127.0.0.1:${example.port}/`);
    assert.equal(await response.text(), "Hello over HTTP\n");

    const ada = await example.connect("/chat");
    const grace = await example.connect("/chat");
    ada.send("hello");
    assert.equal(await grace.next(), "hello");
    assert.equal(await ada.next(), "hello");

    assert.equal(await example.refusal("/elsewhere"), 404);
    assert.equal(await example.refusal("/chat", { Origin: "https://elsewhere.example" }), 403);

    const exitCode = example.stop();
    assert.equal((await ada.closed)[0], 1001);
    assert.equal((await grace.closed)[0], 1001);
    assert.equal(await exitCode, 0);
  });
}

test("handle-upgrade: each handshake goes to the server it is for", async (t) => {
  const example = await startExample("handle-upgrade", t);
  const echo = await example.connect("/echo");
  echo.send("hello");
  assert.equal(await echo.next(), "hello");

  const news = await example.connect("/news", { protocol: "news.v1" });
  assert.equal(news.socket.protocol, "news.v1");
  assert.equal(await news.next(), "nothing new");

  assert.equal(await example.refusal("/elsewhere"), 404);
  assert.equal(await example.refusal("/newspaper"), 404);

  // Each server has its own limits.
  echo.send("x".repeat(1025));
  assert.equal((await echo.closed)[0], 1009);

  const exitCode = example.stop();
  assert.equal((await news.closed)[0], 1001);
  assert.equal(await exitCode, 0);
});
