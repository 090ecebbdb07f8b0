/** Handshakes that are plain, and heads that are not: node:http says what those are. */
import { encodeFrame, frame } from "../../harness/frames.js";
import type { Random } from "../../harness/random.js";

export const MAX_HEADER_BYTES = 2048;

function handshake(change: (lines: string[]) => void = () => {}): string {
  const lines = [
    "GET /chat?room=1 HTTP/1.1",
    "Host: 127.0.0.1:8080",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
  ];
  change(lines);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

function withLines(...more: string[]): string {
  return handshake((lines) => void lines.push(...more));
}

/** What is replaced is the line that begins so. */
function withLine(start: string, line: string): string {
  return handshake((lines) => {
    lines[lines.findIndex((old) => old.startsWith(start))] = line;
  });
}

export const PLAIN: string[] = [
  handshake(),
  // Chromium, Firefox.
  withLines(
    "Pragma: no-cache",
    "Cache-Control: no-cache",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Origin: http://127.0.0.1:8080",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Accept-Language: en-GB,en;q=0.9",
    "Cookie: a=1; b=2",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
  ),
  withLine("Connection", "Connection: keep-alive, Upgrade"),
  // Refused by us, and not by node:http.
  withLine("GET", "GET /elsewhere HTTP/1.1"),
  withLine("Host", "Host: a b"),
  withLine("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"),
  withLine("Sec-WebSocket-Key", "sec-websocket-key: short"),
  withLines("Origin: http://evil.example"),
  withLines("Host: twice"),
  withLines("Expect: 100-continue"),
  // How node:http joins what comes twice, and what it makes of odd names and white space.
  withLines("Cookie: a=1", "Cookie: b=2", "X: 1", "x: 2", "Y:1 2", "User-Agent: one", "User-Agent: two"),
  withLines(
    "Set-Cookie: a",
    "set-cookie: b",
    "Age: 1",
    "Age: 2",
    "__proto__: x",
    "constructor: y",
    "hasOwnProperty: z",
  ),
  withLines("X-None:", "X-Spaces:     ", "X-Around:   a  b   ", "X-Tight:a", "!#$%&'*+-.^_`|~: token"),
  withLines("Sec-WebSocket-Protocol: other, chat", "Sec-WebSocket-Protocol: third"),
  withLines(...Array.from({ length: 70 }, (_, i) => `X-${i}: ${i}`)),
  withLine("GET", "GET /chat/..//%zz?a=%&b=+&c?d HTTP/1.1"),
  withLine("Upgrade", "UPGRADE:   WebSocket  "),
  withLine("Upgrade", "Upgrade:\twebsocket \t"),
  withLine("Sec-WebSocket-Key", "Sec-WebSocket-Key:\tdGhlIHNhbXBsZSBub25jZQ==\t "),
  withLines("X:\ta\tb\t", "X-None:\t", "X-Around: \t a \t b \t "),
  // What RFC 6455 and RFC 9110 say about them: the last bits of the key, lists of nothing, an expectation, a version twice.
  withLine("Sec-WebSocket-Key", "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEC=="),
  withLines("Sec-WebSocket-Protocol:", "Sec-WebSocket-Extensions: , ,"),
  withLines("Expect: 100-Continue", "Sec-WebSocket-Protocol: chat"),
  withLines("Sec-WebSocket-Version: 13"),
  withLine("Host", "Host: 127.0.0.%31:8080"),
  withLine("Host", "Host: [::::]"),
  withLine("Host", "Host: a:65536"),
  `${handshake()}${encodeFrame(frame.text("at once")).toString("latin1")}`,
  `${handshake()}GET / HTTP/1.1\r\n\r\n`,
];

export const ODD: [what: string, request: string][] = [
  ["no bytes", ""],
  ["half a head", handshake().slice(0, 60)],
  ["a head without its last byte", handshake().slice(0, -1)],
  ["an empty line before it", `\r\n${handshake()}`],
  ["another method", withLine("GET", "POST /chat HTTP/1.1")],
  ["the method in lower case", withLine("GET", "get /chat HTTP/1.1")],
  ["another version", withLine("GET", "GET /chat HTTP/1.0")],
  ["a version yet to come", withLine("GET", "GET /chat HTTP/1.2")],
  ["a target in absolute form", withLine("GET", "GET http://127.0.0.1/chat HTTP/1.1")],
  ["the next major version", withLine("GET", "GET /chat HTTP/2.0")],
  ["the asterisk for a target", withLine("GET", "GET * HTTP/1.1")],
  ["a target that is a host and a port", withLine("GET", "GET a:80 HTTP/1.1")],
  ["a target of another protocol", withLine("GET", "GET ftp://a/chat HTTP/1.1")],
  ["a fragment", withLine("GET", "GET /chat#there HTTP/1.1")],
  ["a space in the target", withLine("GET", "GET /ch at HTTP/1.1")],
  ["two spaces", withLine("GET", "GET  /chat HTTP/1.1")],
  ["bytes past ASCII in the target", withLine("GET", "GET /ch\xe4t HTTP/1.1")],
  ["bytes past ASCII in a value", withLines("X: \xe4")],
  ["a control character in a value", withLines("X: a\x01b")],
  ["a NUL in a value", withLines("X: a\0b")],
  ["a space before the colon", withLines("X : a")],
  ["a name that is no token", withLines("X(Y): a")],
  ["no name", withLines(": a")],
  ["no colon", withLines("X")],
  ["a folded line", withLines("X: a", " b")],
  ["bare line feeds", handshake().replaceAll("\r\n", "\n")],
  ["a bare carriage return", withLines("X: a\rb")],
  ["a length", withLines("Content-Length: 3")],
  ["a length of nothing", withLines("content-length: 0")],
  ["a body in chunks", withLines("Transfer-Encoding: chunked")],
  ["a proxy's connection", withLines("Proxy-Connection: close")],
  ["Upgrade twice", withLines("Upgrade: websocket")],
  ["Connection twice", withLines("Connection: close")],
  ["no Connection", withLine("Connection", "X: y")],
  ["another Connection", withLine("Connection", "Connection: close, Upgrade")],
  ["a tab before the value of Connection", withLine("Connection", "Connection:\tUpgrade")],
  // Which Node's parser takes for no upgrade.
  ["a tab after the value of Connection", withLine("Connection", "Connection: Upgrade\t")],
  ["another Upgrade", withLine("Upgrade", "Upgrade: h2c, websocket")],
  ["a head past the limit", withLines(`X: ${"x".repeat(MAX_HEADER_BYTES)}`)],
  ["TLS", "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"],
];

const NASTY = [
  "\r",
  "\n",
  "\r\n",
  "\r\n ",
  "\t",
  " ",
  ":",
  ",",
  "\0",
  "\x7f",
  "\x80",
  "\xff",
  "(",
  "{",
  "#",
  "?",
  "%",
  '"',
];

/** One to three changes to a plain handshake. */
export function mutant(random: Random): string {
  let request = random.pick(PLAIN);
  for (let changes = 1 + random.below(3); changes > 0; changes--) request = change(random, request);
  return request;
}

function change(random: Random, request: string): string {
  const at = random.below(request.length);
  switch (random.below(7)) {
    case 0:
      return request.slice(0, at) + random.pick(NASTY) + request.slice(at);
    case 1:
      return request.slice(0, at) + random.pick(NASTY) + request.slice(at + 1);
    case 2:
      return request.slice(0, at) + request.slice(at + 1 + random.below(3));
    case 3:
      return request.slice(0, at) + String.fromCharCode(random.below(256)) + request.slice(at + 1);
    case 4:
      // Upper case becomes lower and the other way round.
      return request.slice(0, at) + String.fromCharCode(request.charCodeAt(at) ^ 0x20) + request.slice(at + 1);
    case 5:
      return request.replace("\r\nHost", `\r\nX-Long: ${"x".repeat(random.below(MAX_HEADER_BYTES + 200))}\r\nHost`);
    default: {
      // A line is moved, or is there twice.
      const lines = request.split("\r\n");
      const from = random.below(lines.length);
      const [line = ""] = random.chance(50) ? lines.splice(from, 1) : lines.slice(from, from + 1);
      lines.splice(random.below(lines.length), 0, line);
      return lines.join("\r\n");
    }
  }
}
