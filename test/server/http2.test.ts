/** WebSockets over HTTP/2 (RFC 8441), on the port of `listen`: beside HTTP/1.1, with the same checks and the same life. */
import assert from "node:assert/strict";
import { constants } from "node:http2";
import { describe, it, type TestContext } from "node:test";
import { connect as connectTls } from "node:tls";
import { createServer, Refuse, type ServerOptions, UsageError } from "#hawser/index.js";
import { certificates } from "../harness/certificates.js";
import { until } from "../harness/concurrency.js";
import { PeerCompression } from "../harness/deflate.js";
import { frame, PING } from "../harness/frames.js";
import { CANCEL, Http2Peer, NO_ERROR } from "../harness/http2-client.js";
import { RawClient } from "../harness/raw-client.js";
import { gate, LogBook, type Rig, startRig, stepUntil, turns } from "../harness/rig.js";
import { StepClock } from "../harness/step-clock.js";

const TLS = { tls: certificates.first, http2: true } as const;

async function start<Data = undefined>(
  test: TestContext,
  options: ServerOptions<Data> = {},
): Promise<{ rig: Rig<Data>; peer: Http2Peer }> {
  const rig = await startRig<Data>(test, {
    message: (client, message) => void client.send(message),
    ...TLS,
    ...options,
  });
  const peer = await Http2Peer.connect(test, rig.url);
  return { rig, peer };
}

describe("a WebSocket over HTTP/2", () => {
  it("is announced, opened with 200 and without a key, and carries messages of any size", async (test) => {
    const { rig, peer } = await start(test, {
      subprotocols: ["b", "a"],
      responseHeaders: ["X-Extra: 1", "X-Extra: 2"],
    });
    assert.equal(peer.session.remoteSettings.enableConnectProtocol, true);
    const client = await peer.open({ ":path": "/here?q=1", "sec-websocket-protocol": "a, b", cookie: ["c=1", "d=2"] });
    const { headers } = await client.response();
    assert.equal(headers["sec-websocket-protocol"], "b");
    assert.equal(headers["x-extra"], "1, 2");
    assert.equal(headers["sec-websocket-accept"], undefined);
    for (const size of [0, 10, 20_000, 300_000]) await client.echo("x".repeat(size));
    const [request] = rig.requests;
    assert.deepEqual([request!.path, request!.query.get("q"), request!.address], ["/here", "1", "127.0.0.1"]);
    assert.equal(request!.httpVersion, "2.0");
    assert.deepEqual(request!.headers, {
      host: new URL(rig.url).host,
      "sec-websocket-version": "13",
      "sec-websocket-protocol": "a, b",
      cookie: "c=1; d=2",
    });
    assert.equal(request!.raw.socket.remoteAddress, "127.0.0.1");
    assert.deepEqual(client.violations, []);
    client.sendFrame(frame.close(1000));
    assert.equal(await client.closeCode(), 1000);
    client.end();
    assert.deepEqual(
      [(await rig.nextClosed()).cause, rig.log.of("connect")[0]!["httpVersion"], await client.closed()],
      ["normal", "2.0", NO_ERROR],
    );
    rig.log.assertDocumented();
  });

  it("is one of many on its connection, which the end of one leaves alone", async (test) => {
    const { rig, peer } = await start(test);
    const clients = await Promise.all(Array.from({ length: 20 }, () => peer.open()));
    assert.equal(rig.server.clients.size, 20);
    await Promise.all(clients.map((client, i) => client.echo(`number ${i}`)));
    clients[0]!.reset();
    assert.equal((await rig.nextClosed()).cause, "lost");
    await clients[1]!.echo("still here");
    assert.equal(rig.server.clients.size, 19);
  });

  it("takes permessage-deflate", async (test) => {
    const { peer } = await start(test, { compression: true, compressionThresholdBytes: 0 });
    const client = await peer.open({ "sec-websocket-extensions": "permessage-deflate" });
    const agreed = String((await client.response()).headers["sec-websocket-extensions"]);
    assert.match(agreed, /^permessage-deflate; server_no_context_takeover/);
    const compression = new PeerCompression({ server_no_context_takeover: true, client_no_context_takeover: true });
    const text = "hello ".repeat(500);
    client.sendFrame(frame.text(compression.deflate(Buffer.from(text)), { rsv: 4 }));
    const { payload, rsv } = (await client.nextFrame())!;
    assert.equal(rsv, 4);
    assert.ok(payload.length < 100, "it came compressed");
    assert.equal(compression.inflate(payload).toString(), text);
  });

  it("goes beside HTTP/1.1 on one port, whether the client agrees on that or on nothing", async (test) => {
    const { rig, peer } = await start(test);
    const client = await peer.open();
    const old = await rig.connect();
    await old.peer.echo("HTTP/1.1");
    await client.echo("HTTP/2");
    assert.deepEqual(
      rig.log.of("connect").map(({ httpVersion }) => httpVersion),
      ["2.0", "1.1"],
    );
    const socket = connectTls({
      port: rig.port,
      host: "127.0.0.1",
      rejectUnauthorized: false,
      ALPNProtocols: ["http/1.1"],
    });
    test.after(() => socket.destroy());
    let answer = "";
    socket.setEncoding("latin1").on("data", (text: string) => (answer += text));
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await until(() => answer.includes("\r\n\r\n"), "an answer");
    assert.match(answer, /^HTTP\/1\.1 426 /);
    assert.equal(socket.alpnProtocol, "http/1.1");
  });

  it("is off by default", async (test) => {
    const rig = await startRig(test, { tls: certificates.first });
    const socket = connectTls({
      port: rig.port,
      host: "127.0.0.1",
      rejectUnauthorized: false,
      ALPNProtocols: ["h2", "http/1.1"],
    });
    test.after(() => socket.destroy());
    await until(() => socket.alpnProtocol !== null, "the end of the TLS handshake");
    assert.equal(socket.alpnProtocol, "http/1.1");
  });

  it("needs tls to listen, for no browser speaks it without", async () => {
    const server = createServer({ http2: true, clock: new StepClock(), logger: new LogBook() });
    await assert.rejects(server.listen(0), UsageError);
  });
});

describe("a handshake over HTTP/2 is refused as over HTTP/1.1", () => {
  const cases: [what: string, headers: Record<string, string | undefined>, status: number, reason: string | null][] = [
    ["no version", { "sec-websocket-version": undefined }, 400, "version-missing"],
    ["another version", { "sec-websocket-version": "12" }, 400, "version"],
    ["a page of another origin", { origin: "https://evil.example" }, 403, "origin"],
    [
      "a page by a name that leads here",
      { ":authority": "evil.example", origin: "https://evil.example" },
      421,
      "unknown-host",
    ],
    ["a path that takes none", { ":path": "/elsewhere" }, 404, "path"],
    ["a subprotocol that is no token", { "sec-websocket-protocol": "a b" }, 400, "subprotocol"],
    ["an extension that is none", { "sec-websocket-extensions": "a;;=" }, 400, "extensions"],
    ["a body", { "content-length": "5" }, 400, "body"],
    ["a proxy's CONNECT", { ":protocol": undefined, ":path": undefined, ":authority": "a.example:443" }, 405, null],
    ["a protocol that is not known", { ":protocol": "connect-udp" }, 501, null],
  ];
  for (const [what, headers, status, reason] of cases) {
    it(`for ${what}`, async (test) => {
      const { rig, peer } = await start(test, { path: "/" });
      const response = await peer.ask(headers);
      assert.equal(response.status, status);
      if (reason !== null) {
        assert.match(String(response.headers["content-type"]), /^text\/plain/);
        assert.match(response.body, /\.\n$/);
        assert.deepEqual(
          rig.log.of("refused").map((line) => line["reason"]),
          [reason],
        );
      }
      if (reason === "version") assert.equal(response.headers["sec-websocket-version"], "13");
      // The connection goes on.
      await (await peer.open()).echo("hello");
    });
  }

  it("by a reset where HTTP/2 itself calls it malformed: an authority that is none, a Host that says something else", async (test) => {
    const { rig, peer } = await start(test);
    for (const headers of [
      { ":authority": "a b" },
      { host: "other.example" },
      { ":path": "here" },
      { upgrade: "websocket" },
    ]) {
      try {
        assert.equal(await peer.request(headers).closed(), constants.NGHTTP2_PROTOCOL_ERROR, JSON.stringify(headers));
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, "ERR_HTTP2_INVALID_CONNECTION_HEADERS");
      }
    }
    await (await peer.open()).echo("hello");
    assert.equal(rig.requests.length, 1);
  });

  it("by the application: false, a Refuse with headers and a body, an error", async (test) => {
    const { peer } = await start(test, {
      authenticate: async ({ path }) => {
        await Promise.resolve();
        if (path === "/false") return false;
        if (path === "/refuse")
          throw new Refuse(402, "pay", { "X-Why": ["money", "love"], "Set-Cookie": ["a=1", "b=2"] });
        if (path === "/short") throw new Refuse(410, "gone");
        throw new Error("a fault");
      },
      refusalBody: ({ status }) => (status === 410 ? "" : `{"status":${status}}`),
    });
    assert.equal((await peer.ask({ ":path": "/false" })).status, 401);
    const refused = await peer.ask({ ":path": "/refuse" });
    assert.deepEqual([refused.status, refused.body, refused.headers["x-why"]], [402, '{"status":402}', "money, love"]);
    assert.deepEqual(refused.headers["set-cookie"], ["a=1", "b=2"]);
    const short = await peer.ask({ ":path": "/short" });
    assert.deepEqual([short.status, short.body], [410, ""]);
    assert.equal((await peer.ask({ ":path": "/fault" })).status, 500);
  });

  it("when the application does not decide in time, and when the server shuts down meanwhile", async (test) => {
    const { rig, peer } = await start(test, { authenticate: () => new Promise<true>(() => {}) });
    const slow = peer.request();
    await until(() => rig.server.pendingHandshakes === 1, "a handshake under way");
    rig.clock.advance(11_000);
    assert.equal((await slow.response()).status, 503);
    const late = peer.request();
    await until(() => rig.server.pendingHandshakes === 1, "another one");
    await rig.stop();
    assert.equal((await late.response()).status, 503);
    assert.deepEqual(
      rig.log.of("refused").map(({ reason }) => reason),
      ["authenticate-timeout", "draining"],
    );
  });

  it("for too many clients: in all, of an address, and of one connection", async (test) => {
    const limits = [
      ["maxClients", "client-limit", 503],
      ["maxClientsPerAddress", "address-limit", 429],
      ["maxClientsPerHttp2Session", "http2-session-limit", 429],
    ] as const;
    for (const [option, reason, status] of limits) {
      const { rig, peer } = await start(test, { [option]: 2 });
      const first = await peer.open();
      await peer.open();
      const refused = await peer.ask({});
      assert.deepEqual([refused.status, rig.log.of("refused")[0]!["reason"]], [status, reason]);
      assert.ok(Number(refused.headers["retry-after"]) > 0);
      first.reset();
      await rig.nextClosed();
      await peer.open();
    }
  });

  it("of a client that has ended its side, or reset the stream, while the application decides", async (test) => {
    const decision = gate<boolean>();
    const signals: AbortSignal[] = [];
    const { rig, peer } = await start(test, {
      authenticate: (_request, { signal }) => {
        signals.push(signal);
        return decision.promise;
      },
    });
    const ended = peer.request();
    const reset = peer.request();
    await until(() => rig.server.pendingHandshakes === 2, "two handshakes under way");
    ended.end();
    reset.reset();
    await until(() => rig.server.pendingHandshakes === 0, "both given up");
    assert.ok(signals.every(({ aborted }) => aborted));
    decision.open(true);
    await until(() => rig.server.stats.aborted === 2, "both counted");
    assert.equal(rig.opened.length, 0);
  });

  it("that ends its stream with the request", async (test) => {
    const { rig, peer } = await start(test);
    const client = peer.request({}, true);
    await client.ended();
    await until(() => rig.server.stats.aborted + rig.closed.length === 1, "its end");
    assert.equal(rig.server.clients.size, 0);
  });
});

describe("the end of a WebSocket over HTTP/2", () => {
  it("is seen at once: its stream is ended, reset, or its connection goes away", async (test) => {
    for (const code of [NO_ERROR, CANCEL, "end", "session"] as const) {
      const { rig, peer } = await start(test);
      const client = await peer.open();
      await peer.open();
      if (code === "end") client.end();
      else if (code === "session") peer.session.destroy();
      else client.reset(code);
      const { cause, code: closeCode, wasClean } = await rig.nextClosed();
      assert.deepEqual([cause, closeCode, wasClean], ["lost", 1006, false], String(code));
      if (code === "session") await until(() => rig.server.clients.size === 0, "the end of the other");
      else assert.equal(rig.server.clients.size, 1);
    }
  });

  it("comes after all that was sent, however slowly it is read", async (test) => {
    const { rig, peer } = await start(test);
    const client = await peer.open();
    client.stream.pause();
    for (let i = 0; i < 50; i++) rig.opened[0]!.send("x".repeat(10_000));
    rig.opened[0]!.close(4000);
    client.sendFrame(frame.close(4000));
    await turns(20);
    assert.ok(rig.opened[0]!.bufferedBytes > 300_000);
    client.stream.resume();
    for (let i = 0; i < 50; i++) assert.equal((await client.nextFrame())?.payload.length, 10_000);
    assert.equal(await client.closeCode(), 4000);
    assert.equal(await client.closed(), NO_ERROR);
    const { cause, wasClean } = await rig.nextClosed();
    assert.deepEqual([cause, wasClean], ["closed-by-server", true]);
  });

  it("has the codes of RFC 6455: a violation, a message that is too long", async (test) => {
    const { rig, peer } = await start(test, { maxMessageBytes: 1000 });
    const unmasked = await peer.open();
    unmasked.sendFrame(frame.text("hello", { mask: false }));
    assert.equal(await unmasked.closeCode(), 1002);
    await unmasked.ended();
    unmasked.end();
    assert.equal((await rig.nextClosed()).cause, "protocol-error");
    const long = await peer.open();
    long.sendFrame(frame.text("x", { declaredLength: 1001 }));
    assert.equal(await long.closeCode(), 1009);
    long.end();
    assert.equal((await rig.nextClosed()).cause, "too-big");
  });

  it("comes when it does not answer pings, nor our close frame: the stream is reset", async (test) => {
    const { rig, peer } = await start(test);
    const silent = await peer.open();
    const lively = await peer.open();
    rig.clock.advance(30_000);
    await lively.echo("here");
    rig.clock.advance(25_000);
    const ping = (await silent.nextFrame())!;
    assert.equal(ping.opcode, PING);
    await stepUntil(rig.clock, () => rig.closed.length === 1, "its end", 500);
    assert.equal((await rig.nextClosed()).cause, "heartbeat-timeout");
    assert.equal(await silent.closed(), CANCEL);
    await lively.echo("still here");
    rig.opened[1]!.close(1000);
    assert.equal(await lively.closeCode(), 1000);
    await stepUntil(rig.clock, () => rig.closed.length === 2, "its end", 500);
    assert.equal(await lively.closed(), CANCEL);
  });

  it("comes with the server's: GOAWAY for the connection, 1001 for each, and no stream more", async (test) => {
    const { rig, peer } = await start(test);
    const idle = await Http2Peer.connect(test, rig.url);
    const clients = [await peer.open(), await peer.open()];
    const stopped = rig.stop();
    for (const client of clients) {
      assert.equal(await client.closeCode(), 1001);
      client.sendFrame(frame.close(1001));
      client.end();
    }
    const report = await stopped;
    assert.deepEqual([report.clients, report.clean, report.cut], [2, 2, 0]);
    for (const each of [peer, idle]) {
      await each.closed();
      assert.equal(each.goaways[0], NO_ERROR);
    }
  });

  it("comes with the server's grace for a client that says nothing", async (test) => {
    const { rig, peer } = await start(test);
    await peer.open();
    const report = await rig.stop({ graceMs: 200 });
    assert.equal(report.cut, 1);
    await peer.closed();
  });
});

describe("requests over HTTP/2 that are no handshakes", () => {
  it("get 404 where the application takes none, one after another", async (test) => {
    const { peer } = await start(test);
    for (let i = 0; i < 3; i++) {
      const { status, body } = await peer.get("/");
      assert.deepEqual([status, body], [404, "This is a WebSocket server.\n"]);
    }
  });

  it("are the application's, and its failure is 500", async (test) => {
    const { peer } = await start(test, {
      request: ({ url }, response) => {
        if (url === "/fault") throw new Error("a fault");
        response.end(`page ${url}`);
      },
    });
    assert.equal((await peer.get("/a")).body, "page /a");
    assert.equal((await peer.get("/fault")).status, 500);
    assert.equal((await peer.get("/b")).body, "page /b");
  });

  it("and that look like one are refused: a GET has no stream of its own to become one", async (test) => {
    const { rig, peer } = await start(test);
    const answer = await peer.ask({ ":method": "GET", ":protocol": undefined });
    assert.equal(answer.status, 400);
    assert.equal(rig.log.of("refused")[0]!["reason"], "http-version");
  });
});

describe("HTTP/1.1 of one server and HTTP/2 of another", () => {
  it("a client of HTTP/1.1 is served as without the option", async (test) => {
    const { rig } = await start(test);
    const peer = await RawClient.connect(rig.url);
    const response = await peer.handshake({ headers: { "Sec-WebSocket-Version": "12" } });
    assert.equal(response.status, 426);
    peer.destroy();
  });
});
