// Hawser beside the real packages on one port: each example as it is, and without `path`. Vite's hot reload and Next's go on working then.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { projectRoot } from "../harness/root.js";
import { type Example, startProgram } from "./harness/example.js";

const folder = join(projectRoot, "examples/beside");

before(async () => {
  const script = pathToFileURL(join(projectRoot, "scripts/prepare.mjs")).href;
  await promisify(execFile)(process.execPath, [
    "-e",
    `import(${JSON.stringify(script)}).then((m) => m.installFolder("examples/beside", "what examples run beside"))`,
  ]);
});

interface Neighbour {
  name: string;
  /** Has what it serves answer as if Hawser were not there. */
  use: (example: Example) => Promise<void>;
  /** Whether what is its own can be told without `path`. */
  isMarked: boolean;
}

const NEIGHBOURS: Neighbour[] = [
  { name: "ws", isMarked: false, use: (example) => exchange(example, "/theirs", "hello", "ws: hello") },
  { name: "crossws", isMarked: false, use: (example) => exchange(example, "/theirs", "hello", "crossws: hello") },
  {
    name: "socket-io",
    isMarked: false,
    async use(example) {
      // Engine.IO 4: open; connect to the namespace; an event that asks for an answer.
      const peer = await example.connect("/socket.io/?EIO=4&transport=websocket");
      assert.match(await peer.next(), /^0\{"sid"/);
      peer.send("40");
      assert.match(await peer.next(), /^40\{"sid"/);
      peer.send('420["echo","hello"]');
      assert.equal(await peer.next(), '430["hello"]');
      peer.socket.terminate();
    },
  },
  {
    name: "nest",
    isMarked: false,
    use: (example) => exchange(example, "/events", '{"event":"time"}', '{"event":"time","data":"now"}'),
  },
  {
    name: "vite",
    isMarked: true,
    async use(example) {
      const client = await (await fetch(`http://127.0.0.1:${example.port}/@vite/client`)).text();
      const [, token] = /wsToken = "([^"]+)"/.exec(client) ?? [];
      const headers = { Origin: `http://127.0.0.1:${example.port}` };
      const peer = await example.connect(`/?token=${token}`, { protocol: "vite-hmr", headers });
      assert.deepEqual([peer.socket.protocol, await peer.next()], ["vite-hmr", '{"type":"connected"}']);
      peer.socket.terminate();
    },
  },
  {
    name: "next",
    isMarked: true,
    async use(example) {
      // Next listens for upgrades once it has had a request. This one has nothing compiled.
      await (await fetch(`http://127.0.0.1:${example.port}/_next/static/nothing`)).arrayBuffer();
      const headers = { Origin: `http://localhost:${example.port}` };
      const peer = await example.connect("/_next/hmr", { headers });
      assert.match(await peer.next(), /^\{"type":"/);
      peer.socket.terminate();
    },
  },
];

for (const { name, use, isMarked } of NEIGHBOURS) {
  test(`beside ${name}: each has its own, and each handshake one answer`, async (t) => {
    const example = await startProgram(join(folder, `${name}.mjs`), t);
    await use(example);
    await chat(example);
    if (name !== "next") await askForH2c(example);
    assert.equal(await example.stop(), 0);
  });

  test(`beside ${name}, without path`, async (t) => {
    const example = await startProgram(withoutPath(name), t);
    if (isMarked) await use(example);
    await chat(example);
    assert.equal(await example.stop(), 0);
  });
}

test("express-session: who is logged in over HTTP may connect, as the same user", async (t) => {
  const example = await startProgram(join(folder, "express-session.mjs"), t);
  assert.equal(await example.refusal("/chat"), 401);
  const login = await fetch(`http://127.0.0.1:${example.port}/login?user=Ada`, { method: "POST" });
  const [cookie = ""] = (login.headers.get("set-cookie") ?? "").split(";");
  assert.equal(await example.refusal("/chat", { Cookie: `${cookie}x` }), 401);
  const ada = await example.connect("/chat", { headers: { Cookie: cookie } });
  ada.send("hello");
  assert.equal(await ada.next(), "Ada: hello");
  assert.equal(await example.stop(), 0);
});

/** The same example without that line, where it finds the same packages. */
function withoutPath(name: string): string {
  const source = readFileSync(join(folder, `${name}.mjs`), "utf8");
  const changed = source.replace('  path: "/chat",\n', "").replaceAll("import.meta.dirname", JSON.stringify(folder));
  assert.ok(!changed.includes('path: "/chat"'));
  const variants = join(folder, "node_modules/.variants");
  mkdirSync(variants, { recursive: true });
  writeFileSync(join(variants, `${name}.mjs`), changed);
  return join(variants, `${name}.mjs`);
}

async function chat(example: Example): Promise<void> {
  const [ada, grace] = [await example.connect("/chat"), await example.connect("/chat")];
  ada.send("hello");
  assert.deepEqual([await ada.next(), await grace.next()], ["hello", "hello"]);
  for (const peer of [ada, grace]) {
    peer.socket.close(1000);
    assert.equal((await peer.closed)[0], 1000);
  }
}

async function exchange(example: Example, path: string, message: string, answer: string): Promise<void> {
  const peer = await example.connect(path);
  peer.send(message);
  assert.equal(await peer.next(), answer);
  peer.socket.terminate();
}

/** As curl --http2 does. */
function askForH2c({ port }: Example): Promise<void> {
  const headers = {
    Connection: "Upgrade, HTTP2-Settings",
    Upgrade: "h2c",
    "HTTP2-Settings": "AAMAAABkAAQCAAAAAAIAAAAA",
  };
  return new Promise((resolve, reject) => {
    get({ port, host: "127.0.0.1", path: "/", headers }, (response) => {
      let body = "";
      response.on("data", (part: Buffer) => (body += part.toString()));
      response.on("end", () => {
        if (response.statusCode === 200 && body.includes("Hello over HTTP")) resolve();
        else reject(new Error(`${response.statusCode}: ${body}`));
      });
    }).on("error", reject);
  });
}
