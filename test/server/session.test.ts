/** One client's life, where two things happen at once: what ends it while a handler runs, while it is behind, while it is closing. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Client, ServerOptions } from "#hawser/index.js";
import { until } from "../harness/concurrency.js";
import { encodeFrame, frame } from "../harness/frames.js";
import type { ConnectOptions, RawClient } from "../harness/raw-client.js";
import { gate, type Rig, startRig, turns } from "../harness/rig.js";

const KIB = 1024;

/** A client whose kernel buffers are full, for it does not read. */
async function stalled(
  rig: Rig<undefined>,
  how: ConnectOptions = {},
): Promise<{ peer: RawClient; client: Client<undefined> }> {
  const { peer, client } = await rig.connect(how);
  peer.socket.pause();
  const filler = Buffer.from(Array.from({ length: 60 * KIB }, (_, i) => (i * 7919) % 251));
  await until(() => {
    for (let i = 0; i < 20; i++) if (client.send(filler) === "queued") return true;
    return false;
  }, "the client to be behind");
  return { peer, client };
}

/** Gets a handler to run until `finish` is called. */
async function withHandlerRunning(
  test: Parameters<typeof startRig>[0],
  options: ServerOptions = {},
): Promise<{ rig: Rig<undefined>; peer: RawClient; client: Client<undefined>; finish: () => void }> {
  const { promise, open } = gate();
  let running = false;
  const rig = await startRig(test, {
    ...options,
    message: async (client) => {
      running = true;
      await promise;
      client.send("done");
    },
  });
  const { peer, client } = await rig.connect({ keepHalfOpen: true });
  await peer.sendFrame(frame.text("begin"));
  await until(() => running, "the handler");
  return { rig, peer, client, finish: () => open() };
}

describe("a handler is running", () => {
  it("and the connection is reset: an async close is called once, after it", async (test) => {
    const calls: string[] = [];
    const { rig, peer, finish } = await withHandlerRunning(test, {
      async close() {
        calls.push("close");
        await turns();
        calls.push("closed");
      },
    });
    peer.reset();
    await until(() => rig.server.clients.size === 0, "the end");
    assert.equal(calls.length, 0);
    finish();
    await until(() => calls.at(-1) === "closed", "close");
    await turns(20);
    assert.deepEqual(calls, ["close", "closed"]);
    assert.equal(rig.server.pendingHandlers, 0);
  });

  it("that has closed its client: the answer is heard meanwhile", async (test) => {
    const { promise, open } = gate();
    const rig = await startRig(test, {
      message: (client) => {
        client.close(4000);
        return promise;
      },
    });
    const { peer } = await rig.connect();
    await peer.sendFrame(frame.text("begin"));
    await peer.nextEvent();
    await peer.sendFrame(frame.close(4000));
    await peer.expectClose(4000);
    open();
    assert.equal((await rig.nextClosed()).wasClean, true);
  });

  it("and its client is closed from elsewhere: the answer is heard meanwhile, behind messages that nobody handles", async (test) => {
    const { rig, peer, client, finish } = await withHandlerRunning(test);
    await peer.sendBytes(Buffer.concat(Array.from({ length: 5 }, () => encodeFrame(frame.text("behind")))));
    await turns(5);
    client.close(4001);
    await peer.nextEvent();
    await peer.sendFrame(frame.close(4001));
    await peer.expectClose(4001);
    peer.end();
    finish();
    assert.equal((await rig.nextClosed()).wasClean, true);
    assert.equal(rig.server.stats.messagesIn, 1);
  });

  it("and the peer ends its side: the reply is still sent, and then it ends", async (test) => {
    const { rig, peer, client, finish } = await withHandlerRunning(test);
    peer.end();
    await turns(10);
    assert.equal(client.isOpen, true);
    finish();
    assert.equal((await peer.nextMessage()).bytes.toString(), "done");
    await peer.expectClose("none");
    assert.deepEqual([(await rig.nextClosed()).cause, client.isOpen], ["lost", false]);
  });

  it("and its client has ended its side behind messages that wait: each of them is handled", async (test) => {
    const { promise, open } = gate();
    const seen: string[] = [];
    const rig = await startRig(test, {
      message: (_client, message) => {
        seen.push(message.text());
        return seen.length === 1 ? promise : undefined;
      },
    });
    const { peer } = await rig.connect({ keepHalfOpen: true });
    await peer.sendBytes(Buffer.concat(["a", "b", "c"].map((text) => encodeFrame(frame.text(text)))));
    peer.end();
    await turns(20);
    assert.deepEqual(seen, ["a"]);
    open();
    await peer.expectClose("none");
    assert.deepEqual(seen, ["a", "b", "c"]);
  });

  it("and fails: the message behind it is never handled", async (test) => {
    const seen: string[] = [];
    const rig = await startRig(test, {
      message: async (_client, message) => {
        seen.push(message.text());
        await Promise.resolve();
        throw new Error("bug");
      },
    });
    const { peer } = await rig.connect();
    await peer.sendBytes(Buffer.concat(["first", "second"].map((text) => encodeFrame(frame.text(text)))));
    await peer.expectClose(1011);
    assert.equal((await rig.nextClosed()).cause, "handler-error");
    assert.deepEqual(seen, ["first"]);
  });
});

describe("a client that is behind", () => {
  it("gets nothing compressed that it might not get: with context takeover all that follows can be read", async (test) => {
    const rig = await startRig(test, {
      compression: true,
      compressionContextTakeover: true,
      compressionThresholdBytes: 16,
      overflow: "drop-newest",
      maxBacklogBytes: 512 * KIB,
    });
    const { peer, client } = await stalled(rig, { offer: "permessage-deflate" });
    const texts = Array.from({ length: 1000 }, (_, i) => `${i}: the same words again and again`.padEnd(KIB, "."));
    const kept = texts.filter((text) => client.send(text) !== "dropped");
    assert.ok(kept.length > 0 && kept.length < texts.length, "some are dropped");
    peer.socket.resume();
    const read = async (): Promise<string> => {
      for (;;) {
        const { type, bytes } = await peer.nextMessage();
        if (type === "text") return bytes.toString();
      }
    };
    for (const text of kept) assert.equal(await read(), text);
    await until(() => client.bufferedBytes === 0, "the drain");
    for (const text of texts.slice(0, 20)) {
      assert.equal(client.send(text), "sent");
      assert.equal(await read(), text);
    }
    assert.deepEqual(peer.violations, []);
  });

  it("is not pinged: the answer would say nothing", async (test) => {
    let drained = false;
    const rig = await startRig(test, {
      pongWaitMs: 600_000,
      pingPeriodMs: 10_000,
      writeWaitMs: 600_000,
      drain: () => void (drained = true),
    });
    const { peer } = await stalled(rig);
    rig.clock.advance(60_000);
    assert.equal(rig.server.stats.pings, 0);
    peer.socket.resume();
    await until(() => drained, "the drain");
    rig.clock.advance(20_000);
    assert.ok(rig.server.stats.pings > 0);
  });

  it("and whose peer ends its side is not open, though what it was sent has not left", async (test) => {
    const rig = await startRig(test);
    const { peer, client } = await stalled(rig);
    peer.end();
    await until(() => !client.isOpen, "the FIN");
    assert.equal(client.send("late"), "closed");
    assert.deepEqual([rig.closed.length, rig.server.clients.size], [0, 1]);
  });
});

it("a client that sends more than its share of a turn and ends its side: each message is handled", async (test) => {
  let seen = 0;
  const rig = await startRig(test, { message: () => void seen++ });
  for (const count of [600, 2500, 6000]) {
    seen = 0;
    const { peer } = await rig.connect({ keepHalfOpen: true });
    await peer.sendBytes(Buffer.concat(Array.from({ length: count }, () => encodeFrame(frame.text("x")))));
    peer.end();
    await peer.expectClose("none");
    assert.equal(seen, count);
  }
});

describe("an end", () => {
  const ends: readonly [string, (client: Client<undefined>, peer: RawClient) => unknown, string, number][] = [
    ["closed, then terminated", (client) => (client.close(4001), client.terminate()), "closed-by-server", 4001],
    [
      "closed twice",
      (client) => (client.close(4001), client.close(4002), client.terminate()),
      "closed-by-server",
      4001,
    ],
    ["terminated, then closed", (client) => (client.terminate(), client.close(4002)), "terminated", 1006],
    [
      "closed, and answered with another code",
      (client, peer) => (client.close(4001), peer.sendFrame(frame.close(4444))),
      "closed-by-server",
      4001,
    ],
    [
      "closed, and answered with a broken frame",
      (client, peer) => (client.close(4001), peer.sendBytes(Buffer.from([0xff, 0xff]))),
      "closed-by-server",
      4001,
    ],
  ];
  for (const [what, act, cause, code] of ends) {
    it(`has the cause that came first: ${what}`, async (test) => {
      const rig = await startRig(test);
      const { peer, client } = await rig.connect();
      await act(client, peer);
      const disconnect = await rig.nextClosed();
      assert.deepEqual([disconnect.cause, disconnect.code], [cause, code]);
    });
  }

  it("leaves no topic behind, even one that close subscribes to", async (test) => {
    const rig = await startRig(test, {
      open: (client) => client.subscribe("a"),
      close: (client) => client.subscribe("b"),
    });
    const { peer, client } = await rig.connect();
    await peer.close();
    await rig.nextClosed();
    assert.deepEqual([rig.server.topicCount, client.topics.size, rig.server.publish("b", "x")], [0, 0, 0]);
  });
});
