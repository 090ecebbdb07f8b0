// `npm test -- --changed`: the test files that may notice what was changed since `main`.
//
// A test depends on what the strings of its compiled code name, and so on through the modules and programs among that: what it
// imports and starts, the files and folders that it reads, as seen from the module's own folder or from the root. Beyond that:
// - documents concern test/docs; what is embedded in the source (pages, styles) concerns what uses src/generated;
// - packages, compiler options, the scripts that build and run tests, and what is there and no test names concern every test.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, posix, relative } from "node:path";

const CONCERNS_ALL =
  /(^|\/)(package(-lock)?|tsconfig[\w.]*)\.json$|^scripts\/(prepare|embed|lock|test|test-limits)\.mjs$/;

/** What differs from where this branch left origin/main (or main), committed or not, as paths from the root. */
export function changedFiles(root) {
  const git = (...args) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).split("\n").filter(Boolean);
  const branches = ["refs/remotes/origin/main", "refs/heads/main"];
  const [main] = git("for-each-ref", "--sort=-refname", "--format=%(refname)", ...branches);
  if (main === undefined) throw new Error("There is neither origin/main nor main to compare with.");
  const [base] = git("merge-base", "HEAD", main);
  return [...git("diff", "--name-only", "--no-renames", base), ...git("ls-files", "--others", "--exclude-standard")];
}

/** Those of the compiled `tests` that the `changed` files concern; all are paths from `root`. */
export function testsOf(changed, tests, root) {
  const names = new Map();
  const sources = new Map(tests.map((test) => [test, new Set(dependenciesOf(test).map(sourceOf))]));
  const concerned = changed.flatMap((file) => {
    if (CONCERNS_ALL.test(file)) return tests;
    const source = file.replace(/(^|\/)src\/.*\.(html|css|js)$/, "$1src/generated");
    const found = tests.filter((test) => {
      if (file.endsWith(".md") && test.startsWith("build/test/docs/")) return true;
      return [...sources.get(test)].some((named) => isWithin(source, named) || isWithin(named, source));
    });
    return found.length > 0 || !existsSync(join(root, file)) ? found : tests;
  });
  return tests.filter((test) => concerned.includes(test));

  function dependenciesOf(test) {
    const all = new Set([test]);
    for (const path of all) {
      if (!names.has(path)) names.set(path, namesIn(path, root));
      for (const name of names.get(path)) all.add(name);
    }
    return [...all];
  }
}

function namesIn(path, root) {
  if (existsSync(join(root, path, "package.json"))) return [`${path}/package.json`];
  const isPackage = posix.basename(path) === "package.json";
  if (!(isPackage || /\.[cm]?js$/.test(path)) || !existsSync(join(root, path))) return [];
  // Of a package and its code, the modules: what else they name is there for users.
  const modulesAlone = isPackage || sourceOf(path).includes("src/");
  const { resolve } = createRequire(join(root, path));
  const strings = readFileSync(join(root, path), "utf8").matchAll(/["'`](#?@?[\w./-]*\w)["'`]/g);
  return [...strings].flatMap(([, text]) => {
    if (/^(#|@?hawser\b)/.test(text)) return modulePath(resolve, text, root);
    if (modulesAlone && !text.endsWith(".js")) return [];
    // A word alone is a folder of the root at most.
    return /[./]/.test(text) ? [posix.join(posix.dirname(path), text), posix.normalize(text)] : [text];
  });
}

function modulePath(resolve, name, root) {
  try {
    return [relative(root, resolve(name)).replaceAll("\\", "/")];
  } catch {
    // A string that only looks like one.
    return [];
  }
}

function sourceOf(path) {
  const source = path.replace(/^build\//, "").replace(/(^|\/)dist\//, "$1src/");
  return source === path ? path : source.replace(/\.js$/, ".ts");
}

function isWithin(path, folder) {
  return path === folder || path.startsWith(`${folder}/`);
}
