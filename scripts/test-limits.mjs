// Loaded into every test file: a test that hangs ends its file, by name. node:test's own limit is per file on Node 20 and per
// test on Node 24, so neither is used.

import { afterEach, beforeEach } from "node:test";

// Far more than any test takes alone: a machine that is busy with something else makes a minute of five seconds. More than a test waits
// for one thing: PATIENCE_MS in test/harness/concurrency.ts.
const TEST_LIMIT_MS = 300_000;
// Also ends a file whose tests have passed and that is kept alive by something they left open.
const FILE_LIMIT_MS = 1_200_000;

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
