/**
 * `npm run fuzz [-- --seed N --seconds S]`: the differential test at length. Prints the seed, and a small stream for a difference.
 * `npm run fuzz -- wire`: what holds for every frame of hawser.v1, at length.
 * `npm run fuzz -- hub`: the recovery of topics, with faults of everything around it. Prints a small program for what goes wrong.
 */
import { parseArgs } from "node:util";

import { compare, report } from "./differential/compare.js";
import { makeStream } from "./differential/stream.js";
import { fuzzHub } from "./hub/fuzz.js";
import { fuzzWire } from "./wire/harness/fuzz.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: "string" }, seconds: { type: "string", default: "60" } },
});
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const seconds = Number(values.seconds);
if (!Number.isSafeInteger(seed) || !(seconds > 0)) {
  console.error(`--seed takes a whole number, --seconds a number above 0; got ${values.seed} and ${values.seconds}`);
  process.exit(2);
}

const [target = "differential"] = positionals;
console.log(`fuzz: ${target}, seed ${seed}, for ${seconds} s`);
if (target === "wire") {
  const { runs, failure } = fuzzWire(seed, seconds);
  console.log(failure ?? `${runs} frames and names as they have to be`);
  process.exit(failure === undefined ? 0 : 1);
}
if (target === "hub") {
  const { steps, failure } = await fuzzHub(seed, { seconds });
  console.log(failure ?? `${steps} steps as they have to be`);
  process.exit(failure === undefined ? 0 : 1);
}
if (target !== "differential") {
  console.error(`there is hub, wire and differential to fuzz; got ${target}`);
  process.exit(2);
}
const deadline = performance.now() + seconds * 1000;
const counts = { same: 0, explained: 0 };
const reasons = new Map<string, number>();
for (let index = 0; performance.now() < deadline; index++) {
  const stream = makeStream(seed, index);
  const verdict = await compare(stream);
  if (verdict.kind === "different") {
    console.error(`seed ${seed}, stream ${index}: ${await report(stream)}`);
    process.exit(1);
  }
  counts[verdict.kind]++;
  if (verdict.kind === "explained") reasons.set(verdict.by.name, (reasons.get(verdict.by.name) ?? 0) + 1);
}
console.log(`${counts.same} streams the same, ${counts.explained} explained`);
for (const [name, times] of reasons) console.log(`  ${times}: ${name}`);
