// Loaded into every test file: a test that hangs ends its file, by name. node:test's own limit is per file on Node 20 and per
// test on Node 24, so neither is used.

import { afterEach, beforeEach } from "node:test";

const TEST_LIMIT_MS = 60_000;
// Also ends a file whose tests have passed and that is kept alive by something they left open.
const FILE_LIMIT_MS = 300_000;

const running = new Map();

beforeEach((test) => running.set(test.fullName, endAfter(TEST_LIMIT_MS, test.fullName)));
afterEach((test) => {
  clearTimeout(running.get(test.fullName));
  running.delete(test.fullName);
});
endAfter(FILE_LIMIT_MS, process.argv[1]);

function endAfter(ms, name) {
  return setTimeout(() => {
    process.stderr.write(`Not finished after ${ms / 1000} s: ${name}\n`);
    process.exit(1);
  }, ms).unref();
}
