/**
 * `npm run chaos -- --engine redis|nats|workers|cluster [--seconds N] [--seed N]`: nodes, an engine and clients, with faults of all of them at
 * random; prints what happened, and exits with 1 if a message was lost, doubled or out of order without a word.
 */
import { parseArgs } from "node:util";
import { reportText, runChaos } from "./chaos.js";
import type { EngineName } from "./engines.js";

const ENGINES = ["redis", "nats", "workers", "cluster"];
const { values } = parseArgs({
  options: {
    engine: { type: "string", default: "redis" },
    seconds: { type: "string", default: "60" },
    seed: { type: "string" },
  },
});
const { engine } = values;
const seconds = Number(values.seconds);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
if (!ENGINES.includes(engine) || !(seconds > 0) || !Number.isSafeInteger(seed)) {
  console.error(`npm run chaos -- --engine ${ENGINES.join("|")} [--seconds N] [--seed N]`);
  process.exit(2);
}
console.log(`chaos: ${engine}, seed ${seed}, for ${seconds} s`);
const start = performance.now();
const onFault = (name: string): void => console.log(`${((performance.now() - start) / 1000).toFixed(1)} s: ${name}`);
const report = await runChaos({ engine: engine as EngineName, seconds, seed, onFault });
console.log(reportText(report));
process.exit(report.faults.length === 0 ? 0 : 1);
