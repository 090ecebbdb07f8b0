/** The files of test/interop that are not TypeScript, and so are not compiled into build/. */
import { join } from "node:path";
import { projectRoot } from "../../harness/root.js";

export function interopFile(name: string): string {
  return join(projectRoot, "test/interop", name);
}
