// Whoever copies a program from the documents has a server that passes `hawser audit`, its end on SIGTERM included.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { freePort } from "../harness/free-port.js";
import { runCli } from "../harness/run-cli.js";
import { codeBlocks, documents, readDocument } from "../docs/harness/markdown.js";
import { projectRoot } from "../harness/root.js";
import { names } from "./harness/example.js";

/** The paths at which the examples take WebSockets. */
const PATHS: Record<string, string> = {
  authenticate: "/?token=token-of-ada",
  express: "/chat",
  fastify: "/chat",
  "handle-upgrade": "/echo",
  hono: "/chat",
  "node-http": "/chat",
};
/** What Hawser is compared with, and a client. */
const OTHERS = ["from-ws/before", "follow-prices"];

/** Programs of the documents that can be run as they are. */
const documented = documents().flatMap((path) =>
  codeBlocks(readDocument(path), "ts")
    .filter((code) => /from "hawser"/.test(code) && code.includes(".listen(8080)"))
    .map((code) => ({ path, code })),
);

describe("hawser audit passes", { concurrency: 4 }, () => {
  // A recipe is about one thing, and its server is that of the other examples.
  for (const name of names.filter((one) => !OTHERS.includes(one) && !one.startsWith("recipes/"))) {
    it(`examples/${name}.ts`, async () => {
      const port = await freePort();
      const program = join(projectRoot, "build/examples", `${name}.js`);
      await audit(`ws://127.0.0.1:${port}${PATHS[name] ?? "/"}`, program, { PORT: String(port) });
    });
  }

  for (const { path, code } of documented) {
    it(`the program of ${path}`, async (test) => {
      const port = await freePort();
      // Below the project, where it finds the package under its own name.
      const folder = mkdtempSync(join(projectRoot, "build/sample-"));
      test.after(() => rmSync(folder, { recursive: true }));
      const program = join(folder, "server.mjs");
      // On the ports of this test; otherwise as it stands.
      writeFileSync(program, code.replace(".listen(8080)", `.listen(${port})`).replace(".listen(9464", ".listen(0"));
      await audit(`ws://127.0.0.1:${port}/`, program);
    });
  }

  it("and there are as many documents with a program as were found when this was written, or more", () => {
    assert.ok(documented.length >= 4, documented.map(({ path }) => path).join());
  });
});

async function audit(url: string, program: string, env: Record<string, string> = {}): Promise<void> {
  const exec = `${JSON.stringify(process.execPath)} ${JSON.stringify(program)}`;
  const { code, stdout, stderr } = await runCli(["audit", url, "--quick", "--exec", exec], { env });
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /pass +SIGTERM: clients get 1001, then exit 0/);
}
