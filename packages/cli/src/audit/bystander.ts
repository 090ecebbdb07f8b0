/** How long one client waits for its answers while another one is a burden to the server. */
import { TEXT } from "hawser/protocol";
import { duration } from "./amounts.js";
import { fail, type Finding, notTestable, pass, warn } from "./check.js";
import type { Context, OpenOptions } from "./context.js";
import { MARK } from "./discover.js";
import { type Delays, Machine } from "./machine.js";
import type { Peer } from "./peer.js";
import { sleep } from "./sleep.js";

/** What a person takes for a stall, and what they begin to feel. */
const STALL_MS = 500;
const SLOW_MS = 150;
/** Enough for suspicion. */
const FIRST_PATIENCE_MS = 1500;
/** A server that answers nobody for so long has stalled, on a busy machine too. */
const PATIENCE_MS = 6000;
const QUICK_PATIENCE_MS = 3000;
/** No further look is begun after it. */
const LOOKS_MS = 5000;
/** Without the load, for comparison. */
const QUIET_ANSWERS = 20;
/** From here on the machine is busy: what is between fair and not is not told then. */
const BUSY_STRETCH = 1.5;

export interface Burden {
  /** Of the client that is the burden. */
  readonly options?: OpenOptions;
  /** Begins it; resolves when its effect is over, or after `patienceMs`. */
  begin(sender: Peer, patienceMs: number): Promise<unknown>;
  /** A round is over; what has become of the burden is to be seen now. */
  ended?(sender: Peer): void;
}

interface Round {
  /** Longest wait for an answer, in milliseconds, before the load and beside it. */
  readonly quietMs: number;
  readonly loadedMs: number;
  readonly medianMs: number;
  /** What the machine has to do with it; undefined: nobody looked. */
  readonly delays: Delays | undefined;
}

/** A first look; if it gives rise to suspicion two more, of which the best counts, with an eye on what else the machine does. */
export async function askBeside(context: Context, burden: Burden): Promise<Finding> {
  const { answersPings, echoes } = context.nature;
  if (!answersPings && !echoes) return notTestable("it answers neither pings nor messages");
  const endsAt = performance.now() + LOOKS_MS;
  const first = await oneRound(context, burden, FIRST_PATIENCE_MS);
  if (first.loadedMs <= SLOW_MS) return judge(first);
  const machine = await Machine.start();
  try {
    let best = await watchedRound(context, burden, machine, first);
    if (serversOwn(best) > SLOW_MS && performance.now() < endsAt) {
      const again = await watchedRound(context, burden, machine, first);
      if (serversOwn(again) < serversOwn(best)) best = again;
    }
    return judge(best);
  } finally {
    await machine.stop();
  }
}

async function watchedRound(context: Context, burden: Burden, machine: Machine, before: Round): Promise<Round> {
  const delaysSince = machine.watch();
  try {
    const patienceMs = context.quick ? QUICK_PATIENCE_MS : PATIENCE_MS;
    return { ...(await oneRound(context, burden, patienceMs)), delays: delaysSince() };
  } catch {
    // Still at work on what the round before has sent, it takes no new client: that round has been seen.
    return { ...before, delays: delaysSince() };
  }
}

/** What is left of the wait on a machine that has nothing else to do. */
function serversOwn({ loadedMs, delays }: Round): number {
  return delays === undefined ? loadedMs : (loadedMs - delays.ownMs) / delays.stretch;
}

/** Exported for its test. */
export function judge(round: Round): Finding {
  const { loadedMs, quietMs, medianMs, delays } = round;
  const measured = {
    worstWaitMs: Math.round(loadedMs),
    medianWaitMs: Math.round(medianMs),
    quietWaitMs: Math.round(quietMs),
    ...(delays === undefined
      ? {}
      : { ownDelayMs: Math.round(delays.ownMs), machineStretch: Math.round(delays.stretch * 10) / 10 }),
  };
  const seen = `another client waited ${duration(loadedMs)} at most`;
  if (loadedMs <= SLOW_MS) return pass(seen, measured);
  const own = serversOwn(round);
  if (own > STALL_MS) return fail(seen, measured);
  if (delays !== undefined && (delays.stretch >= BUSY_STRETCH || own <= SLOW_MS))
    return notTestable(`${seen}, and this machine was too busy to tell: ${excuse(delays)}`, measured);
  return warn(seen, measured);
}

function excuse({ stretch, ownMs }: Delays): string {
  return `work took ${stretch.toFixed(1)} times as long as it does alone, and the audit itself came ${duration(ownMs)} late`;
}

async function oneRound(context: Context, burden: Burden, patienceMs: number): Promise<Round> {
  const [sender, bystander] = await Promise.all([context.open(burden.options), context.open()]);
  const quiet = await answerTimes(context, bystander, patienceMs, (count) => count === QUIET_ANSWERS);
  const effect = { isOver: false };
  void burden.begin(sender, patienceMs).finally(() => (effect.isOver = true));
  const loaded = await answerTimes(context, bystander, patienceMs, () => effect.isOver || sender.isOver);
  // What the burden was answered with.
  await sleep(50);
  burden.ended?.(sender);
  // What is left of the burden is not to be worked on.
  void sender.reset();
  void bystander.close();
  const median = loaded.toSorted((a, b) => a - b)[Math.floor(loaded.length / 2)] ?? 0;
  return { quietMs: Math.max(...quiet), loadedMs: Math.max(...loaded), medianMs: median, delays: undefined };
}

/** Asks until `isDone`, which is told how many answers have come, or until one is not in time. */
async function answerTimes(
  context: Context,
  peer: Peer,
  patienceMs: number,
  isDone: (count: number) => boolean,
): Promise<number[]> {
  const waits: number[] = [];
  do {
    const wait = await answerTime(context, peer, patienceMs);
    waits.push(wait ?? patienceMs);
    if (wait === undefined) break;
    await sleep(1);
  } while (!isDone(waits.length));
  return waits;
}

/** By its echo where there is one, which goes the whole way that a message goes; by a pong else. */
async function answerTime({ nature }: Context, peer: Peer, patienceMs: number): Promise<number | undefined> {
  peer.forget();
  if (!nature.echoes || nature.sample === null) return peer.ping(patienceMs);
  const token = `${MARK} ${Math.random()}`;
  const since = performance.now();
  peer.send({ opcode: TEXT, payload: nature.sample.replace(MARK, token) });
  return (await peer.hears(token, patienceMs)) ? performance.now() - since : undefined;
}
