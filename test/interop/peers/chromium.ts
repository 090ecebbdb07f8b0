/** Headless Chromium: the browser's own WebSocket in a page of the server's origin. */
import { type Browser, type Page, chromium } from "playwright-core";
import { PATIENCE_MS } from "../../harness/concurrency.js";
import type { Peer } from "./peer.js";
import { RemoteConnections } from "./remote.js";
import { webPeer } from "./web.js";

/** `ignoreDefaultArgs`: flags of Playwright's to leave out. */
export async function launch(executablePath: string, ignoreDefaultArgs: string[] = []): Promise<Browser> {
  const browser = await chromium.launch({
    timeout: PATIENCE_MS,
    executablePath,
    ignoreDefaultArgs,
    args: [
      "--headless",
      "--no-sandbox", // its sandbox does not run as root
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--host-resolver-rules=MAP *.test 127.0.0.1",
    ],
  });
  const newContext = browser.newContext.bind(browser);
  browser.newContext = async (options) => {
    const context = await newContext(options);
    context.setDefaultTimeout(PATIENCE_MS);
    return context;
  };
  return browser;
}

export async function startChromium(executablePath: string): Promise<Peer> {
  const browser = await launch(executablePath);
  const pages = new Map<string, { page: Page; connections: RemoteConnections }>();

  async function open(origin: string) {
    const page = await blankPage(browser, origin);
    const connections = new RemoteConnections((command) => void page.evaluate(`obey(${JSON.stringify(command)})`));
    await page.exposeFunction("emit", (event: Parameters<RemoteConnections["hear"]>[0]) => connections.hear(event));
    await page.evaluate(`globalThis.obey = (${webPeer.toString()})({ WebSocket, emit })`);
    return { page, connections };
  }

  return {
    async connect(url) {
      const { origin } = new URL(url.replace(/^ws/, "http"));
      const opened = pages.get(origin) ?? (await open(origin));
      pages.set(origin, opened);
      return opened.connections.connect(url);
    },
    stop: () => browser.close(),
  };
}

/** An empty page that the browser takes for one of `origin`: nothing is asked of the server there. */
export async function blankPage(browser: Browser, origin: string): Promise<Page> {
  const page = await browser.newPage();
  // A page that the test made up has no address, so Chromium would ask the user whether it may connect to this machine.
  await page.context().grantPermissions(["local-network-access"]);
  const url = `${origin}/blank-page-of-the-test`;
  await page.route(url, (route) =>
    route.fulfill({ contentType: "text/html", body: "<!doctype html><title>blank</title>" }),
  );
  await page.goto(url);
  return page;
}
