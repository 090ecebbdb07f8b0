/** 1: messages of every length form, text (1.1) and binary (1.2), come back as they were. */
import { frame } from "../../harness/frames.js";
import { type Case, testCase } from "../harness/case.js";

const SIZES: readonly (readonly [size: number, chop?: number])[] = [
  [0],
  [125],
  [126],
  [127],
  [128],
  [65535],
  [65536],
  [65536, 997],
];

export const echo: Case[] = SIZES.flatMap(([size, chop], index) => {
  const says = `${size} bytes${chop === undefined ? "" : `, written in pieces of ${chop}`}`;
  const how = chop === undefined ? {} : { chop };
  const text = "*".repeat(size);
  const binary = Buffer.alloc(size, 0xfe);
  return [
    testCase(`1.1.${index + 1}`, `text of ${says}`, { send: [frame.text(text)], expect: [{ text }], ...how }),
    testCase(`1.2.${index + 1}`, `binary of ${says}`, { send: [frame.binary(binary)], expect: [{ binary }], ...how }),
  ];
});
