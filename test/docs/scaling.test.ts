// The figures of docs/scaling.md are those of the model, and the model's inputs those of the runs. After a new run: `npm run docs`.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Report } from "../../bench/results.js";
import {
  demands,
  engineCheck,
  type Inputs,
  inputsOf,
  needOf,
  occupied,
  processesFor,
  type ScalingCosts,
} from "../../bench/scaling-model.js";
import { commonNeeds, inputsTable, millionTable } from "../../bench/scaling-tables.js";
import { Random } from "../harness/random.js";
import { projectRoot } from "../harness/root.js";
import { readDocument } from "./harness/markdown.js";

const read = (file: string): unknown => JSON.parse(readFileSync(join(projectRoot, "bench/results", file), "utf8"));
const report = read("latest.json") as Report;
const costs = read("scaling.json") as ScalingCosts;
const PAGE = "docs/scaling.md";

for (const [name, text] of [
  ["inputs", inputsTable(report, costs)],
  ["million", millionTable(report, costs)],
  ["common", commonNeeds(report, costs)],
] as const) {
  test(`${PAGE}: the ${name} are what the model says`, () => {
    const marks = new RegExp(`(<!-- model: ${name} -->\\n\\n)([\\s\\S]*?)(\\n\\n<!-- model: end -->)`);
    const found = marks.exec(readDocument(PAGE));
    assert.ok(found, `the marks of ${name}`);
    if (process.env["UPDATE"] === "1") {
      const filled = readDocument(PAGE).replace(
        marks,
        (_, before: string, _old, after: string) => before + text + after,
      );
      writeFileSync(join(projectRoot, PAGE), filled);
    } else assert.deepEqual(cells(found[2]!), cells(text));
  });
}

/** The words, for the formatter pads tables. */
function cells(text: string): string[][] {
  return text.split("\n").map((line) =>
    line
      .split("|")
      .map((cell) => cell.trim().replace(/^:?-+:?$/, "---"))
      .filter((cell) => cell !== ""),
  );
}

test("the engine's cost is a line in the number of nodes: one that it was not made from lies on it", () => {
  for (const engine of ["redis", "nats"] as const) {
    const ratio = engineCheck(inputsOf(report, costs, engine), costs, engine);
    assert.ok(ratio > 0.75 && ratio < 1.33, `${engine}: ${ratio}`);
  }
});

test("how many nodes a topic is on: as clients are who choose a node by chance", () => {
  const random = new Random(7);
  for (const [nodes, people] of [
    [50, 1],
    [50, 50],
    [50, 500],
    [3, 4],
  ] as const) {
    const trials = 2_000;
    let sum = 0;
    for (let n = 0; n < trials; n++) sum += new Set(Array.from({ length: people }, () => random.below(nodes))).size;
    const simulated = sum / trials;
    const expected = occupied(nodes, people);
    assert.ok(
      Math.abs(simulated / expected - 1) < 0.02,
      `${people} on ${nodes}: ${simulated}, by the model ${expected}`,
    );
  }
});

test("what is needed is what the inputs add up to", () => {
  const inputs: Inputs = {
    pingUs: 50,
    pingPeriodS: 50,
    deliveryUs: 2,
    clientBytes: 1_000,
    arrivalUs: 90,
    publishUs: 100,
    receiveUs: 10,
    enginePublishUs: 20,
    engineCopyUs: 5,
  };
  const demand = { title: "", clients: 1_000, nodes: 10, topics: 1, topicsPerClient: 1, publishesPerSecond: 100 };
  const { nodesPerTopic, ...need } = needOf(demand, inputs);
  assert.ok(Math.abs(nodesPerTopic - 10) < 1e-9);
  // Of a second: 100 clients a microsecond each; 10 publishes; 100 messages; 10,000 deliveries. The engine: 100 times (20 + 10 * 5).
  const nodeCores = (100 * 1 + 10 * 100 + 100 * 10 + 10_000 * 2) * 1e-6;
  const expected = { deliveriesPerSecond: 100_000, nodeCores, nodeBytes: 100_000, engineCores: 0.007, returnMs: 1 };
  for (const [key, value] of Object.entries(expected)) {
    const found = need[key as keyof typeof need];
    assert.ok(Math.abs(found / value - 1) < 1e-9, `${key}: ${found}`);
  }
  assert.deepEqual([0, 0.6, 0.61, 1.3].map(processesFor), [1, 1, 2, 3]);
});

test("all are a million clients on fifty nodes", () => {
  for (const { title, clients, nodes } of demands) assert.deepEqual([clients, nodes], [1_000_000, 50], title);
});
