/** The client in a page that goes offline, is frozen, goes into the back/forward cache and comes back, and in two of them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { projectRoot } from "../harness/root.js";
import { need } from "../interop/harness/system.js";
import { launch } from "../interop/peers/chromium.js";
import { startHub, type TestHub } from "./harness/hub.js";

const chromium = await need("chromium");

/** What the page does: it follows a topic, and writes down what it hears. */
const PAGE = `<!doctype html><title>page</title><script type="module">
  import { connect } from "/client.js";
  const heard = (globalThis.heard = []);
  const live = (globalThis.live = connect(new URLSearchParams(location.search).get("hub")));
  globalThis.restored = 0;
  addEventListener("pageshow", ({ persisted }) => persisted && globalThis.restored++);
  globalThis.room = live.topic("room");
  room.subscribe({
    message: (data, { offset }) => heard.push(offset),
    gap: () => heard.push("gap"),
  });
</script>`;

describe("the client, in Chromium", { skip: chromium.missing }, () => {
  let browser: Browser;
  let site: Server;
  let origin: string;

  before(async () => {
    const { outputFiles } = await build({
      entryPoints: [join(projectRoot, "packages/client/dist/index.js")],
      bundle: true,
      format: "esm",
      platform: "browser",
      write: false,
    });
    site = createServer(({ url = "" }, response) => {
      const isCode = url === "/client.js";
      response.setHeader("Content-Type", isCode ? "text/javascript" : "text/html");
      response.end(
        isCode ? outputFiles[0]!.text : url.startsWith("/page") ? PAGE : "<!doctype html><title>other</title>",
      );
    });
    site.listen(0, "127.0.0.1");
    await once(site, "listening");
    origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
    browser = await launch(chromium.path, ["--disable-back-forward-cache"]);
  });
  after(async () => {
    await browser?.close();
    site?.closeAllConnections();
    site?.close();
  });

  it("react-use-websocket#273, centrifuge-go#105: offline for a while: it hears what it missed, once, and has one connection", async (t) => {
    const { hub, page } = await openPage(t);
    hub.publish("room", "before");
    await page.context().setOffline(true);
    await until(page, `live.state.current.phase !== "open"`);
    for (let count = 0; count < 10; count++) hub.publish("room", count);
    await page.context().setOffline(false);
    await until(page, `live.state.current.phase === "open"`);
    hub.publish("room", "after");
    await heardAll(page, hub);
    assert.equal(hub.open, 1);
  });

  it("frozen for a while: it hears what came meanwhile, be the connection alive or lost", async (t) => {
    const { hub, page } = await openPage(t);
    const session = await page.context().newCDPSession(page);
    for (const isCut of [false, true]) {
      await session.send("Page.setWebLifecycleState", { state: "frozen" });
      for (let count = 0; count < 10; count++) hub.publish("room", count);
      if (isCut) hub.cut();
      for (let count = 0; count < 10; count++) hub.publish("room", count);
      await sleep(1_000);
      await session.send("Page.setWebLifecycleState", { state: "active" });
      await heardAll(page, hub);
    }
    assert.equal(hub.open, 1);
  });

  it("stream-chat-js#698, wetty#579: hidden behind another tab: it goes on, and comes back at once when it is seen", async (t) => {
    const { hub, page } = await openPage(t);
    const other = await page.context().newPage();
    await other.goto(`${origin}/other`);
    await other.bringToFront();
    hub.publish("room", "hidden");
    hub.cut();
    hub.publish("room", "hidden and cut");
    await page.bringToFront();
    await heardAll(page, hub);
    assert.equal(hub.open, 1);
  });

  it("socket.io#5232: in the back/forward cache it has no connection; restored, it is the same page, and has missed nothing", async (t) => {
    const { hub, page } = await openPage(t);
    hub.publish("room", "before");
    await heardAll(page, hub);
    await page.goto(`${origin}/other`);
    while (hub.open > 0) await sleep(10);
    for (let count = 0; count < 10; count++) hub.publish("room", count);
    // A page that is restored does not load.
    await page.goBack({ waitUntil: "commit" });
    await heardAll(page, hub);
    assert.equal(await page.evaluate("restored"), 1);
    assert.equal(hub.open, 1);
  });

  it("two tabs hear each other, each by a connection of its own", async (t) => {
    const { hub, page } = await openPage(t);
    const other = await page.context().newPage();
    await other.goto(`${origin}/page?hub=${encodeURIComponent(hub.url)}`);
    await until(other, `live.state.current.phase === "open"`);
    await page.evaluate(`Promise.all([1, 2, 3].map((data) => room.publish(data)))`);
    await other.evaluate(`Promise.all([4, 5, 6].map((data) => room.publish(data)))`);
    for (const tab of [page, other]) await heardAll(tab, hub);
    assert.equal(hub.open, 2);
    await other.close();
    while (hub.open > 1) await sleep(10);
  });

  async function openPage(t: TestContext): Promise<{ hub: TestHub; page: Page }> {
    const hub = await startHub({ origin });
    t.after(() => hub.stop());
    const context = await browser.newContext({ permissions: ["local-network-access"] });
    t.after(() => context.close());
    const page = await context.newPage();
    await page.goto(`${origin}/page?hub=${encodeURIComponent(hub.url)}`);
    await until(page, `room.count().then(() => true)`);
    return { hub, page };
  }

  /** Every message there was, in order and once, and no gap. */
  async function heardAll(page: Page, hub: TestHub): Promise<void> {
    await until(page, `heard.at(-1) === ${hub.top("room")}`);
    const all = Array.from({ length: hub.top("room") }, (_, index) => index + 1);
    assert.deepEqual(await page.evaluate("heard"), all);
  }

  async function until(page: Page, condition: string): Promise<void> {
    while (!(await page.evaluate(condition))) await sleep(20);
  }
});
