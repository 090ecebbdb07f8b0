/** Clients that break the rules of HTTP/2 or stretch them, frame by frame: what each costs has an end, and nobody else notices. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { ServerOptions } from "#hawser/index.js";
import { certificates } from "../harness/certificates.js";
import { until } from "../harness/concurrency.js";
import { encodeFrame, frame } from "../harness/frames.js";
import { Http2Peer, type StreamClient } from "../harness/http2-client.js";
import {
  encode,
  encodeBlock,
  encodeInteger,
  encodeSettings,
  encodeString,
  flag,
  handshake,
  Http2Wire,
  setting,
  type,
  words,
} from "../harness/http2-wire.js";
import { gate, type Rig, startRig } from "../harness/rig.js";

const [PROTOCOL_ERROR, CANCEL, ENHANCE_YOUR_CALM] = [1, 8, 11];
/** Node 20 leaves a session that nghttp2 has ended as it is, and its clients notice when they write. Later ones end it at once. */
const ENDS_BROKEN_SESSIONS = Number(process.versions.node.split(".")[0]) >= 22;
const NO_PING = Buffer.alloc(8);

interface Stage {
  rig: Rig<undefined>;
  bystander: StreamClient;
  /** Whether the client of another session is served. */
  checkBystander: () => Promise<void>;
}

async function start(test: TestContext, options: ServerOptions = {}): Promise<Stage> {
  const all: ServerOptions = {
    message: (client, message) => void client.send(message),
    ...options,
    tls: certificates.first,
    http2: true,
  };
  const rig = await startRig(test, all);
  const bystander = await (await Http2Peer.connect(test, rig.url)).open({ ":path": "/bystander" });
  return { rig, bystander, checkBystander: () => bystander.echo("are you there?") };
}

/** Accepts the bystander at once, and others later. */
function heldUntil(decision: Promise<void>): NonNullable<ServerOptions["authenticate"]> {
  return async ({ path }) => {
    if (path !== "/bystander") await decision;
    return undefined;
  };
}

/** One text message as DATA. */
function message(stream: number, text: string): Buffer {
  return encode(type.data, flag.none, stream, encodeFrame(frame.text(text)));
}

async function echo(wire: Http2Wire, stream: number, text: string): Promise<void> {
  wire.send(message(stream, text));
  await until(() => wire.dataOf(stream).includes(text) || wire.isOver, "an echo");
  assert.ok(wire.dataOf(stream).includes(text), "the connection has ended");
}

/** A request that is no handshake. */
function ordinary(method: string, path = "/"): Record<string, string> {
  return { ":method": method, ":scheme": "https", ":authority": "localhost", ":path": path };
}

/** Lets seconds pass, with the bystander answering the pings that come meanwhile. */
async function passTime({ rig, checkBystander }: Stage, isDone: () => boolean, seconds: number): Promise<void> {
  for (let i = 0; i < seconds && !isDone(); i++) {
    rig.clock.advance(1000);
    await checkBystander();
  }
  await until(isDone, "what time brings");
}

/** The causes with which all but the bystander have closed. */
function causesOf({ closed }: Rig<undefined>): string[] {
  const others = closed.filter(({ client }) => client.path !== "/bystander");
  assert.equal(new Set(others.map(({ client }) => client)).size, others.length, "one was closed twice");
  return others.map(({ disconnect }) => disconnect.cause);
}

describe("a flood of frames over HTTP/2", () => {
  const answered: [what: string, frames: () => Buffer, answers: (wire: Http2Wire) => number][] = [
    ["pings", () => encode(type.ping, flag.none, 0, NO_PING), (wire) => wire.of(type.ping).length],
    ["settings", () => encodeSettings([[setting.initialWindowSize, 65_535]]), (wire) => acksOf(wire)],
  ];
  for (const [what, frames, answers] of answered) {
    it(`of ${what} is answered while the answers are read`, async (test) => {
      const { rig, checkBystander } = await start(test);
      const wire = await Http2Wire.connect(test, rig.url);
      await wire.open(1);
      const before = answers(wire);
      await Promise.all([wire.flood(10_000, frames), checkBystander()]);
      await until(() => answers(wire) - before === 10_000, "an answer to each");
      await echo(wire, 1, "still here");
    });

    it(`of ${what} whose answers are not read is not read either, or ends the connection`, async (test) => {
      const stage = await start(test);
      const { rig, checkBystander } = stage;
      const wire = await Http2Wire.connect(test, rig.url);
      await wire.open(1);
      wire.pause();
      const isStopped = (): boolean => rig.closed.length > 0 || wire.unsentBytes > 4_000_000;
      await Promise.all([wire.flood(10_000_000, frames, isStopped, 2000), checkBystander()]);
      assert.ok(isStopped(), "the server has read all of it");
      await passTime(stage, () => rig.closed.length > 0, 130);
      assert.match(causesOf(rig).join(), /^(lost|write-timeout|heartbeat-timeout)$/);
      await passTime(stage, () => rig.server.http2.connections === 1, 70);
      await wire.reset();
    });
  }

  const tolerated: [what: string, frames: (i: number) => Buffer][] = [
    ["window updates", () => encode(type.windowUpdate, flag.none, 0, words(1))],
    ["priorities", (i) => encode(type.priority, flag.none, 2 * i + 3, Buffer.alloc(5))],
    ["frames of an unknown type", (i) => encode(99, flag.none, i % 2, Buffer.alloc(100))],
    ["GOAWAY without an error", () => encode(type.goaway, flag.none, 0, words(0, 0))],
  ];
  for (const [what, frames] of tolerated) {
    it(`of ${what} is passed over, or ends the connection`, async (test) => {
      const { rig, checkBystander } = await start(test);
      const wire = await Http2Wire.connect(test, rig.url);
      await wire.open(1);
      await Promise.all([wire.flood(30_000, frames), checkBystander()]);
      if (wire.isOver) {
        assert.deepEqual(wire.goaways, [ENHANCE_YOUR_CALM]);
        await until(() => rig.closed.length === 1, "the end of its client");
        assert.deepEqual(causesOf(rig), ["lost"]);
      } else await echo(wire, 1, "still here");
      await checkBystander();
    });
  }

  const block = encodeBlock(handshake());
  const ending: [what: string, frames: (i: number) => Buffer, most: (seconds: number) => number][] = [
    ["empty DATA", () => encode(type.data, flag.none, 1), () => 1],
    ["pongs that nobody asked for", () => encode(type.ping, flag.ack, 0, NO_PING), () => 1],
    [
      "handshakes that are reset at once (CVE-2023-44487)",
      (i) =>
        Buffer.concat([
          encode(type.headers, flag.endHeaders, 2 * i + 3, block),
          encode(type.reset, flag.none, 2 * i + 3, words(CANCEL)),
        ]),
      // A thousand at once, and then 33 a second: that is nghttp2's own limit.
      (seconds) => 1500 + 33 * seconds,
    ],
    [
      "handshakes that we are made to reset (CVE-2025-8671)",
      (i) =>
        Buffer.concat([
          encode(type.headers, flag.endHeaders, 2 * i + 3, block),
          encode(type.windowUpdate, flag.none, 2 * i + 3, words(0x7fff_ffff)),
        ]),
      () => 200,
    ],
    [
      "CONTINUATION that adds to the headers",
      (i) =>
        i === 0
          ? encode(type.headers, flag.none, 3, block)
          : encode(type.continuation, flag.none, 3, encodeBlock({ [`x-${i}`]: "1" })),
      () => 1,
    ],
    [
      "CONTINUATION that adds nothing",
      (i) => encode(i === 0 ? type.headers : type.continuation, flag.none, 3, i === 0 ? block : undefined),
      () => 1,
    ],
  ];
  for (const [what, frames, most] of ending) {
    it(`of ${what} ends the connection`, async (test) => {
      const stage = await start(test);
      const { rig, checkBystander } = stage;
      const wire = await Http2Wire.connect(test, rig.url);
      await wire.open(1);
      const begun = performance.now();
      await Promise.all([wire.flood(20_000, frames, () => wire.goaways.length > 0), checkBystander()]);
      await until(() => wire.isOver || wire.goaways.length > 0, "the end of it");
      // Besides the bystander's.
      const taken = rig.requests.length - 1;
      assert.ok(taken <= most((performance.now() - begun) / 1000), `${taken} handshakes were taken`);
      await passTime(stage, () => rig.server.clients.size === 1, 130);
      assert.equal(causesOf(rig).length, taken);
      assert.equal(rig.server.pendingHandshakes, 0);
      assert.equal(rig.server.http2.clients, 1);
    });
  }
});

function acksOf(wire: Http2Wire): number {
  return wire.of(type.settings).filter(({ flags }) => flags === flag.ack).length;
}

describe("headers over HTTP/2", () => {
  it("that never come to an end have until their connection's deadline, or until its client's", async (test) => {
    const stage = await start(test);
    for (const hasClient of [false, true]) {
      const wire = await Http2Wire.connect(test, stage.rig.url);
      if (hasClient) await wire.open(1);
      const { size } = stage.rig.server.clients;
      wire.send(encode(type.headers, flag.none, 3, encodeBlock(handshake())));
      // Its client says nothing any more: frames of others may not come between (RFC 9113 6.2).
      await passTime(stage, () => stage.rig.server.clients.size === (hasClient ? size - 1 : size), 70);
      await passTime(stage, () => wire.isOver, 70);
      await passTime(stage, () => stage.rig.server.http2.connections === 1, 5);
      await wire.reset();
    }
    assert.deepEqual(causesOf(stage.rig), ["heartbeat-timeout"]);
    assert.equal(stage.rig.requests.length, 2);
  });

  it("that a small block grows into (HPACK's table) are refused without the application", async (test) => {
    const { rig, checkBystander } = await start(test);
    const wire = await Http2Wire.connect(test, rig.url);
    await wire.open(1);
    // RFC 7541 6.2.1: put into the table, where it is entry 62 from then on. Each reference is an octet, and stands for 4,000.
    const entry = Buffer.concat([Buffer.of(0x40), encodeString("x-long"), encodeString("x".repeat(3900))]);
    const bomb = Buffer.concat([encodeBlock(handshake()), entry, Buffer.alloc(10_000, 0x80 | 62)]);
    await wire.flood(500, (i) => encode(type.headers, flag.endHeaders, 2 * i + 3, bomb));
    await until(() => wire.isOver || wire.resets(3).length > 0, "its end");
    if (!wire.isOver) assert.deepEqual(wire.resets(3), [ENHANCE_YOUR_CALM]);
    await checkBystander();
    assert.equal(rig.requests.length, 2);
  });

  it("whose table is larger than we allow end the connection", async (test) => {
    const stage = await start(test);
    const wire = await Http2Wire.connect(test, stage.rig.url);
    // RFC 7541 6.3: a table of a megabyte, of 4,096 that are allowed.
    const block = Buffer.concat([encodeInteger(1_048_576, 5, 0x20), encodeBlock(handshake())]);
    wire.send(encode(type.headers, flag.endHeaders, 1, block));
    await until(() => wire.isOver || wire.goaways.length > 0, "its end");
    await passTime(stage, () => stage.rig.server.http2.connections === 1, 80);
    assert.equal(stage.rig.requests.length, 1);
  });

  const malformed: [what: string, fields: Record<string, string | undefined>][] = [
    ["no scheme", { ":scheme": undefined }],
    ["no path", { ":path": undefined }],
    ["an empty path", { ":path": "" }],
    ["the path of OPTIONS", { ":path": "*" }],
    ["no authority", { ":authority": undefined }],
    ["a Host in the authority's place", { ":authority": undefined, host: "localhost" }],
    ["an empty authority", { ":authority": "" }],
    ["an empty protocol", { ":protocol": "" }],
    ["a protocol and another method", { ":method": "GET" }],
    ["a pseudo-header that is none", { ":client": "1" }],
    ["a name in capitals", { "X-Name": "1" }],
    ["headers of HTTP/1.1", { connection: "upgrade" }],
    ["a transfer coding", { "transfer-encoding": "chunked" }],
  ];
  it("that are malformed reset their stream, and the connection goes on", async (test) => {
    const { rig } = await start(test);
    const wire = await Http2Wire.connect(test, rig.url);
    for (const [i, [what, fields]] of malformed.entries()) {
      const stream = 2 * i + 1;
      wire.sendHeaders(stream, handshake(fields));
      await until(() => wire.resets(stream).length > 0 || wire.isAccepted(stream) || wire.isOver, what);
      assert.deepEqual(wire.resets(stream), [PROTOCOL_ERROR], what);
    }
    assert.equal(rig.requests.length, 1);
    await wire.open(101);
    await echo(wire, 101, "hello");
  });

  it("with control characters in a value do not come with that value", async (test) => {
    const { rig } = await start(test);
    const wire = await Http2Wire.connect(test, rig.url);
    await wire.open(1, { "x-nul": "a\0b", "x-line": "a\r\nx-other: b", "x-good": "1" });
    assert.deepEqual(rig.requests[1]!.headers, { host: "localhost", "sec-websocket-version": "13", "x-good": "1" });
  });

  it("have the page's own host in :authority", async (test) => {
    const { rig } = await start(test);
    const wire = await Http2Wire.connect(test, rig.url);
    await wire.open(1, { ":authority": "localhost:1234", origin: "https://localhost:1234" });
    await assert.rejects(wire.open(3, { ":authority": "localhost:1234", origin: "https://localhost:4321" }));
    await assert.rejects(wire.open(5, { ":authority": "localhost:1234", origin: "http://evil.example" }));
    await assert.rejects(wire.open(7, { ":authority": "localhost", origin: "null" }));
    assert.deepEqual(
      rig.log.of("refused").map(({ reason }) => reason),
      ["origin", "origin", "origin"],
    );
  });
});

describe("a stream of HTTP/2", () => {
  it("may have messages in it before it is accepted, which are handled then", async (test) => {
    const decision = gate();
    const { rig } = await start(test, { authenticate: heldUntil(decision.promise) });
    const wire = await Http2Wire.connect(test, rig.url);
    wire.sendHeaders(1, handshake());
    wire.send(message(1, "first"), message(1, "second"));
    await until(() => rig.server.pendingHandshakes === 1 && rig.server.incomingBytes > 0, "an early message");
    assert.equal(wire.of(type.headers).length, 0);
    decision.open();
    await echo(wire, 1, "third");
    assert.match(wire.dataOf(1).toString("latin1"), /first.*second.*third/s);
  });

  it("with more in it than its window before it is accepted is no client", async (test) => {
    const stage = await start(test, { authenticate: heldUntil(new Promise(() => {})) });
    const { rig } = stage;
    const wire = await Http2Wire.connect(test, rig.url);
    wire.sendHeaders(1, handshake());
    await until(() => rig.server.pendingHandshakes === 1, "its handshake");
    wire.send(...Array.from({ length: 100 }, () => message(1, "x".repeat(10_000))));
    await until(() => wire.isOver || wire.goaways.length > 0 || wire.resets(1).length > 0, "its end");
    assert.ok(rig.server.incomingBytes < 200_000, String(rig.server.incomingBytes));
    await passTime(stage, () => rig.server.pendingHandshakes === 0, 20);
    assert.equal(rig.server.incomingBytes, 0);
    assert.equal(rig.opened.length, 1);
  });

  it("that is refused takes what is sent on it to nobody", async (test) => {
    const { rig } = await start(test, { path: "/bystander" });
    const wire = await Http2Wire.connect(test, rig.url);
    wire.sendHeaders(1, handshake());
    wire.send(...Array.from({ length: 6 }, () => message(1, "x".repeat(10_000))));
    await until(() => wire.of(type.headers, 1).length > 0, "a refusal");
    await wire.open(3, { ":path": "/bystander" });
    await echo(wire, 3, "hello");
    assert.equal(rig.server.incomingBytes, 0);
  });

  const ends: [what: string, frames: Buffer[]][] = [
    ["DATA after END_STREAM", [encode(type.data, flag.endStream, 1), message(1, "too late")]],
    ["trailers", [encode(type.headers, flag.endHeaders | flag.endStream, 1, encodeBlock({ "x-end": "1" }))]],
    ["trailers without END_STREAM", [encode(type.headers, flag.endHeaders, 1, encodeBlock({ "x-end": "1" }))]],
    ["a second handshake", [encode(type.headers, flag.endHeaders, 1, encodeBlock(handshake()))]],
    ["a reset and a message", [encode(type.reset, flag.none, 1, words(CANCEL)), message(1, "too late")]],
  ];
  for (const [what, frames] of ends) {
    it(`ends its client once with ${what}`, async (test) => {
      const { rig, checkBystander } = await start(test);
      const wire = await Http2Wire.connect(test, rig.url);
      await wire.open(1);
      await wire.open(3, { ":path": "/other" });
      wire.send(...frames);
      await until(() => rig.closed.some(({ client }) => client.path === "/"), "its end");
      // Some of them end the connection, and with that the other one.
      wire.destroy();
      await until(() => rig.closed.length === 2, "the end of the other");
      assert.deepEqual(causesOf(rig), ["lost", "lost"]);
      assert.equal(rig.server.stats.messagesIn, 0);
      await checkBystander();
    });
  }

  it("waits for nothing: a POST has requestTimeoutMs to be here, a response responseTimeoutMs to be taken", async (test) => {
    const stage = await start(test, {
      // The first of them is also how long the handshake of TLS may take.
      requestTimeoutMs: 3000,
      responseTimeoutMs: 500,
      request: (_request, response) => void response.end(Buffer.alloc(1_000_000)),
    });
    const { rig } = stage;
    const wire = await Http2Wire.connect(test, rig.url, [[setting.initialWindowSize, 0]]);
    await wire.open(1);
    wire.sendHeaders(3, ordinary("POST"));
    wire.sendHeaders(5, ordinary("GET"), flag.endHeaders | flag.endStream);
    for (const stream of [3, 5]) {
      await until(() => wire.resets(stream).length > 0, "its end");
      assert.deepEqual(wire.resets(stream), [CANCEL]);
    }
    wire.send(encode(type.windowUpdate, flag.none, 1, words(1000)));
    await echo(wire, 1, "still here");
  });

  it("whose response is not read from the connection is given up, and the connection with it", async (test) => {
    const requests: string[] = [];
    const stage = await start(test, {
      responseTimeoutMs: 100,
      request: ({ url }, response) => {
        requests.push(url!);
        response.on("close", () => requests.push("closed")).end(Buffer.alloc(30_000_000));
      },
    });
    const { rig } = stage;
    const wire = await Http2Wire.connect(test, rig.url, [[setting.initialWindowSize, 0x7fff_ffff]]);
    wire.pause();
    wire.send(encode(type.windowUpdate, flag.none, 0, words(0x7fff_0000)));
    wire.sendHeaders(1, ordinary("GET", "/long"), flag.endHeaders | flag.endStream);
    await until(() => requests.length === 2, "the end of its response");
    assert.deepEqual(requests, ["/long", "closed"]);
    await passTime(stage, () => rig.server.http2.connections === 1, 70);
    await wire.reset();
  });
});

describe("a connection of HTTP/2", () => {
  it("has no more clients than it and the server may have, though it has acknowledged no setting", async (test) => {
    const { rig, checkBystander } = await start(test, { maxClientsPerHttp2Session: 20, maxClients: 31 });
    const block = encodeBlock(handshake());
    const wires = await Promise.all([1, 2].map(() => Http2Wire.connect(test, rig.url)));
    for (const wire of wires) {
      await wire.flood(1000, (i) => encode(type.headers, flag.endHeaders, 2 * i + 1, block));
      await checkBystander();
    }
    await until(() => rig.server.stats.opened + (rig.server.stats.refused["client-limit"] ?? 0) > 20, "the first ones");
    await checkBystander();
    assert.ok(rig.server.clients.size <= 31, String(rig.server.clients.size));
    for (const wire of wires) wire.destroy();
    await until(() => rig.server.clients.size === 1, "the end of all of them");
    assert.deepEqual(new Set(causesOf(rig)), new Set(["lost"]));
    assert.equal(rig.server.http2.clients, 1);
  });

  it("has no more handshakes under way than the server may have", async (test) => {
    const { rig, checkBystander } = await start(test, {
      maxPendingHandshakes: 10,
      authenticate: heldUntil(new Promise(() => {})),
    });
    const wire = await Http2Wire.connect(test, rig.url);
    await wire.flood(50, (i) => encode(type.headers, flag.endHeaders, 2 * i + 1, encodeBlock(handshake())));
    await until(() => rig.server.stats.refused["pending-handshakes"] === 40, "the others' refusals");
    assert.equal(rig.server.pendingHandshakes, 10);
    await checkBystander();
    wire.destroy();
    await until(() => rig.server.pendingHandshakes === 0, "the end of them");
    assert.equal(rig.server.stats.aborted, 10);
  });

  const broken: [what: string, frame: Buffer][] = [
    ["a frame of the wrong size", encode(type.reset, flag.none, 1, Buffer.alloc(3))],
    ["a frame that is too long", encode(type.data, flag.none, 1, Buffer.alloc(16_385))],
    ["DATA of no stream", encode(type.data, flag.none, 0, Buffer.alloc(3))],
    ["headers that are no HPACK", encode(type.headers, flag.endHeaders, 5, Buffer.alloc(7, 0xff))],
    ["a stream of the server's", encode(type.headers, flag.endHeaders, 2, encodeBlock(handshake()))],
    ["a push", encode(type.pushPromise, flag.endHeaders, 1, words(2))],
    ["a window that is opened by 0", encode(type.windowUpdate, flag.none, 0, words(0))],
    ["a window that is opened too far", encode(type.windowUpdate, flag.none, 0, words(0x7fff_ffff))],
    ["GOAWAY with an error", encode(type.goaway, flag.none, 0, words(0, 2))],
    ["a reset of an idle stream", encode(type.reset, flag.none, 99, words(CANCEL))],
  ];
  for (const [what, bytes] of broken) {
    it(`ends with ${what}, and each client closes once`, async (test) => {
      const stage = await start(test);
      const { rig } = stage;
      const wire = await Http2Wire.connect(test, rig.url);
      for (const stream of [1, 3]) await wire.open(stream);
      wire.send(bytes);
      if (ENDS_BROKEN_SESSIONS) {
        await until(() => rig.closed.length === 2, "their end");
        assert.deepEqual(causesOf(rig), ["lost", "lost"]);
        await until(() => rig.log.of("http-error").length === 1, "its line in the log");
      } else {
        await until(() => wire.isOver || wire.goaways.length > 0, "the end of it");
        await passTime(stage, () => rig.closed.length === 2, 130);
        for (const cause of causesOf(rig)) assert.match(cause, /^(lost|write-timeout|heartbeat-timeout)$/);
      }
      await passTime(stage, () => rig.server.http2.connections === 1, 70);
      await wire.reset();
      assert.equal(rig.server.http2.clients, 1);
    });
  }

  it("that is killed takes each of its clients along, once", async (test) => {
    const { rig, checkBystander } = await start(test, { maxClientsPerHttp2Session: 100 });
    const wire = await Http2Wire.connect(test, rig.url);
    await wire.flood(100, (i) => encode(type.headers, flag.endHeaders, 2 * i + 1, encodeBlock(handshake())));
    await until(() => rig.server.clients.size === 101, "all of them");
    assert.deepEqual(rig.server.http2, { connections: 2, clients: 101 });
    wire.destroy();
    await until(() => rig.server.clients.size === 1, "their end");
    assert.deepEqual(
      causesOf(rig),
      Array.from({ length: 100 }, () => "lost"),
    );
    await until(() => rig.server.http2.connections === 1, "the end of the connection");
    assert.equal(rig.server.http2.clients, 1);
    await checkBystander();
  });

  it("goes on after the client's GOAWAY until its last WebSocket ends, and no longer", async (test) => {
    const stage = await start(test);
    const { rig } = stage;
    const wire = await Http2Wire.connect(test, rig.url);
    await wire.open(1);
    wire.send(encode(type.goaway, flag.none, 0, words(0, 0)));
    await echo(wire, 1, "still here");
    wire.send(encode(type.data, flag.none, 1, encodeFrame(frame.close(1000))));
    await until(() => rig.closed.length === 1, "its end");
    assert.deepEqual(causesOf(rig), ["normal"]);
    await passTime(stage, () => rig.server.http2.connections === 1, 10);
    await wire.reset();
  });

  const idle: [what: string, connect: (test: TestContext, url: string) => Promise<Http2Wire>][] = [
    ["says nothing", (test, url) => Http2Wire.connectMute(test, url)],
    ["asks for nothing", (test, url) => Http2Wire.connect(test, url)],
  ];
  for (const [what, connect] of idle) {
    for (const isRead of [true, false]) {
      it(`whose client ${what}, and ${isRead ? "keeps its side open" : "reads nothing"}, is ended by us`, async (test) => {
        const stage = await start(test);
        const wire = await connect(test, stage.rig.url);
        await until(() => stage.rig.server.http2.connections === 2, "the connection");
        if (!isRead) wire.pause();
        await passTime(stage, () => stage.rig.server.http2.connections === 1, 25);
        await wire.reset();
        await stage.checkBystander();
      });
    }
  }
});

describe("a shutdown with HTTP/2", () => {
  it("ends connections whose clients never would, at the deadline", async (test) => {
    const { rig, bystander } = await start(test);
    const kinds = {
      silent: await Http2Wire.connect(test, rig.url),
      closed: await Http2Wire.connect(test, rig.url, [[setting.initialWindowSize, 0]]),
      unread: await Http2Wire.connect(test, rig.url),
      broken: await Http2Wire.connect(test, rig.url),
    };
    for (const [kind, wire] of Object.entries(kinds)) await wire.open(1, { ":path": `/${kind}` });
    kinds.unread.pause();
    kinds.broken.send(encode(type.reset, flag.none, 1, Buffer.alloc(3)));
    await until(() => kinds.broken.goaways.length > 0, "its end");
    if (ENDS_BROKEN_SESSIONS) await until(() => rig.closed.length === 1, "the end of its client");
    const { size } = rig.server.clients;
    const stopped = rig.stop({ graceMs: 1000 });
    assert.equal(await bystander.closeCode(), 1001);
    bystander.sendFrame(frame.close(1001));
    bystander.end();
    const report = await stopped;
    assert.deepEqual([report.clients, report.clean, report.cut], [size, 1, size - 1]);
    for (const wire of Object.values(kinds)) await wire.reset();
    assert.deepEqual(kinds.silent.goaways, [0]);
    assert.equal(rig.server.http2.connections, 0);
    assert.equal(new Set(rig.closed.map(({ client }) => client)).size, 5);
  });

  it("waits no longer than it has to for connections that have nothing and stay open", async (test) => {
    const { rig, bystander } = await start(test);
    const wire = await Http2Wire.connect(test, rig.url);
    await until(() => rig.server.http2.connections === 2, "the connection");
    const stopped = rig.stop({ graceMs: 10_000 });
    assert.equal(await bystander.closeCode(), 1001);
    bystander.sendFrame(frame.close(1001));
    bystander.end();
    const report = await stopped;
    assert.equal(report.clean, 1);
    assert.ok(report.durationMs < 5000, `${report.durationMs} ms on the test's clock`);
    await wire.reset();
  });

  it("closes a hundred WebSockets of one connection with 1001, and takes none more", async (test) => {
    const { rig, bystander } = await start(test, { maxClientsPerHttp2Session: 100 });
    const wire = await Http2Wire.connect(test, rig.url);
    await wire.flood(100, (i) => encode(type.headers, flag.endHeaders, 2 * i + 1, encodeBlock(handshake())));
    await until(() => rig.server.clients.size === 101, "all of them");
    const stopped = rig.stop();
    await until(() => wire.goaways.length > 0, "its GOAWAY");
    wire.sendHeaders(201, handshake());
    for (let stream = 1; stream < 200; stream += 2) {
      await until(() => wire.dataOf(stream).length > 0, "a close frame");
      assert.equal(wire.dataOf(stream).readUInt16BE(2), 1001);
      wire.send(encode(type.data, flag.endStream, stream, encodeFrame(frame.close(1001))));
    }
    bystander.sendFrame(frame.close(1001));
    bystander.end();
    const report = await stopped;
    assert.deepEqual([report.clients, report.clean, report.cut, report.lost], [101, 101, 0, 0]);
    assert.equal(wire.goaways[0], 0);
    assert.equal(wire.isAccepted(201), false);
    assert.equal(rig.requests.length, 101);
  });
});
