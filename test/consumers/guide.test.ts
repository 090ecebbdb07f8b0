// docs/hub-guide.md, followed word by word: the packed packages in an empty folder, its files and commands, and a browser.

import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { readDocument } from "../docs/harness/markdown.js";
import { type Step, stepsOf } from "../docs/harness/walkthrough.js";
import { until } from "../harness/concurrency.js";
import { packAll } from "../harness/packed.js";
import { need } from "../interop/harness/system.js";
import { launch } from "../interop/peers/chromium.js";

const chromium = await need("chromium");
const curl = await need("curl");

/** The whole of 127.0.0.0/8 is this machine, on Linux: so the guide's port is free. */
const HOST = `127.80.${(process.pid >> 8) & 255}.${process.pid & 255 || 1}`;
/** What starts the server, and does not come back. */
const SERVE = /^node .*server\.mjs$/m;

describe("docs/hub-guide.md", { skip: chromium.missing || curl.missing }, () => {
  const folder = mkdtempSync(join(tmpdir(), "hawser-guide-"));
  const tarballs = packAll();
  // What npm and the test runner tell those that they start is not for these.
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_)/i.test(name));
  const env = { ...Object.fromEntries(own), npm_config_prefer_offline: "true", npm_config_audit: "false" };
  let server: ChildProcess | undefined;
  let serving = "";
  let browser: Browser;

  after(async () => {
    await browser?.close();
    await stop("SIGKILL");
    rmSync(folder, { recursive: true });
  });

  const chapters = new Map<string, Step[]>();
  for (const step of stepsOf(readDocument("docs/hub-guide.md"))) {
    if (step.kind === "chapter") chapters.set(step.title, []);
    else [...chapters.values()].at(-1)!.push(step);
  }
  const left = new Set(chapters.keys());
  let ada: Page;
  let grace: Page;
  let reader: Page;
  let writer: Page;

  before(async () => void (browser = await launch(chromium.path)));

  it("the packages go into an empty folder, and the client into one file", async () => {
    await follow("A folder");
  });

  it("two pages hear each other, and see who is there; a later one begins with what was said", async () => {
    await follow("The server");
    await follow("The page");
    ada = await open("#ada");
    grace = await open("#grace");
    for (const page of [ada, grace]) await hereAre(page, "ada, grace");
    await say(ada, "hello");
    await says(grace, ["ada: hello"]);
    await say(grace, "hi");
    for (const page of [ada, grace]) await says(page, ["ada: hello", "grace: hi"]);
    const late = await open("#ada");
    await says(late, ["ada: hello (before)", "grace: hi (before)"]);
    await late.close();
  });

  it("who was offline gets what was said, and after a restart both are told that something is missing", async () => {
    await follow("Cut it");
    const network = await ada.context().newCDPSession(ada);
    const throttle = (offline: boolean): Promise<unknown> =>
      // What the panel of the developer tools does.
      network.send("Network.emulateNetworkConditions", {
        offline,
        latency: 0,
        downloadThroughput: -1,
        uploadThroughput: -1,
      });
    await throttle(true);
    await shows(ada, "state", "waiting offline");
    for (const line of ["one", "two", "three"]) await say(grace, line);
    const live = ["ada: hello", "grace: hi", "grace: one", "grace: two", "grace: three"];
    await says(grace, live);
    await say(ada, "four");
    await throttle(false);
    await says(grace, [...live, "ada: four"]);
    const replayed = ["grace: one (before)", "grace: two (before)", "grace: three (before)"];
    const all = ["ada: hello", "grace: hi", ...replayed, "ada: four"];
    await says(ada, all);
    await stop("SIGINT");
    await start();
    await says(ada, [...all, "-- messages are missing here"]);
    await says(grace, [...live, "ada: four", "-- messages are missing here"]);
    await stop("SIGINT");
  });

  it("tokens say who may write, and a name is none", async () => {
    const printed = await follow("Tokens");
    const [asAda, asGrace] = printed.match(/#.+/g)!;
    for (const page of [ada, grace]) await shows(page, "state", "closed unauthorized");
    writer = await open(asAda);
    reader = await open(asGrace!);
    await hereAre(reader, "ada, grace");
    await say(writer, "good morning");
    await says(reader, ["ada: good morning"]);
    await say(reader, "and to you");
    await says(reader, ["ada: good morning", "-- forbidden"]);
  });

  it("a backend says something once, however often it asks", async () => {
    const answers = [await follow("A backend"), await take(chapters.get("A backend")![0]!, false)].map(
      (text) => JSON.parse(text) as { offset: number; epoch: string; duplicate: boolean },
    );
    assert.deepEqual(answers[1], { ...answers[0], duplicate: true });
    await say(writer, "so soon?");
    await says(reader, ["ada: good morning", "-- forbidden", "server: We close at ten", "ada: so soon?"]);
  });

  it("has no other chapter", async () => {
    await follow("Where to go from here");
    assert.deepEqual([...left], []);
  });

  /** Does what a chapter has the reader save and run. @returns what was printed */
  async function follow(title: string): Promise<string> {
    left.delete(title);
    let printed = "";
    for (const step of chapters.get(title)!) printed += await take(step);
    return printed;
  }

  /** @returns what was printed */
  async function take(step: Step, isFirst = true): Promise<string> {
    if (step.kind === "save") {
      const content = step.content.replace("listen(8080)", `listen({ port: 8080, host: "${HOST}" })`);
      writeFileSync(join(folder, step.name), content);
    }
    if (step.kind !== "run") return "";
    const [first] = SERVE.exec(step.commands) ?? [];
    const printed = await shell(step.commands.replace(SERVE, ""));
    if (first !== undefined) {
      serving = first;
      await start();
    }
    if (step.answer !== undefined && isFirst) {
      const { epoch, ...answer } = JSON.parse(printed) as Record<string, unknown>;
      const { epoch: shown, ...rest } = step.answer as Record<string, unknown>;
      assert.deepEqual([typeof epoch, answer], [typeof shown, rest]);
    }
    return printed;
  }

  async function shell(commands: string): Promise<string> {
    const here = commands
      .replaceAll(/path\/to\/(\S+)/g, (_, file: string) => [...tarballs.values()].find((path) => path.endsWith(file))!)
      .replaceAll("http://localhost:8080", `http://${HOST}:8080`);
    const { stdout } = await promisify(execFile)("sh", ["-ec", here], { cwd: folder, env, timeout: 240_000 });
    return stdout;
  }

  async function start(): Promise<void> {
    const [program, ...args] = serving.split(" ");
    const child = spawn(program!, args, { cwd: folder, env, stdio: ["ignore", "pipe", "inherit"] });
    server = child;
    let log = "";
    child.stdout.on("data", (text) => (log += String(text)));
    await until(() => log.includes('"event":"listening"') || child.exitCode !== null, "the server");
    assert.equal(child.exitCode, null, log);
  }

  async function stop(signal: "SIGINT" | "SIGKILL"): Promise<void> {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, "exit");
    server.kill(signal);
    const [code] = (await ended) as [number | null];
    if (signal === "SIGINT") assert.equal(code, 0);
  }

  /** Another tab. */
  async function open(hash: string): Promise<Page> {
    const context = browser.contexts()[0] ?? (await browser.newContext());
    const page = await context.newPage();
    await page.goto(`http://${HOST}:8080/${hash}`);
    return page;
  }

  async function say(page: Page, line: string): Promise<void> {
    await page.fill("#text", line);
    await page.click("button");
  }

  async function says(page: Page, lines: readonly string[]): Promise<void> {
    const said = `[...document.querySelectorAll("#log li")].map((line) => line.textContent)`;
    await page.waitForFunction(`${said}.length >= ${lines.length}`);
    assert.deepEqual(await page.evaluate(said), lines);
  }

  function hereAre(page: Page, who: string): Promise<void> {
    return shows(page, "here", who);
  }

  async function shows(page: Page, id: string, text: string): Promise<void> {
    await page.waitForFunction(`document.getElementById("${id}").textContent === "${text}"`);
  }
});
