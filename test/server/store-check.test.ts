/** Whether anything is in AsyncLocalStorage is seen by what no document tells. Taken for full, an empty context costs each client time and memory. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { AsyncLocalStorage } from "node:async_hooks";
import { describe, it } from "node:test";
import { currentContext, runIn } from "#hawser/server/base/async-context.js";

const isBun = process.versions["bun"] !== undefined;

/** In a process of its own, for the test runner has stores. */
const SCRIPT = `
import { AsyncLocalStorage, AsyncResource, createHook } from "node:async_hooks";
import { currentContext, runIn } from ${JSON.stringify(import.meta.resolve("#hawser/server/base/async-context.js"))};
import { detectStoreCheck } from ${JSON.stringify(import.meta.resolve("#hawser/server/internals/store-check.js"))};

const carries = detectStoreCheck();
const isFull = () => carries(new AsyncResource("TEST"));
const seen = {};
seen["before any storage is used"] = isFull();
createHook({ destroy() {} }).enable();
seen["while a hook waits for the end of resources"] = isFull();
const [first, second] = [new AsyncLocalStorage(), new AsyncLocalStorage()];
seen["with a store"] = first.run("store", isFull);
seen["with a store of two storages"] = first.run("store", () => second.run("store", isFull));
seen["with a store that was entered"] = new AsyncResource("TEST").runInAsyncScope(() => (second.enterWith("store"), isFull()));
seen["with a store, a promise later"] = await first.run("store", () => Promise.resolve().then(isFull));
seen["after all that"] = isFull();
seen["a client's without stores"] = currentContext(carries) !== null;
seen["a client's with a store"] = first.run("store", () => currentContext(carries)) !== null;
seen["in the context of clients without"] = first.run("store", () => (runIn(null, () => (seen.inside = isFull())), seen.inside));
console.log(JSON.stringify(seen));
`;

describe("the check of a context for stores", { skip: isBun }, () => {
  it("tells on every Node that was tried whether there is any", () => {
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", SCRIPT], { encoding: "utf8" });
    assert.equal(stderr, "");
    assert.deepEqual(JSON.parse(stdout), {
      "before any storage is used": false,
      "while a hook waits for the end of resources": false,
      "with a store": true,
      "with a store of two storages": true,
      "with a store that was entered": true,
      "with a store, a promise later": true,
      "after all that": false,
      "a client's without stores": false,
      "a client's with a store": true,
      inside: false,
      "in the context of clients without": false,
    });
  });
});

describe("a context that cannot be checked", () => {
  it("is kept, whatever is in it", () => {
    const storage = new AsyncLocalStorage<string>();
    const context = currentContext(null);
    assert.notEqual(context, null);
    storage.run("somebody's", () => runIn(context, () => assert.equal(storage.getStore(), undefined)));
  });
});
