// `npm run bench:micro`: the pure code alone, with tinybench. It guards what the load benchmark can only show in sum.
// `-- --only mask` runs the groups whose name begins so. Works on any Node: `node bench/micro.mjs`, once built.

import { parseArgs } from "node:util";
import { Bench } from "tinybench";
import { deflateShared, encodeFrame, Inflater, mask, TEXT } from "../packages/hawser/dist/protocol/index.js";
import { writeFrame, writeMessage } from "../packages/hawser/dist/protocol/encoder.js";
import { readBuffer } from "../packages/hawser/dist/protocol/mask.js";
import { Parser } from "../packages/hawser/dist/protocol/parser.js";
import { checkUtf8 } from "../packages/hawser/dist/protocol/utf8.js";

const { values } = parseArgs({ options: { only: { type: "string", default: "" } } });
const KEY = 0x12345678;
const CHUNK = 64 * 1024;

/** What comes from one socket read: as many frames of this size as fit into 64 KiB, at least one. */
function frames(size) {
  const frame = encodeFrame(TEXT, "x".repeat(size), { maskingKey: KEY });
  const count = Math.max(1, Math.floor(CHUNK / frame.length));
  return { bytes: Buffer.concat(Array.from({ length: count }, () => frame)), count };
}

/** Most sockets read into this one buffer, where short messages are unmasked together. */
const shared = readBuffer();
let placed = null;

function place(bytes) {
  if (placed !== bytes) bytes.copy(shared);
  placed = bytes;
}

let seen = 0;

class CountingParser extends Parser {
  onMessage() {
    seen++;
  }
  onViolation(violation) {
    throw new Error(`the parser saw ${JSON.stringify(violation)}`);
  }
}

const groups = {
  parser(add) {
    for (const size of [16, 64, 1024, 65_536]) {
      const { bytes, count } = frames(size);
      for (const [how, chunk, pieces] of [
        ["whole", shared, [bytes.length]],
        ["in other memory", bytes, [bytes.length]],
        ["cut in 1,460 bytes", shared, cuts(bytes.length)],
      ]) {
        const parser = new CountingParser({ role: "server", maxMessageBytes: 1 << 20, inflater: null });
        add(`${size} B frames, ${String(how)}`, { count, bytes: bytes.length }, () => {
          let at = 0;
          seen = 0;
          place(bytes);
          for (const length of pieces) {
            parser.receive(chunk, at, at + length);
            at += length;
          }
          if (seen !== count) throw new Error(`the parser saw ${seen} messages of ${count}`);
        });
      }
    }
  },
  mask(add) {
    for (const size of [16, 64, 128, 1024, 16_384, 65_536]) {
      const bytes = Buffer.alloc(size + 14);
      for (const offset of [8, 14 - 1]) {
        add(`${size} B at offset ${offset}`, { count: 1, bytes: size }, () =>
          mask(bytes, offset, offset + size, KEY, 0),
        );
      }
    }
  },
  encoder(add) {
    const target = Buffer.alloc(2 * CHUNK);
    const words = new DataView(target.buffer, target.byteOffset, target.length);
    for (const size of [16, 64, 1024, 65_536]) {
      const text = "x".repeat(size);
      const bytes = Buffer.from(text);
      add(`encodeFrame, text, ${size} B`, { count: 1, bytes: size }, () => encodeFrame(TEXT, text));
      add(`encodeFrame, bytes, ${size} B`, { count: 1, bytes: size }, () => encodeFrame(TEXT, bytes));
      add(`writeMessage, text, ${size} B`, { count: 1, bytes: size }, () => writeMessage(target, 0, text));
      add(`writeFrame, ${size} B`, { count: 1, bytes: size }, () => writeFrame(target, words, 0, TEXT, bytes, 0, size));
    }
  },
  utf8(add) {
    for (const [name, letter] of Object.entries({ ASCII: "x", Cyrillic: "ж", emoji: "🚢" })) {
      for (const size of [64, 1024, 65_536]) {
        const bytes = Buffer.from(letter.repeat(size / Buffer.byteLength(letter)));
        add(`${name}, ${size} B`, { count: 1, bytes: size }, () => checkUtf8(bytes, 0, bytes.length));
      }
    }
  },
  deflate(add) {
    const parameters = {
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
      serverMaxWindowBits: 15,
      clientMaxWindowBits: 15,
    };
    const inflater = new Inflater(parameters, "server");
    for (const size of [1024, 65_536]) {
      const bytes = Buffer.from(json(size));
      const effort = { level: 3, memLevel: 8 };
      const deflated = deflateShared(bytes, 15, effort);
      add(`deflate, JSON, ${size} B`, { count: 1, bytes: size }, () => deflateShared(bytes, 15, effort));
      add(`inflate, JSON, ${size} B`, { count: 1, bytes: size }, () => inflater.inflate(deflated, 1 << 20));
    }
  },
};

function cuts(length) {
  const pieces = Array.from({ length: Math.floor(length / 1460) }, () => 1460);
  return [...pieces, length - pieces.length * 1460];
}

function json(size) {
  const items = Array.from({ length: size / 32 }, (_, i) => ({
    id: i * 7919,
    side: i % 3 ? "buy" : "sell",
    price: i * 37,
  }));
  return JSON.stringify(items).slice(0, size);
}

console.log(`Node ${process.version}`);
for (const [name, define] of Object.entries(groups)) {
  if (!name.startsWith(values.only)) continue;
  const bench = new Bench({ time: 200, warmupTime: 50 });
  const work = new Map();
  define((title, amount, run) => {
    work.set(title, amount);
    // The clock costs more than a short message: many in each sample.
    const times = Math.max(1, Math.ceil(20_000 / amount.bytes));
    bench.add(title, () => {
      for (let i = 0; i < times; i++) run();
    });
    amount.times = times;
  });
  await bench.run();
  console.log(`\n${name.padEnd(36)}   ns each   million/s      GB/s`);
  for (const task of bench.tasks) {
    if (task.result.error) throw task.result.error;
    const { count, bytes, times } = work.get(task.name);
    // The median sample: a busy machine spoils the mean.
    const nanoseconds = (task.result.latency.p50 * 1e6) / times;
    const row = [nanoseconds / count, (count / nanoseconds) * 1000, bytes / nanoseconds];
    console.log(
      `  ${task.name.padEnd(34)}${row.map((value) => value.toFixed(value < 100 ? 2 : 0).padStart(10)).join("  ")}`,
    );
  }
}
