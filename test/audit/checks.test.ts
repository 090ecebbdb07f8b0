// Single checks, against servers that do one thing in a way of their own.

import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { describe, test, type TestContext } from "node:test";
import { WebSocketServer } from "ws";

import type { Check, Finding } from "#cli/audit/check.js";
import { checks } from "#cli/audit/checks/index.js";
import { Context } from "#cli/audit/context.js";
import { budgetOf } from "#cli/audit/options.js";
import { findTarget } from "#cli/tools/target.js";
import { acceptValue } from "hawser/protocol";

/** A server of `ws`; what it writes goes through `rewrite`. */
async function start(
  t: TestContext,
  maxPayload: number,
  rewrite: (bytes: Buffer) => Buffer = (bytes) => bytes,
): Promise<Context> {
  const webSockets = new WebSocketServer({ noServer: true, maxPayload, perMessageDeflate: true });
  webSockets.on("connection", (client) => client.on("error", () => {}));
  return listen(t, (request, socket, head) => {
    const write = socket.write.bind(socket) as (bytes: Buffer, ...rest: unknown[]) => boolean;
    socket.write = (bytes: string | Uint8Array, ...rest: unknown[]) => write(rewrite(Buffer.from(bytes)), ...rest);
    webSockets.handleUpgrade(request, socket, head, (client) => webSockets.emit("connection", client, request));
  });
}

async function listen(
  t: TestContext,
  onUpgrade: (request: IncomingMessage, socket: Socket, head: Buffer) => void,
): Promise<Context> {
  const http: Server = createServer((_, response) => response.writeHead(426).end());
  http.on("upgrade", (request, socket: Socket, head) =>
    onUpgrade(
      request,
      socket.on("error", () => {}),
      head,
    ),
  );
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const options = { waitMs: 60_000 };
  const target = await findTarget(`127.0.0.1:${(http.address() as AddressInfo).port}`, false);
  const context = new Context(target, options, budgetOf(options));
  t.after(() => {
    context.destroyAll();
    http.close();
    http.closeAllConnections();
  });
  return context;
}

function run(context: Context, name: string): Promise<Finding> {
  const check: Check | undefined = checks.find((one) => one.name === name);
  assert.ok(check, name);
  return check.run(context);
}

/** `ws` writes a frame's header and its payload one after the other. */
const CLOSE = Buffer.from([0x88, 0x02]);
const TOO_BIG = Buffer.from([0x03, 0xf1]);
const isPartOf = (bytes: Buffer): boolean => bytes.equals(CLOSE) || bytes.equals(TOO_BIG);

describe("what is refused, but not with 1009", { concurrency: true }, () => {
  for (const [how, rewrite] of [
    ["1002", (bytes: Buffer) => (bytes.equals(TOO_BIG) ? Buffer.from([0x03, 0xea]) : bytes)],
    ["no close frame", (bytes: Buffer) => (isPartOf(bytes) ? Buffer.alloc(0) : bytes)],
  ] as const) {
    test(how, async (t) => {
      const context = await start(t, 100_000, rewrite);
      const size = await run(context, "message-size");
      assert.equal(size.verdict, "warn");
      assert.match(size.seen, / in place of 1009$/);
      assert.equal(size.measured?.["closeCode"], how === "1002" ? 1002 : null);
      for (const name of ["fragmented-size", "compression-bomb"]) {
        const { verdict, seen, measured } = await run(context, name);
        assert.deepEqual([verdict, measured?.["closeCode"]], ["warn", how === "1002" ? 1002 : null], name);
        assert.match(seen, new RegExp(`: refused .*with ${how} in place of 1009$`), name);
      }
    });
  }

  test("1009, for comparison", async (t) => {
    const context = await start(t, 100_000);
    for (const name of ["message-size", "fragmented-size", "compression-bomb"]) {
      const { verdict, measured } = await run(context, name);
      assert.deepEqual([verdict, measured?.["closeCode"]], ["pass", 1009], name);
    }
  });
});

describe("a limit that is right, high, or none", { concurrency: true }, () => {
  for (const [limit, verdict] of [
    [16 * 2 ** 20, "pass"],
    [16 * 2 ** 20 + 1, "warn"],
    [64 * 2 ** 20 - 1, "warn"],
    [64 * 2 ** 20, "fail"],
  ] as const) {
    test(`${limit} bytes: ${verdict}`, async (t) => {
      const found = await run(await start(t, limit), "message-size");
      assert.deepEqual([found.verdict, found.measured?.["limitBytes"]], [verdict, limit], found.seen);
    });
  }
});

function accept({ headers }: IncomingMessage): string {
  const answer = acceptValue(String(headers["sec-websocket-key"]));
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${answer}\r\n\r\n`;
}

test("two answers to one handshake are seen", async (t) => {
  const context = await listen(t, (request, socket) => void socket.write(accept(request).repeat(2)));
  const { verdict, measured } = await run(context, "one-answer");
  assert.deepEqual([verdict, measured], ["fail", { answers: 2, answersToTwo: 2 }]);
});

describe("Upgrade: h2c", { concurrency: true }, () => {
  for (const [what, answer, verdict] of [
    ["answered as without it", "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n", "pass"],
    ["taken", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", "pass"],
    ["refused", "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "fail"],
    ["not answered", "", "fail"],
  ] as const) {
    test(what, async (t) => {
      const { verdict: found, seen } = await run(await listen(t, (_, socket) => void socket.end(answer)), "h2c");
      assert.equal(found, verdict, seen);
    });
  }
});
