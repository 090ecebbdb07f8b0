import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { formatExtension, parseExtensions, type Extension } from "#hawser/protocol/extensions.js";
import { cpuMs } from "../harness/cpu-time.js";
import { wsExtension } from "./harness/ws-deflate.js";

describe("parseExtensions takes", () => {
  const rows: Array<[header: string, extensions: Extension[]]> = [
    ["foo", [{ name: "foo", params: [] }]],
    // The examples of RFC 6455 9.1.
    ["bar; baz=2", [{ name: "bar", params: [["baz", "2"]] }]],
    [
      "foo, bar; baz=2",
      [
        { name: "foo", params: [] },
        { name: "bar", params: [["baz", "2"]] },
      ],
    ],
    [
      "mux; max-channels=4; flow-control, deflate-stream",
      [
        {
          name: "mux",
          params: [
            ["max-channels", "4"],
            ["flow-control", true],
          ],
        },
        { name: "deflate-stream", params: [] },
      ],
    ],
    ['a; b="c"', [{ name: "a", params: [["b", "c"]] }]],
    ['a; b="\\c\\d"', [{ name: "a", params: [["b", "cd"]] }]],
    // White space between any two pieces, RFC 2616 2.1.
    [
      ' a\t; b = c ;d= "e" , f ',
      [
        {
          name: "a",
          params: [
            ["b", "c"],
            ["d", "e"],
          ],
        },
        { name: "f", params: [] },
      ],
    ],
    // Empty elements, RFC 7230 7.
    [
      ",a, ,b,",
      [
        { name: "a", params: [] },
        { name: "b", params: [] },
      ],
    ],
    // Repeated names are the extension's business, and names that an object has anyway are names like others.
    [
      "a; b; b=1, a",
      [
        {
          name: "a",
          params: [
            ["b", true],
            ["b", "1"],
          ],
        },
        { name: "a", params: [] },
      ],
    ],
    ["__proto__; constructor=toString", [{ name: "__proto__", params: [["constructor", "toString"]] }]],
  ];
  for (const [header, extensions] of rows) {
    it(header, () => assert.deepEqual(parseExtensions(header), extensions));
  }
});

describe("parseExtensions refuses", () => {
  const headers = [
    "",
    " ",
    ",",
    ", ,",
    ";",
    "=",
    '"',
    "\\",
    "a;",
    "a; ;b",
    "a;,b",
    ";a",
    "a b",
    "a/b",
    "a=b",
    "a; b c",
    "a; b=",
    "a; =c",
    "a; b==c",
    "a; b=c=d",
    "a; b=c d",
    "a; b=,c",
    'a; b="',
    'a; b=""',
    'a; b="c',
    'a; b="c"d',
    'a; b="c" "d"',
    'a; b="c d"',
    'a; b="c,d"',
    'a; b="c\\',
    'a; b="c\\"d"',
    'a; "b"',
    'a; b=c"d"',
    '"a"',
    "a; b='c d'",
    "ä",
    "a; b=ä",
    "a\0",
    "a\r\nb",
    "a\u00a0",
    "a; b=(c)",
  ];
  for (const header of headers) {
    it(JSON.stringify(header), () => assert.equal(parseExtensions(header), null));
  }
});

const token = fc.string({ unit: fc.constantFrom(..."!#$%&'*+-.^_`|~09AZaz".split("")), minLength: 1, maxLength: 8 });
const params = fc.array(fc.tuple(token, fc.oneof(token, fc.constant(true as const))), { maxLength: 4 });
const extension = fc.record({ name: token, params }, { noNullPrototype: true });

describe("parseExtensions", () => {
  it("reads back what formatExtension wrote", () => {
    fc.assert(
      fc.property(fc.array(extension, { minLength: 1, maxLength: 4 }), (extensions) => {
        assert.deepEqual(parseExtensions(extensions.map(formatExtension).join(", ")), extensions);
      }),
    );
  });

  it("never throws, and takes what ws takes", () => {
    const header = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: fc.constantFrom(...'ab;;,,== \t""\\\0é'.split("")) }),
    );
    fc.assert(
      fc.property(header, (text) => {
        const ours = parseExtensions(text);
        let theirs: Record<string, unknown[]>;
        try {
          theirs = wsExtension.parse(text);
        } catch {
          // It knows neither empty elements (RFC 7230 7) nor white space around "=" (RFC 2616 2.1), which we take.
          return;
        }
        assert.notEqual(ours, null);
        assert.deepEqual(new Set(ours?.map(({ name }) => name)), new Set(Object.keys(theirs)));
      }),
      { numRuns: 2_000 },
    );
  });

  it("takes time in proportion to the length of what is hostile", () => {
    const length = 200_000;
    const took = cpuMs(() => {
      for (const unit of [" ", ",", ";", "a", "=", '"', "\\", '\\"', "a;", "a,", "a;b=", 'a;b="', " ,", "a; b "]) {
        parseExtensions(unit.repeat(length));
        parseExtensions(`a;b="${unit.repeat(length)}`);
        parseExtensions(`a${unit.repeat(length)}"`);
      }
    });
    // Some 0.2 s; if the time went with the square of the length, it would be hours.
    assert.ok(took < 10_000, `${took} ms`);
  });
});
