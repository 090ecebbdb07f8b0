/** The built server under the runtimes that the tests themselves do not run on: Node 24, and Bun through its node:http. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { type ClientOptions, WebSocket } from "ws";
import { type LogLine, cliPath } from "../harness/server.js";
import { need } from "./harness/system.js";

const LIMIT = 512 * 1024;

for (const [name, runtime] of [
  ["Node 24", await need("node24")],
  ["Bun", await need("bun")],
] as const) {
  describe(`hawser serve under ${name}`, { skip: runtime.missing }, () => {
    let server: ChildProcess;
    let url: string;
    let errors = "";
    const lines: LogLine[] = [];

    before(async () => {
      server = spawn(
        runtime.path,
        [cliPath(), "serve", "--port", "0", "--echo", "--compression", "--ping-period-ms", "250"],
        {
          stdio: ["ignore", "pipe", "pipe"],
          env: Object.fromEntries(Object.entries(process.env).filter(([variable]) => !variable.startsWith("HAWSER_"))),
        },
      );
      server.stderr!.on("data", (text) => (errors += String(text)));
      const output = createInterface({ input: server.stdout! });
      url = await new Promise((done, fail) => {
        output.on("line", (text) => {
          const line = JSON.parse(text) as LogLine;
          lines.push(line);
          if (line.event === "listening") done(String(line["url"]));
        });
        server.on("exit", () => fail(new Error(`it ended: ${errors}`)));
      });
    });
    after(() => void server?.kill("SIGKILL"));

    const connect = async (options: ClientOptions = {}): Promise<WebSocket> => {
      const socket = new WebSocket(url, options);
      await once(socket, "open");
      return socket;
    };

    for (const perMessageDeflate of [false, true]) {
      it(`echoes${perMessageDeflate ? ", compressed" : ""}`, async () => {
        const socket = await connect({ perMessageDeflate });
        assert.equal(socket.extensions.includes("permessage-deflate"), perMessageDeflate);
        for (const data of ["héllo", "", Uint8Array.of(0, 1, 255), "Hawser! ".repeat(LIMIT / 8), "again"]) {
          socket.send(data);
          const [came, binary] = (await once(socket, "message")) as [Buffer, boolean];
          assert.equal(binary, typeof data !== "string");
          assert.ok(came.equals(Buffer.from(data as string)));
        }
        socket.close();
      });
    }

    it("pings, and answers pings", async () => {
      const socket = await connect();
      socket.ping("are-you-there");
      assert.equal(String((await once(socket, "pong"))[0]), "are-you-there");
      await once(socket, "ping");
      socket.close();
    });

    it("refuses a message over the limit with 1009, and a page of another origin with 403", async () => {
      const socket = await connect({ perMessageDeflate: false });
      socket.send("a".repeat(LIMIT + 1));
      assert.equal((await once(socket, "close"))[0], 1009);

      const stranger = new WebSocket(url, { origin: "https://evil.example" });
      const [, response] = (await once(stranger, "unexpected-response")) as [unknown, { statusCode: number }];
      assert.equal(response.statusCode, 403);
      stranger.on("error", () => {});
      stranger.terminate();
    });

    it("serves the page over HTTP", async () => {
      const response = await fetch(url.replace("ws:", "http:"), { headers: { Connection: "close" } });
      assert.equal(response.status, 200);
      assert.match(await response.text(), /<title>/);
    });

    it("SIGTERM: 1001 to a client, the log to its end, exit 0", async () => {
      const socket = await connect();
      const closed = once(socket, "close");
      const exited = once(server, "close");
      server.kill("SIGTERM");
      assert.equal((await closed)[0], 1001);
      assert.deepEqual(await exited, [0, null]);
      assert.equal(
        lines.filter(({ event }) => event === "disconnect").length,
        lines.filter(({ event }) => event === "connect").length,
      );
      assert.equal(lines.at(-1)?.event, "shutdown-finished");
      assert.equal(errors, "");
    });
  });
}
