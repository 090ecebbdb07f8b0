import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import wabt from "wabt";

const source = join(import.meta.dirname, "../../../packages/hawser/src/protocol");

it("simd-code.ts is simd.wat, compiled", async () => {
  const text = readFileSync(join(source, "simd.wat"), "utf8");
  const toolkit = await wabt();
  const module = toolkit.parseWat("simd.wat", text, { simd: true });
  module.validate();
  const code = Buffer.from(module.toBinary({}).buffer).toString("base64");
  const file = join(source, "simd-code.ts");
  if (process.env["UPDATE"] === "1")
    writeFileSync(
      file,
      `/** simd.wat, compiled by \`npm run wasm\`, in base64. */\nexport const wasm =\n  "${code}";\n`,
    );
  assert.ok(readFileSync(file, "utf8").includes(`"${code}"`), "simd.wat has changed: npm run wasm");
});
