import assert from "node:assert/strict";
import { test } from "node:test";
import { type Subscriber, Topics, topicsOf } from "#hawser/server/sending/topics.js";

const nobody = (): Subscriber => ({ subscriptions: null });

test("a topic exists as long as somebody is subscribed, and counts each once", () => {
  const topics = new Topics<Subscriber>();
  const [ann, bob] = [nobody(), nobody()];
  topics.subscribe(ann, "news");
  topics.subscribe(ann, "news");
  topics.subscribe(bob, "news");
  topics.subscribe(bob, "__proto__");
  assert.deepEqual([...topics.sizes()], [["news", 2], ["__proto__", 1]]); // oxfmt-ignore
  topics.unsubscribe(ann, "news");
  topics.unsubscribe(ann, "news");
  topics.unsubscribe(ann, "nothing");
  assert.deepEqual([...topics.subscribersOf("news")], [bob]);
  topics.unsubscribe(bob, "news");
  assert.equal(topics.subscribersOf("news").size, 0);
  assert.deepEqual([...topics.sizes().keys()], ["__proto__"]);
});

test("who is subscribed to what is known both ways, and who is gone is in neither", () => {
  const topics = new Topics<Subscriber>();
  const [ann, bob] = [nobody(), nobody()];
  assert.deepEqual([ann.subscriptions, topicsOf(ann).size], [null, 0]);
  for (const topic of ["a", "b", "c"]) topics.subscribe(ann, topic);
  topics.subscribe(bob, "b");
  topics.unsubscribe(ann, "a");
  assert.deepEqual([...topicsOf(ann)], ["b", "c"]);
  topics.leaveAll(ann);
  topics.leaveAll(ann);
  assert.deepEqual([...topicsOf(ann)], []);
  assert.deepEqual([...topics.sizes()], [["b", 1]]);
});
