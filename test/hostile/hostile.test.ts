/**
 * The hostile-client program: some 1,000 clients of every bad kind against the real `hawser serve --echo`, in groups. Each
 * case says what the server owes it; after each group the server must be alive and well (`health.ts`).
 *
 * `GROUP=floods` runs the groups whose name holds that word.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { type ServerProcess, serve } from "../harness/server.js";
import { type Group, hastyFlags } from "./group.js";
import { backlog } from "./groups/backlog.js";
import { bytes } from "./groups/bytes.js";
import { closing } from "./groups/closing.js";
import { compressed } from "./groups/compressed.js";
import { crowds } from "./groups/crowds.js";
import { deadlines } from "./groups/deadlines.js";
import { endings } from "./groups/endings.js";
import { floods } from "./groups/floods.js";
import { frames } from "./groups/frames.js";
import { offers } from "./groups/offers.js";
import { requests } from "./groups/requests.js";
import { Health } from "./health.js";

const GROUPS: Group[] = [
  requests,
  bytes,
  ...frames,
  ...closing,
  offers,
  ...compressed,
  floods,
  endings,
  crowds,
  deadlines,
  backlog,
];
const FLAGS = { ordinary: ["--echo", "--compression"], hasty: ["--echo", "--compression", ...hastyFlags] };

for (const kind of ["ordinary", "hasty"] as const) {
  const groups = GROUPS.filter(
    ({ name, server = "ordinary" }) => server === kind && name.includes(process.env["GROUP"] ?? ""),
  );
  if (groups.length === 0) continue;
  describe(`hostile clients of the ${kind} server`, () => {
    let server: ServerProcess;
    let health: Health;
    before(async () => {
      server = await serve(FLAGS[kind]);
      health = await Health.of(server);
    });
    after(async () => void (await server?.stop()));

    for (const { name, cases, atOnce = 16 } of groups) {
      describe(name, { concurrency: atOnce }, () => {
        for (const { name: title, run } of cases) test(title, () => run(server));
      });
      test(`after ${name}: alive, serving, not grown, nobody left, log lines in order`, () => health.check());
    }

    test("Ctrl+C ends it with exit code 0", async () => {
      server.signal("SIGINT");
      assert.deepEqual(await server.exit, { code: 0, signal: null });
    });
  });
}
