// Calls in both directions: answered once, in time, or given up.

import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { contract } from "@hawser/wire";
import { writeBinaryCall, writeCall, writeCancel, writeErr, writeOk } from "@hawser/wire/client";
import { createHub, HubError } from "#hawser/hub/index.js";
import { until } from "../harness/concurrency.js";
import { gate, turns } from "../harness/rig.js";
import { byName, has, startHub } from "./harness/hub-rig.js";

const desk = contract({
  calls: {
    rename: {
      input: z.object({
        name: z
          .string()
          .min(1)
          .refine(async (name) => name !== "root"),
        loud: z.boolean().default(false),
      }),
      output: z.object({ name: z.string() }),
    },
  },
  asks: { confirm: { input: z.string(), output: z.boolean() } },
});

test("a call has its input validated, asynchronously if need be, and its answer", async (t) => {
  const { connect } = await startHub(t, {
    contract: desk,
    authenticate: byName,
    calls: { rename: ({ name, loud }, { user }) => ({ name: `${user.user} is ${loud ? name.toUpperCase() : name}` }) },
  });
  const peer = await connect("ada");
  has(await peer.ask(2, writeCall("rename", 2, { name: "bob" })), { d: { name: "ada is bob" } });
  has(await peer.ask(3, writeCall("rename", 3, { name: "root" })), { code: "bad-request" });
  has(await peer.ask(4, writeCall("rename", 4)), { code: "bad-request" });
  has(await peer.ask(5, writeCall("other", 5)), { code: "unknown-call" });
  has(await peer.ask(6, writeCall("toString", 6)), { code: "unknown-call" });
});

test("a call's errors: a word of the application's is told, anything else is failed and stands in the log", async (t) => {
  const { connect, log } = await startHub(t, {
    authenticate: byName,
    calls: {
      own: () => { throw new HubError("sold-out", "no seats", 50); },
      broken: async () => { throw new Error("1234"); },
      circle: () => { const circle: { self?: unknown } = {}; return (circle.self = circle); },
      nothing: () => undefined,
    },
  }); // oxfmt-ignore
  const peer = await connect("ada");
  has(await peer.ask(2, writeCall("own", 2)), { code: "sold-out", msg: "no seats", retry: 50 });
  has(await peer.ask(3, writeCall("broken", 3)), { code: "failed", msg: "it went wrong" });
  has(await peer.ask(4, writeCall("circle", 4)), { code: "failed" });
  assert.deepEqual(await peer.ask(5, writeCall("nothing", 5)), { verb: "ok", ok: 5 });
  assert.equal(log.of("hub-error").length, 2);
});

test("bytes go in and come out", async (t) => {
  const { connect } = await startHub(t, {
    authenticate: byName,
    calls: { reverse: (input) => new Uint8Array(input as Uint8Array).toReversed() },
  });
  const peer = await connect("ada");
  const answer = await peer.ask(2, writeBinaryCall("reverse", 2, Uint8Array.of(1, 2, 3)));
  assert.deepEqual(answer.verb === "ok" && Buffer.from(answer.d as Uint8Array), Buffer.of(3, 2, 1));
});

test("a call that is cancelled, or takes too long, or whose client goes, is told so by its signal", async (t) => {
  const reasons: string[] = [];
  const { connect, clock } = await startHub(t, {
    authenticate: byName,
    calls: {
      wait: (name, { signal }) =>
        new Promise((resolve) => {
          signal.addEventListener("abort", () => {
            reasons.push(name as string);
            resolve("too late");
          });
        }),
    },
  });
  const peer = await connect("ada");
  peer.send(writeCall("wait", 2, "cancelled"), writeCall("wait", 3, "late"), writeCancel(2), writeCancel(99));
  has(await peer.answer(2), { code: "cancelled" });
  assert.deepEqual(reasons, ["cancelled"]);
  clock.advance(10_200);
  has(await peer.answer(3), { code: "timeout" });
  peer.send(writeCall("wait", 4, "gone"), "{}");
  await peer.next("ping");
  peer.cut();
  await until(() => reasons.length === 3, "the last signal");
  assert.deepEqual(reasons, ["cancelled", "late", "gone"]);
});

test("calls that hang are few, also when they were cancelled", async (t) => {
  const hang = gate();
  let running = 0;
  const { connect, hub } = await startHub(t, {
    authenticate: byName,
    limits: { callsPerClient: 2 },
    calls: { hang: async () => (running++, hang.promise) },
  });
  const peer = await connect("ada");
  for (let id = 2; id < 10; id++) peer.send(writeCall("hang", id), writeCancel(id));
  has(await peer.answer(9), { code: "too-many" });
  assert.deepEqual([running, hub.stats.calls], [2, 2]);
  hang.open();
  await turns();
  has(await peer.ask(10, writeCall("hang", 10)), { verb: "ok" });
});

test("the server asks a client and has its answer, as the contract has it", async (t) => {
  const { connect, hub, rig } = await startHub(t, {
    contract: desk,
    authenticate: byName,
    calls: { rename: (input) => input },
  });
  const peer = await connect("ada");
  const { id } = rig.opened[0]!;
  const asked = hub.ask(id, "confirm", "Leave?");
  const call = await peer.next("call");
  assert.deepEqual(call, { verb: "call", call: "confirm", id: "s1", d: "Leave?" });
  peer.send(writeOk("s1", true));
  assert.equal(await asked, true);
  const wrong = hub.ask(id, "confirm", "Leave?");
  peer.send(writeOk((await peer.next("call")).id, "maybe"));
  await assert.rejects(wrong, { name: "HubError", code: "bad-request" });
  const refused = hub.ask(id, "confirm", "Leave?");
  peer.send(writeErr((await peer.next("call")).id, "unknown-call"), writeOk("s999", 1), writeOk("s1", 1));
  await assert.rejects(refused, { name: "HubError", code: "unknown-call" });
  await assert.rejects(hub.ask("nobody", "confirm", "?"), { code: "unavailable" });
  await assert.rejects(hub.ask(id, "other" as "confirm", "?"), /no ask other/);
});

test("what a client does not answer is given up in time, is not too much, and ends with it", async (t) => {
  const { connect, hub, rig, clock } = await startHub(t, { authenticate: byName, limits: { asksPerClient: 3 } });
  const peer = await connect("ada");
  const { id } = rig.opened[0]!;
  const controller = new AbortController();
  const late = hub.ask(id, "a", 1, { timeoutMs: 500 });
  const aborted = hub.ask(id, "b", 2, { signal: controller.signal });
  const gone = hub.ask(id, "c", 3);
  await assert.rejects(hub.ask(id, "d", 4), { code: "too-many" });
  const outcomes = Promise.all([
    assert.rejects(late, { code: "timeout" }),
    assert.rejects(aborted, { code: "cancelled" }),
    assert.rejects(gone, { code: "unavailable" }),
  ]);
  clock.advance(700);
  has(await peer.next("cancel"), { cancel: "s1" });
  controller.abort();
  has(await peer.next("cancel"), { cancel: "s2" });
  await assert.rejects(hub.ask(id, "e", 5, { signal: controller.signal }), { code: "cancelled" });
  peer.cut();
  await outcomes;
});

test("the calls of a contract and their handlers are the same", () => {
  const rename = (): { name: string } => ({ name: "" });
  assert.throws(() => createHub({ contract: desk }), /no handler for it/);
  assert.throws(() => createHub({ contract: desk, calls: { rename, other: rename } as never }), /handler other/);
});
