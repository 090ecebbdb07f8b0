// examples/hub-prices.ts with follow-prices.ts, and hub-notifications.ts with the backend in Python: notify.py.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createServer, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { WebSocket } from "ws";
import { connect, type Live } from "@hawser/client";
import { createServer as createHawser } from "hawser";
import { contract, createHub } from "hawser/hub";
import { until } from "../harness/concurrency.js";
import { projectRoot } from "../harness/root.js";
import { TcpProxy } from "../hub/harness/tcp-proxy.js";
import { need } from "../interop/harness/system.js";
import { startExample } from "./harness/example.js";

function liveOf(t: TestContext, port: number, token?: string): Live {
  const live = connect(`ws://127.0.0.1:${port}/`, { token, WebSocket });
  t.after(() => live.close());
  return live;
}

/** follow-prices.ts, and the lines that it has printed. */
function follow(t: TestContext, port: number): readonly string[] {
  const program = join(projectRoot, "build/examples/follow-prices.js");
  const follower = spawn(process.execPath, [program], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, URL: `ws://127.0.0.1:${port}/` },
  });
  t.after(() => follower.kill("SIGKILL"));
  const printed: string[] = [];
  createInterface({ input: follower.stdout }).on("line", (line) => printed.push(line));
  return printed;
}

test("prices: whoever comes has the latest, which alone is kept, and nobody but the server may publish", async (t) => {
  const { port } = await startExample("hub-prices", t);
  const printed = follow(t, port);
  await until(() => printed.length >= 3, "prices");
  for (const line of printed) assert.match(line, /^ACME \d+(\.\d\d?)?$/);
  const price = liveOf(t, port).topic("price:ACME");
  await assert.rejects(price.publish({ price: 0 }), { code: "forbidden" });
  const { messages, before } = await price.history();
  assert.deepEqual([messages.length, before], [1, undefined]);
});

test("prices: whoever comes back has the latest, though nothing happens any more", async (t) => {
  const definition = { "price:{symbol}": { history: { size: 1, ttlMs: 86_400_000 } } };
  const hub = createHub({ contract: contract({ topics: definition }), allow: { subscribe: () => true } });
  const server = createHawser(hub.serverOptions({ logLevel: "silent" }));
  t.after(() => server.close().then(() => hub.close()));
  await hub.publish("price:ACME", { price: 1 });
  const { port } = await server.listen({ port: 0, host: "127.0.0.1" });
  const link = await TcpProxy.start(port);
  t.after(() => link.close());
  const printed = follow(t, link.port);
  await until(() => printed.length === 1, "the price from before");
  await link.refuse();
  await until(() => server.clients.size === 0, "the cut");
  for (const price of [2, 3, 4]) await hub.publish("price:ACME", { price });
  await link.pass();
  await until(() => printed.length === 2, "the latest price");
  await hub.publish("price:ACME", { price: 5 });
  await until(() => printed.length === 3, "the next price");
  assert.deepEqual(printed, ["ACME 1", "ACME 4", "ACME 5"]);
});

const python = await need("python-websockets");

function notify(url: string, key = "a-key-for-trying-this-out"): Promise<{ stdout: string }> {
  const program = join(projectRoot, "examples/notify.py");
  const env = { ...process.env, HUB_KEY: key };
  return promisify(execFile)(python.path, [program, "ada", "Your parcel is here", url], { env });
}

test(
  "notifications: from Python by HTTP, to whoever is there and whoever comes back",
  { skip: python.missing },
  async (t) => {
    const { port } = await startExample("hub-notifications", t);
    const titles: string[] = [];
    const inbox = liveOf(t, port, "ada").topic("inbox:ada");
    const subscription = inbox.subscribe({ message: (data) => titles.push((data as { title: string }).title) });
    await subscription.ready;
    const { stdout } = await notify(`http://127.0.0.1:${port}`);
    const { offset, duplicate } = JSON.parse(stdout) as { offset: number; duplicate: boolean };
    assert.deepEqual([offset, duplicate], [1, false]);
    await until(() => titles.length === 1, "the notification");
    assert.deepEqual(titles, ["Your parcel is here"]);
    const { messages } = await inbox.history();
    assert.match((messages[0]!.data as { at: string }).at, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);

    const other = liveOf(t, port, "eve")
      .topic("inbox:ada")
      .subscribe({ message: () => {} });
    await assert.rejects(other.ready, { code: "forbidden" });
    await assert.rejects(notify(`http://127.0.0.1:${port}`, "the-key-of-nobody-here"), { code: 1 });
  },
);

test(
  "notify.py sends again under the same key when the answer is lost or says later",
  { skip: python.missing },
  async (t) => {
    const keys: unknown[] = [];
    const answers: ((response: ServerResponse) => void)[] = [
      (response) => void response.socket?.destroy(),
      (response) => void response.writeHead(503, { "Retry-After": "0" }).end('{"detail":"not now"}'),
      (response) => void response.end('{"offset":7,"epoch":"k3f9","duplicate":true}'),
    ];
    const api = createServer((request, response) => {
      keys.push(request.headers["idempotency-key"]);
      request.resume().on("end", () => answers.shift()!(response));
    }).listen(0, "127.0.0.1");
    t.after(() => api.close());
    await once(api, "listening");
    const { stdout } = await notify(`http://127.0.0.1:${(api.address() as AddressInfo).port}`);
    assert.deepEqual(JSON.parse(stdout), { offset: 7, epoch: "k3f9", duplicate: true });
    assert.equal(keys.length, 3);
    assert.equal(new Set(keys).size, 1);
    assert.match(String(keys[0]), /^[\w-]{36}$/);
  },
);
