/** What the server holds for slow readers is what its books say: the heap of a real process, measured. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";

const MIB = 1024 * 1024;
/** Whatever else comes and goes in the process. */
const CONSTANT = 3 * MIB;

const main = join(import.meta.dirname, "harness/memory-main.js");

describe("the heap grows by no more than twice what the books say, and the books stay within their bounds", () => {
  for (const sockets of ["lean", "portable"]) {
    it(`${sockets} sockets`, async () => {
      const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", main, sockets]);
      const results = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, number>);
      assert.equal(results.length, 12);
      for (const { what, growth = 0, books = 0, left } of results) {
        const says = `${what}: grew by ${(growth / MIB).toFixed(1)} MiB, with ${(books / MIB).toFixed(1)} on the books`;
        assert.equal(left, 8, `${what}: all are still there`);
        assert.ok(growth <= 2 * books + CONSTANT, says);
        // maxBacklogBytes each, and what the sockets were handed.
        assert.ok(books <= 8 * (MIB + 200 * 1024), says);
        assert.ok(books > MIB, says);
      }
    });
  }
});
