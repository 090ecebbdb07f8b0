/** The folder that reaches below Node's documented API: where it is used, and the server without it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, it, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { isTried, TRIED_MAJORS } from "#hawser/server/internals/internals.js";
import { certificates } from "../harness/certificates.js";
import { RawClient } from "../harness/raw-client.js";
import { startRig } from "../harness/rig.js";
import { projectRoot } from "../harness/root.js";

const isBun = process.versions["bun"] !== undefined;

describe("what is below Node's documented API", () => {
  it("is used on the majors of Node that all tests have passed on, and nowhere else", () => {
    const used = Array.from({ length: 20 }, (_, i) => 18 + i).filter((major) => isTried({ node: `${major}.1.0` }));
    assert.deepEqual(used, TRIED_MAJORS);
    for (const versions of [{ node: "24.3.0", bun: "1.3.0" }, { node: "24.3.0", deno: "2.5.0" }, { node: "2.4.0" }, {}])
      assert.equal(isTried(versions), false, JSON.stringify(versions));
  });

  it("is told by the line that says that a server listens", { skip: isBun }, async (test) => {
    for (const [options, sockets] of [
      [{ portableSockets: false }, "lean"],
      [{ portableSockets: true }, "portable"],
      [{ portableSockets: false, tls: certificates.first }, "portable"],
    ] as const) {
      const rig = await startRig(test, options);
      assert.equal(rig.log.of("listening")[0]!["sockets"], sockets);
    }
  });
});

/** A server, and one that is attached to somebody's HTTP server. Its first line is that of `listening`, the last one the shutdown's. */
const SERVER = `
import { createServer as createHttpServer } from "node:http";
const { createServer } = await import(process.argv[1]);

const options = {
  authenticate: async (request) => request.raw.socket.remoteAddress,
  message: async (client, message) => void client.send(message),
  request: (request, response) => response.end("you asked for " + request.url),
};
const logger = { debug() {}, info: (fields) => fields.event === "listening" && (listening = fields), warn() {}, error() {} };
let listening;
const server = createServer({ ...options, logger });
const attached = createServer({ ...options, logger });
await server.listen(0);
const http = createHttpServer(options.request).listen(0, "127.0.0.1", () => {
  attached.attach(http);
  console.log(JSON.stringify({ ...listening, attachedPort: http.address().port }));
});
process.stdin.resume().once("end", async () => {
  const reports = [await server.close({ graceMs: 60_000 }), await attached.close({ graceMs: 60_000 })];
  console.log(JSON.stringify(reports));
  http.close();
});
`;

/** The library as it is built, without the folder. */
function withoutInternals(test: TestContext): string {
  mkdirSync(join(projectRoot, "build"), { recursive: true });
  // Where its dependencies are found.
  const folder = mkdtempSync(join(projectRoot, "build/without-internals-"));
  test.after(() => rmSync(folder, { recursive: true }));
  const dist = join(folder, "dist");
  cpSync(join(projectRoot, "packages/hawser/dist"), dist, { recursive: true });
  const internals = join(dist, "server/internals");
  assert.ok(readdirSync(internals).length > 1);
  rmSync(internals, { recursive: true });
  mkdirSync(internals);
  writeFileSync(
    join(internals, "internals.js"),
    'import { NO_INTERNALS } from "../sockets/node-internals.js";\nexport const internals = NO_INTERNALS;\n',
  );
  return pathToFileURL(join(dist, "index.js")).href;
}

/** @returns the status, and what follows the head */
function ask(
  port: number,
  path: string,
  headers: Record<string, string> = {},
): Promise<[status: number, body: string]> {
  return new Promise((done, fail) => {
    const asked = request({ port, path, headers, host: "127.0.0.1", agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => done([response.statusCode!, body]));
    });
    asked.on("error", fail).end();
  });
}

describe("a server without the folder internals/", () => {
  it("serves, by listen and attached, and shuts down", async (test) => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", SERVER, withoutInternals(test)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    test.after(() => child.kill("SIGKILL"));
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => JSON.parse((await lines.next()).value as string);
    const { port, attachedPort, sockets } = (await next()) as Record<string, number | string>;
    assert.equal(sockets, "portable");
    const staying: RawClient[] = [];
    for (const at of [port, attachedPort] as number[]) {
      assert.deepEqual(await ask(at, "/page"), [200, "you asked for /page"]);
      const peers = [];
      for (let i = 0; i < 5; i++) {
        const peer = await RawClient.open(`ws://127.0.0.1:${at}/`);
        test.after(() => peer.destroy());
        for (const text of ["hello", "", "x".repeat(100_000)]) await peer.echo(text);
        peers.push(peer);
      }
      await peers[0]!.close();
      peers[1]!.reset();
      staying.push(...peers.slice(2));
      // What internals/other-upgrades.ts makes an ordinary request of.
      const [status] = await ask(at, "/page", { Connection: "Upgrade, HTTP2-Settings", Upgrade: "h2c" });
      assert.equal(status, 400);
    }
    child.stdin.end();
    await Promise.all(staying.map((peer) => peer.expectClose(1001)));
    for (const { cut } of (await next()) as { cut: number }[]) assert.equal(cut, 0);
    const [code] = (await once(child, "close")) as [number | null];
    assert.equal(code, 0);
  });
});
