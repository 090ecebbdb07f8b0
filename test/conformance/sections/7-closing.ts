/** 7: the closing handshake: once, nothing after it, valid bodies and codes only (RFC 6455 5.5.1, 7). */
import { closePayload, frame } from "../../harness/frames.js";
import type { End } from "../../harness/exchange.js";
import { type Case, testCase } from "../harness/case.js";

const hello = "Hello World!";
const big = "BAsd7&jh23".repeat(26_215).slice(0, 262_144);
const answered: End = { answered: 1000 };
const failed: End = { failed: 1002 };
const body = (payload: string | Uint8Array): { opcode: 8; payload: string | Uint8Array } => ({ opcode: 8, payload });

/** Codes that may come over the wire: RFC 6455 7.4.1 and the registry of 7.4.2; 3000-4999 belong to libraries and users. */
const VALID = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
/** Codes that never may: not defined, reserved for use without a frame, or out of every range. */
const INVALID = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];

export const closing: Case[] = [
  testCase("7.1.1", "a message, then close", {
    send: [frame.text(hello), frame.close(1000)],
    expect: [{ text: hello }],
    end: answered,
  }),
  testCase("7.1.2", "close twice: one answer", {
    send: [frame.close(1000), frame.close(1000)],
    chop: "at once",
    end: answered,
  }),
  testCase("7.1.3", "a ping after close: no pong", {
    send: [frame.close(1000), frame.ping()],
    chop: "at once",
    end: answered,
  }),
  testCase("7.1.4", "a message after close: no echo", {
    send: [frame.close(1000), frame.text(hello)],
    chop: "at once",
    end: answered,
  }),
  testCase("7.1.5", "close inside a message, then its end", {
    send: [frame.text("fragment1", { fin: false }), frame.close(1000), frame.next("fragment2")],
    chop: "at once",
    end: answered,
  }),
  testCase("7.1.6", "256 KiB, a message, close and a ping back to back; the echoes may be cut off", {
    send: [frame.text(big), frame.text(hello), frame.close(1000), frame.ping()],
    chop: "at once",
    expect: [
      { text: big, optional: true },
      { text: hello, optional: true },
    ],
    end: answered,
  }),
  testCase("7.3.1", "close without a body", { send: [body("")], end: { answered: "no body" } }),
  testCase("7.3.2", "close with a body of one byte", { send: [body("a")], end: failed }),
  testCase("7.3.3", "close with a code only", { send: [frame.close(1000)], end: answered }),
  testCase("7.3.4", "close with a code and a reason", { send: [frame.close(1000, hello)], end: answered }),
  testCase("7.3.5", "close with the longest reason, 123 bytes", {
    send: [frame.close(1000, "*".repeat(123))],
    end: answered,
  }),
  testCase("7.3.6", "close with a reason of 124 bytes", { send: [frame.close(1000, "*".repeat(124))], end: failed }),
  testCase("7.5.1", "close with a reason that is not UTF-8", {
    send: [body(closePayload(1000, Buffer.from("cebae1bdb9cf83cebcceb5eda080656469746564", "hex")))],
    end: { failed: 1007 },
  }),
  ...VALID.map((code, index) =>
    testCase(`7.7.${index + 1}`, `close with ${code}`, { send: [frame.close(code)], end: { answered: code } }),
  ),
  ...INVALID.map((code, index) =>
    testCase(`7.9.${index + 1}`, `close with ${code}`, { send: [frame.close(code)], end: failed }),
  ),
  ...[5000, 65535].map((code, index) =>
    testCase(`7.13.${index + 1}`, `close with ${code}`, { send: [frame.close(code)], end: failed }),
  ),
];
