/** The mutants that `npm run mutate` makes: each compiles, each differs, and words for people are left alone. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "acorn";
import { mutantsOf } from "./mutants.js";

const dist = join(dirname(fileURLToPath(import.meta.url)), "../../../packages/hawser/dist");

const changed = (source: string): string[] =>
  mutantsOf(source).map(({ start, end, text }) => source.slice(0, start) + text + source.slice(end));

test("conditions, operators, numbers, statements and what is returned", () => {
  assert.deepEqual(changed("if (a < 1) b();").toSorted(), [
    "if ((a <= 1)) b();",
    "if (a < 1) ;",
    "if (a < 2) b();",
    "if (false) b();",
    "if (true) b();",
  ]);
  assert.deepEqual(changed("const f = (a) => { return !a ?? b; };").toSorted(), [
    "const f = (a) => { return !a; };",
    "const f = (a) => { return a ?? b; };",
    "const f = (a) => { return; };",
  ]);
});

test("neither the words of errors and log lines, nor imports, nor keys", () => {
  for (const source of ["throw new Error(`${1 + 1}`);", "this.#log.info({ a: 1 });", 'import "x";', "f = { 1: a };"]) {
    const inClass = source.startsWith("import") ? source : `class A { #log; a(f) { ${source} } }`;
    assert.deepEqual(changed(inClass), source.startsWith("f") ? ["class A { #log; a(f) { ; } }"] : []);
  }
});

test("no change that makes no difference", () => {
  assert.deepEqual(changed("const f = () => { return false; };"), ["const f = () => { return true; };"]);
  assert.deepEqual(changed("const f = () => { return undefined; };"), []);
  assert.deepEqual(changed("const f = () => { return null; };"), ["const f = () => { return; };"]);
  for (const name of ["WAIT_MS", "SLAB_BYTES", "COPY_PAYS_FROM"]) {
    assert.deepEqual(changed(`const ${name} = 100;`), []);
    assert.deepEqual(changed(`const ${name} = 4;`), [`const ${name} = 5;`]);
    assert.deepEqual(changed(`const ${name} = 64 * 1024;`), [`const ${name} = (64 / 1024);`]);
    assert.deepEqual(changed(`f(${name}, 100);`), [";", `f(${name}, 101);`]);
  }
  assert.deepEqual(changed("const MOST_TURNS = 100;"), ["const MOST_TURNS = 101;"]);
});

test("of our own code: all of it parses", () => {
  for (const name of readdirSync(join(dist, "protocol")).filter((file) => file.endsWith(".js"))) {
    const source = readFileSync(join(dist, "protocol", name), "utf8");
    for (const text of changed(source)) {
      assert.notEqual(text, source);
      parse(text, { ecmaVersion: "latest", sourceType: "module" });
    }
  }
});
