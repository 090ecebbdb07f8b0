/** Practice 10: which upgrades are taken, and what the others are told. */
import assert from "node:assert/strict";
import { createServer as createHttpServer } from "node:http";
import { describe, it } from "node:test";
import type { RefusalReason } from "#hawser/index.js";
import { until } from "../harness/concurrency.js";
import { frame } from "../harness/frames.js";
import { upgradeRequest } from "../harness/http.js";
import { RawClient } from "../harness/raw-client.js";
import { listenOn, startRig } from "../harness/rig.js";

describe("path", () => {
  const rows: [target: string, status: number][] = [
    ["/chat", 101],
    ["/chat?room=1", 101],
    ["/chat#fragment", 101],
    ["http://example.com/chat?x", 101],
    ["/", 404],
    ["/chat/", 404],
    ["/Chat", 404],
    ["/chat2", 404],
    ["//chat", 404],
    ["/chat%20", 404],
    ["/x?/chat", 404],
  ];
  for (const [target, status] of rows) {
    it(`${target}: ${status}`, async (test) => {
      const rig = await startRig(test, { path: "/chat" });
      assert.equal((await (await rig.dial()).handshake({ path: target })).status, status);
    });
  }
});

describe("origin", () => {
  it("is checked: same origin or listed, else 403", async (test) => {
    const rig = await startRig(test, { allowedOrigins: ["https://app.example.com"] });
    const own = `http://127.0.0.1:${rig.port}`;
    for (const [origin, status] of [
      [own, 101],
      ["https://app.example.com", 101],
      ["https://evil.example", 403],
      ["null", 403],
    ] as const)
      assert.equal((await (await rig.dial()).handshake({ origin })).status, status, origin);
    assert.equal(rig.server.stats.refused.origin, 2);
  });

  it("of any kind is taken only where that is spelled out", async (test) => {
    const rig = await startRig(test, { dangerouslyAllowAnyOrigin: "a public ticker" });
    assert.equal((await (await rig.dial()).handshake({ origin: "https://evil.example" })).status, 101);
  });
});

describe("subprotocol", () => {
  it("is the server's best that the client offers; none where nothing fits", async (test) => {
    const rig = await startRig(test, { subprotocols: ["v2", "v1"] });
    for (const [offered, chosen] of [
      ["v1, v2", "v2"],
      ["v1", "v1"],
      ["v3", undefined],
      [undefined, undefined],
    ] as const) {
      const response = await (await rig.dial()).handshake(offered === undefined ? {} : { protocols: offered });
      assert.equal(response.status, 101);
      assert.equal(response.headers.get("sec-websocket-protocol")?.[0], chosen);
      assert.equal(rig.opened.at(-1)!.subprotocol, chosen ?? "");
    }
  });
});

describe("response", () => {
  it("carries responseHeaders, given as a list or as an object", async (test) => {
    for (const responseHeaders of [["X-One: 1", "Set-Cookie: a=b", "Set-Cookie: c=d"], { "X-One": "1" }]) {
      const rig = await startRig(test, { responseHeaders });
      const { headers } = await (await rig.dial()).handshake();
      assert.deepEqual(headers.get("x-one"), ["1"]);
      if (Array.isArray(responseHeaders)) assert.deepEqual(headers.get("set-cookie"), ["a=b", "c=d"]);
    }
  });

  it("comes after 100 (Continue) where the client waits for that", async (test) => {
    for (const portableSockets of [false, true]) {
      const rig = await startRig(test, { portableSockets, path: "/chat", subprotocols: ["chat"] });
      const waits = { Expect: "100-continue" };
      const peer = await rig.dial();
      const { status, headers } = await peer.handshake({ path: "/chat", headers: waits, protocols: "chat" });
      assert.deepEqual([peer.interim, status, headers.get("sec-websocket-protocol")], [[100], 101, ["chat"]]);
      const refused = await rig.dial();
      assert.equal((await refused.handshake({ path: "/", headers: waits })).status, 404);
      assert.deepEqual(refused.interim, []);
    }
  });

  it("declines compression unless it is switched on", async (test) => {
    for (const compression of [false, true]) {
      const rig = await startRig(test, { compression });
      const { headers } = await (await rig.dial()).handshake({ offer: "permessage-deflate" });
      assert.equal(headers.has("sec-websocket-extensions"), compression);
    }
  });
});

describe("refusal", () => {
  it("has a body that says why, or what refusalBody makes of it", async (test) => {
    const seen: { status: number; reason: RefusalReason; message: string }[] = [];
    const rig = await startRig(test, {
      path: "/chat",
      refusalBody(refusal) {
        seen.push(refusal);
        return JSON.stringify({ error: refusal.reason });
      },
    });
    const response = await (await rig.dial()).handshake({ path: "/" });
    assert.equal(response.body, '{"error":"path"}');
    assert.deepEqual([seen[0]!.status, seen[0]!.reason], [404, "path"]);
    const plain = await startRig(test, { path: "/chat" });
    assert.match((await (await plain.dial()).handshake({ path: "/" })).body, /no WebSocket on this path/);
  });

  it("survives a refusalBody that throws or returns no text: the plain body, and one line", async (test) => {
    const bad = [
      () => {
        throw new Error("template missing");
      },
      () => 7 as unknown as string,
    ];
    for (const refusalBody of bad) {
      const rig = await startRig(test, { path: "/chat", refusalBody });
      const response = await (await rig.dial()).handshake({ path: "/" });
      assert.equal(response.status, 404);
      assert.match(response.body, /no WebSocket/);
      assert.equal((await (await rig.dial()).handshake({ headers: { Connection: "close" } })).status, 400);
      assert.equal(rig.log.of("server-error").length, 2);
    }
  });

  it("is delivered to a client that goes on sending", async (test) => {
    const rig = await startRig(test, { path: "/chat" });
    const peer = await rig.dial();
    await peer.sendBytes(upgradeRequest(rig.url));
    await peer.sendBytes(Buffer.alloc(300_000));
    assert.equal((await peer.nextResponse())!.status, 404);
  });
});

describe("a broken handshake", () => {
  const rows: [what: string, headers: Record<string, string | null>, status: number, reason: RefusalReason][] = [
    ["without Connection", { Connection: null }, 400, "connection-header"],
    ["with Connection: close", { Connection: "close" }, 400, "connection-header"],
    ["without Upgrade", { Upgrade: null }, 426, "upgrade-missing"],
    ["for something else", { Upgrade: "h2c" }, 400, "upgrade-header"],
    ["without a key", { "Sec-WebSocket-Key": null }, 400, "key"],
    ["with a short key", { "Sec-WebSocket-Key": "AAAA" }, 400, "key"],
    ["without a version", { "Sec-WebSocket-Version": null }, 400, "version-missing"],
    ["of another version", { "Sec-WebSocket-Version": "8" }, 426, "version"],
    ["with subprotocols twice", { "Sec-WebSocket-Protocol": "a, a" }, 400, "subprotocol"],
    ["with a malformed extension", { "Sec-WebSocket-Extensions": "a; =" }, 400, "extensions"],
  ];
  it("is the last request of its connection: what came behind it, in one piece, is nobody's work", async (test) => {
    let pages = 0;
    const rig = await startRig(test, {
      request(_request, response) {
        pages++;
        response.end();
      },
    });
    const peer = await rig.dial();
    const broken = upgradeRequest(rig.url, { headers: { Connection: null } });
    await peer.sendBytes(`${broken.repeat(50)}GET / HTTP/1.1\r\nHost: x\r\n\r\n`);
    assert.equal((await peer.nextResponse())!.status, 400);
    await peer.ended();
    assert.deepEqual([{ ...rig.server.stats.refused }, pages], [{ "connection-header": 1 }, 0]);
  });

  for (const [what, headers, status, reason] of rows) {
    it(`${what}: ${status} ${reason}`, async (test) => {
      const rig = await startRig(test, {
        request: (_request, response) => void response.end("the application's page"),
      });
      const response = await (await rig.dial()).handshake({ headers });
      assert.deepEqual([response.status, { ...rig.server.stats.refused }], [status, { [reason]: 1 }]);
      if (reason === "version") assert.deepEqual(response.headers.get("sec-websocket-version"), ["13"]);
      if (status === 426) {
        const lines = ["upgrade", "connection"].map((name) => response.headers.get(name));
        assert.deepEqual(lines, [["websocket"], ["Upgrade, close"]]);
      }
      const [line] = rig.log.of("refused");
      assert.deepEqual([line!["reason"], line!["status"], line!["address"]], [reason, status, "127.0.0.1"]);
    });
  }
});

describe("handleUpgrade", () => {
  it("takes one handshake that somebody hands over, with what came behind it", async (test) => {
    const texts: string[] = [];
    const rig = await startRig(test, { message: (_client, message) => void texts.push(message.text()) });
    const http = createHttpServer();
    http.on("upgrade", (request, socket, head) => rig.server.handleUpgrade(request, socket, head));
    const port = await listenOn(http);
    test.after(() => void http.close());
    const peer = await RawClient.connect(`ws://127.0.0.1:${port}/`);
    // Handshake and first frame in one packet: the frame is the `head`.
    await peer.sendBytes(
      Buffer.concat([Buffer.from(upgradeRequest(peer.url)), Buffer.from("818200000000", "hex"), Buffer.from("hi")]),
    );
    assert.equal((await peer.nextResponse())!.status, 101);
    await until(() => texts.length === 1, "the message in the head");
    assert.deepEqual(texts, ["hi"]);
    await peer.close();
  });

  it("of a socket that is gone costs nothing", async (test) => {
    const rig = await startRig(test, { maxClients: 1 });
    const http = createHttpServer();
    let handedOver = 0;
    http.on("upgrade", (request, socket, head) => {
      socket.on("close", () => {
        setImmediate(() => {
          rig.server.handleUpgrade(request, socket, head);
          handedOver++;
        });
      });
      socket.destroy();
    });
    const port = await listenOn(http);
    test.after(() => void http.close());
    const peer = await RawClient.connect(`ws://127.0.0.1:${port}/`);
    await peer.sendBytes(upgradeRequest(peer.url));
    await until(() => handedOver === 1, "the hand-over");
    assert.deepEqual([rig.opened.length, rig.server.clients.size, rig.server.stats.aborted], [0, 0, 1]);
    await rig.connect();
  });

  it("of a client that resets in the same moment ends in nothing but a disconnect", async (test) => {
    const rig = await startRig(test);
    for (let i = 0; i < 20; i++) {
      const peer = await rig.dial();
      void peer.sendBytes(upgradeRequest(rig.url));
      if (i % 2 === 0) await peer.nextResponse();
      else await new Promise((next) => setImmediate(next));
      await peer.sendFrame(frame.text("x"));
      peer.reset();
    }
    await until(() => rig.closed.length === rig.opened.length && rig.server.clients.size === 0, "all to be gone");
    assert.deepEqual(
      rig.log.lines.filter(({ level }) => level === "error"),
      [],
    );
  });
});
