/**
 * The cases of the Autobahn|Testsuite (sections 1-7, 9, 10, 12, 13), written anew, against the real `hawser serve --echo`
 * with and without `--compression`, and with `--portable-sockets`.
 *
 * `FULL=1` repeats as often as Autobahn does. `HAWSER_TEST_URL=ws://...` points the suite at any echo server
 * (with `HAWSER_TEST_COMPRESSION=1` if it takes permessage-deflate). `CASES=9.3` runs those whose number begins so.
 */
import { after, before, describe, test } from "node:test";

import { type ServerProcess, serve } from "../harness/server.js";
import type { Case } from "./harness/case.js";
import { echo } from "./sections/1-echo.js";
import { autoFragmentation } from "./sections/10-auto-fragmentation.js";
import { compression, declined } from "./sections/12-13-compression.js";
import { pings } from "./sections/2-pings.js";
import { reservedBits } from "./sections/3-reserved-bits.js";
import { opcodes } from "./sections/4-opcodes.js";
import { fragmentation } from "./sections/5-fragmentation.js";
import { utf8 } from "./sections/6-utf8.js";
import { closing } from "./sections/7-closing.js";
import { limits } from "./sections/9-limits.js";

const SECTIONS: Record<string, Case[]> = {
  "1 echo": echo,
  "2 pings and pongs": pings,
  "3 reserved bits": reservedBits,
  "4 reserved opcodes": opcodes,
  "5 fragmentation": fragmentation,
  "6 UTF-8": utf8,
  "7 closing": closing,
  "9 limits": limits,
  "10 automatic fragmentation": autoFragmentation,
};
const FLAGS = ["--echo", "--max-message-bytes", String(32 * 1024 * 1024)];
const AT_ONCE = 8;

function suite(name: string, flags: readonly string[], sections: Record<string, Case[]>): void {
  describe(name, () => {
    let url = process.env["HAWSER_TEST_URL"];
    let server: ServerProcess | undefined;
    before(async () => {
      server = url === undefined ? await serve(flags) : undefined;
      url ??= server?.url;
    });
    after(async () => void (await server?.stop()));
    for (const [section, cases] of Object.entries(sections)) {
      const wanted = cases.filter(({ id }) => id.startsWith(process.env["CASES"] ?? ""));
      if (wanted.length === 0) continue;
      describe(section, { concurrency: AT_ONCE }, () => {
        for (const { id, says, run } of wanted) test(`${id} ${says}`, () => run(url as string));
      });
    }
  });
}

const COMPRESSION = { "12 and 13 compression": compression };
const elsewhere = process.env["HAWSER_TEST_URL"] !== undefined;
const elsewhereCompresses = process.env["HAWSER_TEST_COMPRESSION"] === "1";
if (!elsewhere || !elsewhereCompresses) suite("conformance", FLAGS, { ...SECTIONS, "13 compression": declined });
if (!elsewhere || elsewhereCompresses) {
  suite("conformance with --compression", [...FLAGS, "--compression"], { ...SECTIONS, ...COMPRESSION });
}
if (!elsewhere) {
  suite("conformance with --portable-sockets", [...FLAGS, "--portable-sockets"], SECTIONS);
  const takeover = ["--compression", "--compression-context-takeover"];
  suite("conformance with --compression-context-takeover", [...FLAGS, ...takeover], COMPRESSION);
}
