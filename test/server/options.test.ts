/** Options are checked at start: each error names the option, what it got and what it takes. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { createServer, OptionError, type ServerOptions, UsageError } from "#hawser/index.js";
import { foreignOptions } from "#hawser/server/options/foreign.js";
import { type OptionName, type OptionRule, optionRules, resolveOptions } from "#hawser/tools.js";
import { certificates } from "../harness/certificates.js";
import { LogBook } from "../harness/rig.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const rules = Object.entries<OptionRule>(optionRules) as [OptionName, OptionRule][];

/** `given` as an option is typed loosely: that is what is tested. */
function refused(given: Record<string, unknown>): OptionError {
  try {
    createServer(given);
  } catch (error) {
    assert.ok(error instanceof OptionError, String(error));
    return error;
  }
  return assert.fail(`taken: ${JSON.stringify(given)}`);
}

describe("resolveOptions", () => {
  it("leaves room for two of the longest messages to come in, whatever their length, and refuses less", () => {
    const MIB = 1024 * 1024;
    const roomFor = (maxMessageBytes: number): number => resolveOptions({ maxMessageBytes }).maxTotalIncomingBytes;
    assert.deepEqual([MIB, 64 * MIB, 65 * MIB, 300 * MIB].map(roomFor), [128 * MIB, 128 * MIB, 130 * MIB, 600 * MIB]);
    const least = { maxMessageBytes: MIB, maxTotalIncomingBytes: 2 * MIB };
    assert.equal(resolveOptions(least).maxTotalIncomingBytes, 2 * MIB);
    assert.throws(() => resolveOptions({ ...least, maxTotalIncomingBytes: 2 * MIB - 1 }), OptionError);
  });

  it("fills in the defaults, frozen", () => {
    const options = resolveOptions({});
    assert.ok(Object.isFrozen(options));
    assert.deepEqual(
      [options.pongWaitMs, options.pingPeriodMs, options.writeWaitMs, options.maxMessageBytes, options.shutdownGraceMs],
      [60_000, 54_000, 10_000, 512 * 1024, 5_000],
    );
    for (const [name, rule] of rules) {
      if (rule.default !== undefined) assert.deepEqual(options[name as "pongWaitMs"], rule.default, name);
    }
  });

  it("takes 9/10 of pongWaitMs for pingPeriodMs", () => {
    assert.equal(resolveOptions({ pongWaitMs: 1_000 }).pingPeriodMs, 900);
    assert.equal(resolveOptions({ pongWaitMs: 10 }).pingPeriodMs, 9);
    assert.equal(resolveOptions({ pongWaitMs: 1_000, pingPeriodMs: 100 }).pingPeriodMs, 100);
  });

  it("leaves what it was given as it is, and keeps no tie to it", () => {
    const subprotocols = ["a", "b"];
    const given: ServerOptions = Object.freeze({ subprotocols, responseHeaders: Object.freeze({ "X-A": "1" }) });
    const options = resolveOptions(given);
    subprotocols.push("c");
    assert.deepEqual(options.subprotocols, ["a", "b"]);
    assert.ok(Object.isFrozen(options.subprotocols));
    assert.deepEqual(options.responseHeaders, ["X-A: 1"]);
    assert.throws(() => (options.allowedOrigins as string[]).push("https://evil.example"), TypeError);
    assert.deepEqual(resolveOptions({}).allowedOrigins, [], "defaults are shared, and safe from each other");
  });

  it("takes response headers as an object: by name whatever its case, and several values as several lines", () => {
    const responseHeaders = { "X-A": "1", "Set-Cookie": ["a=1", "b=2"], "x-a": "2" };
    assert.deepEqual(resolveOptions({ responseHeaders }).responseHeaders, [
      "x-a: 2",
      "Set-Cookie: a=1",
      "Set-Cookie: b=2",
    ]);
    assert.deepEqual(resolveOptions({ responseHeaders: { "Set-Cookie": [] } }).responseHeaders, []);
  });

  it("takes undefined for left out", () => {
    assert.equal(resolveOptions({ pongWaitMs: undefined }).pongWaitMs, 60_000);
  });

  it("takes 0 where 0 means never or none, and does not turn it into the default", () => {
    const options = resolveOptions({ idleTimeoutMs: 0, maxAgeMs: 0, shutdownGraceMs: 0, compressionThresholdBytes: 0 });
    assert.deepEqual(
      [options.idleTimeoutMs, options.maxAgeMs, options.shutdownGraceMs, options.compressionThresholdBytes],
      [0, 0, 0, 0],
    );
  });
});

describe("an unknown option is refused by name", () => {
  const rowsOf: [name: string, hint: string | null][] = [
    ["pongwaitms", "pongWaitMs"],
    ["pong_wait_ms", "pongWaitMs"],
    ["pongWait", "pongWaitMs"],
    ["maxMessage", "maxMessageBytes"],
    ["messages", "message"],
    ["pingPreiodMs", "pingPeriodMs"],
    ["por", null],
    ["porta", null],
    ["timeouts", null],
    ["__proto__x", null],
    ["toString", null],
    ["constructor", null],
  ];
  for (const [name, hint] of rowsOf) {
    it(name, () => {
      const error = refused({ [name]: 1 });
      assert.equal(error.option, name);
      assert.match(error.message, hint === null ? /there is no such option$/ : new RegExp(`did you mean ${hint}\\?`));
    });
  }
});

describe("an option of another library gets the name that it has here", () => {
  const rowsOf: [name: string, hint: string][] = [
    ["maxPayload", "here it is maxMessageBytes"],
    ["perMessageDeflate", "here it is compression"],
    ["idleTimeout", "here it is idleTimeoutMs, in milliseconds"],
    ["pingInterval", "here it is pingPeriodMs, in milliseconds"],
    ["cors", "here it is allowedOrigins"],
    ["verifyClient", "here it is authenticate"],
    ["port", "see server.listen(port, host)"],
    ["noServer", "see server.handleUpgrade(request, socket, head), or server.attach(httpServer)"],
  ];
  for (const [name, hint] of rowsOf) {
    it(name, () => {
      const { message } = refused({ [name]: 1 });
      assert.equal(message, `${name}: got 1, takes nothing: there is no such option (${hint})`);
    });
  }

  it("and each of those names is an option, and none of the foreign ones is", () => {
    for (const [foreign, option] of Object.entries(foreignOptions)) {
      assert.ok(Object.hasOwn(optionRules, option), option);
      assert.ok(!Object.hasOwn(optionRules, foreign), foreign);
    }
  });
});

describe("values out of range are refused", () => {
  for (const [name, rule] of rules) {
    if (rule.kind !== "integer") continue;
    it(`${name}: ${rule.min} to ${rule.max}`, () => {
      const { min, max } = rule as { min: number; max: number };
      for (const value of [
        min - 1,
        max + 1,
        min + 0.5,
        -1,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        `${min}`,
        null,
        true,
        [min],
      ]) {
        const error = refused({ [name]: value });
        assert.equal(error.option, name);
        assert.equal(error.value, value);
        assert.ok(error.message.includes(`from ${min} to ${max}`), error.message);
      }
    });
  }
});

describe("wrong kinds are refused", () => {
  const wrong: Record<OptionRule["kind"], unknown[]> = {
    integer: ["1"],
    boolean: [0, 1, "true", null, {}],
    string: [7, null, {}, [], true],
    choice: ["", "Close", 1, null, ["close"]],
    list: ["text", 7, null, [7], [null], Array(1), new Set(["a"]), new Map([["X", "y"]])],
    function: ["name", {}, null, true],
    object: ["text", 7, null, true, [], {}],
  };
  for (const [name, rule] of rules) {
    it(`${name}: ${rule.kind}`, () => {
      for (const value of wrong[rule.kind]) assert.equal(refused({ [name]: value }).option, name);
    });
  }
});

describe("single values", () => {
  const bad: [OptionName, unknown[]][] = [
    ["path", ["", "chat", "/a b", "/a?b", "/a#b", "/a\n"]],
    [
      "allowedOrigins",
      [["example.com"], ["*"], ["https://example.com/"], ["https://*.example.com"], ["https://"], [""]],
    ],
    ["dangerouslyAllowAnyOrigin", ["", "  ", true]],
    ["subprotocols", [["a b"], [""], ["a,b"], ["ü"], ["a", "a"]]],
    [
      "responseHeaders",
      [
        ["X"],
        [": x"],
        ["X Y: z"],
        ["X: a\r\nSet-Cookie: b=c"],
        ["X: a\nb"],
        ["X: \0"],
        ["X: 🙂"],
        ["Upgrade: h2c"],
        ["connection: close"],
        ["Sec-WebSocket-Accept: x"],
        ["Content-Length: 0"],
        ["sec-websocket-x-y: 0"],
        ["Trailer: X"],
        { "X-A": ["fine", 7] },
        { "X\r\nY": "z" },
        { X: "a\r\nb" },
      ],
    ],
    ["tls", [{}, { cert: "x" }, { cert: "x", key: 7 }]],
    ["logger", [{}, { info() {} }, console.log]],
    ["clock", [{}, { now: () => 0 }]],
    ["overflow", ["drop", "CLOSE"]],
    ["logLevel", ["verbose", "INFO", 30]],
  ];
  for (const [name, values] of bad) {
    for (const value of values)
      it(`${name}: ${JSON.stringify(value) ?? typeof value} is refused`, () =>
        assert.equal(refused({ [name]: value }).option, name));
  }

  it("good ones are taken", () => {
    const good: ServerOptions[] = [
      { path: "/" },
      { path: "/a/b-c_d.e" },
      { allowedOrigins: ["https://example.com", "http://localhost:3000", "null", "https://[::1]:8443"] },
      { subprotocols: ["v1.chat", "graphql-ws"] },
      { responseHeaders: ["X-A: 1", "Set-Cookie: a=b; Path=/", "X-Empty:"] },
      { responseHeaders: { Server: "mine" } },
      { tls: certificates.first },
      { tls: { cert: Buffer.from(certificates.first.cert), key: Buffer.from(certificates.first.key) } },
      { logger: new LogBook() },
    ];
    for (const options of good) resolveOptions(options);
  });
});

describe("of a list, the entry that is wrong", () => {
  it("is what the error names", () => {
    const error = refused({ allowedOrigins: ["https://a.example", "https://b.example/", "*"] });
    assert.equal(
      error.message,
      'allowedOrigins: got "https://b.example/", takes an origin without a path, not even a slash: https://b.example',
    );
    assert.equal(error.value, "https://b.example/");
    assert.equal(
      refused({ subprotocols: ["a", "b c"] }).message,
      'subprotocols: got "b c", takes a token (RFC 9110 5.6.2)',
    );
    const header = refused({ responseHeaders: { A: "1", Connection: "SECRET" } });
    assert.equal(header.value, "Connection: …");
    assert.ok(!refused({ responseHeaders: ["SECRET"] }).message.includes("SECRET"));
    assert.equal(refused({ subprotocols: ["a", 7] }).message, "subprotocols: got 7, takes a token (RFC 9110 5.6.2)");
  });
});

describe("combinations that are wrong together", () => {
  it("pingPeriodMs not below pongWaitMs", () => {
    assert.equal(refused({ pingPeriodMs: 60_000 }).option, "pingPeriodMs");
    assert.equal(refused({ pongWaitMs: 1_000, pingPeriodMs: 1_000 }).option, "pingPeriodMs");
    assert.match(refused({ pongWaitMs: 1_000, pingPeriodMs: 2_000 }).message, /less than pongWaitMs, which is 1000/);
  });

  it("any origin, and a list of them", () => {
    const both = { allowedOrigins: ["https://example.com"], dangerouslyAllowAnyOrigin: "public" };
    assert.throws(() => createServer(both), UsageError);
  });

  it("a total below what one client may have", () => {
    assert.equal(refused({ maxTotalBacklogBytes: 1024 * 1024 - 1 }).option, "maxTotalBacklogBytes");
    createServer({ maxTotalBacklogBytes: 2048, maxBacklogBytes: 2048 });
  });
});

describe("an error", () => {
  it("is one line that names the option, what it got and what it takes", () => {
    const { message } = refused({ pongWaitMs: 5 });
    assert.equal(message, "pongWaitMs: got 5, takes a whole number of milliseconds from 10 to 86400000");
    assert.equal(refused({ path: "chat" }).message, 'path: got "chat", takes a path that begins with "/"');
    for (const value of ["x".repeat(10_000), Object.create(null), Symbol("s"), 10n, [1, 2]]) {
      const text = refused({ maxClients: value }).message;
      assert.ok(text.length < 250 && !text.includes("\n"), text);
    }
  });

  it("shows no secrets: neither keys nor objects", () => {
    assert.ok(!refused({ tls: { key: "SECRET" } }).message.includes("SECRET"));
  });
});

describe("the docstrings", () => {
  const source = readFileSync(join(root, "packages/hawser/src/server/api/options.ts"), "utf8");

  it("tell the default that is true", () => {
    for (const [name, rule] of rules) {
      const doc = new RegExp(`/\\*\\*(?<text>(?:(?!\\*/)[\\s\\S])*)\\*/\\s*${name}\\?:`).exec(source)?.groups?.["text"];
      // The handlers have theirs where a client is described.
      if (rule.group === "Handlers" && rule.kind === "function") continue;
      assert.ok(doc !== undefined, `${name} has no docstring`);
      const told = /@default (?<told>\S+)/.exec(doc)?.groups?.["told"];
      if (rule.default === undefined) continue;
      assert.ok(told !== undefined, `${name} has no @default`);
      const expected = Array.isArray(rule.default) ? ["[]", "none"] : [JSON.stringify(rule.default)];
      assert.ok(expected.includes(told), `${name}: the docstring says ${told}, the rule ${expected[0]}`);
    }
  });

  it("give each option a line of help that stands alone", () => {
    for (const [name, { help }] of rules) assert.ok(help.length > 0 && !/[.\n]$/.test(help), name);
  });
});
