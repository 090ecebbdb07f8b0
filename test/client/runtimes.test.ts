/** The client in every runtime that has a WebSocket, or is given one, against connections that are cut all the time. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { need } from "../interop/harness/system.js";
import { startHub } from "./harness/hub.js";

const main = fileURLToPath(new URL("harness/runtime-main.js", import.meta.url));
const CUTS = 3;

for (const { name, runtime, args = [] } of [
  { name: `Node ${process.versions.node}`, runtime: { path: process.execPath, missing: false as const } },
  { name: "Node 24", runtime: await need("node24") },
  { name: "Node 26", runtime: await need("node26") },
  { name: "Bun", runtime: await need("bun") },
  { name: "Deno", runtime: await need("deno"), args: ["run", "--allow-all", "--node-modules-dir=manual", "--no-lock"] },
]) {
  describe(`the client in ${name}`, { skip: runtime.missing }, () => {
    it("hears each message once and in order, publishes each once, and ends when it is closed", async (t) => {
      const hub = await startHub();
      t.after(() => hub.stop());
      const child = spawn(runtime.path, [...args, main, hub.url], { stdio: ["ignore", "pipe", "pipe"] });
      t.after(() => void child.kill("SIGKILL"));
      let errors = "";
      child.stderr.on("data", (text) => (errors += String(text)));
      const exited = once(child, "close");
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      assert.equal((await lines.next()).value, "ready", errors);

      for (let cut = 0; cut < CUTS; cut++) {
        for (let count = 0; count < 60; count++) {
          hub.publish("feed", count);
          await sleep(5);
        }
        while (hub.open === 0) await sleep(10);
        hub.cut();
      }
      while (hub.open === 0) await sleep(10);
      hub.ask("double", 21);
      hub.publish("feed", "end");

      const { value } = (await lines.next()) as { value: string };
      assert.deepEqual(await exited, [0, null], errors);
      assert.equal(errors, "");
      const seen = JSON.parse(value) as Record<string, unknown>;
      const all = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
      assert.deepEqual(seen, {
        offsets: all(60 * CUTS + 1),
        gaps: 0,
        call: { a: [1, "é"] },
        bytes: [0, 127, 255],
        published: all(30),
        page: 5,
        count: 1,
      });
      assert.equal(hub.top("own"), 30);
      assert.deepEqual(hub.answers, [42]);
      assert.equal(hub.connections, CUTS + 1);
      assert.deepEqual(new Set(hub.tokens), new Set(["token"]));
    });
  });
}
