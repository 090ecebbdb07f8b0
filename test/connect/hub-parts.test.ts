import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { State } from "@hawser/client";
import { hubCompletions, readCommand } from "#cli/connect/hub/commands.js";
import { eventLine } from "#cli/connect/hub/event-line.js";
import { eventText, nameText } from "#cli/connect/hub/event-text.js";
import type { HubEvent } from "#cli/connect/hub/events.js";
import { whyText } from "#cli/connect/hub/why-text.js";
import { colourless, inColour } from "#cli/connect/paint.js";
import { OpenError } from "#cli/tools/open-error.js";

const message = (data: unknown, more: object = {}): HubEvent => ({
  event: "message",
  topic: "lobby",
  offset: 7,
  by: "ada",
  replayed: false,
  data,
  ...more,
});
const shown = (event: HubEvent): string | null => eventText(event, colourless, false);

describe("a line to a hub", () => {
  it("is published as JSON if it is JSON, and else as a string", () => {
    for (const [line, data] of [
      ["hello there", "hello there"],
      ['{"a":1}', { a: 1 }],
      ["12", 12],
      ["null", null],
      ['"quoted"', "quoted"],
      ["{half", "{half"],
      ["//slash", "/slash"],
      [" led by a blank", " led by a blank"],
    ] as const)
      assert.deepEqual(readCommand(line), { verb: "pub", topic: undefined, data });
    for (const line of ["", "  "]) assert.equal(readCommand(line), undefined);
  });

  it("is a command", () => {
    const cases: [line: string, command: object][] = [
      ["/sub room:1", { verb: "sub", topic: "room:1", last: undefined }],
      ["/sub  room:1  last  20 ", { verb: "sub", topic: "room:1", last: 20 }],
      ['/sub "my room" last 0', { verb: "sub", topic: "my room", last: 0 }],
      ["/sub last", { verb: "sub", topic: "last", last: undefined }],
      ["/unsub", { verb: "unsub", topic: undefined }],
      ["/unsub a", { verb: "unsub", topic: "a" }],
      ['/pub a {"b": [1, 2]}', { verb: "pub", topic: "a", data: { b: [1, 2] } }],
      ['/pub "a b" "c"', { verb: "pub", topic: "a b", data: "c" }],
      ["/pub a b  c", { verb: "pub", topic: "a", data: "b  c" }],
      ["/pub a -1", { verb: "pub", topic: "a", data: -1 }],
      ["/binary 00 FF", { verb: "pub", topic: undefined, data: Buffer.from([0, 255]) }],
      ["/call rename", { verb: "call", name: "rename", input: undefined }],
      ['/call rename {"to":"x"}', { verb: "call", name: "rename", input: { to: "x" } }],
      ["/back", { verb: "back", topic: undefined, max: undefined }],
      ["/back 5", { verb: "back", topic: undefined, max: 5 }],
      ["/back a", { verb: "back", topic: "a", max: undefined }],
      ["/back a 5", { verb: "back", topic: "a", max: 5 }],
      ['/back "5"', { verb: "back", topic: "5", max: undefined }],
      ["/who", { verb: "who", topic: undefined, watch: undefined }],
      ["/who a", { verb: "who", topic: "a", watch: undefined }],
      ["/who watch", { verb: "who", topic: undefined, watch: true }],
      ['/who "watch"', { verb: "who", topic: "watch", watch: undefined }],
      ["/who a unwatch", { verb: "who", topic: "a", watch: false }],
      ["/count", { verb: "count", topic: undefined }],
      ["/count a", { verb: "count", topic: "a" }],
      ["/help", { verb: "help" }],
    ];
    for (const [line, command] of cases) assert.deepEqual(readCommand(line), command, line);
  });

  it("or it is told what would be one", () => {
    const cases: [line: string, why: string][] = [
      ["/sub", "/sub takes /sub TOPIC [last N]"],
      ["/sub a last", "/sub takes /sub TOPIC [last N]"],
      ["/sub a last x", "/sub takes /sub TOPIC [last N]"],
      ["/sub a b c d", "/sub takes /sub TOPIC [last N]"],
      ["/unsub a b", "/unsub takes /unsub [TOPIC]"],
      ["/pub", "/pub takes /pub TOPIC JSON"],
      ["/pub a", "/pub takes /pub TOPIC JSON"],
      ["/pub a {x", "/pub: what follows the topic is no JSON"],
      ["/pub a [1,", "/pub: what follows the topic is no JSON"],
      ["/binary", "/binary takes /binary HEX, as in /binary 48 65 6c"],
      ["/binary 0", "/binary takes /binary HEX, as in /binary 48 65 6c"],
      ["/call", "/call takes /call NAME [JSON]"],
      ["/call a b", "/call: what follows the name is no JSON"],
      ["/back a b", "/back takes /back [TOPIC] [N]"],
      ["/who a b", "/who takes /who [TOPIC] [watch | unwatch]"],
      ["/count a b", "/count takes /count [TOPIC]"],
      ["/help me", "/help takes /help"],
      ["/lobby", "there is no command /lobby; /help lists them, and //lobby publishes it as it is"],
      ["/", "there is no command /; /help lists them, and // publishes it as it is"],
    ];
    for (const [line, why] of cases) assert.deepEqual(readCommand(line), { verb: "fault", why }, line);
  });

  it("is completed: commands, and the topics that there are", () => {
    assert.deepEqual(hubCompletions("/u", []), ["/unsub"]);
    assert.deepEqual(hubCompletions("/pub ro", ["room:1", "room:2", "news"]), ["/pub room:1", "/pub room:2"]);
    assert.deepEqual(hubCompletions("/unsub ", ["my room"]), ['/unsub "my room"']);
    assert.deepEqual(hubCompletions("/call ro", ["room:1"]), []);
    assert.deepEqual(hubCompletions("ro", ["room:1"]), []);
  });
});

describe("an event on a terminal", () => {
  it("is a message with its place, its author and its mark", () => {
    assert.equal(shown(message("hi")), "lobby 7 ada < hi");
    assert.equal(shown(message("hi", { replayed: true })), "lobby 7 ada (replayed) < hi");
    assert.equal(shown(message("hi", { offset: undefined, by: undefined })), "lobby < hi");
    assert.equal(shown(message({ a: 1 })), 'lobby 7 ada < {\n    "a": 1\n  }');
    assert.match(shown(message(Uint8Array.of(0, 255))) ?? "", /^lobby 7 ada < binary, 2 bytes\n {2}00000000 {2}00 ff /);
  });

  it("tells a string from other JSON", () => {
    for (const data of ["12", "true", '{"a":1}', "[]", '"x"', "", " "])
      assert.equal(shown(message(data)), `lobby 7 ada < ${JSON.stringify(data)}`);
    for (const data of ["12 apples", "- one", "{half"]) assert.equal(shown(message(data)), `lobby 7 ada < ${data}`);
    for (const data of [12, true, null]) assert.equal(shown(message(data)), `lobby 7 ada < ${JSON.stringify(data)}`);
  });

  it("is a gap, with its word and where it goes on", () => {
    const gap = (why: string): HubEvent => ({
      event: "gap",
      topic: "lobby",
      why,
      position: { offset: 9, epoch: "e" },
    });
    assert.equal(
      shown(gap("slow")),
      "lobby: messages are missing here: slow: we did not read fast enough; it goes on after 9",
    );
    assert.equal(shown(gap("new-word")), "lobby: messages are missing here: new-word; it goes on after 9");
  });

  it("is a change of state, and says when it connects again, and why", () => {
    const waiting: State = { phase: "waiting", retryAt: Date.now() + 60_000, why: "lost", code: 1006 };
    assert.match(
      shown({ event: "state", state: waiting, why: "the connection was lost: ECONNRESET" }) ?? "",
      /^not connected: the connection was lost: ECONNRESET; connecting again in (?:60\.0|59\.\d) s$/,
    );
    const open: State = { phase: "open", client: "c", user: "ada", degraded: false };
    assert.equal(shown({ event: "state", state: open, why: "" }), "connected as ada");
    assert.equal(eventText({ event: "state", state: open, why: "" }, colourless, true), null);
    assert.match(shown({ event: "state", state: { ...open, degraded: true }, why: "" }) ?? "", /asks to wait/);
  });

  it("is who is there, of many the first", () => {
    const members = new Map(Array.from({ length: 40 }, (_, at) => [`u${at}`, undefined]));
    const text = shown({ event: "members", topic: "lobby", present: { count: 812, members } }) ?? "";
    assert.match(text, /^lobby: 812 here: u0, u1, .*, u29 and 10 more$/);
    assert.equal(
      shown({ event: "presence", topic: "lobby", present: { count: 2, members }, came: ["bob"], went: ["ada"] }),
      "lobby: bob came, ada went, 2 here",
    );
    assert.equal(
      shown({ event: "members", topic: "lobby", present: { count: 9, members: undefined } }),
      "lobby: 9 here",
    );
  });

  it("cannot write control sequences, or pass for another, whatever strangers say", () => {
    const evil = "\u001b]0;title\u0007\r\nlobby 8 root < \u009b2J\u007f\u2028\u202e";
    const everywhere: HubEvent[] = [
      message(evil),
      message({ [evil]: evil }),
      message("x", { by: evil, topic: evil }),
      { event: "gap", topic: evil, why: evil, position: undefined },
      { event: "unsubscribed", topic: evil, code: evil },
      { event: "error", what: evil, code: evil, message: evil },
      { event: "members", topic: evil, present: { count: 1, members: new Map([[evil, evil]]) } },
      { event: "presence", topic: evil, present: { count: 1, members: new Map() }, came: [evil], went: [evil] },
      { event: "answer", call: evil, data: evil, tookMs: 1 },
      { event: "state", state: { phase: "waiting", retryAt: 0, why: evil, code: 1 }, why: evil },
      { event: "state", state: { phase: "open", client: evil, user: evil, degraded: false }, why: "" },
      { event: "page", topic: evil, messages: [], more: false, missed: false },
    ];
    for (const event of everywhere) {
      const text = (shown(event) ?? "").replaceAll("\n", "");
      assert.equal(text.match(/[\p{Cc}\u2028\u202e]/gu), null, text);
      const line = eventLine(event)!;
      assert.equal(line.match(/[\p{Cc}\u2028\u202e]/gu), null, line);
      JSON.parse(line);
    }
    // A name that looks like a line of ours stands in quotes.
    assert.equal(nameText("ada < hi"), '"ada < hi"');
    assert.equal(nameText("x".repeat(100)).length, 65);
  });

  it("is short, however long the message, and in colours where they are wanted", () => {
    const text = shown(message("x".repeat(1_000_000))) ?? "";
    assert.ok(text.length < 40_000);
    assert.match(text, / … 1000000 bytes in all$/);
    assert.equal(eventText(message("hi"), inColour, false), "\u001b[36mlobby 7 ada <\u001b[39m hi");
  });
});

describe("an event in a pipe", () => {
  it("is one line of JSON, and all of it", () => {
    const line = (event: HubEvent): unknown => JSON.parse(eventLine(event)!);
    assert.deepEqual(line(message({ a: 1 }, { replayed: true })), {
      event: "message",
      topic: "lobby",
      offset: 7,
      by: "ada",
      replayed: true,
      data: { a: 1 },
    });
    assert.deepEqual(line(message(Uint8Array.of(0, 255), { offset: undefined, by: undefined })), {
      event: "message",
      topic: "lobby",
      replayed: false,
      binary: "00ff",
    });
    assert.deepEqual(line({ event: "gap", topic: "a", why: "slow", position: { offset: 3, epoch: "e" } }), {
      event: "gap",
      topic: "a",
      gap: "slow",
      offset: 3,
      epoch: "e",
    });
    const state: State = { phase: "waiting", retryAt: 0, why: "lost", code: 1006 };
    assert.deepEqual(line({ event: "state", state, why: "words" }), {
      event: "state",
      state: "waiting",
      why: "lost",
      code: 1006,
      message: "words",
      retryAt: "1970-01-01T00:00:00.000Z",
    });
    const present = { count: 1, members: new Map([["ada", { n: 1 }]]) };
    assert.deepEqual(line({ event: "members", topic: "a", present }), {
      event: "members",
      topic: "a",
      count: 1,
      members: [{ user: "ada", info: { n: 1 } }],
    });
    assert.equal(eventLine({ event: "help" }), null);
    assert.equal(eventLine({ event: "state", state: { phase: "connecting" }, why: "" }), null);
    const long = "x".repeat(1_000_000);
    assert.equal((line(message(long)) as { data: string }).data, long);
  });
});

describe("why there is no connection", () => {
  const waiting = (why: string, code?: number): State => ({ phase: "waiting", retryAt: 0, why, code });
  const ending = { code: 1006, reason: "", initiator: "them", fault: "ECONNRESET" } as const;

  it("is what the system, the server or the protocol says", () => {
    const refused = new OpenError("ws://x/", "ECONNREFUSED", "nobody is listening there");
    assert.equal(whyText(waiting("unreachable", 1006), refused, false), "nobody is listening there");
    assert.equal(whyText(waiting("unreachable"), null, false), "the WebSocket is open, but no hello came");
    assert.equal(whyText(waiting("lost", 1006), ending, false), "the connection was lost: ECONNRESET");
    assert.equal(whyText(waiting("drain", 1001), ending, false), "the server is shutting down");
    assert.match(whyText(waiting("no-hub"), ending, false), /no hub: it does not speak hawser\.v1/);
    assert.equal(whyText(waiting("some-word"), null, false), "some-word");
    assert.equal(
      whyText(
        { phase: "closed", why: "refused", code: 1008 },
        { ...ending, code: 1008, reason: "no", fault: "" },
        false,
      ),
      'closed by the server: 1008 (policy violation) "no", three times in a row',
    );
  });

  it("is a token, with what to do about it", () => {
    const state: State = { phase: "closed", why: "unauthorized", code: undefined };
    assert.equal(whyText(state, null, true), "the server does not take the token");
    assert.match(whyText(state, null, false), /^the server wants a token: --token/);
    assert.equal(whyText({ phase: "closed", why: "closed", code: undefined }, null, false), "");
  });
});
