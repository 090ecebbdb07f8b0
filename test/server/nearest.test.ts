/** What a name that is not known may have been meant to be. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { didYouMean } from "#hawser/server/options/nearest.js";

const known = ["port", "path", "tlsKey", "pongWaitMs", "maxMessageBytes", "allowedOrigins"];

describe("didYouMean", () => {
  const rows: [name: string, what: string, expected: string | null][] = [
    ["pong-wait-ms", "written as a flag", "pongWaitMs"],
    ["HAWSER_PONG_WAIT_MS", "written as a variable", "pongWaitMs"],
    ["prot", "two letters swapped", "port"],
    ["pat", "a letter left out", "path"],
    ["maxMesageBytse", "two mistakes in a long name", "maxMessageBytes"],
    ["pongWait", "its beginning", "pongWaitMs"],
    ["key", "its end", "tlsKey"],
    ["waitMs", "its end", "pongWaitMs"],
    ["maxPayload", "its name elsewhere", "maxMessageBytes"],
    ["cors", "its name elsewhere", "allowedOrigins"],
    ["max", "too little of it", null],
    ["bogus", "nothing alike", null],
    ["", "nothing at all", null],
  ];
  for (const [name, what, expected] of rows) {
    it(`${what}: ${name}`, () => {
      assert.equal(didYouMean(name, known), expected === null ? "" : ` (did you mean ${expected}?)`);
    });
  }
});
