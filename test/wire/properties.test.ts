import { test } from "node:test";
import * as fc from "fast-check";
import { properties } from "./harness/properties.js";

for (const [what, property] of properties) test(what, () => fc.assert(property, { numRuns: 2000 }));
