import * as fc from "fast-check";
import { properties } from "./properties.js";

/** Runs each property for its share of the time. @returns what was found wrong, with the input that shows it */
export function fuzzWire(seed: number, seconds: number): { runs: number; failure: string | undefined } {
  let runs = 0;
  for (const [what, property] of properties) {
    const interruptAfterTimeLimit = (seconds * 1000) / properties.length;
    const details = fc.check(property, { seed, numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit });
    runs += details.numRuns;
    if (details.failed) return { runs, failure: `${what}: ${fc.defaultReportMessage(details)}` };
  }
  return { runs, failure: undefined };
}
