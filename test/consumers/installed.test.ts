// The packed packages, installed by npm in empty folders: what comes with them, and that the command works.

import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { WebSocket } from "ws";
import { packAll } from "../harness/packed.js";
import type { LogLine } from "../harness/server.js";

const MOST_PACKAGES = 15;
const MOST_BYTES = 5 * 1024 * 1024;

const tarballs = packAll();
// What npm and the test runner tell those that they start is not for these.
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_)/i.test(name)));
const isWindows = process.platform === "win32";

test("hawser brings no more than 15 packages and 5 MiB", (t) => {
  const folder = emptyFolder(t);
  install(folder, [tarballs.get("hawser")!]);
  const lock = readFileSync(join(folder, "node_modules/.package-lock.json"), "utf8");
  const installed = Object.keys((JSON.parse(lock) as { packages: object }).packages);
  const bytes = readdirSync(join(folder, "node_modules"), { recursive: true, encoding: "utf8" })
    .map((path) => statSync(join(folder, "node_modules", path)))
    .filter((stat) => stat.isFile())
    .reduce((sum, { size }) => sum + size, 0);
  t.diagnostic(`${installed.length} packages, ${(bytes / 1024 / 1024).toFixed(1)} MiB`);
  assert.ok(installed.includes("node_modules/hawser") && installed.length <= MOST_PACKAGES, installed.join(", "));
  assert.ok(bytes <= MOST_BYTES, `${bytes} bytes`);
});

test("npx @hawser/cli serve serves, and stops when npx is told to", async (t) => {
  const folder = emptyFolder(t);
  install(folder, [...tarballs.values()]);
  const npx = spawn("npx", ["--no-install", "@hawser/cli", "serve", "--port", "0"], {
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "inherit"],
    shell: isWindows,
  });
  t.after(() => npx.kill("SIGKILL"));
  const { url } = JSON.parse(await firstLine(npx)) as LogLine;
  const [ada, grace] = [await connect(String(url)), await connect(String(url))];
  const heard = once(grace, "message");
  ada.send("hello");
  assert.equal(String((await heard)[0]), "hello");
  const closed = Promise.all([once(ada, "close"), once(grace, "close")]);
  npx.kill("SIGTERM");
  for (const [code] of await closed) assert.equal(code, 1001);
});

function emptyFolder(t: { after: (end: () => void) => void }): string {
  const folder = mkdtempSync(join(tmpdir(), "hawser-installed-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  return folder;
}

function install(folder: string, files: string[]): void {
  const options = ["install", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
  execFileSync("npm", [...options, ...files], { cwd: folder, env, shell: isWindows, stdio: ["ignore", 2, 2] });
}

async function connect(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url);
  await once(socket, "open");
  return socket;
}

async function firstLine(child: ChildProcess): Promise<string> {
  const [line] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
  return line;
}
