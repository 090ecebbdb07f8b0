/** 10: a message that the sender's library cuts into frames of a fixed size. */
import { fragments, TEXT } from "../../harness/frames.js";
import { type Case, testCase } from "../harness/case.js";

const text = "*".repeat(65_536);

export const autoFragmentation: Case[] = [
  testCase("10.1.1", "text of 65,536 bytes in fragments of 1,300", {
    send: fragments(TEXT, text, 1300),
    expect: [{ text }],
  }),
];
