/** Streams that the fuzzer has found, made small: one at least for each explanation. A new finding is added here. */
import { encodeFrame, frame } from "../harness/frames.js";
import type { Compression } from "./stream.js";

interface Seed {
  /** The name of the explanation, or none if the peers must agree. */
  explanation?: string;
  hex: string;
  compression?: Compression;
}

const COMPRESSED: Compression = { noContextTakeover: false, windowBits: 15 };
const unmasked = new Uint8Array(4);
const emptyFragments = [
  frame.text("", { fin: false, mask: unmasked }),
  ...Array.from({ length: 140 }, () => frame.next("", { fin: false, mask: unmasked })),
];

export const SEEDS: readonly Seed[] = [
  { explanation: "text fails at the first byte that is wrong", hex: "01b41095ad4c89" },
  { explanation: "lengths in their shortest form", hex: "81fe000c" },
  { explanation: "the highest bit of a length", hex: "82ff800000000000011c" },
  { explanation: "a message is decompressed when it is whole", hex: "41821b9da8b50082", compression: COMPRESSED },
  {
    explanation: "compressed data ends where a block ends",
    hex: "4182cc32a38e669a808211b0a66242b8",
    compression: COMPRESSED,
  },
  {
    explanation: "the limit is on the message, not on its compressed form",
    hex: "c2ff00000000000111c9",
    compression: COMPRESSED,
  },
  { explanation: "empty fragments without end", hex: Buffer.concat(emptyFragments.map(encodeFrame)).toString("hex") },
  { explanation: "a close frame is judged when it is whole", hex: "8881" },
  {
    explanation: "what follows a message with BFINAL set",
    hex: "c18c1684f9fae4cc3433df7b499efba6b9fac191fd24bb90573eeb508d4a6c6963d776770bb8609afd",
    compression: COMPRESSED,
  },
  {
    explanation: "what follows a message with BFINAL set",
    hex: "c18c563a2b3dfd948623d3b9236b5b122b3dc18d37fbdbc40d47bce4d6bb5c391fbf5ec437",
    compression: COMPRESSED,
  },
  // RFC 7692 7.2.3.1, 7.2.3.3, 7.2.3.4: "Hello", stored, and with BFINAL set
  { hex: "c18700000000f248cdc9c90700c18b00000000000500faff48656c6c6f00", compression: COMPRESSED },
  { hex: "c18800000000f348cdc9c9070000", compression: COMPRESSED },
];
