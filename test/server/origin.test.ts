import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isOrigin, originAdvice, type OriginPolicy, Origins } from "#hawser/server/handshake/origin.js";

/** As a handshake is looked at: one without Origin is from no browser. */
function isOriginAllowed(origin: string | undefined, host: string | undefined, policy: OriginPolicy): boolean {
  return origin === undefined || new Origins(policy).judge(origin, host) !== null;
}

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

it("says why an origin is taken", () => {
  const rows: [policy: OriginPolicy, origin: string, why: string | null][] = [
    [LIST, "https://app.example.com", "listed"],
    [LIST, "https://server.example", "own"],
    [LIST, "https://evil.example", null],
    [{ allowedOrigins: [], dangerouslyAllowAnyOrigin: "a public feed" }, "https://evil.example", "any"],
  ];
  for (const [policy, origin, why] of rows) assert.equal(new Origins(policy).judge(origin, "server.example"), why);
});

describe("origins of applications", () => {
  const applications = [
    "chrome-extension://gighmmpiobklfepjocnamgkkbiglidom",
    "moz-extension://7ac2c1c4-5a5b-4b0e-9d0c-0e4f4d1d0b6c",
    "safari-web-extension://2F1A0B8E-0001-4B0E-9D0C-0E4F4D1D0B6C",
    "capacitor://localhost",
    "ionic://localhost",
    "tauri://localhost",
    "https://tauri.localhost",
    "app://.",
    "app://-",
    "app://bundle.my-app",
    "vscode-webview://1qgbkh5c7lcs7a6o4qv8gfkdd3qvtgvp1qm3s0p9v5c0l1m2n3",
    "file://",
    "null",
  ];
  for (const origin of applications) {
    it(`${origin} can be listed, and then it is taken and no other is`, () => {
      assert.ok(isOrigin(origin));
      const policy = { ...STRICT, allowedOrigins: [origin] };
      // Some browsers send the host as it is registered, others in lower case.
      const sent = origin === "null" ? [origin] : [origin, origin.toLowerCase(), origin.toUpperCase()];
      for (const form of sent) assert.ok(isOriginAllowed(form, "127.0.0.1:8080", policy), form);
      for (const other of applications.filter((one) => one !== origin))
        assert.ok(!isOriginAllowed(other, "127.0.0.1:8080", policy), other);
      for (const form of [`${origin}x`, `${origin}:81`, `${origin}/`, `x${origin}`, `${origin}@a`])
        assert.ok(!isOriginAllowed(form, "127.0.0.1:8080", policy), form);
      assert.ok(!isOriginAllowed(origin, "localhost", STRICT), "it is nobody's own origin");
    });
  }
});

describe("what no browser sends cannot be listed, and is told what to write", () => {
  const rows: [entry: string, advice: string | undefined][] = [
    ["https://a.example/", "an origin without a path, not even a slash: https://a.example"],
    ["https://a.example:8443/chat?x#y", "an origin without a path, not even a slash: https://a.example:8443"],
    ["https://a.example?x", "an origin without a path, not even a slash: https://a.example"],
    ["app://bundle/", "an origin without a path, not even a slash: app://bundle"],
    ["file:///", "an origin without a path, not even a slash: file://"],
    ["https://user:secret@a.example", "an origin without user: https://a.example"],
    ["wss://a.example", "an origin of the page, not of the server: https://a.example"],
    ["WS://a.example/chat", "an origin of the page, not of the server: http://a.example"],
    ["a.example", "an origin with its scheme: https://a.example"],
    ["localhost:3000", "an origin with its scheme: https://localhost:3000"],
    ["*", "each origin by itself, without wildcards; for all of them see dangerouslyAllowAnyOrigin"],
    ["https://*.a.example", "each origin by itself, without wildcards; for all of them see dangerouslyAllowAnyOrigin"],
    ["https://", undefined],
    ["https:///", undefined],
    ["://a", undefined],
    ["https://a b", undefined],
    ["https://a\\b", undefined],
    ["https://a.example:99999", undefined],
    ["javascript:alert(1)", undefined],
    ["", undefined],
  ];
  for (const [entry, advice] of rows) {
    it(JSON.stringify(entry), () => {
      assert.ok(!isOrigin(entry));
      assert.equal(originAdvice(entry), advice);
      if (advice?.includes("://")) assert.ok(isOrigin(advice.split(": ").at(-1)!));
    });
  }
});

describe("dangerouslyAllowAnyOrigin", () => {
  it("takes every origin, even one that is none", () => {
    const policy = { allowedOrigins: [], dangerouslyAllowAnyOrigin: "a public feed" };
    for (const origin of ["https://evil.example", "null", "rubbish"])
      assert.ok(isOriginAllowed(origin, "example.com", policy));
  });
});
