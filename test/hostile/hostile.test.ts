/**
 * The hostile-client program: some 1,000 clients of every bad kind against the real `hawser serve --echo`, in groups. Each
 * case says what the server owes it; after each group the server must be alive and well (`health.ts`).
 *
 * `GROUP=floods` runs the groups whose name holds that word.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { type ServerProcess, serve } from "../harness/server.js";
import { certificates } from "../harness/certificates.js";
import { Bystander } from "./harness/bystander.js";
import { type Group, hastyFlags, impatientFlags, type ServerKind } from "./harness/group.js";
import { backlog } from "./groups/backlog.js";
import { bystanders } from "./groups/bystanders.js";
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
import { tls } from "./groups/tls.js";
import { Health } from "./harness/health.js";

const REQUESTS: Group[] = [requests, bytes, offers];
const MESSAGES: Group[] = [...frames, ...closing, ...compressed, floods, bystanders];
const CONNECTIONS: Group[] = [endings, crowds, backlog, deadlines, tls];
const GROUPS: Group[] = [...REQUESTS, ...MESSAGES, ...CONNECTIONS];
const FLAGS = ["--echo", "--compression"];
/** We may be too busy ourselves to send, in time, the request that we have connected for. */
const PATIENT = ["--headers-timeout-ms", "60000", "--request-timeout-ms", "60000"];

/** The flags of a server, and the certificate that a TLS server reads. */
function flagsOf(kind: ServerKind, folder: string): string[] {
  if (kind === "ordinary") return [...FLAGS, ...PATIENT];
  if (kind === "impatient") return [...FLAGS, ...PATIENT, ...impatientFlags];
  if (kind === "hasty") return [...FLAGS, ...hastyFlags];
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  writeFileSync(cert, certificates.first.cert);
  writeFileSync(key, certificates.first.key);
  return [...FLAGS, ...hastyFlags, "--tls-cert", cert, "--tls-key", key];
}

for (const kind of ["ordinary", "impatient", "hasty", "tls"] as const) {
  const groups = GROUPS.filter(
    ({ name, server = "ordinary" }) => server === kind && name.includes(process.env["GROUP"] ?? ""),
  );
  if (groups.length === 0) continue;
  describe(`hostile clients of the ${kind} server`, () => {
    let server: ServerProcess;
    let health: Health;
    let folder: string;
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), "hawser-"));
      server = await serve(flagsOf(kind, folder));
      health = await Health.of(server);
    });
    after(async () => {
      await server?.stop();
      rmSync(folder, { recursive: true });
    });

    for (const { name, cases, atOnce = 16 } of groups) {
      let bystander: Bystander | undefined;
      let unharmed: Promise<void> | undefined;
      describe(name, { concurrency: atOnce }, () => {
        before(async () => {
          // A busy machine may keep an honest client from answering within a short read deadline
          if (kind === "ordinary" || kind === "impatient") bystander = await Bystander.at(server.url);
        });
        // Hooks run where every case is left out by name as well, and the next group is to find nobody.
        after(async () => {
          unharmed = bystander?.leave();
          await unharmed?.catch(() => {}); // the next test tells
        });
        for (const { name: title, run } of cases) test(title, () => run(server));
      });
      test(`after ${name}: others unharmed, alive, not grown, nobody left, log lines in order`, async () => {
        await unharmed;
        await health.check();
      });
    }

    test("Ctrl+C ends it with exit code 0", async () => {
      server.signal("SIGINT");
      assert.deepEqual(await server.exit, { code: 0, signal: null });
    });
  });
}
