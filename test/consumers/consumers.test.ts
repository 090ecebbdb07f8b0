// The packages as users get them, with their compilers, bundlers, test runners and runtimes.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { codeBlocks, readDocument } from "../docs/harness/markdown.js";
import { packAll } from "../harness/packed.js";
import { projectRoot } from "../harness/root.js";

/** Kept from run to run: what is in it takes a minute to install. */
const folder = join(projectRoot, ".cache/consumers");
const outside = mkdtempSync(join(tmpdir(), "hawser-consumers-"));
const tool = (path: string): string => join(folder, "node_modules", path);
const tarballs = packAll();

before(async () => {
  mkdirSync(folder, { recursive: true });
  const wanted = readFileSync(join(projectRoot, "test/consumers/tools.json"), "utf8");
  const manifest = join(folder, "package.json");
  const isInstalled = existsSync(tool("webpack-cli")) && readFileSync(manifest, "utf8") === wanted;
  writeFileSync(manifest, wanted);
  if (!isInstalled) await run("npm", ["install", "--no-audit", "--no-fund", "--no-package-lock"], folder);
  await run(
    "npm",
    ["install", "--no-audit", "--no-fund", "--no-package-lock", "--no-save", ...tarballs.values()],
    folder,
  );
  writeFileSync(join(folder, "app.mjs"), PROGRAM);
  writeFileSync(
    join(folder, "app.cjs"),
    `(async () => {${PROGRAM.replace(/import (.*) from (.*);/g, "const $1 = require($2);")}})();`,
  );
  writeFileSync(join(folder, "types.mts"), TYPED);
});

after(() => rmSync(outside, { recursive: true }));

const PROGRAM = `
import { createServer } from "hawser";
import { createAdmin } from "@hawser/admin";
const server = createServer({ logger: process.env.DEFAULT_LOGGER ? undefined : { debug() {}, info() {}, warn() {}, error() {} } });
const { url } = await server.listen(0);
const admin = createAdmin(server);
const { url: adminUrl } = await admin.listen(0);
const status = (await fetch(url.replace("ws:", "http:"))).status;
const page = await (await fetch(adminUrl)).text();
const metrics = await (await fetch(new URL("/metrics", adminUrl))).text();
await server.close();
await admin.close();
console.log("works:", status, page.includes("<title>"), metrics.includes("hawser_ready 1"));
`;
const WORKS = /works: 426 true true/;

const TYPED = `
import { type Client, closeOnSignals, createServer, type Server } from "hawser";
import { createAdmin } from "@hawser/admin";
import { createMetrics } from "@hawser/admin/metrics";
import { encodeFrame, TEXT } from "hawser/protocol";
import { connect, type Live } from "@hawser/client";
import { connect as connectCore } from "@hawser/client/core";
import { contract } from "@hawser/wire";
const users = new Set<Client<{ name: string }>>();
const server = createServer({
  message(client, message) {
    users.add(client);
    client.send(client.data.name + message.text());
  },
  authenticate: async ({ path }) => (path === "/" ? false : { name: path }),
});
const counting = createServer({ path: undefined, message: (client, message) => client.send(message), data: () => ({ count: 0 }) });
const plain: Server = createServer({ logger: console, logLevel: undefined });
createAdmin(server, { token: undefined });
createMetrics(counting);
encodeFrame(TEXT, "a");
closeOnSignals(server, counting, plain);
const chat = contract({ topics: { "room:{id}": { history: { size: 1, ttlMs: 1 } } }, calls: {} });
const live: Live<typeof chat> = connect(chat, "wss://example.com/", { token: () => null });
live.topic("room:{id}", { id: 1 }).subscribe({ message: (data, { offset }) => void [data, offset], gap: () => {} });
connectCore("wss://example.com/", { onError: undefined }).topic("room").publish({}).catch(() => {});
`;

describe("TypeScript", { concurrency: 2 }, () => {
  for (const version of ["ts50", "ts54", "ts59", "ts6", "ts7"]) {
    // node16 finds packages as nodenext does, and one compiler is asked to show it. Its own files that begin with `#/`, which
    // only nodenext finds since TypeScript 6, no consumer shares with Hawser. The oldest and the newest show what bundlers find.
    const plain = version === "ts7" ? "node16" : "nodenext";
    for (const resolution of ["ts50", "ts7"].includes(version) ? ["bundler", plain] : [plain]) {
      it(`${version} with ${resolution}`, async () => {
        const module = resolution === "bundler" ? "esnext" : resolution;
        await compile(version, folder, { skipLibCheck: true, module, moduleResolution: resolution });
      });
    }
  }

  it("checks the declarations themselves, with @types/node 20", async () => {
    await compile("ts7", folder, { module: "nodenext" });
  });

  it("checks the declarations themselves, with @types/node 26", async () => {
    const project = join(folder, "node26");
    for (const scope of ["@types", "@hawser"]) mkdirSync(join(project, "node_modules", scope), { recursive: true });
    const nested = "node26/node_modules/undici-types";
    const undici = existsSync(tool(nested)) ? nested : "undici-types";
    for (const [name, target] of Object.entries({
      "@types/node": "node26",
      hawser: "hawser",
      "@hawser/admin": "@hawser/admin",
      "@hawser/client": "@hawser/client",
      "@hawser/wire": "@hawser/wire",
      "undici-types": undici,
    })) {
      rmSync(join(project, "node_modules", name), { force: true });
      symlinkSync(tool(target), join(project, "node_modules", name));
    }
    cpSync(join(folder, "types.mts"), join(project, "types.mts"));
    await compile("ts7", project, { module: "nodenext", preserveSymlinks: true });
  });

  function compile(version: string, project: string, options: Record<string, unknown>): Promise<string> {
    const strict = { noEmit: true, strict: true, exactOptionalPropertyTypes: true, target: "es2022", lib: ["es2022"] };
    const config = join(project, `tsconfig.${version}-${Object.values(options).join("-")}.json`);
    writeFileSync(config, JSON.stringify({ compilerOptions: { ...strict, ...options }, files: ["types.mts"] }));
    return node([tool(`${version}/bin/tsc`), "--project", config], project);
  }
});

describe("a bundle, without anything beside it", { concurrency: 2 }, () => {
  for (const [format, entry, ...options] of [
    ["mjs", "app.mjs", "--format=esm", "--external:pino"],
    ["mjs", "app.mjs", "--format=esm"],
    ["cjs", "app.cjs", "--format=cjs"],
  ] as const) {
    it(`of esbuild, ${options.join(" ")}`, async () => {
      const output = join(outside, `esbuild${options.length}.${format}`);
      await run(
        tool(".bin/esbuild"),
        [entry, "--bundle", "--platform=node", `--outfile=${output}`, "--log-level=error", ...options],
        folder,
      );
      assert.match(await node([output], outside), WORKS);
      // pino is in a bundle of CommonJS, and cannot be in one of ES modules.
      const started = node([output], outside, { DEFAULT_LOGGER: "1" });
      if (format === "cjs") assert.match(await started, WORKS);
      else await assert.rejects(started, /UsageError: logger: pino, the default, cannot be loaded from here/);
    });
  }

  it("of rollup", async () => {
    const output = join(outside, "rollup.mjs");
    await node(
      [tool("rollup/dist/bin/rollup"), "app.mjs", "--file", output, "--plugin", "node-resolve", "--silent"],
      folder,
    );
    assert.match(await node([output], outside), WORKS);
  });

  it("of webpack", async () => {
    const options = ["--entry", "./app.mjs", "--target", "node", "--mode", "none", "--devtool", "false"];
    await node(
      [tool("webpack-cli/bin/cli.js"), ...options, "--output-path", outside, "--output-filename", "webpack.cjs"],
      folder,
    );
    assert.match(await node([join(outside, "webpack.cjs")], outside), WORKS);
  });
});

describe("a test runner", () => {
  it("Jest, in CommonJS", async () => {
    mkdirSync(join(folder, "jest"), { recursive: true });
    writeFileSync(
      join(folder, "jest/a.test.js"),
      `const { createServer, OptionError } = require("hawser");
      const { createAdmin } = require("@hawser/admin");
      test("works", async () => {
        const server = createServer({ logLevel: "silent" });
        createAdmin(server);
        const { url } = await server.listen(0);
        server.publish("topic", new Uint8Array([1]));
        expect((await fetch(url.replace("ws:", "http:"))).status).toBe(426);
        await server.close();
        expect(() => createServer({ pongWaitMs: -1 })).toThrow(OptionError);
      });`,
    );
    await node([tool("jest/bin/jest.js"), "--rootDir", "jest", "--forceExit"], folder);
  });

  it("Vitest", async () => {
    mkdirSync(join(folder, "vitest"), { recursive: true });
    writeFileSync(
      join(folder, "vitest/a.test.mjs"),
      `import { expect, test } from "vitest";
      import { createServer } from "hawser";
      test("works", async () => {
        const server = createServer({ logLevel: "silent" });
        const { url } = await server.listen(0);
        expect((await fetch(url.replace("ws:", "http:"))).status).toBe(426);
        await server.close();
      });`,
    );
    await node([tool("vitest/vitest.mjs"), "run", "--root", "vitest"], folder);
  });
});

describe("another runtime", () => {
  for (const entry of ["app.mjs", "app.cjs"]) {
    it(`Bun, ${entry}`, async () => {
      assert.match(await run(tool(".bin/bun"), [entry], folder, { DEFAULT_LOGGER: "1" }), WORKS);
    });
    it(`Deno, ${entry}`, async () => {
      const options = ["run", "--allow-all", "--node-modules-dir=manual", entry];
      assert.match(await run(tool(".bin/deno"), options, folder, { DEFAULT_LOGGER: "1" }), WORKS);
    });
  }
});

it("README's program, from an empty folder, as README says", async () => {
  const page = readDocument("README.md");
  const project = join(outside, "newcomer");
  mkdirSync(project);
  const commands = codeBlocks(page, "sh").flatMap((block) => block.trim().split("\n"));
  const at = commands.indexOf("npm init -y");
  const [init, install, installTools, compile, start] = commands.slice(at, at + 5);
  assert.equal(start, "node server.mjs");
  const shell = (command = ""): Promise<string> =>
    run(
      process.platform === "win32" ? "cmd.exe" : "sh",
      [process.platform === "win32" ? "/c" : "-c", command],
      project,
    );
  await shell(init);
  await shell(install?.replace("path/to/hawser-0.1.0.tgz", tarballs.get("hawser")!));
  await shell(installTools);
  writeFileSync(join(project, "server.mts"), codeBlocks(page, "ts")[0]?.replace("listen(8080)", "listen(0)") ?? "");
  await shell(compile);
  const code = readFileSync(join(project, "server.mjs"), "utf8");
  writeFileSync(join(project, "server.mjs"), `${code}\nsetTimeout(() => process.kill(process.pid, "SIGTERM"), 100);`);
  assert.match(await shell(start), /"event":"shutdown-finished"/);
});

function node(args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<string> {
  return run(process.execPath, args, cwd, env);
}

/** @returns what it printed @throws with that, when it fails */
function run(command: string, args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<string> {
  // What npm and the test runner tell those that they start is not for these.
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_)/i.test(name));
  return new Promise((resolve, reject) => {
    execFile(
      command,
      args,
      { cwd, env: { ...Object.fromEntries(own), ...env }, timeout: 600_000 },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`${command} ${args.join(" ")}\n${stdout}${stderr}`, { cause: error }));
      },
    );
  });
}
