// The HTTP API of a hub that is no double: what backends do is what clients see, and what goes wrong is in the hub's log.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { writeSub } from "@hawser/wire/client";
import { type Broker } from "#hawser/hub/index.js";
import { MemoryBroker } from "#hawser/hub/brokers/memory.js";
import { MemoryEngine } from "#hawser/hub/brokers/memory-engine.js";
import { until } from "../../harness/concurrency.js";
import { StepClock } from "../../harness/step-clock.js";
import { byName, everything, has, startHub } from "../harness/hub-rig.js";
import { checkAnswer } from "./harness/contract.js";
import { KEY } from "./harness/rig.js";

const TOPIC = { history: { size: 3, ttlMs: 60_000 }, presence: true } as const;

type Body = Record<string, unknown>;

async function start(t: TestContext, options = {}, broker?: Broker) {
  const started = await startHub(
    t,
    { authenticate: byName, allow: everything, defaultTopic: TOPIC, broker, member: ({ user }) => ({ name: user }) },
    (hub) => {
      const api = hub.http({ key: KEY, ...options });
      return { request: (request, response) => void api(request, response) };
    },
  );
  const url = started.rig.url.replace("ws:", "http:");
  const ask = async (operation: string, body: object, key = KEY): Promise<{ status: number; body: Body }> => {
    const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
    const answer = await fetch(new URL(`/hub/${operation}`, url), {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    checkAnswer(operation, answer.status, Object.fromEntries(answer.headers), text);
    return { status: answer.status, body: JSON.parse(text) as Body };
  };
  return { ...started, ask };
}

test("what is published reaches subscribers, once under its key, and stands in the history", async (t) => {
  const { ask, connect } = await start(t);
  const ada = await connect("ada", [["room"]]);
  await ada.answer(2);
  const first = await ask("publish", { topic: "room", data: { price: 19.9 }, key: "k" });
  has(await ada.next("pub"), { pub: "room", o: 1, d: { price: 19.9 } });
  const again = await ask("publish", { topic: "room", data: { price: 19.9 }, key: "k" });
  assert.deepEqual(again.body, { ...first.body, duplicate: true });
  const { results } = (await ask("broadcast", { topics: ["room", "hall"], base64: "AAEC" })).body as {
    results: Body[];
  };
  assert.deepEqual(
    results.map(({ topic, offset }) => [topic, offset]),
    [
      ["room", 2],
      ["hall", 1],
    ],
  );
  assert.deepEqual([...((await ada.next("pub")).d as Uint8Array)], [0, 1, 2]);

  const { epoch } = first.body;
  const messages = [
    { offset: 1, data: { price: 19.9 } },
    { offset: 2, base64: "AAEC" },
  ];
  const whole = { offset: 2, epoch, more: false, missed: false };
  for (const [request, expected] of [
    [{}, { ...whole, messages }],
    [{ max: 1 }, { ...whole, more: true, messages: messages.slice(1) }],
    [
      { before: 2, epoch },
      { ...whole, messages: messages.slice(0, 1) },
    ],
    [
      { after: 1, epoch },
      { ...whole, messages: messages.slice(1) },
    ],
    [
      { after: 0, max: 1, epoch },
      { ...whole, more: true, messages: messages.slice(0, 1) },
    ],
    [
      { after: 1, epoch: "other" },
      { ...whole, missed: true, messages: [] },
    ],
  ] as const) {
    assert.deepEqual((await ask("history", { topic: "room", ...request })).body, expected, JSON.stringify(request));
  }
});

test("who is there, and who may no longer be", async (t) => {
  const { ask, connect } = await start(t);
  const ada = await connect("ada", [["room"]]);
  const bob = await connect("bob", [["room"]]);
  await Promise.all([ada.answer(2), bob.answer(2)]);
  assert.deepEqual((await ask("count", { topic: "room" })).body, { count: 2 });
  assert.deepEqual((await ask("members", { topic: "room" })).body, {
    count: 2,
    members: ["ada", "bob"].map((user) => ({ user, info: { name: user } })),
  });
  assert.deepEqual((await ask("revoke", { user: "ada", topic: "room" })).body, {});
  has(await ada.next("unsub"), { unsub: "room", code: "revoked" });
  ada.send(writeSub("room", 9));
  await ada.answer(9);
  assert.deepEqual((await ask("revoke", { user: "bob" })).body, {});
  await until(() => bob.closed !== undefined, "the end of bob");
  assert.deepEqual([bob.closed?.code, ada.closed], [4403, undefined]);
});

test("what fails behind a 500 is in the hub's log, and so is what a function of the application's throws", async (t) => {
  const broker = new MemoryBroker(new MemoryEngine(new StepClock()));
  const fail = (): never => {
    throw new TypeError("mine");
  };
  t.mock.method(broker, "read", fail);
  const { ask, log } = await start(t, { onKeyRefused: fail }, broker);
  assert.equal((await ask("count", { topic: "room" }, "wrong-and-of-no-use")).status, 401);
  assert.equal((await ask("history", { topic: "room" })).status, 500);
  assert.deepEqual(
    log.of("hub-error").map(({ what }) => what),
    ["http.onKeyRefused", "http.history"],
  );
  log.assertDocumented();
});
