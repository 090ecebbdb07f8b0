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

/** Packs all packages, once for all files of a run of `npm test`. @returns their files by the package's name */
export function packAll(): ReadonlyMap<string, string> {
  const folder = join(process.env["TEST_RUN_FOLDER"] ?? temporaryFolder(), "packed");
  const script = join(projectRoot, "scripts/pack.mjs");
  execFileSync(process.execPath, [script, folder, "--once"], { stdio: ["ignore", 2, 2] });
  return new Map(
    packages.map(({ manifest: { name, version } }) => [
      name,
      join(folder, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`),
    ]),
  );
}

/** Where a test file is run by itself. */
function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "hawser-packed-"));
  process.once("exit", () => rmSync(folder, { recursive: true }));
  return folder;
}
