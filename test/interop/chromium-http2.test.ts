/** A browser's WebSocket over HTTP/2: Chromium asks for one where it has a session with the page's server that has said it takes them. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Browser, Page } from "playwright-core";
import { certificates } from "../harness/certificates.js";
import { until } from "../harness/concurrency.js";
import { type Rig, startRig } from "../harness/rig.js";
import { launch } from "./peers/chromium.js";
import { need } from "./harness/system.js";

const chromium = await need("chromium");

const PAGE_HEADERS = { "Content-Type": "text/html" };

/** In the page: one message there and back, and the end. */
function talk(payload: string): string {
  return `new Promise((done) => {
    const socket = new WebSocket("wss://" + location.host + "/socket", ["a", "b"]);
    const seen = [];
    socket.onopen = () => { seen.push(socket.protocol, socket.extensions); socket.send(${payload}); };
    socket.onmessage = ({ data }) => { seen.push(data.length); socket.close(3001, "done"); };
    socket.onclose = ({ code, wasClean }) => done([...seen, code, wasClean]);
  })`;
}

describe("Chromium, over HTTP/2", { skip: chromium.missing }, () => {
  let browser: Browser;
  before(async () => void (browser = await launch(chromium.path)));
  after(() => browser?.close());

  async function pageOf(rig: Rig<undefined>): Promise<Page> {
    const page = await browser.newPage({ ignoreHTTPSErrors: true });
    await page.goto(`https://127.0.0.1:${rig.port}/page`);
    const protocol = await page.evaluate(`performance.getEntriesByType("navigation")[0].nextHopProtocol`);
    assert.equal(protocol, "h2");
    return page;
  }

  it("opens one, with subprotocol and compression, and closes it in good order", async (test) => {
    for (const compression of [false, true]) {
      const rig = await startRig(test, {
        tls: certificates.first,
        http2: true,
        compression,
        subprotocols: ["b"],
        message: (client, message) => void client.send(message),
        request: (_request, response) =>
          response.writeHead(200, PAGE_HEADERS).end("<!doctype html><title>page</title>"),
      });
      const page = await pageOf(rig);
      for (const length of [1, 2000, 300_000]) {
        const seen = await page.evaluate<[string, string, ...unknown[]]>(talk(`"x".repeat(${length})`));
        const [subprotocol, extensions, ...rest] = seen;
        assert.equal(subprotocol, "b");
        assert.match(extensions, compression ? /^permessage-deflate/ : /^$/);
        assert.deepEqual(rest, [length, 3001, true]);
        assert.equal((await rig.nextClosed()).code, 3001);
      }
      assert.deepEqual(new Set(rig.log.of("connect").map(({ httpVersion }) => httpVersion)), new Set(["2.0"]));
      await page.context().close();
    }
  });

  it("sees a refusal, a shutdown's 1001, and its page's end is seen", async (test) => {
    const rig = await startRig(test, {
      tls: certificates.first,
      http2: true,
      path: "/socket",
      request: (_request, response) => response.writeHead(200, PAGE_HEADERS).end("<!doctype html><title>page</title>"),
    });
    const page = await pageOf(rig);
    const end = (path: string): string => `new Promise((done) => {
      const socket = new WebSocket("wss://" + location.host + ${JSON.stringify(path)});
      socket.onclose = ({ code, reason }) => done([code, reason]);
    })`;
    assert.deepEqual(await page.evaluate(end("/elsewhere")), [1006, ""]);
    assert.equal(rig.log.of("refused")[0]!["reason"], "path");
    const leaving = await pageOf(rig);
    void leaving.evaluate(end("/socket")).catch(() => {});
    await until(() => rig.opened.length === 1, "its open");
    await leaving.close();
    await rig.nextClosed();
    const seen = page.evaluate(end("/socket"));
    await until(() => rig.opened.length === 2, "its open");
    await rig.stop();
    assert.deepEqual(await seen, [1001, "server shutting down"]);
    assert.deepEqual(
      rig.log.of("connect").map(({ httpVersion }) => httpVersion),
      ["2.0", "2.0"],
    );
    await page.context().close();
  });
});
