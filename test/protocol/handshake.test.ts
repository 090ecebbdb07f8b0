import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { handshakeFaults, type HandshakeFault } from "#hawser/protocol/handshake-faults.js";
import { acceptValue, checkHandshake, type HandshakeRequest } from "#hawser/protocol/handshake.js";

/** The handshake of RFC 6455 1.3, header by header so that a test can take one out or put one in. */
const EXAMPLE: ReadonlyArray<readonly [name: string, value: string]> = [
  ["Host", "server.example.com"],
  ["Upgrade", "websocket"],
  ["Connection", "Upgrade"],
  ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
  ["Origin", "http://example.com"],
  ["Sec-WebSocket-Version", "13"],
];

const COMPRESSION = {
  contextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
  level: 3,
  memLevel: 8,
  thresholdBytes: 1024,
};

type Changes = Record<string, string | readonly string[] | null>;

/** The example, with some of its headers replaced (by one or several lines), removed (null), or new ones added. */
function request(changes: Changes = {}, head: Partial<HandshakeRequest> = {}): HandshakeRequest {
  const kept = EXAMPLE.filter(([name]) => !Object.hasOwn(changes, name));
  const changed = Object.entries(changes).flatMap(([name, value]) =>
    [value ?? []].flat().map((line) => [name, line] as const),
  );
  return { method: "GET", httpVersion: "1.1", rawHeaders: [...kept, ...changed].flat(), ...head };
}

function check(
  changes: Changes = {},
  head: Partial<HandshakeRequest> = {},
  compression: typeof COMPRESSION | null = null,
) {
  return checkHandshake(request(changes, head), { compression });
}

it("acceptValue is that of RFC 6455 1.3", () => {
  assert.equal(acceptValue("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
});

describe("checkHandshake accepts", () => {
  it("the example of RFC 6455 1.3", () => {
    assert.deepEqual(check(), {
      ok: true,
      accept: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
      offeredSubprotocols: [],
      extensionHeader: null,
      deflate: null,
      expectsContinue: false,
    });
  });

  it("the example of RFC 6455 4.1, whose key has bits to spare that are set", () => {
    const key = "AQIDBAUGBwgJCgsMDQ4PEC==";
    const result = check({ "Sec-WebSocket-Key": key });
    assert.equal(result.ok && result.accept, acceptValue(key));
  });

  it("an empty list of subprotocols or extensions, which offers none", () => {
    for (const name of ["Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"]) {
      for (const value of ["", " ", ",", ", \t,", ["", ""], ["", ","]]) {
        const result = check({ [name]: value });
        assert.ok(result.ok, `${name}: ${JSON.stringify(value)}`);
        assert.deepEqual([result.offeredSubprotocols, result.extensionHeader], [[], null]);
      }
    }
  });

  it("an expectation, and tells that 100 (Continue) has to come first", () => {
    for (const [expect, expected] of [
      ["100-continue", true],
      ["100-Continue", true],
      ["other, 100-continue", true],
      ["other", false],
      ["", false],
    ] as const) {
      const result = check({ Expect: expect });
      assert.equal(result.ok && result.expectsContinue, expected, expect);
    }
  });

  const rows: Array<[what: string, changes: Changes, head?: Partial<HandshakeRequest>]> = [
    ["HTTP/1.2", {}, { httpVersion: "1.2" }],
    ["HTTP/1.10", {}, { httpVersion: "1.10" }],
    ["a target in absolute form", {}, { url: "http://a/chat" }],
    ["a target in absolute form, as RFC 6455 3 writes it", {}, { url: "WSS://a:443" }],
    ["a path that looks like a URL", {}, { url: "//a/b" }],
    [
      "header names in any case",
      {
        Upgrade: null,
        UPGRADE: "websocket",
        "Sec-WebSocket-Key": null,
        "sec-websocket-KEY": "AAAAAAAAAAAAAAAAAAAAAA==",
      },
    ],
    ["Upgrade and Connection in any case", { Upgrade: "WebSocket", Connection: "uPGRADE" }],
    ["Connection as Firefox sends it", { Connection: "keep-alive, Upgrade" }],
    ["Connection over two lines", { Connection: ["keep-alive", "Upgrade"] }],
    ["Upgrade with other choices", { Upgrade: "h2c, websocket" }],
    ["no Origin: not a browser", { Origin: null }],
    ["Content-Length: 0", { "Content-Length": "0" }],
    ["Content-Length: 0 twice", { "Content-Length": ["0", "0"] }],
    ["Host with a port", { Host: "localhost:8080" }],
    ["Host that is IPv6", { Host: "[::1]:8080" }],
    ["Host that is an IPv4 address in IPv6", { Host: "[::ffff:127.0.0.1]" }],
    ["Host with a port that is empty", { Host: "a:" }],
    ["Host with the last port", { Host: "a:65535" }],
    ["Host with an underscore", { Host: "my_service" }],
    [
      "white space around values",
      { "Sec-WebSocket-Version": " 13\t", "Sec-WebSocket-Key": " dGhlIHNhbXBsZSBub25jZQ== " },
    ],
    ["an unknown extension", { "Sec-WebSocket-Extensions": "x-made-up; a=1" }],
  ];
  for (const [what, changes, head] of rows) {
    it(what, () => assert.equal(check(changes, head).ok, true));
  }
});

describe("checkHandshake refuses", () => {
  const rows: Array<[what: string, reason: HandshakeFault, changes: Changes, head?: Partial<HandshakeRequest>]> = [
    ["POST", "method", {}, { method: "POST" }],
    ["get", "method", {}, { method: "get" }],
    ["CONNECT", "method", {}, { method: "CONNECT" }],
    ["HTTP/1.0", "http-version", {}, { httpVersion: "1.0" }],
    ["HTTP/0.9", "http-version", {}, { httpVersion: "0.9" }],
    ["a version that is none", "http-version", {}, { httpVersion: "1.1.1" }],
    ["HTTP/2.0", "http-version", {}, { httpVersion: "2.0" }],
    ["HTTP/11.1", "http-version", {}, { httpVersion: "11.1" }],
    ["the asterisk for a target", "target", {}, { url: "*" }],
    ["a target that begins with an asterisk", "target", {}, { url: "*/chat" }],
    ["a target that is a host and a port", "target", {}, { url: "a:80" }],
    ["a target of another protocol", "target", {}, { url: "ftp://a/chat" }],
    ["a target without a host", "target", {}, { url: "http:///chat" }],
    ["an empty target", "target", {}, { url: "" }],
    ["no Host", "host", { Host: null }],
    ["two Hosts", "host", { Host: ["a", "a"] }],
    ["an empty Host", "host", { Host: "" }],
    ["a Host with a path", "host", { Host: "a/b" }],
    ["a Host with a user", "host", { Host: "me@a" }],
    ["two Hosts in one", "host", { Host: "a, b" }],
    ["a Host with a wrong port", "host", { Host: "a:b" }],
    ["a Host with a port that is too high", "host", { Host: "a:65536" }],
    ["a Host with a percent sign", "host", { Host: "a%62c" }],
    ["a Host with a zone", "host", { Host: "[fe80::1%25eth0]" }],
    ["a Host that is no IPv6 address", "host", { Host: "[:::::]" }],
    ["a Host that is IPv6 without brackets", "host", { Host: "::1" }],
    ["no Upgrade", "upgrade-missing", { Upgrade: null }],
    ["Upgrade to something else", "upgrade-header", { Upgrade: "h2c" }],
    ["an empty Upgrade", "upgrade-header", { Upgrade: "" }],
    ["Upgrade to part of a word", "upgrade-header", { Upgrade: "websocket2" }],
    ["Upgrade that folds to ASCII", "upgrade-header", { Upgrade: "webSoc\u212aet" }],
    ["no Connection", "connection-header", { Connection: null }],
    ["Connection without upgrade", "connection-header", { Connection: "keep-alive" }],
    ["Connection with part of a word", "connection-header", { Connection: "upgrades, no-upgrade" }],
    ["a body by length", "body", { "Content-Length": "5" }],
    ["a length that is none", "body", { "Content-Length": "-1" }],
    ["a second length", "body", { "Content-Length": ["0", "1"] }],
    ["a body in chunks", "body", { "Transfer-Encoding": "chunked" }],
    ["two keys", "duplicate-header", { "Sec-WebSocket-Key": ["dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="] }],
    ["two versions", "duplicate-header", { "Sec-WebSocket-Version": ["13", "13"] }],
    ["two origins", "duplicate-header", { Origin: ["http://a", "http://a"] }],
    ["no version", "version-missing", { "Sec-WebSocket-Version": null }],
    ["version 8", "version", { "Sec-WebSocket-Version": "8" }],
    ["version 14", "version", { "Sec-WebSocket-Version": "14" }],
    ["an empty version", "version", { "Sec-WebSocket-Version": "" }],
    ["version 013", "version", { "Sec-WebSocket-Version": "013" }],
    ["version 13 and another", "version", { "Sec-WebSocket-Version": "13, 8" }],
    ["another version, whatever its key", "version", { "Sec-WebSocket-Version": "25", "Sec-WebSocket-Key": null }],
    ["no key", "key", { "Sec-WebSocket-Key": null }],
    ["an empty key", "key", { "Sec-WebSocket-Key": "" }],
    ["a key of 15 bytes", "key", { "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAA" }],
    ["a key of 17 bytes", "key", { "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAAA=" }],
    ["a key without padding", "key", { "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA" }],
    ["a key in the URL alphabet", "key", { "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAA-_A==" }],
    ["a key with a space", "key", { "Sec-WebSocket-Key": "AAAAAAAAAA AAAAAAAAAAA==" }],
    ["a subprotocol that is no token", "subprotocol", { "Sec-WebSocket-Protocol": "chat, super chat" }],
    ["a subprotocol twice", "subprotocol", { "Sec-WebSocket-Protocol": "a, b, a" }],
    ["a subprotocol twice over two lines", "subprotocol", { "Sec-WebSocket-Protocol": ["a", "a"] }],
    ["a malformed extension", "extensions", { "Sec-WebSocket-Extensions": "permessage-deflate; =" }],
    ["an extension and nothing", "extensions", { "Sec-WebSocket-Extensions": "a, ;" }],
    [
      "one malformed line among the extensions",
      "extensions",
      { "Sec-WebSocket-Extensions": ["permessage-deflate", "a b"] },
    ],
    ["a quoted string over two lines", "extensions", { "Sec-WebSocket-Extensions": ['a; b="c', 'd"'] }],
  ];
  for (const [what, reason, changes, head] of rows) {
    it(`${what}: ${reason}`, () => {
      // The same with and without compression.
      for (const compression of [COMPRESSION, null]) {
        assert.deepEqual(check(changes, head, compression), { ok: false, reason, ...handshakeFaults[reason] });
      }
    });
  }

  it("each of its reasons at least once in these rows", () => {
    assert.deepEqual(new Set(rows.map(([, reason]) => reason)), new Set(Object.keys(handshakeFaults)));
  });
});

it("a header that is there twice is found wherever it stands", () => {
  for (const name of ["Sec-WebSocket-Key", "Sec-WebSocket-Version", "Origin"]) {
    const [, value] = EXAMPLE.find(([one]) => one === name)!;
    const others = EXAMPLE.filter(([one]) => one !== name).flat();
    const twice = [name, value, name.toLowerCase(), value];
    for (const rawHeaders of [
      [...twice, ...others],
      [...others, ...twice],
      [name, value, ...others, name, value],
    ]) {
      const checked = checkHandshake({ method: "GET", httpVersion: "1.1", rawHeaders }, { compression: null });
      assert.equal(checked.ok ? "" : checked.reason, "duplicate-header");
    }
  }
});

it("each status has the header it needs, each message is a sentence", () => {
  for (const { status, message, headers } of Object.values(handshakeFaults)) {
    assert.equal("Allow" in headers, status === 405);
    assert.equal("Upgrade" in headers, status === 426);
    assert.match(message, /^[A-Z][^\r\n]+\.$|: websocket\.$/);
  }
  const statuses = Object.entries(handshakeFaults).map(([fault, { status }]) => [fault, status]);
  const others = { method: 405, version: 426, "upgrade-missing": 426 };
  assert.deepEqual(
    Object.fromEntries(statuses.filter(([, status]) => status !== 400)),
    others,
    "all else is a malformed request",
  );
  assert.deepEqual(handshakeFaults.method.headers, { Allow: "GET" });
  // RFC 6455 4.4: whatever is wrong with the version, the answer names ours.
  for (const fault of ["version", "version-missing", "duplicate-header"] as const)
    assert.equal(handshakeFaults[fault].headers["Sec-WebSocket-Version"], "13");
});

describe("checkHandshake reads", () => {
  it("subprotocols in the client's order, over several lines", () => {
    const result = check({ "Sec-WebSocket-Protocol": ["v2, v1", "V1"] });
    assert.deepEqual(result.ok && result.offeredSubprotocols, ["v2", "v1", "V1"]);
  });

  it("extensions over several lines, and answers the first offer it can take", () => {
    const offers = {
      "Sec-WebSocket-Extensions": ["x-made-up, permessage-deflate; server_max_window_bits=7", "permessage-deflate"],
    };
    const result = check(offers, {}, COMPRESSION);
    assert.equal(
      result.ok && result.extensionHeader,
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    );
    assert.equal(result.ok && result.deflate?.serverMaxWindowBits, 15);
  });

  it("no extension when compression is off, or none of the offers will do", () => {
    for (const result of [
      check({ "Sec-WebSocket-Extensions": "permessage-deflate" }),
      check({ "Sec-WebSocket-Extensions": "permessage-deflate; x" }, {}, COMPRESSION),
      check({}, {}, COMPRESSION),
    ]) {
      assert.ok(result.ok);
      assert.equal(result.extensionHeader, null);
      assert.equal(result.deflate, null);
    }
  });
});

describe("whatever comes, checkHandshake does not throw", () => {
  const text = fc.string({ unit: "binary", maxLength: 40 });

  it("on nothing that makes sense", () => {
    fc.assert(
      fc.property(text, text, fc.array(text), (method, httpVersion, rawHeaders) => {
        assert.equal(checkHandshake({ method, httpVersion, rawHeaders }, { compression: COMPRESSION }).ok, false);
      }),
    );
  });

  it("on a handshake with some headers changed", () => {
    const names = [
      ...EXAMPLE.map(([name]) => name),
      "Sec-WebSocket-Protocol",
      "Sec-WebSocket-Extensions",
      "Content-Length",
    ];
    const value = fc.oneof(
      text,
      fc.string({ unit: fc.constantFrom(...'a1;,= "\\'.split("")) }),
      fc.constant(null),
      fc.array(text),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 4 }), (changes) => {
        const result = check(changes, {}, COMPRESSION);
        // Nothing of what the client sent comes back, but for the key's hash.
        if (!result.ok) assert.equal(result.message, handshakeFaults[result.reason].message);
      }),
      { numRuns: 2_000 },
    );
  });

  it("on an odd number of raw headers", () => {
    assert.equal(
      checkHandshake({ ...request(), rawHeaders: [...request().rawHeaders, "Host"] }, { compression: null }).ok,
      true,
    );
  });
});
