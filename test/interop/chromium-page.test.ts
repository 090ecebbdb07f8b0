/**
 * What a browser makes of the page's policy, of a server that restarts, and of pages of other origins. (What the page itself does
 * is in ../cli/page-browser.test.ts.)
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, after, before, describe, it } from "node:test";
import type { Browser, Page } from "playwright-core";
import { type ServerProcess, serve } from "../harness/server.js";
import { launch } from "./peers/chromium.js";
import { need } from "./harness/system.js";

const chromium = await need("chromium");

describe("the page, in Chromium", { skip: chromium.missing }, () => {
  let browser: Browser;
  let server: ServerProcess;
  before(async () => {
    browser = await launch(chromium.path);
    server = await serve([]);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  it("has a content security policy that allows no foreign and no inline code", async () => {
    const policy = (await fetch(at("/"))).headers.get("content-security-policy") ?? "";
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe-/);
    const page = await openPage(browser, at("/"));
    // The policy is at work: a script that somebody manages to put into the page does not run.
    await page.evaluate(
      `document.body.append(Object.assign(document.createElement("script"), { textContent: "window.ran = 1" }))`,
    );
    assert.equal(await page.evaluate("window.ran"), undefined);
    await screenshot(page, "page");
    await page.context().close();
  });

  it("says so when the server goes away, and finds it again", async (t) => {
    const own = await serveFor(t, []);
    const page = await openPage(browser, `http://127.0.0.1:${own.port}/`);
    assert.deepEqual(await own.stop(), { code: 0, signal: null });
    await page.getByRole("status").getByText("Reconnecting").waitFor();
    await screenshot(page, "reconnecting");
    await serveFor(t, ["--port", String(own.port)]);
    await page.getByRole("status").getByText("Connected").waitFor();
    await page.context().close();
  });

  it("a tab that is closed closes its connection in good order", async () => {
    const page = await openPage(browser, at("/closing"));
    await page.close();
    const { id } = await server.waitForEvent("connect", ({ path }) => path === "/closing");
    const line = await server.waitForEvent("disconnect", (candidate) => candidate.id === id);
    assert.deepEqual([line.level, line["code"], line["cause"]], ["info", 1000, "normal"]);
  });

  const at = (path: string): string => `http://127.0.0.1:${server.port}${path}`;
});

describe("pages of other origins, in Chromium", { skip: chromium.missing }, () => {
  let browser: Browser;
  let elsewhere: Server;
  let elsewherePort: number;
  before(async () => {
    browser = await launch(chromium.path);
    elsewhere = createServer((_request, response) => response.end("<!doctype html><title>elsewhere</title>"));
    elsewhere.listen(0, "127.0.0.1");
    await once(elsewhere, "listening");
    elsewherePort = (elsewhere.address() as AddressInfo).port;
  });
  after(async () => {
    await browser?.close();
    elsewhere?.closeAllConnections();
    elsewhere?.close();
  });

  it("are refused with 403, be it for the port or for the host name", async (t) => {
    const server = await serveFor(t, []);
    for (const page of [`http://127.0.0.1:${elsewherePort}/`, `http://evil.test:${elsewherePort}/`]) {
      const known = server.lines.length;
      const attempt = await connectFrom(browser, page, `ws://127.0.0.1:${server.port}/`);
      assert.equal(attempt.outcome, "error", page);
      assert.match(attempt.console, /403/, page);
      const line = await server.waitForEvent("refused", (candidate) => server.lines.indexOf(candidate) >= known);
      assert.equal(line["status"], 403);
    }
    assert.ok(!server.lines.some(({ event }) => event === "connect"), "no client came of it");
  });

  it("may connect when --allowed-origin names them, and only they", async (t) => {
    const server = await serveFor(t, ["--allowed-origin", `http://friend.test:${elsewherePort}`]);
    const url = `ws://127.0.0.1:${server.port}/`;
    assert.equal((await connectFrom(browser, `http://friend.test:${elsewherePort}/`, url)).outcome, "open");
    assert.equal((await connectFrom(browser, `http://evil.test:${elsewherePort}/`, url)).outcome, "error");
  });
});

/** A server for one test, gone with it. */
async function serveFor(t: TestContext, args: readonly string[]): Promise<ServerProcess> {
  const server = await serve(args);
  t.after(() => server.stop());
  return server;
}

async function openPage(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 800, height: 600 } });
  await page.goto(url);
  await page.getByRole("status").getByText("Connected").waitFor();
  return page;
}

async function connectFrom(
  browser: Browser,
  pageUrl: string,
  url: string,
): Promise<{ outcome: unknown; console: string }> {
  const page = await browser.newPage();
  const said: string[] = [];
  page.on("console", (message) => said.push(message.text()));
  await page.goto(pageUrl);
  const outcome = await page.evaluate(
    `new Promise((done) => {
      const socket = new WebSocket(${JSON.stringify(url)});
      socket.onopen = () => done("open");
      socket.onerror = () => done("error");
    })`,
  );
  await page.close();
  return { outcome, console: said.join("\n") };
}

/** HAWSER_SCREENSHOTS=1: pictures for a person to look at, in the temp folder. */
async function screenshot(page: Page, name: string): Promise<void> {
  if (process.env["HAWSER_SCREENSHOTS"] === undefined) return;
  const folder = join(tmpdir(), "hawser-screenshots");
  mkdirSync(folder, { recursive: true });
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`) });
  }
}
