/** What a careless application does inside its handlers, and what a hostile client does at the worst moment. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Handlers, ServerOptions } from "#hawser/index.js";
import { until } from "../harness/concurrency.js";
import { encodeFrame, frame } from "../harness/frames.js";
import { startRig, turns } from "../harness/rig.js";

describe("in open", () => {
  const acts: [what: string, open: NonNullable<Handlers<undefined>["open"]>, code: number | "none"][] = [
    ["terminate", (client) => client.terminate(), "none"],
    ["close", (client) => client.close(4001), 4001],
    ["send, then close", (client) => (client.send("hi"), client.close(4001)), 4001],
    ["close, then throw", (client) => (client.close(4001), assert.fail("bug")), 4001],
    ["terminate, then throw", (client) => (client.terminate(), assert.fail("bug")), "none"],
    ["close, later", async (client) => turns().then(() => client.close(4001)), 4001],
  ];
  for (const [what, open, code] of acts) {
    it(`${what}: the client goes, close is called once, and others can come`, async (test) => {
      const calls: string[] = [];
      const rig = await startRig(test, {
        maxClients: 1,
        open,
        message: () => void calls.push("message"),
        close: () => void calls.push("close"),
      });
      for (let i = 1; i <= 3; i++) {
        const peer = await rig.dial();
        const response = await peer.handshake();
        assert.equal(response.status, 101);
        await peer.sendFrame(frame.text("not to be handled"));
        if (code !== "none") await peer.sendFrame(frame.close(code));
        const { close } = await peer.ended();
        assert.equal(close?.code, code === "none" ? undefined : code);
        await until(() => calls.length === i, "close");
      }
      assert.ok(calls.every((call) => call === "close"));
      assert.equal(rig.server.clients.size, 0);
    });
  }
});

describe("in message", () => {
  it("close: what came with it in the same chunk is not handled", async (test) => {
    let calls = 0;
    const rig = await startRig(test, {
      message(client) {
        calls++;
        client.close(4002);
        assert.equal(client.send("late"), "closed");
      },
    });
    const { peer } = await rig.connect();
    await peer.sendBytes(Buffer.concat(Array.from({ length: 50 }, () => encodeFrame(frame.text("x")))));
    await peer.nextEvent();
    await peer.sendFrame(frame.close(4002));
    await peer.expectClose(4002);
    assert.equal(calls, 1);
    assert.ok((await rig.nextClosed()).wasClean, "the answer was heard behind the messages");
  });

  it("terminate: at once, and nothing follows", async (test) => {
    let calls = 0;
    const rig = await startRig(test, {
      message(client) {
        calls++;
        client.send("never mind");
        client.terminate();
        client.terminate();
      },
    });
    const { peer } = await rig.connect();
    await peer.sendBytes(Buffer.concat(Array.from({ length: 50 }, () => encodeFrame(frame.text("x")))));
    assert.equal((await rig.nextClosed()).cause, "terminated");
    assert.equal(calls, 1);
  });

  it("at the end of a turn's share, close and terminate work as well", async (test) => {
    for (const end of ["close", "terminate"] as const) {
      const rig = await startRig(test, {
        maxMessagesPerTurn: 3,
        message(client, message) {
          if (message.text() === "2") client[end]();
        },
      });
      const { peer } = await rig.connect();
      await peer.sendBytes(Buffer.concat(["0", "1", "2", "3"].map((text) => encodeFrame(frame.text(text)))));
      await peer.sendFrame(frame.close(1000));
      await rig.nextClosed();
      assert.equal(rig.opened[0]!.messagesIn, 3);
    }
  });

  it("publish to oneself and to all the others, in order", async (test) => {
    const rig = await startRig(test, {
      open: (client) => client.subscribe("all"),
      message(client, message) {
        client.send(`own ${message.text()}`);
        rig.server.publish("all", `all ${message.text()}`);
      },
    });
    const [ann, bob] = [await rig.connect(), await rig.connect()];
    await ann.peer.sendBytes(Buffer.concat(["1", "2"].map((text) => encodeFrame(frame.text(text)))));
    const read = async (peer: typeof ann.peer, count: number): Promise<string[]> => {
      const texts: string[] = [];
      while (texts.length < count) texts.push((await peer.nextMessage()).bytes.toString());
      return texts;
    };
    assert.deepEqual(await read(ann.peer, 4), ["own 1", "all 1", "own 2", "all 2"]);
    assert.deepEqual(await read(bob.peer, 2), ["all 1", "all 2"]);
  });

  it("unsubscribe, subscribe, close and terminate others, while messages are under way", async (test) => {
    const rig = await startRig(test, {
      open: (client) => client.subscribe("all"),
      message(client) {
        for (const other of rig.server.clients.values()) {
          if (other === client) continue;
          if (other.path === "/unsubscribes") other.unsubscribe("all");
          else if (other.path === "/closes") other.close();
          else if (other.path === "/cut") other.terminate();
          rig.server.publish("all", "x");
        }
      },
    });
    const { peer } = await rig.connect({ at: "stays" });
    for (const path of ["unsubscribes", "closes", "cut", "stays"]) await rig.connect({ at: path });
    await peer.sendFrame(frame.text("go"));
    for (let i = 0; i < 4; i++) assert.equal((await peer.nextMessage()).bytes.toString(), "x");
    await until(() => rig.closed.length >= 1, "the one that was cut");
    assert.deepEqual([...rig.server.topicSizes()], [["all", 3]]);
  });

  it("publish to one whose backlog overflows there and then", async (test) => {
    const rig = await startRig(test, { maxBacklogBytes: 2_048, open: (client) => client.subscribe("all") });
    const [fast, slow, other] = [await rig.connect(), await rig.connect(), await rig.connect()];
    slow.peer.socket.pause();
    let published = 0;
    await until(() => {
      for (let i = 0; i < 5; i++) {
        rig.server.publish("all", Buffer.alloc(30_000));
        published++;
      }
      return !slow.client.isOpen;
    }, "the slow one to be closed");
    for (const { peer } of [fast, other])
      for (let i = 0; i < published; i++) assert.equal((await peer.nextMessage()).bytes.length, 30_000);
  });

  it("messages kept for later are still what they were", async (test) => {
    const kept: { text(): string }[] = [];
    const rig = await startRig(test, { message: (_client, message) => void kept.push(message) });
    const { peer } = await rig.connect();
    for (let i = 0; i < 200; i++) await peer.sendFrame(frame.text(`message ${i} ${"x".repeat(i * 20)}`));
    await until(() => kept.length === 200, "all of them");
    for (const [i, message] of kept.entries()) assert.equal(message.text(), `message ${i} ${"x".repeat(i * 20)}`);
  });

  for (const how of ["at once", "later"]) {
    it(`json that is none is the client's fault, and not a word of it is logged: thrown ${how}`, async (test) => {
      const rig = await startRig(test, {
        message(_client, message) {
          if (how === "later") return Promise.resolve().then(() => message.json());
          message.json();
          return undefined;
        },
      });
      const { peer } = await rig.connect();
      await peer.sendFrame(frame.text('{"a":1}'));
      await peer.sendFrame(frame.text("{my secret"));
      await peer.expectClose(1007);
      assert.equal((await rig.nextClosed()).cause, "invalid-json");
      assert.equal(rig.server.stats.handlerErrors.message, 0);
      assert.deepEqual(rig.log.of("handler-error"), []);
      assert.doesNotMatch(JSON.stringify(rig.log.lines), /secret/);
    });
  }

  it("json that is none may be caught", async (test) => {
    let caught: unknown;
    const rig = await startRig(test, {
      message(client, message) {
        try {
          message.json();
        } catch (error) {
          caught = error;
          client.send("what?");
        }
      },
    });
    const { peer, client } = await rig.connect();
    await peer.sendFrame(frame.text("{my secret"));
    assert.equal((await peer.nextMessage()).bytes.toString(), "what?");
    assert.ok(caught instanceof SyntaxError && client.isOpen);
    assert.doesNotMatch(`${caught.stack} ${String(caught.cause)}`, /secret/);
  });
});

describe("in close", () => {
  it("send, subscribe, close, terminate and publish change nothing", async (test) => {
    let result: unknown;
    const rig = await startRig(test, {
      open: (client) => client.subscribe("all"),
      close(client) {
        result = client.send("after all");
        client.subscribe("all");
        client.unsubscribe("all");
        client.close();
        client.terminate();
        rig.server.publish("all", "gone");
      },
    });
    const { peer } = await rig.connect();
    await peer.close();
    await rig.nextClosed();
    assert.equal(result, "closed");
    assert.deepEqual([...rig.server.topicSizes()], []);
    assert.equal(rig.closed.length, 1);
  });

  it("the client is not among the connected any more, and its limits are free", async (test) => {
    const seen: unknown[] = [];
    const rig = await startRig(test, {
      close: (client) => void seen.push(rig.server.clients.has(client.id), client.isOpen),
    });
    await (await rig.connect()).peer.close();
    await rig.nextClosed();
    assert.deepEqual(seen, [false, false]);
  });
});

describe("at the worst moment", () => {
  const waits: [what: string, options: ServerOptions][] = [
    ["nothing", {}],
    ["open", { open: () => turns(3) }],
    ["message", { message: () => turns(3) }],
    ["a rejection", { message: () => turns(3).then(() => Promise.reject(new Error("bug"))) }],
    ["a large reply", { message: (client) => void client.send(Buffer.alloc(4 * 1024 * 1024)) }],
    ["close", { message: (client) => client.close() }],
  ];
  for (const [what, options] of waits) {
    it(`a reset or a FIN during ${what} ends in one disconnect and one call of close`, async (test) => {
      const rig = await startRig(test, options);
      for (let i = 0; i < 24; i++) {
        const { peer } = await rig.connect();
        const bytes = Buffer.concat([encodeFrame(frame.text("hello")), encodeFrame(frame.text("again"))]);
        await peer.sendBytes(i % 4 < 2 ? bytes : bytes.subarray(0, bytes.length - 3));
        await turns(i % 3);
        if (i % 2 === 0) peer.reset();
        else peer.destroy();
      }
      await until(() => rig.closed.length === 24, "all to be gone");
      await turns(10);
      assert.deepEqual([rig.closed.length, rig.server.clients.size, rig.server.backlogBytes], [24, 0, 0]);
      assert.equal(rig.log.of("disconnect").length, 24);
      assert.equal(rig.clock.timers, 0, "nobody is waited for");
    });
  }
});
