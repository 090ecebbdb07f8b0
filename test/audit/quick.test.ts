// `--quick` ends in less than 20 s, whatever the server does: on a clock of the test's, for a busy machine takes as long as it takes.

import assert from "node:assert/strict";
import { createServer as createHttpServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";

import { audit, type Report } from "#cli/audit/index.js";
import { findTarget } from "#cli/tools/target.js";
import { acceptValue } from "hawser/protocol";

/** A step of the test's clock, and how long it lasts at least: what goes over sockets goes at its own pace. */
const STEP_MS = 10;
const REAL_MS = 1;

/** Audits what takes handshakes like this, and answers nothing. */
async function quick(t: TestContext, handshakeMs: number): Promise<Report> {
  const server = createHttpServer().on("upgrade", (request, socket) => {
    socket.on("error", () => {}).resume();
    const accept = acceptValue(String(request.headers["sec-websocket-key"]));
    const head = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
    setTimeout(() => socket.write(head), handshakeMs);
  });
  t.after(() => server.close().closeAllConnections());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const target = await findTarget(`127.0.0.1:${(server.address() as AddressInfo).port}`, false);

  const { setInterval, clearInterval } = globalThis;
  let now = performance.now();
  t.mock.method(performance, "now", () => now);
  t.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  const steps = setInterval(() => {
    now += STEP_MS;
    t.mock.timers.tick(STEP_MS);
  }, REAL_MS);
  t.after(() => clearInterval(steps));
  return audit(target, { quick: true });
}

test("--quick ends in less than 20 s with a server that takes two seconds for a handshake, and answers nothing", async (t) => {
  const report = await quick(t, 2000);
  assert.equal(report.practices.length, 10);
  assert.ok(report.durationMs < 20_000, `${report.durationMs} ms`);
  // It had more to do than there was time for.
  assert.ok(report.results.some(({ seen }) => seen === "not known within the time of --quick: run without it"));
});
