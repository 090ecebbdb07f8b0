/** WebSockets over HTTP/2 on servers of `node:http2` that are somebody else's. */
import assert from "node:assert/strict";
import { once } from "node:events";
import {
  type Http2ServerResponse,
  createSecureServer,
  createServer as createHttp2Server,
  type Http2SecureServer,
  type Http2Server,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { createServer, type Server, type ServerOptions } from "#hawser/index.js";
import { certificates } from "../harness/certificates.js";
import { until } from "../harness/concurrency.js";
import { frame } from "../harness/frames.js";
import { Http2Peer } from "../harness/http2-client.js";
import { LogBook } from "../harness/rig.js";
import { RawClient } from "../harness/raw-client.js";
import { StepClock } from "../harness/step-clock.js";

function create(test: TestContext, options: Pick<ServerOptions, "path" | "clock"> = {}): Server {
  const server: Server = createServer<undefined>({
    http2: true,
    clock: new StepClock(),
    logger: new LogBook(),
    message: (client, message) => void client.send(message),
    ...options,
  });
  test.after(() => server.close({ graceMs: 0 }));
  return server;
}

async function listen(test: TestContext, http2: Http2Server | Http2SecureServer, scheme: string): Promise<string> {
  http2.on("request", (_request, response) => response.end("plain"));
  http2.listen(0, "127.0.0.1");
  await once(http2, "listening");
  test.after(() => http2.close());
  return `${scheme}://127.0.0.1:${(http2.address() as AddressInfo).port}/`;
}

describe("attached to a server of node:http2", () => {
  it("with TLS and HTTP/1.1: WebSockets come over both, and requests remain the owner's", async (test) => {
    const http2 = createSecureServer({ ...certificates.first, allowHTTP1: true });
    create(test).attach(http2);
    const url = await listen(test, http2, "wss");
    const peer = await Http2Peer.connect(test, url);
    await (await peer.open()).echo("HTTP/2");
    assert.equal((await peer.get("/")).body, "plain");
    const old = await RawClient.open(url);
    await old.echo("HTTP/1.1");
    old.destroy();
  });

  it("without HTTP/1.1, and without TLS", async (test) => {
    for (const scheme of ["wss", "ws"]) {
      const http2 = scheme === "wss" ? createSecureServer({ ...certificates.first }) : createHttp2Server();
      create(test).attach(http2);
      const peer = await Http2Peer.connect(test, await listen(test, http2, scheme));
      await (await peer.open()).echo("HTTP/2");
      const refused = await peer.ask({ origin: "https://evil.example" });
      assert.equal(refused.status, 403);
      assert.equal((await peer.get("/")).body, "plain");
    }
  });

  it("several, by their paths; without a listener for CONNECT the rest is refused, else left to that", async (test) => {
    const http2 = createHttp2Server();
    create(test, { path: "/a" }).attach(http2);
    create(test, { path: "/b" }).attach(http2);
    const peer = await Http2Peer.connect(test, await listen(test, http2, "ws"));
    for (const path of ["/a", "/b"]) await (await peer.open({ ":path": path })).echo(path);
    assert.equal((await peer.ask({ ":path": "/c" })).status, 404);
    http2.on("connect", (_request, response: Http2ServerResponse) => response.writeHead(418).end());
    assert.equal((await peer.ask({ ":path": "/c" })).status, 418);
    assert.equal((await peer.ask({ ":protocol": "connect-udp" })).status, 418);
  });

  it("detached: sessions that begin then are not told that they may ask, and nobody takes it", async (test) => {
    const http2 = createHttp2Server();
    const server = create(test);
    server.attach(http2);
    const url = await listen(test, http2, "ws");
    const peer = await Http2Peer.connect(test, url);
    const client = await peer.open();
    assert.equal(server.detach(http2), true);
    await client.echo("still connected");
    assert.equal((await peer.ask({})).status, 405);
    assert.notEqual((await Http2Peer.connect(test, url)).session.remoteSettings.enableConnectProtocol, true);
  });

  it("a shutdown sends each client 1001", async (test) => {
    const http2 = createHttp2Server();
    const clock = new StepClock();
    const server = create(test, { clock });
    server.attach(http2);
    const peer = await Http2Peer.connect(test, await listen(test, http2, "ws"));
    const client = await peer.open();
    const closed = server.close();
    assert.equal(await client.closeCode(), 1001);
    client.sendFrame(frame.close(1001));
    client.end();
    await until(() => server.clients.size === 0, "its end");
    clock.advance(100);
    assert.equal((await closed).clean, 1);
    assert.equal((await peer.get("/")).body, "plain");
  });
});
