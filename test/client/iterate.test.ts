/** `for await` over a topic. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { writeGap, writeUnsub } from "@hawser/wire/server";
import { Rig } from "./harness/rig.js";
import { settled } from "./harness/step-time.js";

it("messages and gaps in their order; leaving the loop unsubscribes", async () => {
  const rig = new Rig();
  await rig.open();
  const seen: unknown[] = [];
  const loop = (async () => {
    for await (const { data, gap } of rig.live.topic("room")) {
      seen.push(gap?.why ?? data);
      if (data === "stop") break;
    }
  })();
  rig.ok("sub", { o: 1, e: "a" });
  rig.pub("room", "two", 2);
  rig.pub("room", "three", 3);
  await settled();
  rig.socket.receive(writeGap("room", { offset: 9, epoch: "a" }, "lost"));
  rig.pub("room", "stop", 10);
  await loop;
  assert.deepEqual(seen, ["two", "three", "lost", "stop"]);
  assert.equal(rig.socket.last("unsub").topic, "room");
});

it("a loop that is too slow is told of a gap, and holds no more than 1,000 messages", async () => {
  const rig = new Rig();
  await rig.open();
  const loop = rig.live.topic("room")[Symbol.asyncIterator]();
  const first = loop.next();
  rig.ok("sub", { o: 0, e: "a" });
  for (let offset = 1; offset <= 2_500; offset++) rig.pub("room", offset, offset);
  const seen: unknown[] = [];
  for (let next = await first; ; next = await loop.next()) {
    const { data, gap } = next.value!;
    seen.push(gap ?? data);
    if (data === 2_500) break;
  }
  // Those that waited, and the one that did not fit, are gone.
  assert.deepEqual(seen[0], { why: "slow", position: { offset: 2_001, epoch: "a" } });
  assert.equal(seen.length, 500);
});

it("close ends the loop; a subscription that is revoked or refused is thrown", async () => {
  const rig = new Rig();
  await rig.open();
  const loop = async (name: string): Promise<string> => {
    for await (const _ of rig.live.topic(name));
    return "done";
  };
  const [revoked, refused, closed] = ["revoked", "refused", "closed"].map(loop);
  const [one, two, three] = rig.socket.all("sub");
  rig.socket.receive(`{"ok":${one!.id}}`);
  rig.socket.receive(writeUnsub("revoked", "revoked"));
  await assert.rejects(revoked!, { code: "revoked" });
  rig.socket.receive(`{"err":${two!.id},"code":"forbidden"}`);
  await assert.rejects(refused!, { code: "forbidden" });
  rig.socket.receive(`{"ok":${three!.id}}`);
  rig.live.close();
  assert.equal(await closed, "done");
});
