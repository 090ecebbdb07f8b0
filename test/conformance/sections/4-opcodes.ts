/** 4: reserved opcodes, of data frames (4.1) and of control frames (4.2), fail the connection (RFC 6455 5.2). */
import { frame } from "../../harness/frames.js";
import type { Chop, Exchange } from "../../harness/exchange.js";
import { type Case, testCase } from "../harness/case.js";

const hello = "Hello, world!";

/** The reserved opcode alone, or after a good message and before a ping. */
function shapes(opcode: number): [says: string, Exchange][] {
  const end = { failed: 1002 };
  const after = (payload: string, chop: Chop): Exchange => ({
    send: [frame.text(hello), { opcode, payload }, frame.ping()],
    expect: [{ text: hello }],
    end,
    chop,
  });
  return [
    ["without a payload", { send: [{ opcode }], end }],
    ["with a payload", { send: [{ opcode, payload: "reserved opcode payload" }], end }],
    ["after a message, in one write", after("", "at once")],
    ["with a payload, after a message, a write each", after(hello, "per frame")],
    ["with a payload, after a message, byte by byte", after(hello, 1)],
  ];
}

export const opcodes: Case[] = [3, 11].flatMap((first, group) =>
  [0, 1, 2, 3, 4].map((index) => {
    const opcode = first + index;
    const [says, what] = shapes(opcode)[index] as [string, Exchange];
    return testCase(`4.${group + 1}.${index + 1}`, `opcode ${opcode} ${says}`, what);
  }),
);
