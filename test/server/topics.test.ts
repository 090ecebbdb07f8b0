import assert from "node:assert/strict";
import { test } from "node:test";
import { Topics } from "#hawser/server/sending/topics.js";

test("a topic exists as long as somebody is subscribed, and counts each once", () => {
  const topics = new Topics<object>();
  const [ann, bob] = [{}, {}];
  topics.add("news", ann);
  topics.add("news", ann);
  topics.add("news", bob);
  topics.add("__proto__", bob);
  assert.deepEqual([...topics.sizes()], [["news", 2], ["__proto__", 1]]); // oxfmt-ignore
  topics.remove("news", ann);
  topics.remove("news", ann);
  topics.remove("nothing", ann);
  assert.deepEqual([...topics.subscribersOf("news")], [bob]);
  topics.remove("news", bob);
  assert.equal(topics.subscribersOf("news").size, 0);
  assert.deepEqual([...topics.sizes().keys()], ["__proto__"]);
});
