/**
 * Random lives of a topic: publishes, cuts, replays in part, gaps, new epochs, pages in between. Whatever happens, a client that follows it hears
 * offsets that grow, each once, and between two of them nothing was published or a gap was told.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { writeGap, writeOk, writePub } from "@hawser/wire/server";
import type { FakeSocket } from "./harness/fake-socket.js";
import { Rig } from "./harness/rig.js";

type Step = "publish" | "cut" | "cut in the replay" | "gap" | "reset" | "forget" | "page" | "resubscribe";

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant<Step>("publish") },
    {
      weight: 5,
      arbitrary: fc.constantFrom<Step>("cut", "cut in the replay", "gap", "reset", "forget", "page", "resubscribe"),
    },
  ),
  { maxLength: 60 },
);

/** A topic as a hub has it, with what it has published in all: messages say their epoch, so that what is heard can be accounted for. */
class ModelTopic {
  epoch = 1;
  top = 0;
  /** The first offset that is still there. */
  first = 1;
  readonly published: { epoch: number; offset: number }[] = [];

  publish(): string {
    this.top++;
    this.published.push({ epoch: this.epoch, offset: this.top });
    return this.frame(this.top);
  }

  frame(offset: number): string {
    return writePub("room", JSON.stringify({ epoch: this.epoch, offset }), offset);
  }

  reset(): void {
    this.epoch++;
    this.top = 0;
    this.first = 1;
  }

  get position(): { offset: number; epoch: string } {
    return { offset: this.top, epoch: `e${this.epoch}` };
  }

  /** What a hub answers to one that is at this position: the answer, and the replay. */
  resume(id: number, position: { offset: number; epoch: string } | undefined): string[] {
    const { offset: o, epoch: e } = this.position;
    if (position === undefined) return [writeOk(id, { o, e })];
    const isProvable = position.epoch === e && position.offset <= o && position.offset >= this.first - 1;
    if (!isProvable) return [writeOk(id, { o, e, missed: true })];
    const replay = Array.from({ length: o - position.offset }, (_, index) => this.frame(position.offset + 1 + index));
    return [writeOk(id, { o, e, replay: replay.length || undefined }), ...replay];
  }
}

test("each message once and in order, or a gap, whatever happens", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (program) => {
      const rig = new Rig();
      const topic = new ModelTopic();
      const heard: ({ epoch: number; offset: number } | "gap")[] = [];
      const handlers = {
        message: (data: unknown) => heard.push(data as { epoch: number; offset: number }),
        gap: () => heard.push("gap"),
      };
      let subscription = rig.live.topic("room").subscribe(handlers);
      await rig.open();
      answerHello(rig.socket, topic);
      const begin = topic.published.length;

      for (const step of program) {
        switch (step) {
          case "publish":
            rig.socket.receive(topic.publish());
            break;
          case "cut":
          case "cut in the replay":
            rig.socket.end();
            // Nobody hears of these.
            topic.publish();
            topic.publish();
            rig.event("online");
            await rig.open();
            if (step === "cut in the replay") {
              const frames = answersToHello(rig.socket, topic);
              for (const frame of frames.slice(0, 2)) rig.socket.receive(frame);
              rig.socket.end();
              rig.event("online");
              await rig.open();
            }
            answerHello(rig.socket, topic);
            break;
          case "gap":
            topic.publish();
            rig.socket.receive(writeGap("room", topic.position, "lost"));
            break;
          case "reset":
            topic.reset();
            rig.socket.receive(writeGap("room", topic.position, "reset"));
            break;
          case "forget":
            topic.first = topic.top + 1;
            break;
          case "page": {
            const page = rig.live.topic("room").history();
            const { id } = rig.socket.last("back");
            const all = Array.from({ length: topic.top }, (_, index) => topic.frame(index + 1));
            rig.socket.receive(writeOk(id, { o: topic.top, e: topic.position.epoch, page: all.length }));
            for (const frame of all) rig.socket.receive(frame);
            assert.equal((await page).messages.length, all.length);
            break;
          }
          case "resubscribe": {
            const { position } = subscription;
            subscription.unsubscribe();
            subscription = rig.live.topic("room").subscribe(handlers, { from: position });
            const { id, position: from } = rig.socket.last("sub");
            for (const frame of topic.resume(id, from)) rig.socket.receive(frame);
            break;
          }
        }
      }
      account(heard, topic.published.slice(begin));
      // It is at the head.
      assert.deepEqual(subscription.position, topic.position);
      assert.deepEqual(rig.reported, []);
      rig.live.close();
    }),
    { numRuns: 300 },
  );
});

function answersToHello(socket: FakeSocket, topic: ModelTopic): string[] {
  const { id, subs } = socket.last("hello");
  assert.equal(subs.length, 1);
  return topic.resume(id + 1, subs[0]!.position);
}

function answerHello(socket: FakeSocket, topic: ModelTopic): void {
  for (const frame of answersToHello(socket, topic)) socket.receive(frame);
}

/** Everything that was published was heard in its order and once, but for what lies before a gap. */
function account(heard: readonly ({ epoch: number; offset: number } | "gap")[], published: readonly object[]): void {
  let at = 0;
  let mayMiss = false;
  for (const item of heard) {
    if (item === "gap") {
      mayMiss = true;
      continue;
    }
    const index = published.findIndex((each, index) => index >= at && JSON.stringify(each) === JSON.stringify(item));
    assert.ok(index >= 0, `${JSON.stringify(item)} was heard twice, or out of order`);
    assert.ok(index === at || mayMiss, `${JSON.stringify(published[at])} is missing, and nobody said so`);
    at = index + 1;
    mayMiss = false;
  }
  assert.ok(at === published.length || mayMiss, `${JSON.stringify(published[at])} is missing at the end`);
}
