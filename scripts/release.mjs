// `npm run release`: checks everything and packs all packages, into .cache/packed. Nothing leaves this machine without --publish.
//
//   npm run release -- --dry-run     what it does anyway; `--no-test` leaves the tests out
//   npm run release -- --set 0.2.0   gives all packages this version, and what is unreleased in CHANGELOG.md its heading
//   npm run release -- --publish     publishes what was checked and packed, with provenance: for the release workflow

import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { npm, packages, root, run } from "./prepare.mjs";

const { values } = parseArgs({
  options: {
    "dry-run": { type: "boolean" },
    "no-test": { type: "boolean" },
    set: { type: "string" },
    publish: { type: "boolean" },
  },
});
if (values.publish && (values["dry-run"] || values["no-test"])) fail("--publish goes with neither of the others.");

if (values.set !== undefined) await setVersion(values.set);
else await release();

async function release() {
  const [{ version }] = manifests();
  checkChanges(version);
  const args = [join(root, "scripts/check.mjs"), ...(values["no-test"] ? ["--no-test"] : [])];
  if (spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" }).status !== 0) fail("Nothing was released.");
  const packed = join(root, ".cache/packed");
  console.log(`\n${version}: ${readdirSync(packed).join(", ")}, in ${packed}`);
  if (!values.publish) return console.log("Nothing was published.");
  for (const { name } of manifests()) {
    const tarball = join(packed, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`);
    await run(...npm("publish", tarball, ...(version.includes("-") ? ["--tag", "next"] : [])), root);
    console.log(`${name} ${version} is published.`);
  }
}

// That all packages have this version and ask each other for it is a test's to say.
function checkChanges(version) {
  const changes = readFileSync(join(root, "CHANGELOG.md"), "utf8");
  if (!changes.includes(`\n## ${version}\n`) && (values.publish || !changes.includes("\n## Unreleased\n")))
    fail(`CHANGELOG.md says nothing of ${version}: npm run release -- --set ${version}`);
  if (values.publish && execFileSync("git", ["status", "--porcelain"], { cwd: root, encoding: "utf8" }) !== "")
    fail("Something here is not committed.");
}

async function setVersion(version) {
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) fail(`${version} is no version.`);
  const ours = manifests().map(({ name }) => name);
  for (const [at, manifest] of manifests().entries()) {
    manifest.version = version;
    for (const kind of ["dependencies", "peerDependencies"])
      for (const name of Object.keys(manifest[kind] ?? {}))
        if (ours.includes(name)) manifest[kind][name] = `^${version}`;
    writeFileSync(join(root, packages[at], "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  }
  const file = join(root, "CHANGELOG.md");
  writeFileSync(file, readFileSync(file, "utf8").replace("\n## Unreleased\n", `\n## ${version}\n`));
  await run(...npm("install", "--package-lock-only", "--ignore-scripts"), root);
}

function manifests() {
  return packages.map((folder) => JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")));
}

function fail(reason) {
  console.error(reason);
  process.exit(1);
}
