/** Practice 9: the HTTP around the handshakes, whose every wait has an end, and requests that are none. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import { sleep, until } from "../harness/concurrency.js";
import { encodeFrame, frame } from "../harness/frames.js";
import { upgradeRequest } from "../harness/http.js";
import { plainHttpServer, startRig } from "../harness/rig.js";

describe("plain HTTP", () => {
  it("gets 426 without a request handler", async (test) => {
    const rig = await startRig(test);
    const peer = await rig.dial();
    await peer.sendBytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const response = await peer.nextResponse();
    assert.equal(response!.status, 426);
    assert.deepEqual(response!.headers.get("upgrade"), ["websocket"]);
  });

  it("goes to the request handler where there is one", async (test) => {
    const rig = await startRig(test, {
      request(request, response) {
        response.end(`page ${request.url}`);
      },
    });
    const response = await fetch(`http://127.0.0.1:${rig.port}/about`);
    assert.equal(await response.text(), "page /about");
    await rig.connect();
  });

  it("gets 500 when the request handler throws, now or later", async (test) => {
    const handlers = [
      () => {
        throw new Error("bug");
      },
      async () => Promise.reject(new Error("bug")),
    ];
    for (const request of handlers) {
      const rig = await startRig(test, { request });
      const response = await fetch(`http://127.0.0.1:${rig.port}/`);
      assert.equal(response.status, 500);
      assert.ok(!(await response.text()).includes("bug"));
      assert.equal(rig.log.of("server-error").length, 1);
    }
  });
});

describe("a plain request that goes wrong later", () => {
  it("whose handler throws after its headers is cut, and the next one is served", async (test) => {
    const rig = await startRig(test, {
      request(request, response) {
        if (request.url === "/good") return void response.end("good");
        response.writeHead(200, { "Content-Length": "100" });
        response.write("half of it");
        throw new Error("bug");
      },
    });
    const peer = await rig.dial();
    await peer.sendBytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert.notEqual((await peer.ended()).how, "open");
    assert.equal(rig.log.of("server-error").length, 1);
    assert.equal(await (await fetch(`http://127.0.0.1:${rig.port}/good`)).text(), "good");
  });
});

describe("an HTTP connection", () => {
  it("is cut when its response makes no progress", async (test) => {
    let served: Socket | null = null;
    const rig = await startRig(test, {
      responseTimeoutMs: 200,
      request(request, response) {
        served = request.socket;
        response.end(Buffer.alloc(64 * 1024 * 1024));
      },
    });
    const peer = await rig.dial();
    peer.socket.pause();
    await peer.sendBytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await until(() => served?.destroyed === true, "the server to cut it");
  });

  it("is cut when the request's body does not come", async (test) => {
    const rig = await startRig(test, {
      headersTimeoutMs: 100,
      requestTimeoutMs: 300,
      request: (request, response) => void request.resume().on("end", () => response.end("never")),
    });
    const peer = await rig.dial();
    await peer.sendBytes("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nonly this");
    const ending = await peer.ended();
    assert.notEqual(ending.how, "open");
    assert.ok(rig.server.stats.httpErrors === 1);
  });

  it("is kept alive for another request, and then closed", async (test) => {
    const rig = await startRig(test, {
      keepAliveTimeoutMs: 200,
      request: (_request, response) => void response.end("ok"),
    });
    const peer = await rig.dial();
    await peer.sendBytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert.equal((await peer.nextResponse())!.status, 200);
    assert.deepEqual(peer.response!.headers.get("connection"), ["keep-alive"]);
    assert.notEqual((await peer.ended()).how, "open");
  });

  it("may have as many headers as fit into the limit, and none of them is dropped", async (test) => {
    for (const portableSockets of [false, true]) {
      const rig = await startRig(test, { portableSockets });
      const headers = Object.fromEntries(Array.from({ length: 2500 }, (_, i) => [`x${i}`, ""]));
      const { peer } = await rig.connect({ headers: { ...headers, "x-last": "here" } });
      assert.equal(rig.requests[0]!.headers["x-last"], "here");
      assert.equal(Object.keys(rig.requests[0]!.headers).filter((name) => name.startsWith("x")).length, 2501);
      await peer.close();
    }
  });

  it("that was refused gets one answer, whatever it has sent behind its request", async (test) => {
    for (const portableSockets of [false, true]) {
      const rig = await startRig(test, { portableSockets, path: "/here", message: () => assert.fail("a client") });
      const peer = await rig.dial({ keepHalfOpen: true });
      let answer = "";
      peer.socket.on("data", (chunk) => (answer += String(chunk)));
      const request = upgradeRequest(rig.url, { path: "/elsewhere" });
      const accepted = upgradeRequest(rig.url, { path: "/here" });
      await peer.sendBytes(Buffer.concat([Buffer.from(request + accepted), encodeFrame(frame.text("x"))]));
      assert.equal((await peer.ended()).how, "fin");
      assert.deepEqual(answer.match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 404"]);
      assert.deepEqual([rig.opened.length, rig.server.clients.size], [0, 0]);
      peer.destroy();
    }
  });

  it("has neither a timeout nor a delay of an attached server's left once it is a WebSocket", async (test) => {
    const http = plainHttpServer();
    http.timeout = 100;
    const delays: boolean[] = [];
    http.on("connection", (socket: Socket) => {
      test.mock.method(socket, "setNoDelay", (on: boolean) => {
        delays.push(on);
        return socket;
      });
    });
    const rig = await startRig(test, {}, { attach: http });
    await rig.connect();
    assert.equal(rig.requests[0]!.raw.socket.timeout, 0);
    assert.deepEqual(delays.slice(-1), [true]);
  });

  it("has no timeout of HTTP's left once it is a WebSocket", async (test) => {
    // Time enough for the handshake.
    const ms = 1000;
    const rig = await startRig(test, {
      responseTimeoutMs: ms,
      keepAliveTimeoutMs: ms,
      headersTimeoutMs: ms,
      requestTimeoutMs: ms,
    });
    const { client } = await rig.connect();
    await sleep(2 * ms + 500);
    assert.ok(client.isOpen);
  });
});

describe("what is no request", () => {
  it("gets 400 and is counted", async (test) => {
    const rig = await startRig(test);
    const peer = await rig.dial();
    await peer.sendBytes("\x16\x03\x01 hello\r\n\r\n");
    assert.equal((await peer.nextResponse())!.status, 400);
    assert.equal(rig.server.stats.httpErrors, 1);
    assert.equal(rig.log.of("http-error").length, 1);
  });

  it("with too large a head gets 431", async (test) => {
    const rig = await startRig(test, { maxHeaderBytes: 2048 });
    const response = await (await rig.dial()).handshake({ headers: { "X-Large": "x".repeat(4000) } });
    assert.equal(response.status, 431);
  });

  it("whose head does not come is cut with 408", async (test) => {
    const rig = await startRig(test, { headersTimeoutMs: 200 });
    const peer = await rig.dial();
    await peer.sendBytes("GET / HTTP/1.1\r\nHost: x\r\n");
    assert.equal((await peer.nextResponse())!.status, 408);
  });

  it("that never begins is cut as well", async (test) => {
    const rig = await startRig(test, { headersTimeoutMs: 200 });
    assert.notEqual((await (await rig.dial()).ended()).how, "open");
  });

  it("whose head dribbles in is cut all the same", async (test) => {
    const rig = await startRig(test, { headersTimeoutMs: 300 });
    const peer = await rig.dial();
    const head = `GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ${"x".repeat(10_000)}`;
    void peer.sendChopped(Buffer.from(head), 1, 20);
    assert.notEqual((await peer.ended()).how, "open");
    assert.equal(rig.server.stats.httpErrors, 1);
  });
});
