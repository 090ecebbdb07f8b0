/** The page of `hawser serve` in a real browser, as two people would use it; and pages of other origins, which may not connect. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, after, before, describe, it } from "node:test";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { type ServerProcess, serve } from "../harness/server.js";
import { launch } from "./peers/chromium.js";
import { need } from "./system.js";

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

  it("two tabs in one room talk to each other, and a third in another room hears nothing", async () => {
    const tabs = await openTabs(browser);
    const [anna, ben, carl] = [
      await tabs.open(at("/lobby")),
      await tabs.open(at("/lobby")),
      await tabs.open(at("/other")),
    ];

    await anna.getByRole("textbox", { name: "Message" }).fill("Hello from Anna ⚓");
    await anna.getByRole("textbox", { name: "Message" }).press("Enter");
    await inLog(ben).getByText("Hello from Anna ⚓").waitFor();
    await inLog(anna).getByText("Hello from Anna ⚓").waitFor();

    await ben.getByRole("textbox", { name: "Message" }).fill("Two lines\nfrom Ben");
    await ben.getByRole("button", { name: "Send" }).click();
    await inLog(anna).getByText("Two lines from Ben").waitFor();
    await screenshot(anna, "rooms");

    // Carl's first message is the one that a fourth tab sends to his room.
    const dora = await tabs.open(at("/other"));
    await dora.getByRole("textbox", { name: "Message" }).fill("only here");
    await dora.getByRole("textbox", { name: "Message" }).press("Enter");
    await inLog(carl).getByText("only here").waitFor();
    assert.equal(await inLog(carl).getByText("Anna").count(), 0);
    await tabs.closeUnharmed();
  });

  it("shows what others send as text, whatever it is", async () => {
    const tabs = await openTabs(browser);
    const [sender, receiver] = [await tabs.open(at("/markup")), await tabs.open(at("/markup"))];
    const markup = '<img src="x" onerror="document.title=1"><script>document.title=2</script>';
    await sender.getByRole("textbox", { name: "Message" }).fill(markup);
    await sender.getByRole("textbox", { name: "Message" }).press("Enter");
    await inLog(receiver).getByText(markup).waitFor();
    assert.equal(await inLog(receiver).locator("img, script").count(), 0);
    await tabs.closeUnharmed();
  });

  it("has a content security policy that allows no foreign and no inline code", async () => {
    const policy = (await fetch(at("/"))).headers.get("content-security-policy") ?? "";
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe-/);
    const tabs = await openTabs(browser);
    const page = await tabs.open(at("/"));
    // The policy is at work: a script that somebody manages to put into the page does not run.
    await page.evaluate(
      `document.body.append(Object.assign(document.createElement("script"), { textContent: "window.ran = 1" }))`,
    );
    assert.equal(await page.evaluate("window.ran"), undefined);
  });

  it("says so when the server goes away, and finds it again", async (t) => {
    const own = await serveFor(t, []);
    const tabs = await openTabs(browser);
    const page = await tabs.open(`http://127.0.0.1:${own.port}/`);
    assert.deepEqual(await own.stop(), { code: 0, signal: null });
    await page.getByRole("status").getByText("Reconnecting").waitFor();
    await screenshot(page, "reconnecting");
    await serveFor(t, ["--port", String(own.port)]);
    await page.getByRole("status").getByText("Connected").waitFor();
    await page.context().close();
  });

  it("in echo mode what one sends comes back", async (t) => {
    const echo = await serveFor(t, ["--echo"]);
    const tabs = await openTabs(browser);
    const page = await tabs.open(`http://127.0.0.1:${echo.port}/`);
    await page.getByRole("textbox", { name: "Message" }).fill("is there anybody?");
    await page.getByRole("textbox", { name: "Message" }).press("Enter");
    await inLog(page).getByText("Echo").waitFor();
    assert.equal(await inLog(page).getByText("is there anybody?").count(), 2);
    await screenshot(page, "echo");
    await tabs.closeUnharmed();
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

/** Tabs of one window, and all that they complained of. */
async function openTabs(browser: Browser) {
  const context: BrowserContext = await browser.newContext({ viewport: { width: 800, height: 600 } });
  const complaints: string[] = [];
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  context.on("weberror", (error) => complaints.push(String(error.error())));
  return {
    async open(url: string): Promise<Page> {
      const page = await context.newPage();
      await page.goto(url);
      await page.getByRole("status").getByText("Connected").waitFor();
      return page;
    },
    async closeUnharmed(): Promise<void> {
      assert.deepEqual(complaints, []);
      await context.close();
    },
  };
}

function inLog(page: Page) {
  return page.getByRole("log", { name: "Messages" });
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
