// `node scripts/pack.mjs FOLDER`: the packages as they are published, as .tgz files in a folder that may not be there yet.

import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { withLock } from "./lock.mjs";
import { npm, root, run } from "./prepare.mjs";

export async function pack(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  // One at a time: what prepack copies lies beside the package's own files meanwhile.
  await withLock(join(root, ".cache/pack"), () =>
    run(...npm("pack", "--workspaces", "--pack-destination", folder, "--loglevel=error"), root),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await pack(resolve(process.argv[2]));
