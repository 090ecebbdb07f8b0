/** 3: a reserved bit set without an extension that defines it fails the connection (RFC 6455 5.2). */
import { frame } from "../../harness/frames.js";
import { type Case, testCase } from "../harness/case.js";

const hello = "Hello, world!";
const failed = { failed: 1002 };

/** A good message, a bad one, and a ping that must not be answered any more. */
const afterGood = (
  rsv: number,
): { send: ReturnType<typeof frame.text>[]; expect: { text: string }[]; end: typeof failed } => ({
  send: [frame.text(hello), frame.text(hello, { rsv }), frame.ping()],
  expect: [{ text: hello }],
  end: failed,
});

export const reservedBits: Case[] = [
  testCase("3.1", "text with RSV 1", { send: [frame.text(hello, { rsv: 1 })], end: failed }),
  testCase("3.2", "text; text with RSV 2; ping; in one write", { ...afterGood(2), chop: "at once" }),
  testCase("3.3", "text; text with RSV 3; ping; a write each", { ...afterGood(3), chop: "per frame" }),
  testCase("3.4", "text; text with RSV 4; ping; byte by byte", { ...afterGood(4), chop: 1 }),
  testCase("3.5", "binary with RSV 5", {
    send: [frame.binary(Buffer.from("00fffefdfcfb00ff", "hex"), { rsv: 5 })],
    end: failed,
  }),
  testCase("3.6", "ping with RSV 6", { send: [frame.ping(hello, { rsv: 6 })], end: failed }),
  testCase("3.7", "close with RSV 7", { send: [frame.close(1000, "", { rsv: 7 })], end: failed }),
];
