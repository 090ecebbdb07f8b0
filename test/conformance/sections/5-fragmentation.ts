/** 5: messages in fragments, with control frames between them and with every mistake (RFC 6455 5.4). */
import type { Chop, Exchange, Step } from "../../harness/exchange.js";
import { frame } from "../../harness/frames.js";
import { type Case, testCase } from "../harness/case.js";

const CHOPS: readonly (readonly [says: string, chop: Chop])[] = [
  ["in one write", "at once"],
  ["a write each", "per frame"],
  ["byte by byte", 1],
];
const end = { failed: 1002 };
const start = (payload: string): Step => frame.text(payload, { fin: false });
const more = (payload: string): Step => frame.next(payload, { fin: false });
const last = (payload: string): Step => frame.next(payload);
const inTwo = [start("fragment1"), last("fragment2")];

/** The same exchange in each way of writing it, with consecutive numbers. */
function chopped(first: number, says: string, what: Exchange): Case[] {
  return CHOPS.map(([how, chop], index) => testCase(`5.${first + index}`, `${says}, ${how}`, { ...what, chop }));
}

const twice = (steps: Step[]): Step[] => [...steps, ...steps];
const five: Step[][] = [
  [start("fragment1"), more("fragment2"), frame.ping("pongme 1!")],
  [more("fragment3"), more("fragment4"), frame.ping("pongme 2!"), last("fragment5")],
];
const fiveExpected = [
  { pong: "pongme 1!" },
  { pong: "pongme 2!" },
  { text: "fragment1fragment2fragment3fragment4fragment5" },
];

export const fragmentation: Case[] = [
  testCase("5.1", "a ping in two fragments", {
    send: [frame.ping("fragment1", { fin: false }), last("fragment2")],
    end,
  }),
  testCase("5.2", "a pong in two fragments", {
    send: [frame.pong("fragment1", { fin: false }), last("fragment2")],
    end,
  }),
  ...chopped(3, "text in two fragments", { send: inTwo, expect: [{ text: "fragment1fragment2" }] }),
  ...chopped(6, "text in two fragments, a ping between", {
    send: [start("fragment1"), frame.ping("ping payload"), last("fragment2")],
    expect: [{ pong: "ping payload" }, { text: "fragment1fragment2" }],
  }),
  ...chopped(9, "a final continuation of nothing, then text", {
    send: [last("non-continuation payload"), frame.text("Hello, world!")],
    end,
  }),
  ...chopped(12, "a continuation of nothing, then text", {
    send: [more("non-continuation payload"), frame.text("Hello, world!")],
    end,
  }),
  testCase("5.15", "text in two fragments, a continuation of nothing, text", {
    send: [...inTwo, more("fragment3"), frame.text("fragment4")],
    chop: "at once",
    expect: [{ text: "fragment1fragment2" }],
    end,
  }),
  testCase("5.16", "twice: a continuation of nothing, then text in two fragments", {
    send: twice([more("fragment1"), start("fragment2"), last("fragment3")]),
    end,
  }),
  testCase("5.17", "twice: a final continuation of nothing, then text in two fragments", {
    send: twice([last("fragment1"), start("fragment2"), last("fragment3")]),
    end,
  }),
  testCase("5.18", "a second text frame where a continuation belongs", {
    send: [start("fragment1"), frame.text("fragment2")],
    end,
  }),
  testCase("5.19", "text in five fragments, two pings between, a pause in the middle", {
    send: [...(five[0] as Step[]), { pauseMs: 300 }, ...(five[1] as Step[])],
    expect: fiveExpected,
  }),
  testCase("5.20", "text in five fragments, two pings between, a pause in the middle, byte by byte", {
    send: [...(five[0] as Step[]), { pauseMs: 300 }, ...(five[1] as Step[])],
    chop: 1,
    expect: fiveExpected,
  }),
];
