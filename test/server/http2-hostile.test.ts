/** Clients of HTTP/2 that mean no good, and those who take nothing: they cost one connection's bounded memory, and nobody else notices. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { ServerOptions } from "#hawser/index.js";
import { certificates } from "../harness/certificates.js";
import { sleep, until } from "../harness/concurrency.js";
import { frame } from "../harness/frames.js";
import { CANCEL, Http2Peer } from "../harness/http2-client.js";
import { gate, type Rig, startRig, stepUntil } from "../harness/rig.js";

const echo: ServerOptions["message"] = (client, message) => void client.send(message);

/** A server with a client of another session, who has to be served all the time. */
async function start(
  test: TestContext,
  options: Pick<ServerOptions, "maxClientsPerHttp2Session" | "maxBacklogBytes" | "writeWaitMs" | "message"> = {},
): Promise<{ rig: Rig<undefined>; checkBystander: () => Promise<void> }> {
  const rig = await startRig(test, {
    tls: certificates.first,
    http2: true,
    message: echo,
    ...options,
  });
  const bystander = await (await Http2Peer.connect(test, rig.url)).open({ ":path": "/bystander" });
  return { rig, checkBystander: () => bystander.echo("are you there?") };
}

describe("over HTTP/2", () => {
  it("streams that are reset at once, by the thousand, end their connection and nothing else", async (test) => {
    const { rig, checkBystander } = await start(test);
    const peer = await Http2Peer.connect(test, rig.url);
    const begun = performance.now();
    for (let i = 0; i < 5000 && !peer.session.destroyed; i++) {
      peer.request().reset(CANCEL);
      if (i % 50 === 0) await new Promise((next) => setImmediate(next));
    }
    // By the server: on Node 24 a client whose connection is ended does not see it.
    await sleep(300);
    // A thousand at once, and then 33 a second: that is nghttp2's own limit.
    const most = 2_500 + (33 * (performance.now() - begun)) / 1000;
    assert.ok(rig.requests.length < most, `${rig.requests.length} of 5,000 were taken`);
    await checkBystander();
    await until(() => rig.server.clients.size === 1, "the end of the others");
    assert.equal(rig.server.pendingHandshakes, 0);
  });

  it("a session has no more streams than it was told, whatever it asks for", async (test) => {
    const { rig, checkBystander } = await start(test, { maxClientsPerHttp2Session: 10 });
    const peer = await Http2Peer.connect(test, rig.url);
    assert.equal(peer.session.remoteSettings.maxConcurrentStreams, 42);
    const clients = Array.from({ length: 100 }, () => peer.request());
    await until(() => rig.server.clients.size === 11, "as many as may be");
    await checkBystander();
    clients[0]!.reset();
    await until(() => rig.closed.length === 1, "the end of one");
  });

  it("headers beyond the limit are refused without the application", async (test) => {
    const { rig, checkBystander } = await start(test);
    const peer = await Http2Peer.connect(test, rig.url);
    const long = peer.request({ "x-long": "x".repeat(40_000) });
    assert.notEqual(await long.closed(), 0);
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`x-${i}`, "1"]));
    const crowd = peer.request(many);
    assert.notEqual(await crowd.closed(), 0);
    assert.equal(rig.requests.length, 1);
    await checkBystander();
  });

  it("a window that is never opened holds up one stream, and its backlog is bounded", async (test) => {
    const { rig, checkBystander } = await start(test, { maxBacklogBytes: 100_000 });
    const peer = await Http2Peer.connect(test, rig.url, { initialWindowSize: 0 });
    await peer.open({ ":path": "/closed" });
    await until(() => rig.opened.length === 2, "its open");
    const [, client] = rig.opened;
    let sent = 0;
    while (client!.send("x".repeat(10_000)) !== "dropped") {
      sent += 10_000;
      assert.ok(sent < 1_000_000, "the backlog has no end");
      await new Promise((next) => setImmediate(next));
    }
    await checkBystander();
    await stepUntil(rig.clock, () => rig.closed.length === 1, "its end", 100);
    assert.equal((await rig.nextClosed()).cause, "backlog-overflow");
    assert.equal(rig.server.backlogBytes, 0);
  });

  it("and one that stays closed past the write deadline is cut, with its neighbours untouched", async (test) => {
    const { rig, checkBystander } = await start(test, { writeWaitMs: 1000 });
    const peer = await Http2Peer.connect(test, rig.url);
    const closed = await peer.open({ ":path": "/closed" });
    const open = await peer.open({ ":path": "/open" });
    // It is read no more, so that its window closes once 64 KiB have come.
    closed.stream.pause();
    const client = rig.opened.find(({ path }) => path === "/closed")!;
    for (let i = 0; i < 40; i++) client.send("x".repeat(10_000));
    await open.echo("another stream of the session");
    await stepUntil(rig.clock, () => rig.closed.length > 0, "its end", 100);
    assert.equal((await rig.nextClosed()).cause, "write-timeout");
    await open.echo("still here");
    await checkBystander();
  });

  it("what a client sends while its handler waits stays within its window, and holds up nobody", async (test) => {
    const wait = gate();
    const { rig, checkBystander } = await start(test, {
      message: async (client, message) => {
        if (client.path === "/slow") await wait.promise;
        client.send(message);
      },
    });
    const peer = await Http2Peer.connect(test, rig.url);
    const slow = await peer.open({ ":path": "/slow" });
    const quick = await peer.open({ ":path": "/quick" });
    for (let i = 0; i < 100; i++) slow.sendFrame(frame.text("x".repeat(10_000)));
    await quick.echo("another stream of the session");
    await checkBystander();
    // A million bytes were sent, and most of them have not left.
    assert.ok(slow.stream.writableLength > 500_000);
    assert.ok(rig.server.incomingBytes < 200_000);
    wait.open();
    for (let i = 0; i < 100; i++) assert.equal((await slow.nextFrame())?.payload.length, 10_000);
  });

  it("a session that asks for nothing is ended, and so is one that has nothing any more", async (test) => {
    const { rig, checkBystander } = await start(test);
    const idle = await Http2Peer.connect(test, rig.url);
    const used = await Http2Peer.connect(test, rig.url);
    const client = await used.open();
    await stepUntil(rig.clock, () => idle.session.destroyed, "the end of the idle one", 1000);
    await checkBystander();
    assert.equal(used.session.destroyed, false);
    await client.echo("hello");
    client.reset();
    await until(() => rig.closed.length === 1, "the end of its stream");
    for (let i = 0; i < 65; i++) {
      rig.clock.advance(1000);
      if (i % 20 === 0) await checkBystander();
    }
    await used.closed();
    await checkBystander();
  });

  it("settings and pings without end are met by Node's own limits, or answered", async (test) => {
    const { checkBystander, rig } = await start(test);
    const peer = await Http2Peer.connect(test, rig.url);
    for (let i = 0; i < 2000 && !peer.session.destroyed; i++) {
      try {
        peer.session.settings({ initialWindowSize: 65_535 + i });
        peer.session.ping(() => {});
      } catch {
        break;
      }
      if (i % 100 === 0) await new Promise((next) => setImmediate(next));
    }
    await checkBystander();
  });
});
