/** Bytes on a fresh connection that are no HTTP, or HTTP in an unusual shape. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";

import { encodeFrame, frame } from "../../harness/frames.js";
import { upgradeRequest } from "../../harness/http.js";
import { RawClient } from "../../harness/raw-client.js";
import type { Group, HostileCase } from "../harness/group.js";
import { ENDED, requestCase } from "./requests.js";

const BAD = [400, 426, 431, 505];

/** What comes back must be a refusal or the end of the connection; never an upgrade, and never silence. */
function garbageCase(name: string, bytes: string | Uint8Array): HostileCase {
  return {
    name,
    async run(server) {
      const client = await RawClient.connect(server.url);
      try {
        await client.sendBytes(bytes);
        client.end();
        const response = await client.nextResponse();
        if (response !== undefined) assert.ok(response.status >= 400, `status ${response.status} for garbage`);
        assert.notEqual((await client.ended()).how, "open", "the server must end the connection");
      } finally {
        client.destroy();
      }
    },
  };
}

const TLS_HELLO = Buffer.concat([Buffer.from("16030100c8010000c40303", "hex"), Buffer.alloc(198, 7)]);
const HTTP2_PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0";

const GARBAGE: readonly (readonly [name: string, bytes: string | Uint8Array])[] = [
  ["nothing, then FIN", ""],
  ["a NUL byte", "\0"],
  ["a thousand NUL bytes", Buffer.alloc(1000)],
  ["CR", "\r"],
  ["LF", "\n"],
  ["a thousand empty lines", "\r\n".repeat(1000)],
  ["HTTP/0.9", "GET /\r\n"],
  ["HTTP/0.9 without a line end", "GET /"],
  ["a request line alone", "GET / HTTP/1.1\r\n"],
  ["half a header", "GET / HTTP/1.1\r\nHost: local"],
  ["a TLS hello to a plain port", TLS_HELLO],
  ["an HTTP/2 preface", HTTP2_PREFACE],
  ["SSH", "SSH-2.0-OpenSSH_9.6\r\n"],
  ["SMTP", "EHLO evil.example\r\n"],
  ["Redis", "*1\r\n$4\r\nPING\r\n"],
  ["SOCKS5", Buffer.from([5, 1, 0])],
  ["PROXY protocol v1", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"],
  [
    "PROXY protocol v2",
    Buffer.concat([Buffer.from("0d0a0d0a000d0a515549540a21110000", "hex"), Buffer.from("GET / HTTP/1.1\r\n\r\n")]),
  ],
  ["a WebSocket frame without a handshake", encodeFrame(frame.text("Hello"))],
  ["a response", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"],
  ["JSON", '{"op":"connect"}\n'],
  ["CONNECT", "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n"],
  ["CONNECT to ourselves", "CONNECT / HTTP/1.1\r\nHost: localhost\r\n\r\n"],
  ["bytes above 0x7f", Buffer.alloc(500, 0xff)],
  ...[1, 2, 3, 4, 5, 6, 7, 8].map((seed): [string, Uint8Array] => [`random bytes ${seed}`, randomBytes(seed * 100)]),
];

/** A correct request with one thing put in. */
const insert =
  (after: string, what: string) =>
  (url: string): Buffer =>
    Buffer.from(upgradeRequest(url).replace(after, `${after}${what}`), "latin1");
const header = (line: string): ((url: string) => Buffer) => insert("HTTP/1.1\r\n", `${line}\r\n`);

const SHAPES: readonly (readonly [
  name: string,
  request: (url: string) => Buffer,
  status: number | readonly number[],
])[] = [
  ["a NUL in a header's value", header("X-Test: a\0b"), BAD],
  ["a NUL in a header's name", header("X-Te\0st: a"), BAD],
  ["a CR in a header's value", header("X-Test: a\rb"), BAD],
  ["a control character in a header's value", header("X-Test: a\u0007b"), BAD],
  ["binary in a header's value", header("X-Test: \u00ff\u00fe\u0080"), [101, 400]],
  ["a header without a colon", header("X-Test"), BAD],
  ["a header without a name", header(": value"), BAD],
  ["a space before the colon", header("X-Test : value"), BAD],
  ["a space in a header's name", header("X Test: value"), BAD],
  ["a space before the first header", insert("HTTP/1.1\r\n", " "), BAD],
  ["a folded header (obs-fold)", header("X-Test: a\r\n b"), [101, 400]],
  ["a header with no value", header("X-Test:"), 101],
  ["line ends without CR", (url) => Buffer.from(upgradeRequest(url).replaceAll("\r\n", "\n")), [101, 400]],
  ["line ends LF CR", (url) => Buffer.from(upgradeRequest(url).replaceAll("\r\n", "\n\r")), BAD],
  ["empty lines before the request", (url) => Buffer.from(`\r\n\r\n${upgradeRequest(url)}`), [101, 400]],
  ["a header of 17 KiB", header(`X-Test: ${"a".repeat(17 * 1024)}`), 431],
  ["a header name of 17 KiB", header(`${"a".repeat(17 * 1024)}: value`), 431],
  ["a header of 1 MiB", header(`X-Test: ${"a".repeat(1024 * 1024)}`), 431],
  ["a path of 17 KiB", insert("GET /", "a".repeat(17 * 1024)), [414, 431]],
  [
    "600 headers of 40 bytes",
    header(Array.from({ length: 600 }, (_, index) => `X-${index}: ${"a".repeat(32)}`).join("\r\n")),
    431,
  ],
  ["2,000 short headers", header(Array.from({ length: 2000 }, () => "a: b").join("\r\n")), [101, 400, 431]],
  [
    "an endless header of 4 MiB",
    (url) =>
      Buffer.concat([insert("HTTP/1.1\r\n", "X-Test: ")(url).subarray(0, 30), Buffer.alloc(4 * 1024 * 1024, "a")]),
    [431, ENDED],
  ],
];

/** The upgrade request in two writes, cut at each of its bytes. */
function splitCases(): HostileCase[] {
  const length = upgradeRequest("ws://127.0.0.1:12345/").length;
  return Array.from({ length: length - 1 }, (_, index) => ({
    name: `the upgrade request cut after byte ${index + 1}`,
    async run(server) {
      const client = await RawClient.connect(server.url);
      try {
        const request = upgradeRequest(server.url);
        await client.sendBytes(request.slice(0, index + 1));
        await new Promise((next) => setImmediate(next));
        await client.sendBytes(request.slice(index + 1));
        assert.equal((await client.nextResponse())?.status, 101);
        await client.close();
      } finally {
        client.destroy();
      }
    },
  }));
}

/** What comes with the upgrade request in one write belongs to the WebSocket connection. */
function pipelined(name: string, rest: Uint8Array, then: (client: RawClient) => Promise<void>): HostileCase {
  return {
    name: `with the upgrade request in one write: ${name}`,
    async run(server) {
      const client = await RawClient.connect(server.url);
      try {
        await client.sendBytes(Buffer.concat([Buffer.from(upgradeRequest(server.url)), rest]));
        assert.equal((await client.nextResponse())?.status, 101);
        await then(client);
      } finally {
        client.destroy();
      }
    },
  };
}

async function expectHello(client: RawClient): Promise<void> {
  assert.equal((await client.nextMessage()).bytes.toString(), "hello");
  await client.close();
}

const hello = encodeFrame(frame.text("hello"));
const pipelinedCases: HostileCase[] = [
  pipelined("a message", hello, expectHello),
  pipelined("half a message", hello.subarray(0, 5), async (client) => {
    await client.sendBytes(hello.subarray(5));
    await expectHello(client);
  }),
  pipelined("a close frame", encodeFrame(frame.close(1000)), async (client) => void (await client.expectClose(1000))),
  pipelined(
    "an unmasked frame",
    encodeFrame(frame.text("hello", { mask: false })),
    async (client) => void (await client.expectClose(1002)),
  ),
  pipelined(
    "another request",
    Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    async (client) => void (await client.expectClose(1002)),
  ),
  pipelined("64 KiB of zeros", Buffer.alloc(65_536), async (client) => void (await client.expectClose(1002))),
];

export const bytes: Group = {
  name: "bytes that are no request",
  atOnce: 32,
  cases: [
    ...GARBAGE.map(([name, garbage]) => garbageCase(name, garbage)),
    ...SHAPES.map(([name, request, status]) => requestCase(name, request, status)),
    ...pipelinedCases,
    ...splitCases(),
  ],
};
