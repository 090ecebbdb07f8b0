// Code of a document, for the compiler alone.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "../../harness/root.js";

/** @throws Error with what the compiler says */
export async function compile(code: string): Promise<void> {
  // Below the project, where it finds the package under its own name.
  const folder = mkdtempSync(join(projectRoot, "build/documented-"));
  try {
    const file = join(folder, "page.mts");
    writeFileSync(file, code);
    const flags = "--ignoreConfig --noEmit --strict --skipLibCheck --target es2023 --module nodenext --types node";
    const tsc = join(projectRoot, "node_modules/typescript/bin/tsc");
    await promisify(execFile)(process.execPath, [tsc, ...flags.split(" "), file], { cwd: folder });
  } catch (error) {
    throw new Error((error as { stdout: string }).stdout, { cause: error });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
