/** Practice 8: what one client does is not felt by another. */
import { PING, TEXT } from "../../protocol/index.js";
import { count, duration } from "../amounts.js";
import { type Check, fail, type Finding, notTestable, pass, warn } from "../check.js";
import type { Context } from "../context.js";
import { MARK } from "../discover.js";
import type { Peer } from "../peer.js";
import { sleep } from "../sleep.js";

/** What a person takes for a stall, and what they begin to feel. */
const STALL_MS = 500;
const SLOW_MS = 150;
const PATIENCE_MS = 2000;
/** Before the load, to see how busy the machine is. */
const QUIET_ANSWERS = 20;
/** A wait that is not so many times longer than without the load is not the load's. */
const NOISE = 3;
/** No third round is begun after it. */
const ROUNDS_MS = 2000;

const MESSAGES = 300;
const PINGS = 2000;

export const busyNeighbour: Check = {
  practice: 8,
  name: "busy-neighbour",
  title: "others are answered while one sends much",
  does: `sends ${MESSAGES} small messages on one connection and measures how long another one waits for answers`,
  advice: "do nothing for each message that scans, blocks, locks or logs: it delays every client",
  async run(context) {
    const { sample } = context.nature;
    return measure(context, (sender) => {
      if (sample === null) sender.send(...Array.from({ length: 50 }, () => ({ opcode: PING, payload: MARK })));
      else sender.send(...Array.from({ length: MESSAGES }, () => ({ opcode: TEXT, payload: sample })));
    });
  },
};

export const pingFlood: Check = {
  practice: 8,
  name: "ping-flood",
  title: "others are answered during a flood of pings",
  does: `sends ${PINGS} pings at once and measures how long another client waits`,
  advice: "bound the pings that are answered in a second: RFC 6455 5.5.3 lets you answer the latest alone",
  async run(context) {
    let flooder: Peer | undefined;
    const finding = await measure(context, (sender) => {
      flooder = sender;
      sender.send(...Array.from({ length: PINGS }, () => ({ opcode: PING, payload: MARK })));
    });
    const pongs = flooder?.received.filter(({ type }) => type === "pong").length ?? 0;
    const cut = flooder?.isOver === true ? ", then cut" : "";
    const end = flooder?.closed === undefined ? cut : `, then closed with ${flooder.closed.code}`;
    return { ...finding, seen: `${count(pongs, "pong")} for ${PINGS} pings${end}; ${finding.seen}` };
  },
};

interface Round {
  /** Longest wait for an answer, in milliseconds, before the load and beside it. */
  readonly quietMs: number;
  readonly loadedMs: number;
}

/** The best of three rounds, since the machine may be busy with something else. */
async function measure(context: Context, load: (sender: Peer) => void): Promise<Finding> {
  const { answersPings, echoes } = context.nature;
  if (!answersPings && !echoes) return notTestable("it answers neither pings nor messages");
  const rounds: Round[] = [];
  const endsAt = performance.now() + ROUNDS_MS;
  for (let round = 0; round < 3 && (round < 2 || performance.now() < endsAt); round++) {
    try {
      const outcome = await oneRound(context, load);
      rounds.push(outcome);
      if (outcome.loadedMs < SLOW_MS) break;
    } catch (error) {
      // Still at work on what the round before has sent, it may take no new client; that round has been seen.
      if (round > 0 && rounds.length === 0) throw error;
    }
  }
  const { quietMs, loadedMs } = rounds.reduce((best, round) => (round.loadedMs < best.loadedMs ? round : best));
  const measured = { worstWaitMs: Math.round(loadedMs), quietWaitMs: Math.round(quietMs) };
  const seen =
    loadedMs >= PATIENCE_MS
      ? `another client had no answer within ${duration(PATIENCE_MS)}`
      : `another client waited ${duration(loadedMs)} at most`;
  if (loadedMs <= SLOW_MS) return pass(seen, measured);
  if (quietMs * NOISE > loadedMs) {
    const noise = `${seen}, and ${duration(quietMs)} without the load: something else keeps it busy`;
    return loadedMs > STALL_MS ? notTestable(noise, measured) : pass(noise, measured);
  }
  return loadedMs > STALL_MS ? fail(seen, measured) : warn(seen, measured);
}

async function oneRound(context: Context, load: (sender: Peer) => void): Promise<Round> {
  const [sender, bystander] = await Promise.all([context.open(), context.open()]);
  const quietMs = await worstAnswer(context, bystander, (count) => count === QUIET_ANSWERS);
  load(sender);
  // The load is in the server's buffers from the first moment; its effect is over when its own ping is answered.
  const effect = { isOver: false };
  void sender.ping(PATIENCE_MS).then(() => (effect.isOver = true));
  const loadedMs = await worstAnswer(context, bystander, () => effect.isOver || sender.isOver);
  await sleep(50);
  void sender.close();
  void bystander.close();
  return { quietMs, loadedMs };
}

/** Asks until `isDone`, which is told how many answers have come, or until one is not in time. */
async function worstAnswer(context: Context, peer: Peer, isDone: (count: number) => boolean): Promise<number> {
  let worst = 0;
  let answers = 0;
  do {
    const wait = await answerTime(context, peer);
    if (wait === undefined) return PATIENCE_MS;
    worst = Math.max(worst, wait);
    answers++;
    await sleep(1);
  } while (!isDone(answers));
  return worst;
}

/** By its echo where there is one, which goes the whole way that a message goes; by a pong else. */
async function answerTime({ nature }: Context, peer: Peer): Promise<number | undefined> {
  if (!nature.echoes || nature.sample === null) return peer.ping(PATIENCE_MS);
  const token = `${MARK} ${Math.random()}`;
  const since = performance.now();
  peer.send({ opcode: TEXT, payload: nature.sample.replace(MARK, token) });
  return (await peer.hears(token, PATIENCE_MS)) ? performance.now() - since : undefined;
}
