/** What the server asks the client. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { LiveError } from "@hawser/client";
import { writeCall, writeCancel } from "@hawser/wire/server";
import { Rig } from "./harness/rig.js";
import { settled } from "./harness/step-time.js";

it("a handler's answer is sent back", async () => {
  const rig = new Rig({ asks: { confirm: (input) => Promise.resolve(input === "Leave?") } });
  await rig.open();
  rig.socket.receive(writeCall("confirm", "s1", '"Leave?"'));
  await settled();
  assert.deepEqual(rig.socket.last("ok"), {
    verb: "ok",
    call: "s1",
    payload: { binary: false, json: "true", value: true },
  });
});

it("one that is not known is answered too, whatever it is called", async () => {
  const rig = new Rig({ asks: {} });
  await rig.open();
  for (const name of ["nothing", "toString", "__proto__"]) {
    rig.socket.receive(writeCall(name, "s1"));
    await settled();
    assert.equal(rig.socket.last("err").code, "unknown-call");
  }
  assert.equal(rig.socket.all("err").length, 3);
});

it("an error is reported and answered as failed, without its reason; a LiveError says its word", async () => {
  const rig = new Rig({
    asks: {
      secret() {
        throw new Error("password 1234");
      },
      busy: () => Promise.reject(new LiveError("busy", "é".repeat(2_000))),
    },
  });
  await rig.open();
  rig.socket.receive(writeCall("secret", "s1"));
  await settled();
  assert.deepEqual(rig.socket.last("err"), { verb: "err", call: "s1", code: "failed", sentence: "failed" });
  assert.deepEqual(rig.reported.map(String), ["Error: password 1234"]);
  rig.socket.receive(writeCall("busy", "s2"));
  await settled();
  const { code, sentence } = rig.socket.last("err");
  assert.deepEqual([code, sentence?.length], ["busy", 256]);
});

it("that was answered is not aborted any more", async () => {
  let aborted: AbortSignal | undefined;
  const rig = new Rig({
    asks: {
      quick(_, { signal }) {
        aborted = signal;
      },
    },
  });
  await rig.open();
  rig.socket.receive(writeCall("quick", "s1"));
  await settled();
  assert.deepEqual(rig.socket.last("ok"), { verb: "ok", call: "s1", payload: undefined });
  rig.socket.receive(writeCancel("s1"));
  assert.equal(aborted?.aborted, false);
});

it("is aborted when the server no longer waits, and when the connection is lost", async () => {
  const signals: AbortSignal[] = [];
  const rig = new Rig({
    asks: {
      slow: (_, { signal }) =>
        new Promise((resolve) => {
          signals.push(signal);
          signal.addEventListener("abort", () => resolve("late"));
        }),
    },
  });
  await rig.open();
  rig.socket.receive(writeCall("slow", "s1"));
  rig.socket.receive(writeCall("slow", "s2"));
  rig.socket.receive(writeCancel("s1"));
  rig.socket.receive(writeCancel("never"));
  assert.deepEqual(
    signals.map(({ aborted }) => aborted),
    [true, false],
  );
  await rig.reopen();
  assert.equal(signals[1]?.aborted, true);
  await settled();
  assert.deepEqual(rig.socket.all("ok"), []);
});
