/** Practice 8: what waits for a slow reader is bounded by what it costs. A message of no bytes costs memory too. */
import { PONG, TEXT } from "hawser/protocol";
import { count, mebibytes } from "../amounts.js";
import { type Check, fail, notTestable, pass, warn } from "../check.js";
import type { Context } from "../context.js";
import { encode } from "../frames.js";
import type { Peer } from "../peer.js";
import { sleep } from "../sleep.js";
import { isHeld } from "../stalled.js";

/** Where messages go to others; an echo has one. */
const READERS = 4;
/** More than the kernel holds for a connection on a loopback, and half a million messages besides. */
const MOST_BYTES = 16 * 2 ** 20;
const MOST_MS = 15_000;
const BATCH_BYTES = 64 * 1024;
const WAITING_BYTES = 256 * 1024;
/** It takes no more of the sender, */
const STUCK_MS = 3000;
/** unless it uses so much of a processor for so long: then it is still at work on what it took. */
const AT_WORK_MS = 50;
const WATCHED_MS = 500;
/** It may still be at work on what it took. */
const SETTLE_MS = 1000;
const LOOK_MS = 50;
/** Whoever reads nothing answers no pings; these are to be slow, and not gone. */
const ALIVE_MS = 400;

/** A heap grows in steps; what a sensible bound lets pile up is far less than the first. */
const MUCH = 64 * 2 ** 20;
const TOO_MUCH = 128 * 2 ** 20;

export const tinyMessages: Check = {
  practice: 8,
  name: "tiny-messages",
  title: "tiny messages for slow readers are bounded by what they cost",
  does: "has up to 16 MiB of messages without content sent to clients that read nothing, and looks at the server's memory",
  advice: "charge a queued message what it costs in memory, not its bytes alone: a million empty ones take 100 MiB",
  link: "docs/options.md#sizes-and-backlog",
  async run(context) {
    const { nature, quick, server } = context;
    if (quick) return notTestable("it takes longer: run without --quick");
    if (!nature.echoes && !nature.relays)
      return notTestable("it sends nothing that could pile up: neither an echo nor messages of other clients");
    const payload = await smallestPayload(context);
    const before = server?.memoryBytes();
    const readers = await Promise.all(
      Array.from({ length: nature.echoes ? 1 : READERS }, () => context.open({ isPolite: false })),
    );
    for (const { socket } of readers) socket.pause();
    const sender = nature.echoes ? readers[0]! : await context.open({ keepsMessages: false });
    let most = before ?? 0;
    const look = setInterval(() => (most = Math.max(most, server?.memoryBytes() ?? 0)), LOOK_MS);
    const alive = setInterval(() => readers.forEach((reader) => reader.send({ opcode: PONG })), ALIVE_MS);
    const { messages, isStuck } = await sendAll(sender, encode({ opcode: TEXT, payload }), async () => {
      const then = server?.cpuMs() ?? 0;
      await sleep(WATCHED_MS);
      return (server?.cpuMs() ?? 0) - then >= AT_WORK_MS;
    });
    await sleep(SETTLE_MS);
    clearInterval(look);
    clearInterval(alive);
    const isCut = readers.every(
      ({ isOver, socket }) => isOver || isHeld(context.target.port, socket.localPort!) === false,
    );
    for (const peer of [...readers, sender]) peer.destroy();
    const end = isCut ? ", then cut" : isStuck ? ", then read no more of them" : "";
    const seen = `sent ${count(messages, "message")} of ${count(payload.length, "byte")}${end}`;
    const measured = { messages, isCut, isPaused: isStuck };
    if (before === undefined) {
      if (isCut || isStuck) return pass(seen, measured);
      return notTestable(`${seen}: what it took for them is seen with --exec, where there is /proc`, measured);
    }
    const grown = most - before;
    const judge = grown > TOO_MUCH ? fail : grown > MUCH ? warn : pass;
    return judge(`${seen}: ${mebibytes(grown)} of memory`, { ...measured, grownBytes: grown });
  },
};

/** None at all, if the server takes that. */
async function smallestPayload(context: Context): Promise<string> {
  const peer = await context.open();
  peer.send({ opcode: TEXT, payload: "" });
  await peer.ping(context.answerMs);
  const isTaken = !peer.isOver && peer.closed === undefined;
  void peer.close();
  return isTaken ? "" : (context.nature.sample ?? "");
}

async function sendAll(
  sender: Peer,
  frame: Buffer,
  isAtWork: () => Promise<boolean>,
): Promise<{ messages: number; isStuck: boolean }> {
  const inBatch = Math.floor(BATCH_BYTES / frame.length);
  const batch = Buffer.concat(Array.from({ length: inBatch }, () => frame));
  const { socket } = sender;
  let messages = 0;
  let progressAt = performance.now();
  let waiting = 0;
  for (const endsAt = progressAt + MOST_MS; performance.now() < endsAt && !sender.isOver && !socket.destroyed;) {
    if (socket.writableLength < waiting) progressAt = performance.now();
    waiting = socket.writableLength;
    if (waiting <= WAITING_BYTES && messages * frame.length < MOST_BYTES) {
      sender.write(batch);
      messages += inBatch;
    } else if (waiting === 0) break;
    else if (performance.now() - progressAt > STUCK_MS) {
      if (!(await isAtWork())) return { messages, isStuck: true };
      progressAt = performance.now();
    }
    await sleep(waiting > WAITING_BYTES ? 2 : 0);
  }
  return { messages, isStuck: false };
}
