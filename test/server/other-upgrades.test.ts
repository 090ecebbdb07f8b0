/** RFC 9110 7.8: a request to upgrade to anything but WebSocket is an ordinary request, whoever serves it. */
import assert from "node:assert/strict";
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { connect, type Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { connect as connectTls } from "node:tls";
import { until } from "../harness/concurrency.js";
import { certificates } from "../harness/certificates.js";
import { listenOn, type Rig, startRig, turns } from "../harness/rig.js";
import { reset } from "../harness/reset.js";

const H2C = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"];

const WEBSOCKET = [
  "Connection: Upgrade",
  "Upgrade: h2c, websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

/** What the application saw of each request. */
interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly rawHeaders: string[];
  readonly trailers: object;
  readonly body: string;
}

function application(seen: Seen[]): RequestListener {
  return (request, response) => {
    let body = "";
    request.setEncoding("latin1");
    request.on("data", (part: string) => (body += part));
    request.on("end", () => {
      const { method, url, rawHeaders, trailers } = request;
      seen.push({ method, url, rawHeaders, trailers: { ...trailers }, body });
      response.end(`${method} ${url} ${body.length}\n`);
    });
  };
}

/** Ways to serve WebSockets and an application on one port. */
const WAYS = ["listen", "portable", "TLS", "attach", "attach to https", "handleUpgrade"] as const;

async function serve(
  test: TestContext,
  way: (typeof WAYS)[number],
  application: RequestListener | null,
  limits: { requestTimeoutMs?: number } = {},
): Promise<Rig<undefined> & { dialRaw(): Socket }> {
  const tls = way.includes("TLS") || way.includes("https") ? certificates.first : undefined;
  let rig: Rig<undefined>;
  if (way === "handleUpgrade") {
    const http = createHttpServer(application ?? undefined);
    const port = await listenOn(http);
    rig = { ...(await startRig(test)), port };
    http.on("upgrade", (request, socket, head) => rig.server.handleUpgrade(request, socket, head));
    test.after(() => close(http));
  } else if (way.startsWith("attach")) {
    const http =
      tls === undefined ? createHttpServer(application ?? undefined) : createHttpsServer(tls, application ?? undefined);
    rig = await startRig(test, {}, { attach: http });
  } else {
    const options = { request: application ?? undefined, portableSockets: way === "portable", ...limits };
    rig = await startRig(test, tls === undefined ? options : { ...options, tls });
  }
  const { port } = rig;
  const dialRaw = (): Socket =>
    tls === undefined
      ? connect({ port, host: "127.0.0.1" })
      : connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
  return { ...rig, dialRaw };
}

function close(http: Server): void {
  http.closeAllConnections();
  http.close();
}

/** Sends these one after another, each when `count` answers to the one before have come. @returns all that came */
async function exchange(socket: Socket, requests: readonly string[], count = 1): Promise<string> {
  let text = "";
  socket.setEncoding("latin1").on("data", (part: string) => (text += part));
  const answers = (): number => text.split("HTTP/1.1 ").length - 1;
  for (const [at, request] of requests.entries()) {
    socket.write(request, "latin1");
    await until(
      () => answers() >= (at + 1) * count && text.endsWith("\n"),
      `${count} answers to ${request.slice(0, 200)}`,
    );
  }
  socket.destroy();
  return text;
}

function request(first: string, headers: readonly string[], body = ""): string {
  return `${[first, "Host: 127.0.0.1", ...headers].join("\r\n")}\r\n\r\n${body}`;
}

for (const way of WAYS) {
  describe(`an upgrade to something else, ${way}`, () => {
    it("is a request for the application, as curl --http2 and Java's client send it", async (test) => {
      const seen: Seen[] = [];
      const rig = await serve(test, way, application(seen));
      const text = await exchange(rig.dialRaw(), [request("GET /page?a=%20b HTTP/1.1", [...H2C, "Accept: */*"])]);
      assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
      assert.ok(!/^connection: close/im.test(text), text);
      assert.equal(seen[0]!.url, "/page?a=%20b");
      assert.deepEqual({ ...rig.server.stats.refused }, {});
    });

    // On Node 26 such a request comes with a stream in place of its socket, and only with handleUpgrade at all.
    if (way !== "handleUpgrade" || Number(process.versions.node.split(".")[0]) < 26) {
      it("has its body, by length and in chunks, at once and in parts", async (test) => {
        const seen: Seen[] = [];
        const rig = await serve(test, way, application(seen));
        const long = "x".repeat(1024 * 1024);
        const chunked = ["Transfer-Encoding: chunked", "Trailer: X-Sum"];
        await exchange(rig.dialRaw(), [
          request("POST /length HTTP/1.1", [...H2C, "Content-Length: 5"], "hello"),
          request("PUT /long HTTP/1.1", [...H2C, `Content-Length: ${long.length}`], long),
          request("POST /chunks HTTP/1.1", [...H2C, ...chunked], "3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n"),
        ]);
        assert.deepEqual(
          seen.map(({ method, url, body }) => [method, url, body.length]),
          [
            ["POST", "/length", 5],
            ["PUT", "/long", long.length],
            ["POST", "/chunks", 5],
          ],
        );
        assert.deepEqual(seen[2]!.trailers, { "x-sum": "5" });
        const [head, body] = [request("POST /parts HTTP/1.1", [...H2C, "Content-Length: 6"]), "parted"];
        const socket = rig.dialRaw();
        const whole = head + body;
        for (const cut of [head.length, head.length + 3]) {
          socket.write(whole.slice(cut === head.length ? 0 : head.length, cut));
          await new Promise((next) => setTimeout(next, 20));
        }
        await exchange(socket, [whole.slice(head.length + 3)]);
        assert.equal(seen[3]!.body, "parted");
      });

      it("is told to go on with its body where it waits for that", async (test) => {
        const seen: Seen[] = [];
        const rig = await serve(test, way, application(seen));
        const socket = rig.dialRaw();
        let text = "";
        socket.on("data", (part: Buffer) => (text += part.toString()));
        socket.write(request("POST / HTTP/1.1", [...H2C, "Content-Length: 2", "Expect: 100-continue"]));
        await until(() => text.includes("100 Continue"), "100");
        socket.write("ok");
        await until(() => text.includes("POST / 2"), "the answer");
        socket.destroy();
      });
    }

    it("goes on with its connection: many, some pipelined, and a WebSocket in the end", async (test) => {
      const warnings: Error[] = [];
      const onWarning = (warning: Error): void => void warnings.push(warning);
      process.on("warning", onWarning);
      test.after(() => void process.removeListener("warning", onWarning));
      const seen: Seen[] = [];
      const rig = await serve(test, way, application(seen));
      const one = request("GET /one HTTP/1.1", H2C);
      const plain = request("GET /plain HTTP/1.1", []);
      const socket = rig.dialRaw();
      socket.on("data", () => {});
      for (let round = 1; round <= 15; round++) {
        // Not the other way round: where Node itself ignores an upgrade, what is pipelined behind it is lost.
        socket.write(plain + one);
        await until(() => seen.length === round * 2, "two requests");
      }
      assert.deepEqual(
        seen.slice(-2).map(({ url }) => url),
        ["/plain", "/one"],
      );
      let text = "";
      socket.on("data", (part: Buffer) => (text += part.toString("latin1")));
      socket.write(request("GET / HTTP/1.1", WEBSOCKET));
      await until(() => text.includes("101 Switching Protocols"), "the WebSocket");
      await until(() => rig.server.clients.size === 1, "the client");
      socket.destroy();
      await new Promise((next) => setImmediate(next));
      assert.deepEqual(warnings, []);
    });

    it("waits for the answer to what was asked before it on its connection", async (test) => {
      let first: ServerResponse | null = null;
      const rig = await serve(test, way, (incoming, response) => {
        if (incoming.url === "/first") first = response;
        else response.end("second\n");
      });
      const socket = rig.dialRaw();
      let text = "";
      socket.on("data", (part: Buffer) => (text += part.toString()));
      socket.write(request("GET /first HTTP/1.1", []) + request("GET /second HTTP/1.1", H2C));
      await until(() => first !== null, "the first request");
      await turns(10);
      assert.equal(text, "");
      first!.end("first\n");
      await until(() => text.includes("second"), "both");
      assert.ok(text.indexOf("first") < text.indexOf("second"));
      socket.destroy();
    });

    it("lets a handshake wait for the answers to all that was asked before it on its connection", async (test) => {
      const responses: ServerResponse[] = [];
      const rig = await serve(test, way, (_incoming, response) => responses.push(response));
      const socket = rig.dialRaw();
      let text = "";
      socket.on("data", (part: Buffer) => (text += part.toString("latin1")));
      const asked = [
        request("GET /1 HTTP/1.1", []),
        request("GET /2 HTTP/1.1", []),
        request("GET / HTTP/1.1", WEBSOCKET),
      ];
      socket.write(asked.join(""));
      await until(() => responses.length === 2, "two requests");
      await turns(10);
      assert.equal(rig.server.clients.size, 0);
      for (const [at, response] of responses.entries()) response.end(`answer ${at}\n`);
      await until(() => rig.server.clients.size === 1, "the client");
      await until(() => text.includes(" 101 "), "the handshake's answer");
      assert.match(text, /^HTTP\/1\.1 200 [^]*answer 0\nHTTP\/1\.1 200 [^]*answer 1\nHTTP\/1\.1 101 /);
      socket.destroy();
    });

    // Node's parser reads both alike: an upgrade that was ignored in one was found again in the other, without end.
    it("is none by Proxy-Connection either", async (test) => {
      const seen: Seen[] = [];
      const rig = await serve(test, way, application(seen));
      const lines = ["Proxy-Connection: keep-alive, Upgrade", "Upgrade: h2c"];
      const text = await exchange(rig.dialRaw(), [
        request("GET /1 HTTP/1.1", lines),
        request("GET /2 HTTP/1.1", ["CONNECTION: UPGRADE", ...lines]),
      ]);
      assert.equal(text.split("HTTP/1.1 200").length, 3);
    });

    it("keeps its header lines, but for the option upgrade, in their order and number", async (test) => {
      const seen: Seen[] = [];
      const rig = await serve(test, way, application(seen));
      await exchange(rig.dialRaw(), [
        request("GET / HTTP/1.1", ["X-A: 1", ...H2C, "x-a:  2 ", "Cookie: a=\xe4", "X-None:", "X-Tab:\ta\tb"]),
      ]);
      const lines = seen[0]!.rawHeaders;
      const connection = lines.indexOf("Connection") + 1;
      assert.ok(["Upgrade, HTTP2-Settings", "HTTP2-Settings"].includes(lines[connection]!), lines[connection]);
      lines[connection] = "HTTP2-Settings";
      // oxfmt-ignore
      assert.deepEqual(lines, [
        "Host", "127.0.0.1", "X-A", "1", "Connection", "HTTP2-Settings", "Upgrade", "h2c",
        "HTTP2-Settings", "AAMAAABkAAQCAAAAAAIAAAAA", "x-a", "2", "Cookie", "a=\xe4", "X-None", "", "X-Tab", "a\tb",
      ]);
    });
  });
}

describe("other upgrades", () => {
  const rows: [upgrade: string, isWebSocket: boolean][] = [
    ["TLS/1.0", false],
    ["HTTP/2.0, SHTTP/1.3, IRC/6.9", false],
    ["websocket/13", false],
    ["websockets", false],
    ["", false],
    ["h2c, WebSocket", true],
    [" , websocket,", true],
  ];
  for (const [upgrade, isWebSocket] of rows) {
    it(`Upgrade: ${upgrade} is ${isWebSocket ? "one" : "none"} of ours`, async (test) => {
      for (const way of ["listen", "attach"] as const) {
        const seen: Seen[] = [];
        const rig = await serve(test, way, application(seen));
        const lines = ["Connection: upgrade", `Upgrade: ${upgrade}`];
        const text = await exchange(rig.dialRaw(), [request("GET / HTTP/1.1", lines)]);
        // What is one lacks its key, and is told so.
        assert.match(text, isWebSocket ? /^HTTP\/1\.1 400 / : /^HTTP\/1\.1 200 /);
      }
    });
  }

  for (const way of ["listen", "portable", "attach"] as const) {
    it(`that wait on a connection which is reset are forgotten, ${way}`, async (test) => {
      const seen: string[] = [];
      let gone = false;
      const rig = await serve(test, way, (incoming, response) => {
        seen.push(incoming.url!);
        response.once("close", () => (gone = true));
      });
      const socket = rig.dialRaw();
      socket.write(request("GET /first HTTP/1.1", []) + request("GET /second HTTP/1.1", H2C));
      await until(() => seen.length > 0, "the first request");
      await turns(10);
      reset(socket);
      await until(() => gone, "the reset");
      await turns(10);
      // Where Node decides by callback, the second is an ordinary request from the start, and comes with the first.
      const decidesByCallback = "shouldUpgradeCallback" in createHttpServer();
      assert.deepEqual(seen, decidesByCallback ? ["/first", "/second"] : ["/first"]);
    });
  }

  it("without a request handler get what a plain request gets", async (test) => {
    const rig = await startRig(test);
    const peer = await rig.dial();
    await peer.sendBytes(request("POST / HTTP/1.1", [...H2C, "Content-Length: 2"], "ab"));
    assert.equal((await peer.nextResponse())!.status, 426);
  });

  it("have the deadlines of a request: a body that does not come is cut", async (test) => {
    const rig = await serve(test, "listen", () => {}, { requestTimeoutMs: 300 });
    const peer = await rig.dial();
    await peer.sendBytes(request("POST / HTTP/1.1", [...H2C, "Content-Length: 100"], "only this"));
    assert.notEqual((await peer.ended()).how, "open");
    assert.equal(rig.server.stats.httpErrors, 1);
  });

  for (const way of ["attach", "handleUpgrade"] as const) {
    it(`are refused where nobody answers requests, ${way}`, async (test) => {
      const rig = await serve(test, way, null);
      const socket = rig.dialRaw();
      test.after(() => socket.destroy());
      let text = "";
      socket.setEncoding("latin1").on("data", (part: string) => (text += part));
      socket.write(request("GET / HTTP/1.1", H2C));
      await until(() => text !== "", "an answer");
      assert.match(text, /^HTTP\/1\.1 400 /);
    });
  }

  it("reach another listener that may know what they ask for, h2c apart", async (test) => {
    const seen: Seen[] = [];
    const asked: (string | undefined)[] = [];
    const http = createHttpServer(application(seen));
    http.on("upgrade", (incoming: IncomingMessage, socket) => {
      asked.push(incoming.headers.upgrade);
      socket.end("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: tcp\r\n\r\n\n");
    });
    const rig = await startRig(test, { path: "/ws" }, { attach: http });
    const dialRaw = (): Socket => connect({ port: rig.port, host: "127.0.0.1" });
    const tunnel = request("POST /containers/1/attach HTTP/1.1", ["Connection: Upgrade", "Upgrade: tcp"]);
    assert.match(await exchange(dialRaw(), [tunnel]), / 101 /);
    assert.match(await exchange(dialRaw(), [request("GET / HTTP/1.1", H2C)]), / 200 /);
    assert.deepEqual(asked, ["tcp"]);
  });
});

describe("CONNECT", () => {
  for (const portableSockets of [false, true]) {
    it(`is answered, and the connection closed${portableSockets ? ", portable" : ""}`, async (test) => {
      const rig = await startRig(test, { portableSockets });
      const peer = await rig.dial();
      await peer.sendBytes("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n");
      const response = await peer.nextResponse();
      assert.equal(response!.status, 405);
      assert.deepEqual(response!.headers.get("allow"), ["GET"]);
      assert.equal((await peer.ended()).how, "fin");
      assert.deepEqual([rig.server.stats.httpErrors, rig.log.of("http-error")[0]!["reason"]], [1, "CONNECT"]);
    });
  }
});
