// `node scripts/pack.mjs FOLDER`: the packages as they are published, as .tgz files in a folder that may not be there yet. With `--once`
// a folder that is there is left as it is: it is there when it is complete.

import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { withLock } from "./lock.mjs";
import { npm, root, run } from "./prepare.mjs";

export async function pack(folder, { once = false } = {}) {
  const begun = `${folder}.begun`;
  // One at a time: what prepack copies lies beside the package's own files meanwhile.
  await withLock(join(root, ".cache/pack"), async () => {
    if (once && existsSync(folder)) return;
    for (const old of [folder, begun]) rmSync(old, { recursive: true, force: true });
    mkdirSync(begun, { recursive: true });
    await run(...npm("pack", "--workspaces", "--pack-destination", begun, "--loglevel=error"), root);
    renameSync(begun, folder);
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await pack(resolve(process.argv[2]), { once: process.argv.includes("--once") });
