/** The packages of the repository, and the files that `npm publish` would send. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectRoot } from "./root.js";

/** A path, or one for each condition. */
export type Target = string | { readonly [condition: string]: Target };

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Record<string, Target>;
  readonly bin?: Record<string, string>;
  readonly dependencies?: Record<string, string>;
  readonly bundleDependencies?: readonly string[];
  readonly devDependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
}

export interface Package {
  /** From the root: `packages/hawser`. */
  readonly folder: string;
  readonly manifest: Manifest;
}

export const packages: readonly Package[] = readdirSync(join(projectRoot, "packages")).map((name) => {
  const folder = `packages/${name}`;
  return { folder, manifest: JSON.parse(readFileSync(join(projectRoot, folder, "package.json"), "utf8")) as Manifest };
});

/** Packs all packages. @returns their files by the package's name, and what removes them */
export function packAll(): { tarballs: ReadonlyMap<string, string>; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "hawser-packed-"));
  execFileSync(process.execPath, [join(projectRoot, "scripts/pack.mjs"), folder], { stdio: ["ignore", 2, 2] });
  const tarballs = packages.map(({ manifest: { name, version } }): [string, string] => [
    name,
    join(folder, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`),
  ]);
  return { tarballs: new Map(tarballs), remove: () => rmSync(folder, { recursive: true }) };
}
