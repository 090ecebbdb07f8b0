/** Practice 7 and serial handlers: one at a time and in order for each client; whatever they throw ends that client alone. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Handlers } from "#hawser/index.js";
import { until } from "../harness/concurrency.js";
import { type Expected, exchangeOn, type Step } from "../harness/exchange.js";
import { BINARY, encodeFrame, fragments, type FrameSpec, frame, TEXT } from "../harness/frames.js";
import { Random } from "../harness/random.js";
import { certificates } from "../harness/certificates.js";
import { gate, standsStill, startRig, turns } from "../harness/rig.js";

describe("handlers of one client", () => {
  for (const [how, fail] of [
    [
      "throws",
      () => {
        throw new Error("bug");
      },
    ],
    ["rejects", () => Promise.reject(new Error("bug"))],
  ] as readonly [string, () => Promise<void>][]) {
    it(`that ${how} in whatever message ends its client, once, and no other`, async (test) => {
      const seen: string[] = [];
      const rig = await startRig(test, {
        message(client, message) {
          seen.push(message.text());
          if (message.text() === "fail") return fail();
          client.send(message);
          return undefined;
        },
      });
      const { peer: other } = await rig.connect();
      for (const at of [0, 1, 7]) {
        seen.length = 0;
        const { peer } = await rig.connect();
        // Of the handlers of one moment the first few are timed, and go another way than the rest.
        for (let i = 0; i < 20; i++) await peer.echo("before");
        const texts = Array.from({ length: 9 }, (_, i) => (i === at ? "fail" : String(i)));
        await peer.sendBytes(Buffer.concat(texts.map((text) => encodeFrame(frame.text(text)))));
        await peer.expectClose(1011);
        assert.equal((await rig.nextClosed()).cause, "handler-error");
        assert.deepEqual(seen.slice(20), texts.slice(0, at + 1));
        await other.echo("still here");
      }
      assert.equal(rig.log.of("handler-error").length, 3);
      assert.equal(rig.server.pendingHandlers, 0);
    });
  }

  it("that return nothing are waited for by nobody: the next message follows at once", async (test) => {
    const seen: string[] = [];
    const rig = await startRig(test, {
      message(_client, message) {
        seen.push(message.text());
        queueMicrotask(() => seen.push("later"));
      },
    });
    const { peer } = await rig.connect();
    const texts = Array.from({ length: 30 }, (_, i) => String(i));
    await peer.sendBytes(Buffer.concat(texts.map((text) => encodeFrame(frame.text(text)))));
    await until(() => seen.length === 60, "all of them");
    assert.deepEqual(seen, [...texts, ...texts.map(() => "later")]);
  });

  it("run one after another, in order, however many messages come at once", async (test) => {
    const seen: string[] = [];
    let running = 0;
    const rig = await startRig(test, {
      async open() {
        seen.push("open");
        await turns();
        seen.push("opened");
      },
      async message(_client, message) {
        assert.equal(++running, 1, "two at once");
        const text = message.text();
        // Some take a turn of the event loop, some a microtask.
        await (Number(text) % 3 === 0 ? turns(2) : Promise.resolve());
        seen.push(text);
        running--;
      },
    });
    const { peer } = await rig.connect();
    const numbers = Array.from({ length: 50 }, (_, i) => String(i));
    await peer.sendBytes(Buffer.concat(numbers.map((text) => encodeFrame(frame.text(text)))));
    await until(() => seen.length === 52, "all of them");
    assert.deepEqual(seen, ["open", "opened", ...numbers]);
  });

  for (const [how, options] of [
    ["", {}],
    [", without lean sockets", { portableSockets: true }],
    [", through TLS", { tls: certificates.first }],
  ] as const) {
    it(`some of which wait: what is sent comes back as it was, in order${how}`, async (test) => {
      const random = new Random(7);
      const rig = await startRig(test, {
        ...options,
        maxMessagesPerTurn: 9,
        message(client, message) {
          const reply = random.chance(50) && !message.isBinary ? message.text() : message;
          if (random.chance(40)) return void client.send(reply);
          const wait = random.chance(80) ? Promise.resolve() : turns();
          return wait.then(() => void client.send(reply));
        },
      });
      const { peer } = await rig.connect();
      const expect: Expected[] = [];
      const frames: FrameSpec[] = [];
      for (let i = 0; i < 600; i++) {
        const length = random.pick([0, 5, 60, 130, 900, 2500, 9000]);
        const text = random.pick(["x", "é", "👋"]).repeat(length / 2) + String(i);
        const isText = random.chance(70);
        const opcode = isText ? TEXT : BINARY;
        const whole = { opcode, payload: isText ? text : random.bytes(length) };
        frames.push(...(random.chance(10) ? fragments(opcode, whole.payload, 1 + random.below(4000)) : [whole]));
        expect.push(isText ? { text } : { binary: whole.payload });
      }
      const bytes = Buffer.concat(frames.map(encodeFrame));
      const pieces: Step[] = [];
      for (let at = 0; at < bytes.length;) {
        const end = at + 1 + random.below(40_000);
        pieces.push({ bytes: bytes.subarray(at, end) });
        at = end;
      }
      await exchangeOn(peer, { send: pieces, expect });
    });
  }

  it("that never finish do not keep others waiting", async (test) => {
    const rig = await startRig(test, {
      message(client, message) {
        if (message.text() === "stuck") return gate().promise;
        client.send(message);
        return undefined;
      },
    });
    const { peer: stuck } = await rig.connect();
    const { peer: other } = await rig.connect();
    await stuck.sendFrame(frame.text("stuck"));
    for (let i = 0; i < 20; i++) await other.echo(`${i}`);
  });

  it("close comes after the last of them, once", async (test) => {
    const order: string[] = [];
    const handler = gate();
    const rig = await startRig(test, {
      async message() {
        order.push("message begins");
        await handler.promise;
        order.push("message ends");
      },
      close: () => void order.push("close"),
    });
    const { peer } = await rig.connect();
    await peer.sendFrame(frame.text("x"));
    await until(() => order.length === 1, "the handler");
    peer.reset();
    await until(() => rig.server.clients.size === 0, "the end");
    await turns();
    assert.deepEqual(order, ["message begins"]);
    handler.open();
    await until(() => order.length === 3, "close");
    assert.deepEqual(order, ["message begins", "message ends", "close"]);
  });

  it("see what was sent before the peer ended its side", async (test) => {
    const texts: string[] = [];
    const rig = await startRig(test, {
      async message(_client, message) {
        await turns();
        texts.push(message.text());
      },
    });
    const { peer } = await rig.connect();
    await peer.sendBytes(Buffer.concat(["a", "b", "c"].map((text) => encodeFrame(frame.text(text)))));
    peer.end();
    assert.equal((await rig.nextClosed()).cause, "lost");
    assert.deepEqual(texts, ["a", "b", "c"]);
  });
});

describe("read backpressure", () => {
  it("bounds what a client can push while a handler is pending", async (test) => {
    const handler = gate();
    let calls = 0;
    const rig = await startRig(test, {
      message() {
        calls++;
        return handler.promise;
      },
    });
    const { peer } = await rig.connect();
    const { socket } = rig.requests[0]!.raw;
    const message = encodeFrame(frame.binary(Buffer.alloc(1024)));
    const flood = Buffer.concat(Array.from({ length: 32 * 1024 }, () => message));
    void peer.sendBytes(flood);
    await until(() => calls === 1, "the first message");
    await turns(500);
    assert.equal(calls, 1);
    assert.ok(socket.bytesRead < 256 * 1024, `${socket.bytesRead} of ${flood.length} bytes read`);
    handler.open();
    await until(() => calls === 32 * 1024, "the rest of them");
  });

  it("holds for a client that does not read its replies", async (test) => {
    const rig = await startRig(test, {
      maxBacklogBytes: 64 * 1024 * 1024,
      message: (client, message) => void client.send(message),
    });
    const { peer, client } = await rig.connect();
    const { socket } = rig.requests[0]!.raw;
    peer.socket.pause();
    const message = encodeFrame(frame.binary(Buffer.alloc(64 * 1024)));
    void peer.sendBytes(Buffer.concat(Array.from({ length: 1024 }, () => message)));
    await until(() => client.bufferedBytes > 0, "replies that wait");
    const read = await standsStill(() => socket.bytesRead);
    assert.ok(read < 1024 * message.length, "it is not read any more");
    assert.ok(client.bufferedBytes < 1024 * 1024, `${client.bufferedBytes} bytes wait`);
    peer.socket.resume();
    await until(() => client.messagesIn === 1024, "the rest");
  });
});

describe("a handler that fails", () => {
  const failures: [how: string, fail: () => void | Promise<void>][] = [
    [
      "throws",
      () => {
        throw new Error("bug");
      },
    ],
    ["rejects", () => Promise.reject(new Error("bug"))],
    ["rejects later", async () => turns().then(() => Promise.reject(new Error("bug")))],
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- JavaScript lets them
    ["rejects with nothing", () => Promise.reject(undefined)],
    [
      "throws null",
      () => {
        throw null as unknown as Error;
      },
    ],
  ];
  for (const name of ["open", "message", "drain"] as const satisfies (keyof Handlers<unknown>)[]) {
    for (const [how, fail] of failures) {
      it(`${name} ${how}: logged once with the id, 1011, and the others go on`, async (test) => {
        let bad: string | null = null;
        const rig = await startRig(test, {
          open: (client) => (client.path === "/bad" && name === "open" ? fail() : undefined),
          message(client, message) {
            if (client.path !== "/bad") return void client.send(message);
            if (name === "message") return fail();
            return void client.send(Buffer.alloc(8 * 1024 * 1024));
          },
          drain: (client) => (client.path === "/bad" && name === "drain" ? fail() : undefined),
        });
        const { peer: good } = await rig.connect();
        const { peer, client } = await rig.connect({ at: "bad" });
        bad = client.id;
        await peer.sendFrame(frame.text("go"));
        const ending = await peer.expectClose(1011);
        assert.doesNotMatch(ending.close!.reason, /bug/);
        const end = await rig.nextClosed();
        assert.deepEqual([end.cause, end.code, end.initiator], ["handler-error", 1011, "server"]);
        const lines = rig.log.of("handler-error");
        assert.equal(lines.length, 1);
        assert.deepEqual([lines[0]!["id"], lines[0]!["handler"], lines[0]!.level], [bad, name, "error"]);
        await good.echo("still here");
      });
    }
  }

  for (const [how, fail] of failures) {
    it(`close ${how}: logged once with the id, and the others go on`, async (test) => {
      const rig = await startRig(test, {
        message: (client, message) => void client.send(message),
        close: (client) => (client.path === "/bad" ? fail() : undefined),
      });
      const { peer: good } = await rig.connect();
      const { peer, client } = await rig.connect({ at: "bad" });
      await peer.close();
      await until(() => rig.log.of("handler-error").length > 0, "the line");
      await good.echo("still here");
      const lines = rig.log.of("handler-error");
      assert.deepEqual([lines.length, lines[0]!["id"], lines[0]!["handler"]], [1, client.id, "close"]);
      assert.equal(rig.log.of("disconnect")[0]!["cause"], "normal");
    });
  }

  it("handles no message after it", async (test) => {
    let calls = 0;
    const rig = await startRig(test, {
      message() {
        calls++;
        throw new Error("bug");
      },
    });
    const { peer } = await rig.connect();
    await peer.sendBytes(Buffer.concat(Array.from({ length: 100 }, () => encodeFrame(frame.text("x")))));
    await peer.expectClose(1011);
    assert.equal(calls, 1);
  });

  it("delivers what was sent before it", async (test) => {
    const rig = await startRig(test, {
      message(client) {
        client.send("before");
        throw new Error("bug");
      },
    });
    const { peer } = await rig.connect();
    await peer.sendFrame(frame.text("x"));
    assert.equal((await peer.nextMessage()).bytes.toString(), "before");
    await peer.expectClose(1011);
  });

  it("that returns what is no promise is taken for finished", async (test) => {
    const odd: unknown[] = [0, "sent", null, {}, [], true];
    let calls = 0;
    const rig = await startRig(test, {
      message: (client, message) => {
        client.send(message);
        return odd[calls++];
      },
    });
    const { peer } = await rig.connect();
    for (const value of odd) await peer.echo(String(value));
    assert.deepEqual(rig.log.of("handler-error"), []);
  });
});
