// Who comes in, for how long, and what becomes of those who do not speak the protocol.

import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import { writeAuth, writeCall, writeHello, writePub, writeSub } from "@hawser/wire/client";
import { HubError } from "#hawser/hub/index.js";
import { until } from "../harness/concurrency.js";
import { stepUntil, turns } from "../harness/rig.js";
import { byName, everything, goOn, has, startHub } from "./harness/hub-rig.js";

const OPEN = { authenticate: byName, allow: everything } as const;

test("hello tells the client's id, its user and how often something is said", async (t) => {
  const { dial, rig } = await startHub(t, OPEN);
  const peer = await dial();
  peer.send(writeHello(1, "ada"));
  assert.deepEqual(await peer.next("hello"), {
    verb: "hello", hello: 1, client: rig.opened[0]!.id, ping: 25_000, user: "ada",
  }); // oxfmt-ignore
});

test("before hello everything else is unauthorized, and without one in time the connection ends", async (t) => {
  const { dial, clock } = await startHub(t, OPEN);
  const peer = await dial();
  has(await peer.ask(7, writeSub("room", 7)), { code: "unauthorized" });
  clock.advance(9_900);
  await turns();
  assert.equal(peer.closed, undefined);
  clock.advance(300);
  has(await peer.next("bye"), { bye: "timeout" });
  has(await peer.end(), { code: 4408 });
});

test("a refused hello may be followed by another one, and a second accepted one may not", async (t) => {
  const { dial, clock } = await startHub(t, OPEN);
  const peer = await dial();
  has(await peer.ask(1, writeHello(1, "bad")), { code: "unauthorized" });
  peer.send(writeHello(2, "ada"));
  await peer.next("hello");
  has(await peer.ask(3, writeHello(3, "ada")), { code: "bad-request" });
  await goOn(clock, 30_000);
  assert.equal(peer.closed, undefined);
});

test("three tokens that are not valid are enough", async (t) => {
  const { dial } = await startHub(t, OPEN);
  const peer = await dial();
  for (const id of [1, 2, 3]) peer.send(writeHello(id, "bad"));
  has(await peer.next("bye"), { bye: "limit", wait: 10_000 });
  has(await peer.end(), { code: 4429 });
});

test("what authenticate says and throws is told by its word, and nothing else of it", async (t) => {
  const said: Record<string, () => unknown> = {
    fault: () => ({ code: "expired", sentence: "too old" }),
    thrown: () => {
      throw new HubError("unauthorized", "not you");
    },
    broken: () => {
      throw new Error("the database's password is 1234");
    },
    late: () => Promise.reject(new HubError("unavailable", "no keys", 700)),
    nobody: () => ({ user: "" }),
    old: () => ({ user: "ada", expiresAt: Date.now() - 1 }),
  };
  const { dial, log } = await startHub(t, { authenticate: (token) => said[token!]!() as never, allow: everything });
  const answers: Record<string, object> = {
    fault: { code: "expired", msg: "too old" },
    thrown: { code: "unauthorized", msg: "not you" },
    broken: { code: "unavailable", msg: "the token cannot be checked at the moment", retry: 5000 },
    late: { code: "unavailable", msg: "no keys", retry: 700 },
    nobody: { code: "unavailable" },
    old: { code: "expired" },
  };
  for (const [token, expected] of Object.entries(answers)) {
    const peer = await dial();
    has(await peer.ask(1, writeHello(1, token)), expected);
  }
  assert.equal(log.of("hub-error").length, 2, "what is no verdict stands in the log");
});

test("who is gone while its token is checked is told to authenticate, which still has all its time", async (t) => {
  let signal: AbortSignal | undefined;
  const { dial, rig } = await startHub(t, {
    authenticate: (_token, check) => {
      ({ signal } = check);
      return new Promise<never>(() => {});
    },
    allow: everything,
  });
  const peer = await dial();
  peer.send(writeHello(1, "slow"));
  await until(() => signal !== undefined, "the check");
  assert.equal(signal!.aborted, false);
  rig.opened.at(-1)!.terminate();
  await until(() => signal!.aborted, "the signal");
});

test("without authenticate everybody may come in, and is nobody", async (t) => {
  const asked: unknown[] = [];
  const { dial } = await startHub(t, { allow: { subscribe: (user) => asked.push(user) > 0 } });
  const peer = await dial();
  peer.send(writeHello(1));
  assert.equal((await peer.next("hello")).user, undefined);
  has(await peer.ask(2, writeSub("room", 2)), { verb: "ok" });
  assert.deepEqual(asked, [undefined]);
});

test("who is known by the handshake needs no hello, and may say one without a token", async (t) => {
  const { dial, clock } = await startHub(t, { ...OPEN, identify: ({ path }) => ({ user: path }) });
  const peer = await dial();
  has(await peer.ask(2, writeSub("room", 2)), { verb: "ok" });
  peer.send(writeHello(3));
  has(await peer.next("hello"), { user: "/" });
  await goOn(clock, 30_000);
  assert.equal(peer.closed, undefined);
});

test("a token ends: it is refreshed on the connection, or after a grace that is over", async (t) => {
  const authenticate = (token?: string) => ({ user: "ada", expiresAt: Date.now() + Number(token) });
  const { connect, clock } = await startHub(t, { authenticate, allow: everything, pingMs: 86_400_000 });
  const [one, two] = [await connect("60000"), await connect("60000")];
  await goOn(clock, 80_000, 5_000);
  const refreshed = await one.ask(2, writeAuth("600000", 2));
  assert.ok(refreshed.verb === "ok" && refreshed.ttl! > 590_000 && refreshed.ttl! <= 600_000);
  await goOn(clock, 6_000);
  has(await two.next("bye"), { bye: "expired" });
  has(await two.end(), { code: 4401 });
  assert.equal(one.closed, undefined);
  await goOn(clock, 625_500, 5_000);
  has(await one.end(), { code: 4401 });
});

test("a user may have a grace of its own", async (t) => {
  const authenticate = (): { user: string; expiresAt: number; graceMs: number } => ({
    user: "ada", expiresAt: Date.now() + 10_000, graceMs: 0,
  }); // oxfmt-ignore
  const { connect, clock } = await startHub(t, { authenticate });
  const peer = await connect("x");
  clock.advance(10_200);
  has(await peer.end(), { code: 4401 });
});

test("a refused refresh leaves the old token as it is, and one of another user is forbidden", async (t) => {
  const { connect } = await startHub(t, OPEN);
  const peer = await connect("ada");
  has(await peer.ask(2, writeAuth("bad", 2)), { code: "unauthorized" });
  has(await peer.ask(3, writeAuth("bob", 3)), { code: "forbidden" });
  has(await peer.ask(4, writePub("room", 1, 4)), { verb: "ok" });
});

test("frames that are nothing like the protocol: an err each, and the third is the last", async (t) => {
  const { connect } = await startHub(t, OPEN);
  const peer = await connect("ada");
  peer.send("hi", "[]");
  has(await peer.answer(0), { code: "bad-request" });
  has(await peer.answer(0), { code: "bad-request" });
  has(await peer.ask(5, '{"dance":1,"id":5}'), { code: "unsupported" });
  assert.equal(peer.closed, undefined);
  peer.send(Uint8Array.of(1));
  has(await peer.answer(0), { code: "bad-request" });
  has(await peer.end(), { code: 1008 });
});

test("{} is answered, and said when nothing else was for a while", async (t) => {
  const { connect, clock, hub } = await startHub(t, OPEN);
  const peer = await connect("ada", [["room"]]);
  await peer.answer(2);
  peer.send("{}");
  await peer.next("ping");
  for (let second = 0; second < 60; second++) {
    clock.advance(1000);
    if (second % 10 === 0) await hub.publish("room", second);
    await turns();
  }
  assert.equal(peer.taken("ping").length, 0, "something was said every 10 s");
  await stepUntil(clock, () => peer.frames.some(({ verb }) => verb === "ping"), "a word after silence", 1000);
  has(await peer.next("ping"), {});
});

test("a request whose id still waits is a duplicate", async (t) => {
  const { connect } = await startHub(t, {
    ...OPEN,
    calls: { wait: () => new Promise((resolve) => setTimeout(resolve, 20, "done")) },
  });
  const peer = await connect("ada");
  peer.send(writeCall("wait", 5), writePub("room", 1, 5));
  has(await peer.answer(5), { code: "duplicate-id" });
  has(await peer.answer(5), { verb: "ok", d: "done" });
  has(await peer.ask(5, writePub("room", 1, 5)), { verb: "ok" });
});

test("who asks too fast is told when to go on, and who does not stop is closed", async (t) => {
  const { connect, clock } = await startHub(t, { ...OPEN, limits: { requestsPerSecond: 10 } });
  const peer = await connect("ada");
  for (let id = 2; id <= 13; id++) peer.send(writePub("room", 1, id));
  has(await peer.answer(10), { verb: "ok" });
  has(await peer.answer(13), { code: "limit", retry: 1000 });
  clock.advance(1000);
  has(await peer.ask(14, writePub("room", 1, 14)), { verb: "ok" });
  for (let id = 15; id <= 150; id++) peer.send(writePub("room", 1, id));
  has(await peer.next("bye"), { bye: "limit" });
  has(await peer.end(), { code: 4429 });
});

test("what is under way when a request is refused does not overtake it", async (t) => {
  const { connect, clock } = await startHub(t, { ...OPEN, limits: { requestsPerSecond: 10 } });
  const peer = await connect("ada");
  for (let id = 2; id <= 11; id++) peer.send(writePub("room", 1, id));
  has(await peer.answer(11), { code: "limit" });
  // Time for seven requests.
  clock.advance(700);
  has(await peer.ask(12, writePub("room", 1, 12)), { code: "limit" });
  clock.advance(300);
  has(await peer.ask(11, writePub("room", 1, 11)), { verb: "ok" });
});

test("permissions may take their time, and what comes behind waits for them", async (t) => {
  const order: string[] = [];
  const allow = {
    subscribe: async () => {
      await turns(5);
      order.push("subscribe");
      return true;
    },
    publish: () => order.push("publish") > 0,
  };
  const { connect } = await startHub(t, { authenticate: byName, allow });
  const peer = await connect("ada");
  peer.send(writeSub("room", 2), writePub("room", "mine", 3));
  has(await peer.answer(3), { verb: "ok" });
  assert.deepEqual(order, ["subscribe", "publish"]);
});

test("nobody may do anything unless it is said; a permission that fails is told without its reason", async (t) => {
  const { connect } = await startHub(t, { authenticate: byName });
  const peer = await connect("ada");
  has(await peer.ask(2, writeSub("room", 2)), { code: "forbidden" });
  has(await peer.ask(3, writePub("room", 1, 3)), { code: "forbidden" });
  has(await peer.ask(4, '{"who":"room","id":4}'), { code: "forbidden" });
  const broken = await startHub(t, {
    authenticate: byName,
    allow: { subscribe: () => Promise.reject(new Error("1234")), publish: () => { throw new Error("1234"); } },
  }); // oxfmt-ignore
  const other = await broken.connect("ada");
  const answers = [await other.ask(2, writeSub("room", 2)), await other.ask(3, writePub("room", 1, 3))];
  for (const answer of answers) {
    has(answer, { code: "failed" });
    assert.doesNotMatch(JSON.stringify(answer), /1234/);
  }
  assert.deepEqual(broken.log.of("hub-error").map(({ what }) => what), ["allow.subscribe", "allow.publish"]); // oxfmt-ignore
});

test("a token that carries topics is for these alone", async (t) => {
  const authenticate = () => ({
    user: "ada",
    topics: { subscribe: ["room:{id}", "news", "log*"], publish: ["room:1"] },
  });
  const { connect } = await startHub(t, { authenticate });
  const peer = await connect("x");
  let id = 1;
  const may = async (frame: (id: number) => string): Promise<boolean> =>
    (await peer.ask(++id, frame(id))).verb === "ok";
  for (const [topic, expected] of [["room:1", true], ["room:1:2", false], ["news", true], ["newsy", false], ["log/a:b", true]] as const) {
    assert.equal(await may((id) => writeSub(topic, id)), expected, topic);
  } // oxfmt-ignore
  assert.equal(await may((id) => writePub("room:1", 1, id)), true);
  assert.equal(await may((id) => writePub("news", 1, id)), false);
  const narrow = await startHub(t, { authenticate, allow: { subscribe: (_, { topic }) => topic !== "news" } });
  const other = await narrow.connect("x", [["news"], ["room:1"], ["other"]]);
  has(await other.answer(2), { code: "forbidden" });
  has(await other.answer(3), { verb: "ok" });
  has(await other.answer(4), { code: "forbidden" });
});

test("the functions of the application run in the client's context", async (t) => {
  const storage = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const note = (): boolean => seen.push(storage.getStore()) > 0;
  const { connect } = await startHub(
    t,
    {
      authenticate: (token) => note() && { user: token! },
      allow: { subscribe: note, publish: note },
      calls: { note: async () => (await turns(1), note()) },
    },
    { open: () => storage.enterWith("the client's") },
  );
  const peer = await connect("ada", [["room"]]);
  await peer.ask(3, writePub("room", 1, 3));
  await peer.ask(4, writeCall("note", 4));
  assert.deepEqual(
    seen,
    Array.from({ length: 4 }, () => "the client's"),
  );
});
