import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { closeText } from "#cli/connect/close-text.js";
import { fromHex, hexDump } from "#cli/connect/hex-dump.js";
import { History, historyFile } from "#cli/connect/history.js";
import { messageBlock, messageLine } from "#cli/connect/message-text.js";
import { colourless, inColour } from "#cli/connect/paint.js";
import { joinJson, prettyJson } from "#cli/connect/pretty-json.js";
import { RoundTrips, roundTripText } from "#cli/connect/round-trips.js";
import { perform } from "#cli/connect/talk.js";

const text = (value: string): { bytes: Buffer; isBinary: boolean } => ({ bytes: Buffer.from(value), isBinary: false });

describe("JSON", () => {
  it("stands over several lines, as it was sent", () => {
    const sent = '{"id":12345678901234567890,"a":[1,-2.50,{"b":null}],"e":{},"f":[],"t":"x, y: [z] \\"q\\"","t":true}';
    assert.deepEqual(prettyJson(sent, colourless), [
      "{",
      '  "id": 12345678901234567890,',
      '  "a": [',
      "    1,",
      "    -2.50,",
      "    {",
      '      "b": null',
      "    }",
      "  ],",
      '  "e": {},',
      '  "f": [],',
      '  "t": "x, y: [z] \\"q\\"",',
      '  "t": true',
      "}",
    ]);
  });

  it("keeps its meaning, whatever it is", () => {
    for (const sent of ["[]", "{}", '[[],[[]],{"a":{}}]', '  {"a" :\n[ 1 ,\t2 ] }  ', '["\\u001b","\\\\",""]'])
      assert.deepEqual(JSON.parse(prettyJson(sent, colourless)!.join("\n")), JSON.parse(sent));
  });

  it("is nothing else: text, a number, a broken object", () => {
    for (const sent of ["hello", "12", '"x"', "{a:1}", "[1", ""]) assert.equal(prettyJson(sent, colourless), null);
  });

  it("has colours on a terminal", () => {
    assert.deepEqual(prettyJson('{"a":[1,"b",true]}', inColour)![1], '  \u001b[36m"a"\u001b[39m: [');
  });

  it("fits on one line", () => {
    assert.equal(joinJson('{\r\n\t"a": "b\\n"\n}'), '{   "a": "b\\n" }');
    assert.equal(joinJson("no\njson"), "no\njson");
  });
});

describe("what comes from the wire cannot write control sequences", () => {
  const evil = "\u001b]0;title\u0007\r\nhawser: \u009b2J\u007f\u2028";
  const controls = (shown: string): RegExpMatchArray | null => shown.replaceAll("\n", "").match(/[\p{Cc}\u2028]/gu);
  it("as text", () => {
    assert.equal(controls(messageBlock("<", text(evil), colourless)), null);
    assert.equal(messageLine(text(evil)).match(/[\p{Cc}\u2028]/gu), null);
    assert.equal(messageBlock("<", text(evil), colourless).split("\n").length, 1);
    assert.equal(messageLine(text("a\tb")), "a\tb");
  });
  it("inside JSON", () => {
    const sent = `{"a\u009b": "b\u007f\u2028"}`;
    assert.equal(controls(messageBlock("<", text(sent), colourless)), null);
  });
  it("as binary, or as a reason", () => {
    const bytes = Buffer.from(evil);
    assert.equal(controls(messageBlock("<", { bytes, isBinary: true }, colourless)), null);
    assert.equal(messageLine({ bytes, isBinary: true }), bytes.toString("hex"));
    assert.equal(closeText(4000, "\u001b[31m"), '4000 (private to the application) "\\u001b[31m"');
  });
});

it("a long message is shown by its beginning", () => {
  const shown = messageBlock("<", text("x".repeat(100_000)), colourless);
  assert.ok(shown.length < 40_000);
  assert.match(shown, /… 100000 bytes in all$/);
  assert.equal(messageLine(text("x".repeat(100_000))).length, 100_000, "a pipe gets all of it");
});

it("binary is a dump", () => {
  const bytes = Buffer.from("Hello, hawser! \u0000\u0001");
  assert.deepEqual(hexDump(bytes), [
    "00000000  48 65 6c 6c 6f 2c 20 68 61 77 73 65 72 21 20 00  |Hello, hawser! .|",
    "00000010  01                                               |.|",
  ]);
  const long = hexDump(Buffer.alloc(1000));
  assert.deepEqual([long.length, long.at(-1)], [17, "and 744 bytes more"]);
  assert.deepEqual(fromHex("0x48 656C"), Buffer.from("Hel"));
  assert.deepEqual([fromHex("4"), fromHex("zz")], [null, null]);
});

it("typed lines are sent, or are commands", () => {
  const done: unknown[] = [];
  const type = (line: string): unknown => {
    done.length = 0;
    perform(
      line,
      {
        send: (payload) => done.push(["send", payload]),
        ping: () => done.push(["ping"]),
        close: (code, reason) => done.push(["close", code, reason]),
      },
      (said) => done.push(["say", said]),
    );
    return done[0];
  };
  assert.deepEqual(type("hello"), ["send", "hello"]);
  assert.deepEqual(type("//slash"), ["send", "/slash"]);
  assert.equal(type(""), undefined);
  assert.deepEqual(type("/ping"), ["ping"]);
  assert.deepEqual(type("/binary 48 65"), ["send", Buffer.from("He")]);
  assert.deepEqual(type("/binary 4"), ["say", "/binary takes pairs of hexadecimal digits: /binary 48 65 6c"]);
  assert.deepEqual(type("/close"), ["close", 1000, ""]);
  assert.deepEqual(type("/close 4001 see you later"), ["close", 4001, "see you later"]);
  assert.deepEqual(type("/close see you"), ["close", 1000, "see you"]);
  for (const wrong of ["/close 1006", "/close 99999", `/close 1000 ${"x".repeat(124)}`, "/nothing"])
    assert.equal((type(wrong) as string[])[0], "say", wrong);
  for (const command of ["/ping", "/binary", "/close", "/help", "//TEXT"])
    assert.ok((type("/help") as string[])[1]?.includes(command), command);
});

it("pings are known by their payload", () => {
  let now = 100;
  const trips = new RoundTrips(() => now);
  const [first, second] = [trips.next(), trips.next()];
  now = 103.5;
  assert.equal(trips.answered(second), 3.5);
  assert.equal(trips.answered(second), undefined);
  assert.equal(trips.answered(Buffer.from("other")), undefined);
  now = 120;
  assert.equal(trips.answered(first), 20);
  assert.deepEqual([3.456, 20.4].map(roundTripText), ["pong after 3.46 ms", "pong after 20 ms"]);
});

describe("history", () => {
  const folder = (t: TestContext): string => {
    const path = mkdtempSync(join(tmpdir(), "hawser-history-"));
    t.after(() => rmSync(path, { recursive: true }));
    return path;
  };

  it("has its place in the user's state folder", () => {
    assert.equal(historyFile({ XDG_STATE_HOME: "/state" }), "/state/hawser/connect-history");
    assert.match(historyFile({ XDG_STATE_HOME: "relative" }) ?? "", /\.local\/state\/hawser\/connect-history$|^$/);
  });

  it("is private, and comes back", (t) => {
    const file = join(folder(t), "deep", "history");
    const history = new History(file);
    assert.deepEqual(history.lines, []);
    for (const line of ["one", "one", "", " ", "two", "one"]) history.add(line);
    assert.deepEqual(new History(file).lines, ["one", "two", "one"]);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(statSync(join(file, "..")).mode & 0o777, 0o700);
  });

  it("is cut when it has grown long", (t) => {
    const file = join(folder(t), "history");
    writeFileSync(file, Array.from({ length: 2500 }, (_, at) => `line ${at}\n`).join(""));
    const { lines } = new History(file);
    assert.deepEqual([lines.length, lines[0], lines.at(-1)], [1000, "line 1500", "line 2499"]);
    assert.equal(readFileSync(file, "utf8").split("\n").length, 1001);
  });

  it("that cannot be read or written is none", (t) => {
    const path = folder(t);
    writeFileSync(join(path, "file"), "");
    for (const file of [undefined, join(path, "file", "history"), path]) {
      const history = new History(file);
      history.add("line");
      assert.deepEqual(history.lines, []);
    }
  });
});
