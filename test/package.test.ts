// What users get: the names each entry point exports, and the files in the packages.
// After a change that is meant: `npm run surface`, and read the difference.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, test } from "node:test";
import { packAll, packages, type Target } from "./harness/packed.js";
import { projectRoot as root } from "./harness/root.js";

const surfaceFile = join(root, "test/public-surface.txt");

test("the exported names are those of test/public-surface.txt", async () => {
  const surface = await publicSurface();
  if (process.env["UPDATE"] === "1") writeFileSync(surfaceFile, surface);
  assert.equal(
    surface,
    readFileSync(surfaceFile, "utf8"),
    "the public surface changed: if that is meant, npm run surface",
  );
});

test("neither undici nor TLS is loaded for a server that does without", () => {
  const program = `
    import { createServer } from "hawser";
    const server = createServer({ logLevel: "silent" });
    await server.listen(0);
    await server.close();
    console.log(process.moduleLoadList.filter((name) => / internal\\/deps\\/undici| https$| tls$/.test(name)).join());`;
  const said = execFileSync(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: root,
    encoding: "utf8",
  });
  assert.equal(said.trim(), "");
});

test("all packages have one version, and ask each other for it", () => {
  const names = new Set(packages.map(({ manifest }) => manifest.name));
  const [version] = packages.map(({ manifest }) => manifest.version);
  for (const { manifest } of packages) {
    assert.equal(manifest.version, version, manifest.name);
    for (const [name, range] of Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies })) {
      if (names.has(name)) assert.equal(range, `^${version}`, `${manifest.name} asks for ${name}`);
    }
  }
});

const EVERYWHERE = String.raw`package\.json|README\.md|CHANGELOG\.md|LICENSE`;
const MODULES = String.raw`dist\/.+\.(js|d\.ts)|cjs\/\w+\.(cjs|d\.cts)`;

/** What is in each package, and nothing else; and some of what must be. */
const CONTENTS: Record<string, { files: RegExp; some: string[] }> = {
  hawser: {
    files: new RegExp(`^(${EVERYWHERE}|${MODULES}|SECURITY\\.md|(docs|examples|deploy)\\/.+)$`),
    some: ["SECURITY.md", "docs/options.md", "deploy/hawser.service", "examples/chat.ts"],
  },
  "@hawser/admin": { files: new RegExp(`^(${EVERYWHERE}|${MODULES})$`), some: [] },
  "@hawser/client": { files: new RegExp(`^(${EVERYWHERE}|${MODULES})$`), some: [] },
  "@hawser/wire": {
    files: new RegExp(`^(${EVERYWHERE}|${MODULES}|vectors\\/\\w+\\.json)$`),
    some: ["vectors/requests.json"],
  },
  "@hawser/redis": { files: new RegExp(`^(${EVERYWHERE}|${MODULES})$`), some: [] },
  "@hawser/jwt": { files: new RegExp(`^(${EVERYWHERE}|${MODULES})$`), some: [] },
  "@hawser/ws": { files: new RegExp(`^(${EVERYWHERE}|${MODULES})$`), some: ["dist/browser.js"] },
  "@hawser/nats": { files: new RegExp(`^(${EVERYWHERE}|${MODULES})$`), some: [] },
  "@hawser/cli": { files: new RegExp(String.raw`^(${EVERYWHERE}|bin\/hawser\.js|dist\/.+\.js)$`), some: [] },
};

describe("the packed files", () => {
  const tarballs = packAll();
  const tracked = new Set(execFileSync("git", ["ls-files"], { cwd: root, encoding: "utf8" }).split("\n"));

  const filesOf = ({ name }: { name: string }): readonly string[] =>
    execFileSync("tar", ["-tzf", tarballs.get(name)!], { encoding: "utf8" })
      .trim()
      .split("\n")
      .map((path) => path.replace("package/", ""));

  for (const { folder, manifest } of packages) {
    const bundled = manifest.bundleDependencies ?? [];
    const isBundled = (file: string): boolean => bundled.some((name) => file.startsWith(`node_modules/${name}/`));
    const all = filesOf(manifest);
    const files = all.filter((file) => !isBundled(file));

    it(`of ${manifest.name} have with them whole what they bundle`, () => {
      for (const name of bundled) {
        // Its CHANGELOG and LICENSE are copied to it when it is packed itself.
        const wanted = filesOf({ name }).filter((file) => !/^(CHANGELOG\.md|LICENSE)$/.test(file));
        const missing = wanted.filter((file) => !all.includes(`node_modules/${name}/${file}`));
        assert.deepEqual(missing, []);
      }
    });

    it(`of ${manifest.name} are those that are meant`, () => {
      const { files: meant, some } = CONTENTS[manifest.name]!;
      assert.deepEqual(
        files.filter((file) => !meant.test(file)),
        [],
      );
      for (const file of ["LICENSE", "README.md", "CHANGELOG.md", ...some]) assert.ok(files.includes(file), file);
    });

    it(`of ${manifest.name} come from sources that there are, and are known to git`, () => {
      const isKnown = (file: string): boolean => {
        const source = file.replace(/^dist\//, "src/").replace(/\.(d\.ts|js)$/, ".ts");
        if (source.startsWith("src/")) return existsSync(join(root, folder, source));
        return tracked.has(file) || tracked.has(`${folder}/${file}`);
      };
      assert.deepEqual(
        files.filter((file) => !isKnown(file)),
        [],
      );
    });

    it(`of ${manifest.name} have among them what its package.json names`, () => {
      const named = [...Object.values(manifest.bin ?? {}), ...Object.values(manifest.exports).flatMap(pathsOf)];
      for (const path of named) assert.ok(files.includes(path.replace("./", "")), path);
    });
  }
});

/** Lines such as `hawser/protocol  encodeFrame`: values as the module has them, types as its index.ts names them. */
async function publicSurface(): Promise<string> {
  const lines: string[] = [];
  const entries = packages.flatMap(({ folder, manifest }) =>
    Object.entries(manifest.exports).map(([entry, target]) => ({
      folder,
      name: entry.replace(".", manifest.name),
      target,
    })),
  );
  for (const { folder, name, target } of entries) {
    const types = typeof target === "string" ? undefined : pathsOf(target).find((path) => path.endsWith(".d.ts"));
    if (types === undefined) continue;
    const values = Object.keys((await import(name)) as object);
    const typeNames = exportedTypes(readFileSync(join(root, folder, types), "utf8"));
    for (const value of values.toSorted()) lines.push(`${name}  ${value}`);
    for (const type of typeNames.toSorted()) lines.push(`${name}  type ${type}`);
  }
  return `${lines.join("\n")}\n`;
}

/** The index files are lists written by hand, `export type { A, B } from "./c.js"`; `export *` would hide what is public. */
function exportedTypes(declarations: string): string[] {
  assert.doesNotMatch(declarations, /export\s+(type\s+)?\*/, "an entry point names what it exports");
  const names: string[] = [];
  for (const [, wholeType, list] of declarations.matchAll(/export\s+(type\s)?\s*\{([^}]*)\}/g)) {
    for (const item of (list ?? "").split(",").map((text) => text.trim())) {
      const isType = wholeType !== undefined || item.startsWith("type ");
      if (item !== "" && isType) names.push(item.replace(/^type\s+/, "").replace(/^.*\sas\s+/, ""));
    }
  }
  return names;
}

function pathsOf(target: Target): string[] {
  return typeof target === "string" ? [target] : Object.values(target).flatMap(pathsOf);
}
