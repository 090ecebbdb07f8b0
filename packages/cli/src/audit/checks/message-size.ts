/** Practice 4: the largest message, found by what frames declare. Their payload is never sent, so nothing large is. */
import { BINARY, CONTINUATION } from "hawser/protocol";
import { size } from "../amounts.js";
import { type Check, fail, type Finding, notTestable, pass, warn } from "../check.js";
import type { Context } from "../context.js";
import type { FrameSpec } from "../frames.js";
import type { Peer } from "../peer.js";

/** A client can make a server hold so much for it. Past that a few hundred clients fill a machine's memory. */
const LARGE = 16 * 2 ** 20;
const TOO_LARGE = 64 * 2 ** 20;
/** RFC 6455 5.2: the most significant bit has to be 0. */
const LARGEST = 2 ** 62;

/** Who refuses a length does so at once. On a busy machine that takes longer, and so does the look. */
const LOOK_MS = 350;
const LONG_LOOK_MS = 1200;
const TIMES_LONGER = 6;
/** What has been answered at the other end is here in a moment. */
const LAST_LOOK_MS = 50;
/** To narrow it down to the byte; a busy machine takes all of it. */
const NARROW_MS = 20_000;
const QUICK_NARROW_MS = 6000;

const LADDER = [1, 125, 2 ** 10, 2 ** 12, 2 ** 14, 2 ** 16, 2 ** 18, 2 ** 20, 2 ** 22, LARGE, TOO_LARGE, LARGEST];
/** What people set limits to. */
const USUAL = [
  ...Array.from({ length: 33 }, (_, exponent) => 2 ** exponent),
  ...[
    1, 2, 4, 5, 8, 10, 16, 20, 32, 50, 64, 100, 128, 200, 256, 500, 512, 1000, 2000, 5000, 10_000, 16_000, 50_000,
  ].map((thousands) => thousands * 1000),
  ...[3, 5, 10, 20, 50, 100, 200, 500].flatMap((number) => [number * 2 ** 10, number * 2 ** 20]),
];
/** Who takes so much has no limit of his own, and at most that of his numbers. */
const NO_LIMIT = 2 ** 32;

interface Attempt {
  readonly length: number;
  readonly isTaken: boolean;
  /** How long it took to be refused, or how long was looked. */
  readonly tookMs: number;
  readonly peer: Peer;
}

export const messageSize: Check = {
  practice: 4,
  name: "message-size",
  title: "a message that is too big is refused as declared",
  does: "declares messages of up to 4 EiB in frame headers, and sends none of them",
  advice: "refuse a message with 1009 as soon as its declared length passes the limit; some 100 KiB to 1 MiB is enough",
  async run(context) {
    const endsAt = performance.now() + (context.quick ? QUICK_NARROW_MS : NARROW_MS);
    const rungs = await Promise.all(LADDER.map((length) => declare(context, length, LONG_LOOK_MS)));
    const refusedRung = rungs.find(({ isTaken }) => !isTaken);
    if (refusedRung === undefined) {
      context.messageLimit = Infinity;
      return fail(`a message of ${size(LARGEST)} was taken as declared: there is no limit`, { limitBytes: null });
    }
    let taken = LADDER[LADDER.indexOf(refusedRung.length) - 1] ?? 0;
    let refused = refusedRung;
    const slowest = Math.max(...rungs.filter(({ isTaken }) => !isTaken).map(({ tookMs }) => tookMs));
    const lookMs = Math.min(Math.max(LOOK_MS, slowest * TIMES_LONGER), LONG_LOOK_MS);
    const attempt = (length: number): Promise<Attempt> => declare(context, length, lookMs);
    ({ taken, refused } = await tryUsual(attempt, taken, refused));
    if (taken >= NO_LIMIT) {
      context.messageLimit = Infinity;
      return fail(`a message of ${size(taken)} was taken as declared: there is no limit to speak of`, {
        limitBytes: null,
      });
    }
    while (refused.length - taken > 1 && performance.now() < endsAt)
      ({ taken, refused } = await narrow(attempt, taken, refused, between(taken, refused.length)));
    context.messageLimit = taken;
    return verdict(taken, refused);
  },
};

function verdict(taken: number, { length, peer }: Attempt): Finding {
  const isExact = length - taken === 1;
  const limit = isExact ? size(taken) : `between ${size(taken)} and ${size(length)}`;
  const code = peer.closed?.code ?? null;
  const measured = { limitBytes: taken, refusedBytes: length, isExact, closeCode: code };
  const how = code === null ? (peer.ending?.how === "reset" ? "a reset" : "an end without a close frame") : `${code}`;
  const seen = `limit ${limit}, refused as declared with ${how}`;
  if (taken >= TOO_LARGE) return fail(`${seen}: more than ${size(TOO_LARGE)}`, measured);
  if (code !== 1009) return warn(`${seen} in place of 1009`, measured);
  return taken > LARGE ? warn(`${seen}: more than ${size(LARGE)}`, measured) : pass(seen, measured);
}

/** Declares one message and looks whether the server ends the connection. */
async function declare(context: Context, length: number, lookMs: number): Promise<Attempt> {
  // A pong in the middle of a frame would be taken for its payload.
  const peer = await context.open({ isPolite: false });
  peer.send({ opcode: BINARY, declaredLength: BigInt(length) });
  const since = performance.now();
  const isRefused = await isEnded(context, peer, lookMs);
  const tookMs = performance.now() - since;
  peer.destroy();
  return { length, isTaken: !isRefused, tookMs, peer };
}

async function isEnded(context: Context, peer: Peer, lookMs: number): Promise<boolean> {
  const isOver = (): boolean => peer.closed !== undefined || peer.isOver;
  if (await peer.until(isOver, lookMs)) return true;
  await context.settled();
  return peer.until(isOver, LAST_LOOK_MS);
}

type Attempting = (length: number) => Promise<Attempt>;

/** Most limits are one of these: found in one round instead of several. */
async function tryUsual(
  attempt: Attempting,
  taken: number,
  refused: Attempt,
): Promise<{ taken: number; refused: Attempt }> {
  const candidates = [...new Set(USUAL)]
    .filter((limit) => limit >= taken && limit < refused.length)
    .toSorted((a, b) => a - b);
  let at = { taken, refused };
  // In two rounds: where between the usual ones, and then one byte more.
  for (let left = candidates; left.length > 0;) {
    const step = Math.ceil(left.length / 8);
    const probes = left.filter((_, index) => index % step === step - 1 || index === left.length - 1);
    at = await narrow(
      attempt,
      at.taken,
      at.refused,
      probes.filter((probe) => probe > at.taken),
    );
    left = left.filter((limit) => limit > at.taken && limit < at.refused.length);
    if (step === 1) break;
  }
  return at.refused.length - at.taken > 1 ? narrow(attempt, at.taken, at.refused, [at.taken + 1]) : at;
}

async function narrow(
  attempt: Attempting,
  taken: number,
  refused: Attempt,
  lengths: readonly number[],
): Promise<{ taken: number; refused: Attempt }> {
  const attempts = (await Promise.all(lengths.map((length) => attempt(length)))).toSorted(
    (a, b) => a.length - b.length,
  );
  const first = attempts.find(({ isTaken }) => !isTaken);
  const below = attempts.filter(({ length, isTaken }) => isTaken && length < (first ?? refused).length).at(-1);
  return { taken: below?.length ?? taken, refused: first ?? refused };
}

/** Eight lengths, evenly spread. */
function between(taken: number, refused: number): number[] {
  const gap = refused - taken;
  const parts = Math.min(9, gap);
  return Array.from({ length: parts - 1 }, (_, index) => taken + Math.floor((gap * (index + 1)) / parts));
}

/** So much is sent for certain, to see what becomes of it. */
const MOST_SENT = 4 * 2 ** 20;

export const fragmentedSize: Check = {
  practice: 4,
  name: "fragmented-size",
  title: "the limit holds for the sum of fragments",
  does: "sends a message in fragments of which each is small enough and the sum is not, up to 4 MiB",
  advice: "count the fragments of a message together, and refuse it with 1009 when the sum passes the limit",
  async run(context) {
    const limit = context.messageLimit;
    if (limit === undefined || limit === Infinity) return notTestable("there is no limit that fragments could pass");
    const peer = await context.open({ isPolite: false });
    const begun = Math.max(1, Math.min(1000, Math.floor(limit / 2)));
    // Declared alone: the rest of what is allowed, and one byte.
    const rest = limit - begun + 1;
    peer.send({ opcode: BINARY, fin: false, payload: Buffer.alloc(begun) }, continuation(rest, 0));
    let how = "as declared";
    if (!(await isEnded(context, peer, LONG_LOOK_MS))) {
      if (limit > MOST_SENT) {
        peer.destroy();
        return notTestable(`refused at best when it has come, and more than ${size(MOST_SENT)} are not sent`);
      }
      how = "when it had come";
      peer.write(Buffer.alloc(rest, 0));
      if (!(await isEnded(context, peer, 2000))) {
        peer.destroy();
        return fail(`${size(limit + 1)} in two fragments were taken: more than the limit`);
      }
    }
    const code = peer.closed?.code ?? null;
    peer.destroy();
    const seen = `${size(limit + 1)} in two fragments: refused ${how} with ${code ?? "no close frame"}`;
    return code === 1009 ? pass(seen, { closeCode: code }) : warn(`${seen} in place of 1009`, { closeCode: code });
  },
};

function continuation(declaredLength: number, sent: number): FrameSpec {
  return { opcode: CONTINUATION, fin: true, declaredLength, payload: Buffer.alloc(sent) };
}
