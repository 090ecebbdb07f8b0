/** 9: large messages: whole, in fragments, in small writes; and many small ones, one after another. */
import assert from "node:assert/strict";

import { BINARY, frame, fragments, TEXT } from "../../harness/frames.js";
import { CLEAN, type Exchange, exchangeOn } from "../../harness/exchange.js";
import { RawClient } from "../../harness/raw-client.js";
import { type Case, FULL, testCase } from "../harness/case.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const WHOLE = [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB];
const FRAGMENTS = [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB];
const CHOPS = [64, 128, 256, 512, KIB, 2 * KIB];
const SMALL = [0, 16, 64, 256, KIB, 4 * KIB];
const REPEATS = FULL ? 1000 : 100;
/** Enough for any server whose work grows with the bytes, and not for one whose work grows with their square. */
const TIMEOUT_MS = 20_000;

/** Made when a case runs, so that a list of cases is not hundreds of megabytes. */
const textOf = (size: number): Buffer => Buffer.alloc(size, "*BAsd7&jh23 ");
const binaryOf = (size: number): Buffer => Buffer.alloc(size, Buffer.from("00fe00ff7f80", "hex"));
const sizeOf = (bytes: number): string =>
  bytes >= MIB ? `${bytes / MIB} MiB` : bytes >= KIB ? `${bytes / KIB} KiB` : `${bytes} bytes`;

const KINDS = [
  { name: "text", opcode: TEXT, make: textOf, expected: (text: Buffer) => [{ text }] },
  { name: "binary", opcode: BINARY, make: binaryOf, expected: (binary: Buffer) => [{ binary }] },
] as const;

/** A case whose exchange is made when it runs. */
function later(id: string, says: string, make: () => Exchange): Case {
  return { id, says, run: (url) => testCase(id, says, { timeoutMs: TIMEOUT_MS, ...make() }).run(url) };
}

/** Messages of one size, each sent when the one before has come back. */
function oneByOne(id: string, name: string, opcode: number, message: Buffer): Case {
  return {
    id,
    says: `${REPEATS} ${name} messages of ${sizeOf(message.length)}, one after another`,
    async run(url) {
      const client = await RawClient.open(url);
      for (let sent = 0; sent < REPEATS; sent++) {
        await client.sendFrame({ opcode, payload: message });
        const echoed = await client.nextMessage(TIMEOUT_MS);
        assert.equal(echoed.type, name);
        assert.ok(message.equals(echoed.bytes), `echo ${sent} differs`);
      }
      await exchangeOn(client, { send: [], end: CLEAN });
    },
  };
}

export const limits: Case[] = KINDS.flatMap(({ name, opcode, make, expected }, kind) => [
  ...WHOLE.map((size, index) =>
    later(`9.${1 + kind}.${index + 1}`, `${name} of ${sizeOf(size)}`, () => ({
      send: [frame.text(make(size), { opcode })],
      expect: expected(make(size)),
    })),
  ),
  ...FRAGMENTS.map((size, index) =>
    later(`9.${3 + kind}.${index + 1}`, `${name} of 4 MiB in fragments of ${sizeOf(size)}`, () => ({
      send: fragments(opcode, make(4 * MIB), size),
      chop: "at once",
      expect: expected(make(4 * MIB)),
    })),
  ),
  ...CHOPS.map((size, index) =>
    later(`9.${5 + kind}.${index + 1}`, `${name} of 1 MiB in writes of ${sizeOf(size)}`, () => ({
      send: [frame.text(make(MIB), { opcode })],
      chop: size,
      expect: expected(make(MIB)),
    })),
  ),
  ...SMALL.map((size, index) => oneByOne(`9.${7 + kind}.${index + 1}`, name, opcode, make(size))),
]);
