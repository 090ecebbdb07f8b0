import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isOriginAllowed } from "#hawser/server/origin.js";

const STRICT = { allowedOrigins: [], dangerouslyAllowAnyOrigin: undefined };
const LIST = {
  allowedOrigins: ["https://app.example.com", "http://localhost:3000", "null", "https://[2001:db8::1]"],
  dangerouslyAllowAnyOrigin: undefined,
};

describe("same origin, by host and port", () => {
  const rows: [origin: string | undefined, host: string | undefined, allowed: boolean][] = [
    [undefined, "example.com", true],
    ["https://example.com", "example.com", true],
    ["http://example.com", "example.com", true],
    ["HTTPS://EXAMPLE.COM", "example.com", true],
    ["https://example.com", "EXAMPLE.com:443", true],
    ["https://example.com:443", "example.com", true],
    ["http://localhost:8080", "localhost:8080", true],
    ["http://127.0.0.1:8080", "127.0.0.1:8080", true],
    ["http://[::1]:8080", "[::1]:8080", true],
    ["https://xn--bcher-kva.example", "xn--bcher-kva.example", true],

    ["https://evil.example", "example.com", false],
    ["https://example.com.evil.example", "example.com", false],
    ["https://evilexample.com", "example.com", false],
    ["https://sub.example.com", "example.com", false],
    ["https://example.com:8443", "example.com", false],
    ["https://example.com", "example.com:8443", false],
    ["http://localhost:8081", "localhost:8080", false],
    ["http://127.0.0.1:8080", "localhost:8080", false],
    ["null", "null", false],
    ["null", "example.com", false],
    ["", "example.com", false],
    ["*", "example.com", false],
    ["example.com", "example.com", false],
    ["https://", "example.com", false],
    ["https://example.com/", "example.com", false],
    ["https://example.com/path", "example.com", false],
    ["https://example.com@evil.example", "example.com", false],
    ["https://evil.example@example.com", "example.com", false],
    ["https://evil.example#example.com", "example.com", false],
    ["https://evil.example\\@example.com", "example.com", false],
    ["https://example.com https://evil.example", "example.com", false],
    ["javascript:alert(1)", "example.com", false],
    ["app://example.com", "example.com", false],
    ["file://", "example.com", false],
    ["https://example.com", undefined, false],
    ["https://example.com", "", false],
    ["https://example.com", "example.com/x", false],
  ];
  for (const [origin, host, allowed] of rows) {
    it(`${origin ?? "none"} at ${host ?? "no host"}: ${allowed}`, () =>
      assert.equal(isOriginAllowed(origin, host, STRICT), allowed));
  }
});

describe("a list, besides the own origin", () => {
  const rows: [origin: string, allowed: boolean][] = [
    ["https://app.example.com", true],
    ["https://app.example.com:443", true],
    ["https://APP.example.com", true],
    ["http://localhost:3000", true],
    ["https://[2001:db8:0::1]", true],
    ["null", true],
    ["https://server.example", true],
    ["http://app.example.com", false],
    ["https://app.example.com:444", false],
    ["https://x.app.example.com", false],
    ["http://localhost", false],
  ];
  for (const [origin, allowed] of rows) {
    it(`${origin}: ${allowed}`, () => assert.equal(isOriginAllowed(origin, "server.example", LIST), allowed));
  }
});

describe("dangerouslyAllowAnyOrigin", () => {
  it("takes every origin, even one that is none", () => {
    const policy = { allowedOrigins: [], dangerouslyAllowAnyOrigin: "a public feed" };
    for (const origin of ["https://evil.example", "null", "rubbish"])
      assert.ok(isOriginAllowed(origin, "example.com", policy));
  });
});
