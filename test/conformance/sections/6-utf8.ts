/** 6: text is UTF-8 across fragments (RFC 6455 8.1): valid text comes back, invalid text fails with 1007, and as soon as it is. */
import { frame, fragments, TEXT } from "../../harness/frames.js";
import { type Case, testCase } from "../harness/case.js";
import { KOSME, SEQUENCES } from "../harness/utf8-sequences.js";

const MIXED = "Hello-µ@ßöäüàá-UTF-8!!";
const NO_UTF8 = Buffer.from("cebae1bdb9cf83cebcceb5eda080656469746564", "hex"); // a surrogate in the middle
const invalid = { failed: 1007 };

const emptyParts = ["", "middle frame payload", ""];
const inThree = (parts: string[]): ReturnType<typeof frame.text>[] => [
  frame.text(parts[0] ?? "", { fin: false }),
  frame.next(parts[1] ?? "", { fin: false }),
  frame.next(parts[2] ?? ""),
];

/** Valid up to here; then a code point above U+10FFFF, of which the second byte is the first that cannot be. */
const PREFIX = Buffer.from(KOSME);
const TOO_HIGH = Buffer.from("f4908080", "hex");
const whole = frame.text(Buffer.concat([PREFIX, TOO_HIGH, Buffer.from("edited")]), { mask: new Uint8Array(4) });
const withoutEnd = (payloadBytes: number): { bytes: Uint8Array } => ({
  bytes: Buffer.concat([
    Buffer.from([0x81, 0x80 | (whole.payload as Buffer).length, 0, 0, 0, 0]),
    whole.payload as Buffer,
  ]).subarray(0, 6 + payloadBytes),
});
const pause = { pauseMs: 20 };

const failFast: Case[] = [
  testCase("6.4.1", "fails at the frame that is invalid, before the message ends", {
    send: [frame.text(PREFIX, { fin: false }), pause, frame.next(TOO_HIGH, { fin: false })],
    end: invalid,
  }),
  testCase("6.4.2", "fails at the frame with the first impossible byte", {
    send: [
      frame.text(Buffer.concat([PREFIX, TOO_HIGH.subarray(0, 1)]), { fin: false }),
      pause,
      frame.next(TOO_HIGH.subarray(1, 2), { fin: false }),
    ],
    end: invalid,
  }),
  testCase("6.4.3", "fails inside a frame, when the invalid code point has come", {
    send: [withoutEnd(PREFIX.length + 4)],
    end: invalid,
  }),
  testCase("6.4.4", "fails inside a frame, at the first impossible byte", {
    send: [withoutEnd(PREFIX.length + 2)],
    end: invalid,
  }),
];

export const utf8: Case[] = [
  testCase("6.1.1", "empty text", { send: [frame.text("")], expect: [{ text: "" }] }),
  testCase("6.1.2", "three empty fragments", { send: inThree(["", "", ""]), expect: [{ text: "" }] }),
  testCase("6.1.3", "an empty fragment, one with text, an empty one", {
    send: inThree(emptyParts),
    expect: [{ text: emptyParts.join("") }],
  }),
  testCase("6.2.1", "valid text in one frame", { send: [frame.text(MIXED)], expect: [{ text: MIXED }] }),
  testCase("6.2.2", "valid text cut between code points", {
    send: [frame.text(MIXED.slice(0, 12), { fin: false }), frame.next(MIXED.slice(12))],
    expect: [{ text: MIXED }],
  }),
  testCase("6.2.3", "valid text in fragments of one byte", {
    send: fragments(TEXT, MIXED, 1),
    expect: [{ text: MIXED }],
  }),
  testCase("6.2.4", "Greek in fragments of one byte", { send: fragments(TEXT, KOSME, 1), expect: [{ text: KOSME }] }),
  testCase("6.3.1", "invalid text in one frame", { send: [frame.text(NO_UTF8)], end: invalid }),
  testCase("6.3.2", "invalid text in fragments of one byte", { send: fragments(TEXT, NO_UTF8, 1), end: invalid }),
  ...failFast,
  ...SEQUENCES.map(({ id, says, hex, valid }) => {
    const bytes = Buffer.from(hex, "hex");
    return testCase(id, `${says}: ${hex.length > 40 ? `${hex.slice(0, 40)}…` : hex}`, {
      send: [frame.text(bytes)],
      ...(valid ? { expect: [{ text: bytes }] } : { end: invalid }),
    });
  }),
];
