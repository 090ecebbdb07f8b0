import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { interop } from "./harness/contract.js";
import { interopFile } from "./harness/files.js";
import { startRemote } from "./peers/remote.js";
import { GO_SOURCES, need, run, scratchFolder } from "./harness/system.js";

const go = await need("go-gorilla");

interop({ name: "Go's gorilla/websocket", skip: go.missing, start: async () => startRemote(await build(), []) });

/** Built once for each version of the source: Go's standard library alone takes some ten seconds. */
async function build(): Promise<string> {
  const source = interopFile("peers/gorilla.go");
  const program = join(
    scratchFolder(),
    `gorilla-${createHash("sha256").update(readFileSync(source)).digest("hex").slice(0, 16)}`,
  );
  if (existsSync(program)) return program;
  const fresh = `${program}.${process.pid}`;
  const { failure, stderr } = await run(go.path, ["build", "-o", fresh, source], {
    GO111MODULE: "off",
    GOPATH: GO_SOURCES,
    GOCACHE: join(scratchFolder(), "go-cache"),
    CGO_ENABLED: "0",
  });
  assert.equal(failure, undefined, stderr);
  renameSync(fresh, program);
  return program;
}
