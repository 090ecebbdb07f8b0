/** Requests that parse as HTTP and are not (quite) an opening handshake, RFC 6455 4.2.1. */
import assert from "node:assert/strict";

import { freshKey, upgradeRequest, type HandshakeOptions } from "../../harness/http.js";
import { RawClient } from "../../harness/raw-client.js";
import type { Group, HostileCase } from "../harness/group.js";

type Headers = Record<string, string | null>;
type Row = readonly [name: string, headers: Headers, status: number | readonly number[]];

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** In place of a status: the server may also end the connection, its answer lost on a client that is still sending. */
export const ENDED = 0;

/** Sends the request and wants one of these statuses; 101 has to be followed by a working echo. */
export function requestCase(
  name: string,
  request: (url: string) => string | Buffer,
  status: number | readonly number[],
): HostileCase {
  return {
    name,
    async run(server) {
      const client = await RawClient.connect(server.url);
      try {
        void client.sendBytes(request(server.url));
        const response = await client.nextResponse();
        const wanted = typeof status === "number" ? [status] : status;
        if (response === undefined && wanted.includes(ENDED)) return;
        assert.ok(response, `status ${wanted.join(" or ")} was expected, but the connection ended without a response`);
        assert.ok(
          wanted.includes(response.status),
          `status ${wanted.join(" or ")} was expected, ${response.status} came: ${response.body}`,
        );
        if (response.status === 101) {
          await client.echo("it works");
          await client.close();
          return;
        }
        assert.equal(response.headers.get("sec-websocket-accept"), undefined, "a refusal must not accept");
        if (response.status === 405) assert.ok(response.headers.has("allow"), "RFC 9110 15.5.6: 405 needs Allow");
        if (response.status === 426) assert.ok(response.headers.has("upgrade"), "RFC 9110 15.5.22: 426 needs Upgrade");
      } finally {
        client.destroy();
      }
    },
  };
}

const withHeaders =
  (options: HandshakeOptions) =>
  (url: string): string =>
    upgradeRequest(url, options);
/** A second line of a header, under a name that differs in case so that the table's object can hold both. */
const twice = (name: string, first: string, second: string): Headers => ({ [name]: `${first}\r\n${name}: ${second}` });

const HEADERS: readonly Row[] = [
  ["no Host", { Host: null }, 400],
  ["two Host headers", twice("Host", "localhost", "localhost"), 400],
  ["an empty Host", { Host: "" }, 400],
  ["a Host with a space", { Host: "local host" }, 400],
  ["a Host with a path", { Host: "localhost/evil" }, 400],
  ["a Host with a user", { Host: "user@localhost" }, 400],
  ["a Host with a percent sign", { Host: "local%68ost" }, 400],
  ["no Upgrade", { Upgrade: null }, [200, 400, 404, 426]],
  ["an empty Upgrade", { Upgrade: "" }, [400, 426]],
  ["Upgrade to h2c", { Upgrade: "h2c" }, [400, 426]],
  ["Upgrade: websockets", { Upgrade: "websockets" }, [400, 426]],
  ["Upgrade: web socket", { Upgrade: "web socket" }, [400, 426]],
  ["Upgrade: WebSocket (any case)", { Upgrade: "WebSocket" }, 101],
  ["Upgrade: h2c, websocket (a list)", { Upgrade: "h2c, websocket" }, [101, 400]],
  ["no Connection", { Connection: null }, [200, 400, 404, 426]],
  ["Connection: close", { Connection: "close" }, [200, 400, 404, 426]],
  ["Connection: keep-alive", { Connection: "keep-alive" }, [200, 400, 404, 426]],
  ["Connection: Upgraded", { Connection: "Upgraded" }, [200, 400, 404, 426]],
  ["Connection: keep-alive, Upgrade (Firefox)", { Connection: "keep-alive, Upgrade" }, 101],
  ["Connection: upgrade (any case)", { Connection: "upgrade" }, 101],
  ["Connection: ,, UPGRADE ,", { Connection: ",, UPGRADE ," }, [101, 400]],
  ["no version", { "Sec-WebSocket-Version": null }, [400, 426]],
  ["an empty version", { "Sec-WebSocket-Version": "" }, [400, 426]],
  ...["0", "7", "8", "12", "14", "130", "255", "-13", "13.0", "013", "0x0d", "thirteen", "13, 8", "8, 13"].map(
    (version): Row => [`version ${version}`, { "Sec-WebSocket-Version": version }, [400, 426]],
  ),
  ["two versions, the same", twice("Sec-WebSocket-Version", "13", "13"), [400, 426]],
  ["two versions, one of them ours", twice("Sec-WebSocket-Version", "8", "13"), [400, 426]],
  ["spaces around the version", { "Sec-WebSocket-Version": "  13\t " }, 101],
  ["no key", { "Sec-WebSocket-Key": null }, 400],
  ["an empty key", { "Sec-WebSocket-Key": "" }, 400],
  ["a key of 15 bytes", { "Sec-WebSocket-Key": Buffer.alloc(15, 1).toString("base64") }, 400],
  ["a key of 17 bytes", { "Sec-WebSocket-Key": Buffer.alloc(17, 1).toString("base64") }, 400],
  ["a key of 1 byte", { "Sec-WebSocket-Key": "AA==" }, 400],
  ["a key of 8,000 bytes", { "Sec-WebSocket-Key": "A".repeat(8_000) }, 400],
  ["a key without padding", { "Sec-WebSocket-Key": KEY.slice(0, -2) }, 400],
  ["a key with one =", { "Sec-WebSocket-Key": KEY.slice(0, -1) }, 400],
  ["a key with three =", { "Sec-WebSocket-Key": `${KEY}=` }, 400],
  ["a key in base64url", { "Sec-WebSocket-Key": "-_-_IHNhbXBsZSBub25jZQ==" }, 400],
  ["a key with a space inside", { "Sec-WebSocket-Key": "dGhlIHNhbXBs ZSBub25jZQ==" }, 400],
  ["a key with !", { "Sec-WebSocket-Key": "!GhlIHNhbXBsZSBub25jZQ==" }, 400],
  ["a key in quotes", { "Sec-WebSocket-Key": `"${KEY}"` }, 400],
  ["two keys", twice("Sec-WebSocket-Key", KEY, KEY), 400],
  ["two different keys", twice("Sec-WebSocket-Key", KEY, freshKey()), 400],
  ["Content-Length: 5", { "Content-Length": "5" }, 400],
  ["Content-Length: 0", { "Content-Length": "0" }, [101, 400]],
  ["Content-Length: -1", { "Content-Length": "-1" }, 400],
  ["Content-Length: 1e3", { "Content-Length": "1e3" }, 400],
  ["two Content-Length that differ", twice("Content-Length", "1", "2"), 400],
  ["Transfer-Encoding: chunked", { "Transfer-Encoding": "chunked" }, 400],
  ["Transfer-Encoding and Content-Length (smuggling)", { "Transfer-Encoding": "chunked", "Content-Length": "5" }, 400],
  ["Transfer-Encoding: xchunked", { "Transfer-Encoding": "xchunked" }, 400],
  ["Expect: 100-continue", { Expect: "100-continue" }, 101],
  ["Expect: nonsense", { Expect: "nonsense" }, [101, 400, 417]],
  ["a foreign Origin", { Origin: "https://evil.example" }, 403],
  ["Origin: null (a sandboxed page)", { Origin: "null" }, 403],
  ["an empty Origin", { Origin: "" }, [400, 403]],
  ["an Origin that is no URL", { Origin: "::::" }, [400, 403]],
  ["a list of origins", { Origin: "https://a.example https://b.example" }, [400, 403]],
  ["two Origins", twice("Origin", "https://a.example", "https://b.example"), [400, 403]],
  ["an Origin with the host as prefix", { Origin: "http://127.0.0.1.evil.example" }, 403],
  ["an Origin with another port", { Origin: "http://127.0.0.1:1" }, 403],
  ["an Origin of 8,000 bytes", { Origin: `https://${"a".repeat(8_000)}.example` }, [400, 403]],
  ["an empty subprotocol", { "Sec-WebSocket-Protocol": "" }, 101],
  ["the same subprotocol twice", { "Sec-WebSocket-Protocol": "chat, chat" }, [101, 400]],
  ["a subprotocol with a space", { "Sec-WebSocket-Protocol": "super chat" }, [101, 400]],
  [
    "a thousand subprotocols",
    { "Sec-WebSocket-Protocol": Array.from({ length: 1000 }, (_, index) => `p${index}`).join(",") },
    101,
  ],
  ["a subprotocol with quotes and line ends escaped", { "Sec-WebSocket-Protocol": '"a\\r\\nSet-Cookie: x=1"' }, 400],
  ["X-Forwarded-For with nonsense", { "X-Forwarded-For": "';DROP TABLE clients;--, ::1, 256.256.256.256" }, 101],
  ["a cookie of 8,000 bytes", { Cookie: `a=${"b".repeat(8_000)}` }, 101],
  ["__proto__ as a header", { ["__proto__x".slice(0, 9)]: "polluted" }, [101, 400]],
  ["constructor as a header", { constructor: "polluted" }, 101],
];

const METHODS = ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "M-SEARCH"];
const UNKNOWN_METHODS = ["FOO", "get", "GETT", "G", "G ET"];
const VERSIONS = ["HTTP/1.0", "HTTP/0.9", "HTTP/1.10", "HTTP/11", "http/1.1", "HTTP 1.1", "HTTPS/1.1", "", "FTP/1.1"];

const PATHS: readonly (readonly [path: string, status: number | readonly number[]])[] = [
  ["/", 101],
  ["/a/b/c", 101],
  ["/?query=1", 101],
  ["/%00", [101, 400, 404]],
  ["/%", [101, 400, 404]],
  ["/../../etc/passwd", [101, 400, 404]],
  ["//evil.example/", [101, 400, 404]],
  [`/${"a".repeat(8_000)}`, [101, 400, 404, 414]],
  ["*", [400, 404, 426]],
  ["", 400],
  ["http://localhost/", [101, 400]],
  ["http://evil.example/", [101, 400, 403, 421]],
  ["ws://localhost/", [101, 400]],
  ["http://", [101, 400]],
  ["http://[::1", [101, 400]],
  ["localhost:80", [101, 400, 404]],
  ["/#fragment", [101, 400, 404]],
  ["/ü", [101, 400, 404]],
  ["/\t", 400],
  ["/a b", 400],
  ["/\u0001", [400, 101]],
];

const replaceStart =
  (pattern: RegExp, by: string) =>
  (url: string): string =>
    upgradeRequest(url).replace(pattern, by);

export const requests: Group = {
  name: "requests that are no handshake",
  cases: [
    ...HEADERS.map(([name, headers, status]) => requestCase(name, withHeaders({ headers }), status)),
    ...METHODS.map((method) => requestCase(`method ${method}`, replaceStart(/^GET/, method), 405)),
    ...UNKNOWN_METHODS.map((method) => requestCase(`method ${method}`, replaceStart(/^GET/, method), [400, 405, 501])),
    ...VERSIONS.map((version) =>
      requestCase(
        `${version || "no version"} in the request line`,
        replaceStart(/HTTP\/1\.1/, version),
        [400, 426, 505],
      ),
    ),
    // RFC 6455 4.2.1: "An HTTP/1.1 or higher GET request"
    ...["HTTP/1.2", "HTTP/2.0", "HTTP/3.0"].map((version) =>
      requestCase(`${version} in the request line`, replaceStart(/HTTP\/1\.1/, version), [101, 400, 505]),
    ),
    ...PATHS.map(([path, status]) =>
      requestCase(`target ${path.slice(0, 40) || "missing"}`, withHeaders({ path }), status),
    ),
  ],
};
