/** Close frames with every kind of body and code (RFC 6455 5.5.1, 7.4), and text that is not UTF-8 at every cut (8.1). */
import { KOSME, SEQUENCES } from "../../conformance/harness/utf8-sequences.js";
import { closePayload, frame, fragments, TEXT } from "../../harness/frames.js";
import { atEveryCut, exchangeCase, type Group, type HostileCase } from "../harness/group.js";

/** RFC 6455 7.4.1, the registry of 11.7, and 7.4.2's ranges for libraries and private use. */
function mayBeSent(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

const BELOW = [0, 1, 2, 255, 256, 500, 998, 999];
const PROTOCOL = Array.from({ length: 20 }, (_, index) => 1000 + index);
const RANGES = [1099, 1100, 1500, 1999, 2000, 2500, 2998, 2999, 3000, 3001, 3500, 3999, 4000, 4001, 4500, 4999];
const ABOVE = [5000, 5001, 6000, 9999, 10_000, 32_767, 32_768, 49_152, 60_000, 65_534, 65_535];
const CODES = [...BELOW, ...PROTOCOL, ...RANGES, ...ABOVE];

const codes: HostileCase[] = CODES.map((code) =>
  exchangeCase(`close with ${code}`, {
    send: [frame.close(code)],
    end: mayBeSent(code) ? { answered: code } : { failed: 1002 },
  }),
);

const invalid = SEQUENCES.filter(({ valid }) => !valid);
const reasons: HostileCase[] = invalid
  .filter((_, index) => index % 4 === 0)
  .map(({ says, hex }) =>
    exchangeCase(`close with a reason that is not UTF-8, ${says} ${hex.slice(0, 20)}`, {
      send: [{ opcode: 8, payload: closePayload(1000, Buffer.from(hex, "hex")) }],
      end: { failed: 1007 },
    }),
  );

const bodies: HostileCase[] = [
  ...[0x00, 0x03, 0xff].flatMap((byte) =>
    atEveryCut(`close with the one byte ${byte}`, {
      send: [{ opcode: 8, payload: Buffer.from([byte]) }],
      end: { failed: 1002 },
    }),
  ),
  ...atEveryCut("close with an empty body", { send: [frame.close()], end: { answered: "no body" } }),
  ...atEveryCut("close with the longest reason", {
    send: [frame.close(4000, "€".repeat(41))],
    end: { answered: 4000 },
  }),
  ...atEveryCut("close inside a message", {
    send: [frame.text("x", { fin: false }), frame.close(1001)],
    end: { answered: 1001 },
  }),
  ...atEveryCut("close, then every kind of frame", {
    send: [frame.close(1000), frame.text("x"), frame.ping(), frame.close(1001), frame.next("x"), { opcode: 3 }],
    end: { answered: 1000 },
  }),
];

/** The invalid sequence after valid text, in fragments of one byte, and in one frame cut in the middle. */
const text: HostileCase[] = invalid.flatMap(({ id, says, hex }) => {
  const bytes = Buffer.concat([Buffer.from(KOSME), Buffer.from(hex, "hex"), Buffer.from("!")]);
  const name = `text that is not UTF-8, ${says} (${id})`;
  return [
    exchangeCase(`${name}, in fragments of one byte`, { send: fragments(TEXT, bytes, 1), end: { failed: 1007 } }),
    exchangeCase(`${name}, in pieces of one byte`, { send: [frame.text(bytes)], chop: 1, end: { failed: 1007 } }),
  ];
});

const cutShort: HostileCase[] = ["ce", "e1bd", "f09d84"].flatMap((hex) =>
  atEveryCut(`text that ends inside a character, ${hex}`, {
    send: [frame.text(Buffer.from(hex, "hex"))],
    end: { failed: 1007 },
  }),
);

export const closing: Group[] = [
  { name: "close frames", cases: [...codes, ...reasons, ...bodies] },
  { name: "text that is not UTF-8", cases: [...text, ...cutShort], atOnce: 32 },
];
