import assert from "node:assert/strict";
import { createServer, type Server as HttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { WebSocketServer } from "ws";
import { acceptValue, encodeFrame, TEXT } from "#hawser/protocol/index.js";
import { OpenError } from "#cli/tools/open-error.js";
import { openDefaults, openFirst, type OpenOptions, openWebSocket } from "#cli/tools/open-web-socket.js";
import { findTarget, type Target } from "#cli/tools/target.js";
import type { Ending, WebSocketClient } from "#cli/tools/web-socket-client.js";
import { makeCertificate } from "../harness/certificate.js";
import { freePort } from "../harness/free-port.js";

const target = (port: number, path = "/", scheme = "ws"): Promise<Target> =>
  findTarget(`${scheme}://127.0.0.1:${port}${path}`, false);

/** A server that does with each connection what the test says. */
async function tcpServer(t: TestContext, onHead: (socket: Socket, head: string) => void): Promise<number> {
  const server = createTcpServer((socket) => {
    socket.on("error", () => {});
    let head = "";
    socket.setEncoding("latin1").on("data", (text: string) => {
      const before = head.includes("\r\n\r\n");
      head += text;
      if (!before && head.includes("\r\n\r\n")) onHead(socket, head);
    });
    t.after(() => socket.destroy());
  });
  t.after(() => server.close());
  return listening(server.listen(0, "127.0.0.1"));
}

function listening(server: {
  address(): unknown;
  once(event: "listening", listener: () => void): unknown;
}): Promise<number> {
  return new Promise((done) => server.once("listening", () => done((server.address() as AddressInfo).port)));
}

async function wsServer(t: TestContext, options: object = {}): Promise<{ port: number; server: WebSocketServer }> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", ...options });
  t.after(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  return { port: await listening(server), server };
}

const keyOf = (head: string): string => /sec-websocket-key: (.*)\r/i.exec(head)?.[1] ?? "";

function switched(key: string, more = ""): string {
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptValue(key)}\r\n${more}\r\n`;
}

/** What comes, as text, and how it ended. */
function listen(client: WebSocketClient): { messages: string[]; next: () => Promise<string>; ended: Promise<Ending> } {
  const messages: string[] = [];
  let wake = (): void => {};
  let seen = 0;
  const ended = new Promise<Ending>((onEnd) =>
    client.listen({
      onMessage: (bytes, start, end) => {
        messages.push(bytes.toString("utf8", start, end));
        wake();
      },
      onEnd,
    }),
  );
  const next = async (): Promise<string> => {
    if (seen === messages.length) await new Promise<void>((done) => (wake = done));
    return messages[seen++]!;
  };
  return { messages, next, ended };
}

describe("openWebSocket: what is wrong with the server, in one line", () => {
  const cases: [name: string, answer: (head: string) => string | null, kind: string, text: RegExp][] = [
    ["404", () => "HTTP/1.1 404 Not Found\r\n\r\n", "HTTP 404", /: answered 404 Not Found: no WebSocket there$/],
    ["401", () => "HTTP/1.1 401 Unauthorized\r\n\r\n", "HTTP 401", /: answered 401 Unauthorized: .* refused$/],
    [
      "a redirect",
      () => "HTTP/1.1 301 Moved Permanently\r\nLocation: /there\r\n\r\n",
      "HTTP 301",
      /: answered 301 Moved Permanently \(to \/there\): no WebSocket there$/,
    ],
    ["another protocol", () => "SSH-2.0-OpenSSH_9.2\r\n", "not HTTP", /does not speak HTTP/],
    ["a status line that is none", () => "HTTP/1.1 abc\r\n\r\n", "not HTTP", /does not speak HTTP/],
    ["no answer but the end", () => null, "closed", /closed the connection without an answer/],
    [
      "another key's hash",
      (head) => switched(`${keyOf(head)}x`),
      "accept",
      /Sec-WebSocket-Accept does not answer our key/,
    ],
    [
      "a switch to something else",
      () => "HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
      "upgrade",
      /does not switch to WebSocket/,
    ],
    [
      "a subprotocol that was not offered",
      (head) => switched(keyOf(head), "Sec-WebSocket-Protocol: chat\r\n"),
      "subprotocol",
      /chose the subprotocol "chat", which was not offered/,
    ],
    [
      "an extension that was not offered",
      (head) => switched(keyOf(head), "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
      "extensions",
      /extension that was not offered/,
    ],
    [
      "interim answers without end",
      () => "HTTP/1.1 102 Processing\r\n\r\n".repeat(17),
      "interim",
      /one interim answer after another/,
    ],
    [
      "an interim answer whose head has no end",
      () => `HTTP/1.1 103 Early Hints\r\nLink: ${"x".repeat(70_000)}`,
      "not HTTP",
      /head without an end/,
    ],
    ["an interim answer and the end", () => "HTTP/1.1 100 Continue\r\n\r\n", "closed", /closed the connection/],
    [
      "another protocol after an interim answer",
      () => "HTTP/1.1 100 Continue\r\n\r\nSSH-2.0-OpenSSH_9.2\r\n",
      "not HTTP",
      /does not speak HTTP/,
    ],
    [
      "404 after 103",
      () => "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 404 Gone\r\n\r\n",
      "HTTP 404",
      /answered 404 Gone/,
    ],
    [
      "control sequences in the status",
      () => "HTTP/1.1 404 \u001b[31mred\r\n\r\n",
      "HTTP 404",
      /answered 404 \\u001b\[31mred/,
    ],
  ];
  for (const [name, answer, kind, text] of cases) {
    it(name, async (t) => {
      const port = await tcpServer(t, (socket, head) => socket.end(answer(head) ?? ""));
      await assert.rejects(openWebSocket(await target(port), openDefaults), (error) => {
        assert.ok(error instanceof OpenError);
        assert.equal(error.kind, kind);
        assert.match(error.message, text);
        assert.ok(error.message.startsWith(`ws://127.0.0.1:${port}/: `), "it names the target");
        assert.doesNotMatch(error.message, /\p{Cc}/u);
        return true;
      });
    });
  }

  it("nobody listens", async () => {
    const free = await freePort();
    await assert.rejects(openWebSocket(await target(free), openDefaults), {
      kind: "ECONNREFUSED",
      message: `ws://127.0.0.1:${free}/: nobody is listening there (ECONNREFUSED)`,
    });
  });

  it("no answer in time", async (t) => {
    const port = await tcpServer(t, () => {});
    await assert.rejects(openWebSocket(await target(port), { ...openDefaults, timeoutMs: 50 }), {
      kind: "timeout",
      message: `ws://127.0.0.1:${port}/: no answer within 0.05 s`,
    });
  });

  it("a password is not shown", async (t) => {
    const port = await tcpServer(t, (socket) => socket.end("HTTP/1.1 403 Forbidden\r\n\r\n"));
    const secret = await findTarget(`ws://user:secret@127.0.0.1:${port}/`, false);
    await assert.rejects(openWebSocket(secret, openDefaults), (error: Error) => !/secret|user/.test(error.message));
  });

  it("wss where ws is spoken, and a certificate that is nobody's", async (t) => {
    const plainHttp = createServer((_, response) => response.end());
    t.after(() => plainHttp.close());
    const plainPort = await listening(plainHttp.listen(0, "127.0.0.1"));
    await assert.rejects(openWebSocket(await target(plainPort, "/", "wss"), openDefaults), /no TLS there/);

    const port = await tlsServer(t);
    await assert.rejects(openWebSocket(await target(port, "/", "wss"), openDefaults), {
      message: `wss://127.0.0.1:${port}/: its certificate is self-signed (DEPTH_ZERO_SELF_SIGNED_CERT)`,
    });
  });
});

async function tlsServer(t: TestContext): Promise<number> {
  const http: HttpServer = createHttpsServer(makeCertificate());
  const server = new WebSocketServer({ server: http });
  server.on("connection", (socket) => socket.on("message", (data) => socket.send(data, { binary: false })));
  t.after(() => {
    for (const client of server.clients) client.terminate();
    http.close();
  });
  return listening(http.listen(0, "127.0.0.1"));
}

describe("WebSocketClient", () => {
  it("over TLS, when any certificate will do", async (t) => {
    const port = await tlsServer(t);
    const options = { ...openDefaults, dangerouslyAcceptAnyCertificate: true };
    const client = await openWebSocket(await target(port, "/", "wss"), options);
    const { next, ended } = listen(client);
    client.send("hello");
    assert.equal(await next(), "hello");
    client.close();
    assert.equal((await ended).code, 1000);
  });

  it("offers subprotocols, sends headers and credentials, and understands compressed messages", async (t) => {
    const { port, server } = await wsServer(t, {
      perMessageDeflate: { threshold: 0 },
      handleProtocols: (offered: Set<string>) => [...offered][1],
    });
    const text = "again and again, ".repeat(1000);
    const asked = new Promise<NodeJS.Dict<string | string[]>>((done) =>
      server.on("connection", (socket, request) => {
        done(request.headers);
        socket.send(text);
        socket.send("short");
      }),
    );
    const options: OpenOptions = {
      ...openDefaults,
      subprotocols: ["one", "two"],
      headers: [["X-Extra", "yes"]],
      compression: true,
    };
    const client = await openWebSocket(await findTarget(`ws://me:p%40ss@127.0.0.1:${port}/`, false), options);
    assert.equal(client.subprotocol, "two");
    assert.equal(client.isCompressed, true);
    const { next } = listen(client);
    assert.equal(await next(), text);
    assert.equal(await next(), "short");
    const headers = await asked;
    assert.equal(headers["x-extra"], "yes");
    assert.equal(headers["authorization"], `Basic ${Buffer.from("me:p@ss").toString("base64")}`);
    assert.equal(headers["host"], `127.0.0.1:${port}`);
    client.terminate();
  });

  it("hands on what came in the same packet as the handshake", async (t) => {
    const port = await tcpServer(t, (socket, head) =>
      socket.write(Buffer.concat([Buffer.from(switched(keyOf(head)), "latin1"), encodeFrame(TEXT, "early")])),
    );
    const client = await openWebSocket(await target(port), openDefaults);
    // Nobody listens yet, and nothing is lost.
    await new Promise((done) => setImmediate(done));
    assert.equal(await listen(client).next(), "early");
    client.terminate();
  });

  // RFC 9110 15.2: Expect, early hints, a gateway that says that it is at work.
  const interim = [
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n",
    "HTTP/1.1 102\r\n\r\n",
    "HTTP/1.1 199 Whatever\r\nX-A: 101\r\n\r\n",
  ];
  for (const parts of [1, Infinity]) {
    it(`skips interim answers before the 101, in ${parts === 1 ? "one piece" : "pieces of a byte"}`, async (t) => {
      const port = await tcpServer(t, (socket, head) => {
        const text = `${interim.join("").repeat(4)}${switched(keyOf(head))}`;
        const bytes = Buffer.concat([Buffer.from(text, "latin1"), encodeFrame(TEXT, "after all")]);
        const pieces = parts === 1 ? [bytes] : Array.from(bytes, (byte) => Buffer.of(byte));
        for (const piece of pieces) socket.write(piece);
      });
      const client = await openWebSocket(await target(port), openDefaults);
      assert.equal(await listen(client).next(), "after all");
      client.terminate();
    });
  }

  it("says who closed, with what", async (t) => {
    const { port, server } = await wsServer(t);
    server.on("connection", (socket) => socket.on("message", () => socket.close(4001, "enough")));
    const client = await openWebSocket(await target(port), openDefaults);
    const { ended } = listen(client);
    client.send("x");
    assert.deepEqual(await ended, { code: 4001, reason: "enough", initiator: "them", fault: "" });

    const other = await openWebSocket(await target(port), openDefaults);
    const ending = listen(other).ended;
    other.close(1000, "bye");
    assert.deepEqual({ ...(await ending), reason: "" }, { code: 1000, reason: "", initiator: "us", fault: "" });
    assert.equal(other.isOpen, false);
  });

  it("ends a connection whose server breaks the protocol, or does not answer the close frame", async (t) => {
    const port = await tcpServer(t, (socket, head) => {
      socket.write(switched(keyOf(head)), "latin1");
      if (head.includes("/broken")) socket.write(Buffer.from([0xc1, 0x00]));
    });
    const broken = await openWebSocket(await target(port, "/broken"), { ...openDefaults, closeTimeoutMs: 50 });
    const { code, initiator, fault } = await listen(broken).ended;
    assert.deepEqual([code, initiator], [1002, "us"]);
    assert.match(fault, /the server broke the protocol: a reserved bit/);

    const silent = await openWebSocket(await target(port), { ...openDefaults, closeTimeoutMs: 50 });
    const { ended } = listen(silent);
    silent.close();
    assert.deepEqual(await ended, {
      code: 1006,
      reason: "",
      initiator: "us",
      fault: "no answer to the close frame",
    });
  });

  it("a connection that is lost", async (t) => {
    const port = await tcpServer(t, (socket, head) => {
      socket.write(switched(keyOf(head)), "latin1", () => socket.destroy());
    });
    const client = await openWebSocket(await target(port), openDefaults);
    const { code, initiator, fault } = await listen(client).ended;
    assert.deepEqual([code, initiator], [1006, "them"]);
    assert.notEqual(fault, "");
  });
});

it("openFirst finds a server that listens on ::1 alone", async (t) => {
  const server = new WebSocketServer({ port: 0, host: "::1" });
  t.after(() => server.close());
  let port: number;
  try {
    port = await new Promise<number>((done, fail) => {
      server.once("error", fail).once("listening", () => done((server.address() as AddressInfo).port));
    });
  } catch {
    t.skip("cannot be installed here: this machine has no IPv6");
    return;
  }
  const asked = { ...(await findTarget(`ws://localhost:${port}/`, false)), address: "127.0.0.1" };
  const { client, target: found } = await openFirst(asked, openDefaults);
  assert.equal(found.address, "::1");
  const { ended } = listen(client);
  client.close();
  assert.equal((await ended).code, 1000);
});
