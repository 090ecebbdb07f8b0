/** `connect`: what it takes, what it refuses, and what the compiler makes of a contract. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { connect, type Live, type LiveError, type LiveTopic, type Received } from "@hawser/client";
import { connect as connectCore } from "@hawser/client/core";
import { contract, type StandardSchema } from "@hawser/wire";
import { writeBinaryPub, writeHello } from "@hawser/wire/server";
import { FakeSocket } from "./harness/fake-socket.js";
import { settled } from "./harness/step-time.js";

/** A schema as libraries make them, of which the types alone are of interest here. */
function schema<Input, Output = Input>(): StandardSchema<Input, Output> {
  return { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value: value as Output }) } };
}

const chat = contract({
  topics: {
    "room:{id}": { message: schema<{ text: string }>(), history: { size: 200, ttlMs: 300_000 } },
    "blob:{team}/{id}": { binary: true },
    news: {},
  },
  calls: { rename: { input: schema<{ name: string }>(), output: schema<{ ok: boolean }>() }, time: {} },
  asks: { confirm: { input: schema<string>(), output: schema<boolean>() } },
});

/** Sockets that go nowhere. */
function sockets(): { made: FakeSocket[]; WebSocket: new (url: string, protocol: string) => FakeSocket } {
  const made: FakeSocket[] = [];
  class Recorded extends FakeSocket {
    constructor(url: string, protocol: string) {
      super(url, protocol);
      made.push(this);
    }
  }
  return { made, WebSocket: Recorded };
}

describe("connect", () => {
  for (const [url, expected] of [
    ["wss://example.com/live?a=1", "wss://example.com/live?a=1"],
    ["https://example.com", "wss://example.com/"],
    ["http://localhost:8080/x#fragment", "ws://localhost:8080/x"],
    [new URL("ws://example.com/"), "ws://example.com/"],
  ] as const) {
    it(`to ${String(url)}, with and without a contract`, async () => {
      const { made, WebSocket } = sockets();
      const lives = [connect(url, { WebSocket }), connect(chat, url, { WebSocket }), connectCore(url, { WebSocket })];
      await settled();
      assert.deepEqual(
        made.map(({ url }) => url),
        [expected, expected, expected],
      );
      for (const live of lives) live.close();
    });
  }

  it("relative to the page", async (t) => {
    const { made, WebSocket } = sockets();
    Object.assign(globalThis, { location: { href: "https://example.com/a/b?c" } });
    t.after(() => Reflect.deleteProperty(globalThis, "location"));
    const live = connect("live", { WebSocket });
    await settled();
    assert.equal(made[0]?.url, "wss://example.com/a/live");
    live.close();
  });

  it("to no URL, and without a WebSocket, throws at once", (t) => {
    assert.throws(() => connect("not a url"), TypeError);
    const own = Object.getOwnPropertyDescriptor(globalThis, "WebSocket");
    Reflect.deleteProperty(globalThis, "WebSocket");
    t.after(() => own && Object.defineProperty(globalThis, "WebSocket", own));
    assert.throws(() => connect("ws://127.0.0.1"), /no WebSocket here/);
  });

  it("core says that there were bytes, which it cannot read", async () => {
    const { made, WebSocket } = sockets();
    const reported: unknown[] = [];
    const live = connectCore("ws://127.0.0.1/", { WebSocket, onError: (error) => reported.push(error) });
    await settled();
    made[0]!.accept();
    made[0]!.receive(writeHello({ client: "c1", ping: 25_000 }));
    made[0]!.receive(writeBinaryPub("room", Uint8Array.of(1), 1));
    live.close();
    assert.deepEqual(
      reported.map((error) => (error as LiveError).code),
      ["unsupported"],
    );
  });

  it("makes the name of a topic of its parameters", () => {
    const live = connect(chat, "ws://127.0.0.1/", sockets());
    assert.equal(live.topic("blob:{team}/{id}", { team: "a/b", id: 7 }).name, "blob:a%2Fb/7");
    assert.equal(live.topic("room:42").name, "room:42");
    live.close();
  });

  it("errors of handlers go to onError, or to console.error where there is no reportError", (t) => {
    const reported: unknown[] = [];
    const fail = (): never => {
      throw new Error("mine");
    };
    const live = connect("ws://127.0.0.1/", { ...sockets(), onError: (error) => reported.push(error) });
    live.state.subscribe(fail);
    live.close();
    const logged = t.mock.method(console, "error", () => {});
    const other = connect("ws://127.0.0.1/", sockets());
    other.state.subscribe(fail)();
    other.close();
    assert.equal(reported.length, 2);
    assert.equal(logged.mock.callCount(), 1);
  });
});

/** Whether two types are the same, and neither is any. */
type Same<A, B> = 0 extends 1 & (A | B) ? false : [A, B] extends [B, A] ? true : false;
/** Compiles where they are. */
function same<A, B>(..._: Same<A, B> extends true ? [] : [never]): void {}

// Compiled, and never run.
async function types(live: Live<typeof chat>, plain: Live): Promise<void> {
  const room = live.topic("room:{id}", { id: "42" });
  same<typeof room, LiveTopic<typeof chat, "room:{id}">>();
  room.subscribe({ message: ({ text }) => same<typeof text, string>(), gap: () => {} });
  // @ts-expect-error A topic that keeps messages can miss some: what then has to be said.
  room.subscribe({ message: () => {} });
  // @ts-expect-error Not what the contract says.
  void room.publish({ txt: "hi" });
  void live.topic("room:42").publish({ text: "hi" });
  // @ts-expect-error There is no such topic.
  live.topic("rooms:42");
  // @ts-expect-error A parameter is missing.
  live.topic("blob:{team}/{id}", { team: "a" });
  live.topic("blob:a/b").subscribe({ message: (bytes) => same<typeof bytes, Uint8Array>() });
  live.topic("news").subscribe({ message: (data) => same<typeof data, unknown>() });
  for await (const { data, gap } of room) {
    if (gap) same<typeof gap.why, string>();
    else same<typeof data, { text: string }>();
  }
  same<Awaited<ReturnType<typeof room.history>>["messages"][number]["data"], { text: string }>();
  same<Received<number>["data"], number | undefined>();

  const answer = await live.call("rename", { name: "Ada" }, { timeoutMs: 5 });
  same<typeof answer, { ok: boolean }>();
  same<Awaited<ReturnType<typeof live.call<"time">>>, unknown>();
  void live.call("time");
  // @ts-expect-error An input is missing.
  void live.call("rename");
  // @ts-expect-error There is no such call.
  void live.call("nothing");

  plain.topic("anything").subscribe({ message: (data) => same<typeof data, unknown>() });
  void plain.call("anything", 1);
  connect(chat, "ws://h", { asks: { confirm: (question, { signal }) => question === "" && signal.aborted } });
  // @ts-expect-error It answers with a truth value.
  connect(chat, "ws://h", { asks: { confirm: () => "yes" } });
  // @ts-expect-error There is no such ask.
  connect(chat, "ws://h", { asks: { other: () => true } });

  const { current } = live.state;
  if (current.phase === "waiting") same<typeof current.retryAt, number>();
  else if (current.phase === "closed") same<typeof current.why, string>();
}
void types;
