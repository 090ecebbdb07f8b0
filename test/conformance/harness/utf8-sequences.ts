/**
 * Byte sequences that decoders get wrong, after Markus Kuhn's "UTF-8 decoder capability and stress test", in the order of
 * Autobahn's sections 6.5 to 6.23. What is valid follows RFC 3629: no surrogates, nothing overlong, nothing above U+10FFFF.
 */

export interface Sequence {
  id: string;
  says: string;
  hex: string;
  valid: boolean;
}

type Group = readonly [
  section: string,
  says: string,
  valid: "all" | "none" | readonly number[],
  hex: readonly string[],
];

/** Greek, with U+1F79 so that a sequence of three bytes is among those of two. */
export const KOSME = "κ\u1f79σμε";

const kosme = Buffer.from(KOSME).toString("hex");
const prefixes = Array.from({ length: kosme.length / 2 }, (_, index) => kosme.slice(0, 2 * (index + 1)));
const hello = (character: string): string => Buffer.from(`hello${character}world`).toString("hex");
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const bytes = (values: number[]): string => Buffer.from(values).toString("hex");
const lonely = (from: number, to: number): string => bytes(range(from, to).flatMap((start) => [start, 0x20]));
const truncated = "c0 e080 f08080 f8808080 fc80808080 df efbf f7bfbf fbbfbfbf fdbfbfbfbf".split(" ");
const codePoint = (value: number): string => Buffer.from(String.fromCodePoint(value)).toString("hex");
const nonCharacters = range(0, 16).flatMap((plane) => [
  codePoint(plane * 0x10000 + 0xfffe),
  codePoint(plane * 0x10000 + 0xffff),
]);

const GROUPS: readonly Group[] = [
  ["6.5", "valid", "all", [hello("$"), hello("¢"), hello("€"), hello("𤭢"), kosme]],
  ["6.6", "prefix of a valid text", [2, 5, 7, 9, 11], prefixes],
  ["6.7", "first sequence of its length", "all", ["00", "c280", "e0a080", "f0908080"]],
  ["6.8", "first sequence of five and six bytes", "none", ["f888808080", "fc8480808080"]],
  ["6.9", "last sequence of its length", "all", ["7f", "dfbf", "efbfbf", "f48fbfbf"]],
  ["6.10", "last sequence beyond U+10FFFF", "none", ["f7bfbfbf", "fbbfbfbfbf", "fdbfbfbfbfbf"]],
  ["6.11", "other boundary", [1, 2, 3, 4], ["ed9fbf", "ee8080", "efbfbd", "f48fbfbf", "f4908080"]],
  [
    "6.12",
    "lone continuation bytes",
    "none",
    ["80", "bf", ...range(2, 7).map((count) => "80bf80bf80bf80".slice(0, count * 2)), bytes(range(0x80, 0xbf))],
  ],
  [
    "6.13",
    "lone start bytes",
    "none",
    [lonely(0xc0, 0xdf), lonely(0xe0, 0xef), lonely(0xf0, 0xf7), lonely(0xf8, 0xfb), lonely(0xfc, 0xfd)],
  ],
  ["6.14", "last byte missing", "none", truncated],
  ["6.15", "truncated sequences in a row", "none", [truncated.join("")]],
  ["6.16", "impossible bytes", "none", ["fe", "ff", "fefeffff"]],
  ["6.17", "overlong slash", "none", ["c0af", "e080af", "f08080af", "f8808080af", "fc80808080af"]],
  ["6.18", "longest overlong", "none", ["c1bf", "e09fbf", "f08fbfbf", "f887bfbfbf", "fc83bfbfbfbf"]],
  ["6.19", "overlong NUL", "none", ["c080", "e08080", "f0808080", "f880808080", "fc8080808080"]],
  ["6.20", "single surrogate", "none", ["eda080", "edadbf", "edae80", "edafbf", "edb080", "edbe80", "edbfbf"]],
  [
    "6.21",
    "pair of surrogates",
    "none",
    [
      "eda080edb080",
      "eda080edbfbf",
      "edadbfedb080",
      "edadbfedbfbf",
      "edae80edb080",
      "edae80edbfbf",
      "edafbfedb080",
      "edafbfedbfbf",
    ],
  ],
  ["6.22", "non-character", "all", nonCharacters],
  ["6.23", "special", "all", range(0xfff9, 0xffff).map(codePoint)],
];

export const SEQUENCES: readonly Sequence[] = GROUPS.flatMap(([section, says, valid, hexes]) =>
  hexes.map((hex, index) => ({
    id: `${section}.${index + 1}`,
    says,
    hex,
    valid: valid === "all" || (valid !== "none" && valid.includes(index + 1)),
  })),
);
