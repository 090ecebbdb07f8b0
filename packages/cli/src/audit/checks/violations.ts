/** Practice 7: a client that breaks the protocol is closed with the code that says so, and the server keeps its own rules. */
import { BINARY, CLOSE, CONTINUATION, PING, TEXT } from "hawser/protocol";
import { type Check, fail, pass, warn } from "../check.js";
import type { Context } from "../context.js";
import type { FrameSpec } from "../frames.js";

interface Violation {
  readonly what: string;
  readonly frames: readonly FrameSpec[];
  readonly codes: readonly number[];
}

const PROTOCOL_ERROR = 1002;
const INVALID_DATA = 1007;

const violations: readonly Violation[] = [
  { what: "an unmasked frame (5.1)", frames: [{ opcode: TEXT, payload: "x", masked: false }], codes: [PROTOCOL_ERROR] },
  { what: "reserved bits (5.2)", frames: [{ opcode: TEXT, payload: "x", rsv: 3 }], codes: [PROTOCOL_ERROR] },
  { what: "RSV1 without compression (5.2)", frames: [{ opcode: TEXT, payload: "x", rsv: 4 }], codes: [PROTOCOL_ERROR] },
  { what: "a reserved opcode (5.2)", frames: [{ opcode: 3, payload: "x" }], codes: [PROTOCOL_ERROR] },
  { what: "a reserved control opcode (5.2)", frames: [{ opcode: 11 }], codes: [PROTOCOL_ERROR] },
  { what: "a fragmented ping (5.5)", frames: [{ opcode: PING, fin: false }], codes: [PROTOCOL_ERROR] },
  { what: "a ping of 126 bytes (5.5)", frames: [{ opcode: PING, payload: "x".repeat(126) }], codes: [PROTOCOL_ERROR] },
  {
    what: "a continuation of nothing (5.4)",
    frames: [{ opcode: CONTINUATION, payload: "x" }],
    codes: [PROTOCOL_ERROR],
  },
  {
    what: "a message inside another (5.4)",
    frames: [
      { opcode: TEXT, payload: "x", fin: false },
      { opcode: TEXT, payload: "y" },
    ],
    codes: [PROTOCOL_ERROR],
  },
  {
    what: "a length with its highest bit set (5.2)",
    frames: [{ opcode: BINARY, declaredLength: 2n ** 63n + 1n }],
    // It is too big as well.
    codes: [PROTOCOL_ERROR, 1009],
  },
  {
    what: "text that is not UTF-8 (8.1)",
    frames: [{ opcode: TEXT, payload: Buffer.from([0xce, 0xba, 0xff, 0xfe]) }],
    codes: [INVALID_DATA],
  },
  {
    what: "text cut inside a character (8.1)",
    frames: [{ opcode: TEXT, payload: Buffer.from([0xe2, 0x82]) }],
    codes: [INVALID_DATA],
  },
  { what: "a close body of one byte (5.5.1)", frames: [{ opcode: CLOSE, payload: "x" }], codes: [PROTOCOL_ERROR] },
  { what: "the close code 1005 (7.4.1)", frames: [closeFrame(1005)], codes: [PROTOCOL_ERROR] },
  { what: "the close code 999 (7.4.2)", frames: [closeFrame(999)], codes: [PROTOCOL_ERROR] },
  {
    what: "a close reason that is not UTF-8 (5.5.1)",
    frames: [closeFrame(1000, Buffer.from([0xff, 0xfe]))],
    codes: [INVALID_DATA, PROTOCOL_ERROR],
  },
];

/** A server that ends a connection does so at once. */
const END_MS = 1000;

export const protocolViolations: Check = {
  practice: 7,
  name: "protocol-violations",
  title: "frames that break a rule end the connection",
  does: `breaks a rule of RFC 6455 on each of ${violations.length} connections`,
  advice: "close with 1002 what breaks the protocol and with 1007 what is not UTF-8, and read nothing after it",
  link: "docs/causes-and-close-codes.md#frames-that-break-a-rule",
  async run(context) {
    const outcomes: Outcome[] = [];
    for (let at = 0; at < violations.length; at += 8)
      outcomes.push(
        ...(await Promise.all(violations.slice(at, at + 8).map((violation) => commit(context, violation)))),
      );
    const all = violations.length;
    const measured = Object.fromEntries(outcomes.map(({ what, code }) => [what, code]));
    const taken = outcomes.filter(({ isEnded }) => !isEnded);
    if (taken.length > 0)
      return fail(`${taken.length} of ${all} taken: ${list(taken.map(({ what }) => what))}`, measured);
    const other = outcomes.filter(({ isRight }) => !isRight);
    if (other.length === 0) return pass(`${all} of ${all} ended, each with its close code`, measured);
    const details = list(other.map(({ what, code }) => `${what} got ${code ?? "no close frame"}`));
    return warn(`all ${all} ended, ${other.length} with another close code or none: ${details}`, measured);
  },
};

interface Outcome {
  readonly what: string;
  readonly isEnded: boolean;
  readonly isRight: boolean;
  readonly code: number | null;
}

async function commit(context: Context, { what, frames, codes }: Violation): Promise<Outcome> {
  // It answers nothing: a close frame that we answered would look like an end of the server's.
  const peer = await context.open({ isPolite: false });
  peer.send(...frames);
  const isOver = (): boolean => peer.closed !== undefined || peer.isOver;
  await peer.until(isOver, END_MS);
  // A pong says that it has been taken; without one the server may just be busy.
  if (!isOver() && (await peer.ping(END_MS)) === undefined && !isOver()) {
    await context.settled();
    await peer.until(isOver, END_MS);
  }
  const isEnded = isOver();
  // RFC 6455 7.1.7: it "SHOULD send a Close frame with an appropriate status code".
  const code = peer.closed?.code ?? null;
  // A close frame that is echoed is no objection.
  const isEchoed = frames[0]?.opcode === CLOSE && code !== null && !codes.includes(code) && isEcho(frames[0], code);
  peer.destroy();
  return { what, isEnded: isEnded && !isEchoed, isRight: code !== null && codes.includes(code), code };
}

function isEcho({ payload }: FrameSpec, code: number): boolean {
  const sent = Buffer.from(payload ?? "");
  return sent.length >= 2 && sent.readUInt16BE(0) === code;
}

function closeFrame(code: number, reason: Buffer = Buffer.alloc(0)): FrameSpec {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return { opcode: CLOSE, payload: Buffer.concat([head, reason]) };
}

function list(items: readonly string[]): string {
  return items.length <= 3 ? items.join(", ") : `${items.slice(0, 3).join(", ")} and ${items.length - 3} more`;
}

/** With more patience than at the beginning. */
async function answersNow(context: Context): Promise<boolean> {
  const peer = await context.open();
  const wait = await peer.ping(context.answerMs);
  void peer.close();
  return wait !== undefined;
}

export const ownFrames: Check = {
  practice: 7,
  name: "own-frames",
  title: "the server's own frames keep the rules",
  does: "looks at every frame that came from the server so far",
  advice: "use a WebSocket library that passes the Autobahn test suite",
  async run(context) {
    const broken = [...context.violations];
    if (!context.nature.answersPings && !(await answersNow(context))) broken.push("it does not answer a ping (5.5.2)");
    return broken.length === 0 ? pass("no rule broken") : fail(broken.join("; "));
  },
};
