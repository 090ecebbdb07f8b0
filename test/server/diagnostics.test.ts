/** What is published on node:diagnostics_channel, and that nobody who listens can do harm. */
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { channel, subscribe, tracingChannel, unsubscribe } from "node:diagnostics_channel";
import { connect } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { createServer, diagnosticsChannels, Refuse, tracingChannels } from "#hawser/index.js";
import { until } from "../harness/concurrency.js";
import { frame } from "../harness/frames.js";
import { gate, LogBook, startRig, turns } from "../harness/rig.js";

interface Told {
  name: string;
  message: Record<string, unknown>;
}

const PHASES = ["start", "end", "asyncStart", "asyncEnd", "error"] as const;

/** Listens to every channel until the test is over. */
function listen(test: TestContext): Told[] {
  const told: Told[] = [];
  const names = [
    ...Object.keys(diagnosticsChannels),
    ...Object.keys(tracingChannels).flatMap((name) => PHASES.map((phase) => `tracing:${name}:${phase}`)),
  ];
  const listeners = names.map((name) => {
    const listener = (message: unknown): void => void told.push({ name, message: message as Told["message"] });
    subscribe(name, listener);
    return { name, listener };
  });
  test.after(() => {
    for (const { name, listener } of listeners) unsubscribe(name, listener);
  });
  return told;
}

const namesOf = (told: readonly Told[]): string[] => told.map(({ name }) => name.replace(/^tracing:/, ""));

describe("diagnostics channels", () => {
  it("tell of a client from its handshake to its end, in order", async (test) => {
    const told = listen(test);
    const rig = await startRig(test, { message() {} });
    const { peer, client } = await rig.connect();
    await peer.sendFrame(frame.binary("12345"));
    await until(() => client.messagesIn === 1, "the message");
    await peer.close(1000, "bye");
    const disconnect = await rig.nextClosed();
    assert.deepEqual(namesOf(told), [
      "hawser:listening",
      "hawser:handshake",
      "hawser:connect",
      "hawser:open:start",
      "hawser:open:end",
      "hawser:message:start",
      "hawser:message:end",
      "hawser:disconnect",
      "hawser:close:start",
      "hawser:close:end",
    ]);
    const of = (name: string): Told["message"] => told.find((one) => one.name === name)!.message;
    for (const { message } of told) assert.equal(message["server"], rig.server);
    assert.equal(of("hawser:listening")["port"], rig.port);
    assert.equal(of("hawser:handshake")["request"], of("hawser:connect")["request"]);
    assert.equal(of("hawser:connect")["client"], client);
    assert.equal(of("tracing:hawser:message:start")["byteLength"], 5);
    assert.equal(of("tracing:hawser:message:start")["isBinary"], true);
    assert.equal(of("tracing:hawser:message:start"), of("tracing:hawser:message:end"), "one object for one call");
    assert.deepEqual(of("hawser:disconnect")["disconnect"], disconnect);
  });

  it("tell of a handshake that is too broken to be an upgrade, and why it is refused", async (test) => {
    const told = listen(test);
    const rig = await startRig(test);
    const response = await (await rig.dial()).handshake({ path: "/there?a=b", headers: { Connection: "keep-alive" } });
    assert.equal(response.status, 400);
    const [handshake, refused] = ["hawser:handshake", "hawser:refused"].map(
      (name) => told.find((one) => one.name === name)?.message,
    );
    assert.deepEqual([handshake?.["path"], handshake?.["address"]], ["/there", "127.0.0.1"]);
    assert.equal(handshake?.["request"], refused?.["request"]);
  });

  it("have the fields of the table, and no others", async (test) => {
    const told = listen(test);
    const held = gate();
    const server = createServer({
      logger: new LogBook(),
      authenticate({ path }) {
        if (path === "/refused") throw new Refuse(401);
        return path === "/slow" ? held.promise : undefined;
      },
      open: (client) => void client.send("x".repeat(1 << 22)),
      message() {
        throw new Error("a fault of the application's");
      },
      drain() {},
      close() {},
    });
    const { port, url } = await server.listen(0);
    const { RawClient } = await import("../harness/raw-client.js");
    const failing = await RawClient.open(url);
    await failing.nextMessage();
    await until(() => namesOf(told).includes("hawser:drain:end"), "drain");
    await failing.sendFrame(frame.text("fail"));
    await failing.expectClose(1011);
    assert.equal((await (await RawClient.connect(`${url}refused`)).handshake()).status, 401);
    const leaving = await RawClient.connect(`${url}slow`);
    void leaving.handshake().catch(() => {});
    await until(() => server.pendingHandshakes === 1, "the slow one");
    leaving.destroy();
    const garbage = connect(port, "127.0.0.1").resume();
    garbage.write("HELLO\r\n\r\n");
    await until(() => namesOf(told).includes("hawser:http-error"), "the broken request");
    await until(() => namesOf(told).includes("hawser:aborted"), "the one that left");
    held.open();
    await server.close();
    const fieldsOf: Record<string, readonly string[]> = { ...diagnosticsChannels, ...tracingChannels };
    for (const { name, message } of told) {
      const base = name.replace(/^tracing:/, "").replace(/:(start|end|asyncStart|asyncEnd|error)$/, "");
      const fields = Object.keys(message).filter((field) => !name.startsWith("tracing:") || field !== "error");
      assert.deepEqual(fields.toSorted(), fieldsOf[base]!.toSorted(), `the fields of ${name}`);
    }
    const seen = new Set(namesOf(told).map((name) => name.replace(/:(start|end|asyncStart|asyncEnd|error)$/, "")));
    assert.deepEqual(
      Object.keys(fieldsOf).filter((name) => !seen.has(name)),
      [],
    );
  });

  it("never have what is in a message", async (test) => {
    const told = listen(test);
    const rig = await startRig(test, { message: (client, message) => void client.send(message) });
    const { peer, client } = await rig.connect();
    await peer.echo("a secret");
    await until(() => client.messagesIn === 1, "the message");
    const traced = told.filter(({ name }) => name.startsWith("tracing:hawser:message"));
    assert.ok(traced.length > 0);
    for (const { message } of traced) {
      for (const [field, value] of Object.entries(message)) {
        if (!["server", "client"].includes(field))
          assert.ok(["string", "number", "boolean"].includes(typeof value), field);
      }
    }
  });

  it("follow a promise to its end, and say why it failed", async (test) => {
    const told = listen(test);
    const fault = new Error("a fault of the application's");
    const rig = await startRig(test, {
      async message(_client, message) {
        await turns();
        if (message.text() === "fail") throw fault;
      },
    });
    const { peer } = await rig.connect();
    await peer.sendFrame(frame.text("go"));
    await peer.sendFrame(frame.text("fail"));
    await peer.expectClose(1011);
    const traced = told.filter(({ name }) => name.startsWith("tracing:hawser:message"));
    assert.deepEqual(
      traced.map(({ name }) => name.split(":").at(-1)),
      ["start", "end", "asyncStart", "asyncEnd", "start", "end", "error", "asyncStart", "asyncEnd"],
    );
    assert.equal(traced.at(-1)!.message["error"], fault);
    const error = told.find(({ name }) => name === "hawser:handler-error")!.message;
    assert.equal(error["error"], fault);
    assert.equal(error["handler"], "message");
  });

  it("say why a handler threw", async (test) => {
    const told = listen(test);
    const rig = await startRig(test, {
      message() {
        throw new Error("thrown");
      },
    });
    const { peer } = await rig.connect();
    await peer.sendFrame(frame.text("x"));
    await peer.expectClose(1011);
    const traced = told.filter(({ name }) => name.startsWith("tracing:hawser:message"));
    assert.deepEqual(
      traced.map(({ name }) => name.split(":").at(-1)),
      ["start", "error", "end"],
    );
  });

  it("tell of every message of a flood, and leave their order as it is", async (test) => {
    const told = listen(test);
    const seen: string[] = [];
    const rig = await startRig(test, {
      async message(_client, message) {
        const text = message.text();
        await turns();
        seen.push(text);
      },
    });
    const { peer } = await rig.connect();
    // More than are timed within a millisecond, where the rig's clock stands still.
    for (let i = 0; i < 20; i++) void peer.sendFrame(frame.text(String(i)));
    await until(() => seen.length === 20, "all of them");
    assert.deepEqual(
      seen,
      Array.from({ length: 20 }, (_, i) => String(i)),
    );
    assert.equal(told.filter(({ name }) => name === "tracing:hawser:message:start").length, 20);
  });

  it("let a store be bound for as long as the handler runs", async (test) => {
    const storage = new AsyncLocalStorage<string>();
    const { start } = tracingChannel("hawser:message");
    start.bindStore(storage, (call) => (call as { client: { id: string } }).client.id);
    test.after(() => start.unbindStore(storage));
    const stores: (string | undefined)[] = [];
    const rig = await startRig(test, {
      async message() {
        stores.push(storage.getStore());
        await turns();
        stores.push(storage.getStore());
      },
    });
    const { peer, client } = await rig.connect();
    await peer.sendFrame(frame.text("x"));
    await until(() => stores.length === 2, "the handler");
    assert.deepEqual(stores, [client.id, client.id]);
    assert.equal(storage.getStore(), undefined);
  });

  it("survive a subscriber that throws: Node reports it, and the server goes on", async (test) => {
    const faults: unknown[] = [];
    const onFault = (error: unknown): void => void faults.push(error);
    // node:test has a listener of its own, which would fail the test.
    const others = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException").on("uncaughtException", onFault);
    const thrower = (): void => {
      throw new Error("a fault of the subscriber's");
    };
    const thrown = ["hawser:handshake", "hawser:connect", "tracing:hawser:message:start", "hawser:disconnect"];
    for (const name of thrown) channel(name).subscribe(thrower);
    test.after(() => {
      for (const name of thrown) channel(name).unsubscribe(thrower);
      process.removeAllListeners("uncaughtException");
      for (const other of others) process.on("uncaughtException", other);
    });
    const rig = await startRig(test, { message: (client, message) => void client.send(message) });
    const { peer } = await rig.connect();
    await peer.echo("hello");
    await peer.close(1000);
    assert.equal((await rig.nextClosed()).cause, "normal");
    await until(() => faults.length === thrown.length, "the reports");
    assert.equal(rig.server.clients.size, 0);
  });
});
