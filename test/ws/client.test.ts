/** The client half of hawser/ws: how it gets to a server, and what it says when it does not. What it does once it is there is in contract.test.ts. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, createServer, type IncomingMessage, type Server } from "node:http";
import { connect, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { WebSocket } from "#hawser/ws/index.js";
import { WebSocketServer } from "ws";
import { listenOn } from "../harness/rig.js";
import { notOnWindows } from "../harness/platform.js";
import { closed } from "./pair.js";

/** A server of `ws` on an HTTP server, and what it has been asked. */
async function peer(test: TestContext): Promise<{ http: Server; port: number; requests: IncomingMessage[] }> {
  const http = createServer();
  const wss = new WebSocketServer({ noServer: true });
  const requests: IncomingMessage[] = [];
  http.on("upgrade", (request, socket, head) => {
    requests.push(request);
    const to = /^\/to\?(.*)$/.exec(request.url!)?.[1];
    if (to === undefined)
      wss.handleUpgrade(request, socket, head, (client) => client.on("message", (data) => client.send(data)));
    else socket.end(`HTTP/1.1 302 Found\r\nLocation: ${decodeURIComponent(to)}\r\nContent-Length: 0\r\n\r\n`);
  });
  const port = await listenOn(http);
  test.after(() => {
    for (const client of wss.clients) client.terminate();
    http.closeAllConnections();
    http.close();
  });
  return { http, port, requests };
}

async function failure(address: string, options = {}): Promise<string> {
  const client = new WebSocket(address, options);
  let message = "";
  client.on("error", (error) => (message = error.message));
  await closed(client as never);
  return message;
}

describe("a connection of hawser/ws", () => {
  it("refuses addresses and subprotocols that cannot be", () => {
    for (const address of ["nonsense", "ftp://localhost", "ws://localhost/#part", "ws+unix:"])
      assert.throws(() => new WebSocket(address), SyntaxError, address);
    for (const protocols of [null, "", "a,b", ["a", "a"]] as string[])
      assert.throws(() => new WebSocket("ws://127.0.0.1:1", protocols), SyntaxError);
  });

  it("sends headers, credentials and an origin, by an agent", async (test) => {
    const { port, requests } = await peer(test);
    const agent = new Agent();
    const client = new WebSocket(`http://us%25er:secret@127.0.0.1:${port}/path?query`, {
      headers: { "X-A": "b" },
      origin: "https://example.com",
      agent,
    });
    await once(client, "open");
    const { headers, url } = requests[0]!;
    assert.equal(client.url, `ws://us%25er:secret@127.0.0.1:${port}/path?query`);
    assert.deepEqual(
      [url, headers["x-a"], headers.origin, headers.authorization],
      ["/path?query", "b", "https://example.com", `Basic ${Buffer.from("us%er:secret").toString("base64")}`],
    );
    client.terminate();
  });

  it("goes by a Unix socket", { skip: notOnWindows("Unix sockets") }, async (test) => {
    const folder = mkdtempSync(join(tmpdir(), "hawser-ws-"));
    const http = createServer();
    const wss = new WebSocketServer({ server: http });
    http.listen(join(folder, "socket"));
    await once(http, "listening");
    test.after(() => {
      http.closeAllConnections();
      http.close();
      rmSync(folder, { recursive: true });
    });
    const came = once(wss, "connection") as Promise<[unknown, IncomingMessage]>;
    const client = new WebSocket(`ws+unix:${join(folder, "socket")}:/path?query`);
    await once(client, "open");
    assert.equal((await came)[1].url, "/path?query");
    client.terminate();
  });

  it("connects by createConnection, and shows the socket", async (test) => {
    const { port } = await peer(test);
    const client = new WebSocket("ws://nowhere.example:22/", {
      createConnection: (() => connect(port, "127.0.0.1")) as unknown as typeof connect,
    });
    assert.equal(client._socket === null, true);
    await once(client, "open");
    assert.ok((client._socket as unknown) instanceof Socket);
    client.terminate();
  });

  it("follows redirects, and takes what is secret along to the same host alone", async (test) => {
    const [first, second] = [await peer(test), await peer(test)];
    const secrets = { Authorization: "Basic c2VjcmV0", Cookie: "a=b", "X-Other": "c" };
    const go = async (to: string, more = {}): Promise<WebSocket> => {
      const client = new WebSocket(`ws://127.0.0.1:${first.port}/to?${encodeURIComponent(to)}`, {
        followRedirects: true,
        headers: secrets,
        ...more,
      });
      test.after(() => client.terminate());
      return client;
    };
    const same = await go("/here");
    await once(same, "open");
    assert.equal(same.url, `ws://127.0.0.1:${first.port}/here`);
    assert.equal(first.requests.at(-1)!.headers.cookie, "a=b");
    const elsewhere = await go(`ws://127.0.0.1:${second.port}/there`);
    await once(elsewhere, "open");
    const { headers } = second.requests.at(-1)!;
    assert.deepEqual([headers.authorization, headers.cookie, headers["x-other"]], [undefined, undefined, "c"]);
    const asked = await go(`ws://127.0.0.1:${second.port}/there`);
    const seen: string[] = [];
    asked.on("redirect", (url, request) => {
      seen.push(url);
      request.removeHeader("cookie");
    });
    await once(asked, "open");
    assert.deepEqual(seen, [`ws://127.0.0.1:${second.port}/there`]);
    const kept = second.requests.at(-1)!.headers;
    assert.deepEqual([kept.authorization, kept.cookie], ["Basic c2VjcmV0", undefined]);
    const loop = await go("/to?%2Fto%3Fx", { maxRedirects: 1 });
    const [error] = (await once(loop, "error")) as [Error];
    assert.equal(error.message, "Maximum redirects exceeded");
  });

  it("says what is wrong with an answer", async (test) => {
    const http = createServer((_request, response) => response.writeHead(404).end());
    let lines: string[] = [];
    http.on("upgrade", (_request, socket) => socket.write(`${lines.join("\r\n")}\r\n\r\n`));
    const port = await listenOn(http);
    test.after(() => {
      http.closeAllConnections();
      http.close();
    });
    const url = `ws://127.0.0.1:${port}`;
    const said = async (...more: string[]): Promise<string> => {
      lines = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", ...more];
      return failure(url);
    };
    assert.equal(await said("Upgrade: foo"), "Invalid Upgrade header");
    assert.equal(await said("Upgrade: websocket", "Sec-WebSocket-Accept: x"), "Invalid Sec-WebSocket-Accept header");
    lines = ["HTTP/1.1 401 Unauthorized", "Content-Length: 0", "Connection: close"];
    assert.equal(await failure(url), "Unexpected server response: 401");
    assert.match(await failure("ws://127.0.0.1:1"), /ECONNREFUSED/);
  });

  it("may be closed while it connects, and from a listener of upgrade", async (test) => {
    const { port } = await peer(test);
    const url = `ws://127.0.0.1:${port}`;
    for (const end of ["close", "terminate"] as const) {
      const client = new WebSocket(url);
      let message = "";
      client.on("error", (error) => (message = error.message));
      client[end]();
      assert.equal(client.readyState, WebSocket.CLOSING);
      await closed(client as never);
      assert.equal(message, "WebSocket was closed before the connection was established");
    }
    const late = new WebSocket(url);
    late.on("error", () => {});
    late.on("open", () => assert.fail("it was closed"));
    late.on("upgrade", () => late.terminate());
    await closed(late as never);
  });

  it("lets finishRequest end the request", async (test) => {
    const { port, requests } = await peer(test);
    const client = new WebSocket(`ws://127.0.0.1:${port}`, {
      finishRequest(request, socket) {
        assert.ok(socket instanceof WebSocket);
        setImmediate(() => {
          request.setHeader("X-Late", "yes");
          request.end();
        });
      },
    });
    await once(client, "open");
    assert.equal(requests[0]!.headers["x-late"], "yes");
    client.terminate();
  });
});
