/** What has to hold for a real `hawser serve` behind a real proxy that has the configuration of deploy/. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:https";
import { after, before, describe, it } from "node:test";
import { type ClientOptions, WebSocket } from "ws";
import { type ServerProcess, serve } from "../../harness/server.js";
import { launch } from "../peers/chromium.js";
import { need } from "../harness/system.js";
import { type Proxy, type ProxyKind, startProxy } from "./proxy.js";

/** Where the clients connect from: not where the proxy does. All of 127.0.0.0/8 is this machine on Linux. */
const CLIENT = "127.0.0.2";
const PROXY = "127.0.0.1";
const PING_PERIOD_MS = 500;

const chromium = await need("chromium");

export async function behindProxy(kind: ProxyKind): Promise<void> {
  const skip = await whyNot(kind);
  describe(`behind ${kind.name}`, { skip }, () => {
    let server: ServerProcess;
    let proxy: Proxy;
    before(async () => {
      server = await serve([
        "--echo",
        "--compression",
        "--trust-proxy",
        PROXY,
        "--ping-period-ms",
        String(PING_PERIOD_MS),
      ]);
      proxy = await startProxy(kind, server.port);
    });
    after(async () => {
      await proxy?.stop();
      await server?.stop();
    });

    const connect = async (options: ClientOptions = {}): Promise<WebSocket> => {
      const socket = dial(proxy, options);
      await once(socket, "open");
      return socket;
    };

    it("echoes text, bytes and 512 KiB, compressed from end to end", async () => {
      const socket = await connect();
      assert.match(socket.extensions, /^permessage-deflate/);
      for (const data of ["héllo", Uint8Array.of(0, 1, 255), "Hawser! ".repeat(64 * 1024)]) {
        socket.send(data);
        const [came, binary] = (await once(socket, "message")) as [Buffer, boolean];
        assert.equal(binary, typeof data !== "string");
        assert.ok(came.equals(Buffer.from(data as string)));
      }
      socket.close();
    });

    it("takes pages of the address that the browser used, and refuses others", async () => {
      const socket = await connect({ origin: `https://127.0.0.1:${proxy.port}` });
      socket.close();
      assert.equal(await refusal(dial(proxy, { origin: "https://evil.example" })), 403);
      assert.equal(await refusal(dial(proxy, { origin: "https://127.0.0.1" })), 403, "another port is another origin");
    });

    it("takes pages by the public name, whether it knows the proxy or the name", async (t) => {
      const page = { origin: "https://chat.example.com", headers: { Host: "chat.example.com" } };
      (await connect(page)).close();
      for (const [args, status] of [
        [["--allowed-host", "chat.example.com"], 101],
        [["--allowed-host", ".example.com"], 101],
        [["--allowed-host", "other.example.com", "--trust-proxy", PROXY], 421],
        [[], 421],
      ] as const) {
        const other = await serve(["--echo", ...args]);
        t.after(() => other.stop());
        const front = await startProxy(kind, other.port);
        t.after(() => front.stop());
        const socket = dial(front, page);
        if (status === 101) await once(socket, "open");
        else assert.equal(await refusal(socket), status);
        socket.close();
      }
    });

    it("logs the client's own address", async () => {
      const known = server.lines.length;
      const socket = await connect();
      assert.equal((await connectLine(known)).address, CLIENT);
      socket.close();
    });

    it("does not believe what the client says of its address", async () => {
      for (const lie of ["203.0.113.7", `203.0.113.7, ${PROXY}`]) {
        const known = server.lines.length;
        const socket = await connect({ headers: { "X-Forwarded-For": lie } });
        assert.equal((await connectLine(known)).address, CLIENT);
        socket.close();
      }
    });

    const connectLine = async (after_: number): Promise<{ address: unknown }> => {
      const line = await server.waitForEvent("connect", (candidate) => server.lines.indexOf(candidate) >= after_);
      return { address: line["address"] };
    };

    it("carries the page and its connection in Chromium", { skip: chromium.missing }, async (t) => {
      const browser = await launch(chromium.path);
      t.after(() => browser.close());
      const page = await browser.newPage({ ignoreHTTPSErrors: true });
      const complaints: string[] = [];
      page.on("console", (message) => complaints.push(message.text()));
      await page.goto(`https://127.0.0.1:${proxy.port}/`);
      await page.getByRole("status").getByText("Connected").waitFor();
      await page.getByRole("textbox", { name: "Message" }).fill("from a browser");
      await page.keyboard.press("Enter");
      await page.getByText("Echo ·").waitFor();
      assert.deepEqual(complaints, []);
    });

    it("carries close codes and reasons both ways", async () => {
      const socket = await connect();
      socket.close(4001, "enough");
      assert.equal((await once(socket, "close"))[0], 4001);
      const line = await server.waitForEvent("disconnect", ({ code }) => code === 4001);
      assert.equal(line["reason"], "enough");

      const large = await connect({ perMessageDeflate: false });
      large.send("a".repeat(512 * 1024 + 1));
      assert.equal((await once(large, "close"))[0], 1009);
    });

    it("tells Hawser when a client is cut off", async () => {
      const socket = await connect();
      const known = server.lines.length;
      socket.terminate();
      const line = await server.waitForEvent("disconnect", (candidate) => server.lines.indexOf(candidate) >= known);
      assert.equal(line["initiator"], "client");
      assert.equal(line["code"], 1006);
    });

    const { silenceS } = kind;
    it("Hawser's pings keep a quiet client through the proxy's timeout", async () => {
      const socket = await connect();
      for (let pings = 0; pings < ((silenceS ?? 1) * 1000) / PING_PERIOD_MS + 3; pings++) await once(socket, "ping");
      socket.send("still here");
      assert.equal(String((await once(socket, "message"))[0]), "still here");
      socket.close();
    });

    if (silenceS !== undefined) {
      it("and without them the proxy would have cut it", async (t) => {
        const quiet = await serve(["--echo"]); // its first ping comes after some fifty seconds
        t.after(() => quiet.stop());
        const short = await startProxy(kind, quiet.port);
        t.after(() => short.stop());
        const socket = dial(short);
        const [code] = (await once(socket, "close")) as [number];
        assert.equal(code, 1006);
        const line = await quiet.waitForEvent("connect");
        assert.equal(line["address"], PROXY, "an address from a proxy that is not trusted is not believed");
      });
    }

    it("SIGTERM: clients get 1001 through the proxy, which then says that Hawser is down", async () => {
      const sockets = [await connect(), await connect()];
      const closes = sockets.map((socket) => once(socket, "close"));
      server.signal("SIGTERM");
      for (const [code, reason] of (await Promise.all(closes)) as [number, Buffer][]) {
        assert.equal(code, 1001);
        assert.notEqual(String(reason), "");
      }
      assert.deepEqual(await server.exit, { code: 0, signal: null });
      assert.ok(kind.down.includes(await status(proxy)));
    });

    it("the proxy's own connections and checks left no warning in the log", () => {
      const expected = new Set(["refused", "disconnect"]); // the strangers, the client that was too big
      const warnings = server.lines.filter(
        ({ level, event }) => (level === "warn" || level === "error") && !expected.has(event),
      );
      assert.deepEqual(warnings, []);
      assert.deepEqual(server.strayLines, []);
    });
  });
}

async function whyNot(kind: ProxyKind): Promise<string | false> {
  if (process.platform !== "linux")
    return "cannot be installed here: the proxy tests use Debian's packages and Linux's 127.0.0.2";
  return (await need(kind.program)).missing;
}

function dial(proxy: Proxy, options: ClientOptions = {}): WebSocket {
  return new WebSocket(`wss://127.0.0.1:${proxy.port}/room`, { ca: proxy.ca, localAddress: CLIENT, ...options });
}

/** The status of a handshake that was refused. */
function refusal(socket: WebSocket): Promise<number> {
  return new Promise((done, fail) => {
    socket.on("unexpected-response", (_request, response) => {
      response.resume();
      socket.terminate();
      done(response.statusCode ?? 0);
    });
    socket.on("open", () => fail(new Error("it was not refused")));
    socket.on("error", () => {});
  });
}

function status(proxy: Proxy): Promise<number> {
  return new Promise((done, fail) => {
    request({ host: "127.0.0.1", port: proxy.port, ca: proxy.ca, agent: false }, (response) => {
      response.resume();
      done(response.statusCode ?? 0);
    })
      .on("error", fail)
      .end();
  });
}
