/** Practice 3: the server asks whether a client is still there. */
import { duration } from "../amounts.js";
import { type Check, fail, notTestable, pass, warn } from "../check.js";
import { MARK } from "../discover.js";
import type { Peer } from "../peer.js";

/** Proxies and NATs forget a connection on which nothing was sent for so long; the shortest common limit. */
const PROXY_IDLE_MS = 60_000;

/** So many give the period. */
const ENOUGH = 6;

export const heartbeat: Check = {
  practice: 3,
  name: "heartbeat",
  title: "pings come, and how often",
  does: "connects, answers pings and sends nothing else",
  advice: "send a ping before the read deadline, and more often than once a minute",
  async run(context) {
    const peer = await context.open();
    const endsAt = performance.now() + context.waitLeftMs;
    await peer.until(() => peer.isOver || beats(peer).length > 0, endsAt - performance.now());
    const first = beats(peer)[0];
    // More of them, for the period, where they can come in time.
    if (first !== undefined) {
      const left = context.lastWaitMs;
      const wait = Math.min(left, first.atMs * 1.5 + 3000);
      if (first.atMs < left) await peer.until(() => peer.isOver || beats(peer).length >= ENOUGH, wait);
    }
    const all = beats(peer);
    const last = all.length > 1 ? all.at(-1) : undefined;
    const waited = peer.ageMs;
    const wasDropped = peer.isOver;
    void peer.close();
    if (first === undefined) {
      if (wasDropped)
        return fail(`a client that only listens was dropped after ${duration(waited)} without a ping`, {
          droppedAfterMs: Math.round(waited),
        });
      const seen = `no ping within ${duration(waited)}`;
      return context.quick ? notTestable(`${seen}: run without --quick`) : fail(seen);
    }
    const periodMs = last === undefined ? first.atMs : (last.atMs - first.atMs) / (all.length - 1);
    context.pingPeriodMs = periodMs;
    const measured = { periodMs: Math.round(periodMs), firstAfterMs: Math.round(first.atMs), isFrame: first.isFrame };
    const how = first.isFrame ? "" : context.nature.speaksEngineIo ? " as a message of Engine.IO" : " as a message";
    const seen =
      last === undefined
        ? `the first ping came after ${duration(first.atMs)}${how}`
        : `a ping every ${duration(periodMs)}${how}`;
    if (periodMs > PROXY_IDLE_MS) return warn(`${seen}: proxies cut what is idle for 60 s`, measured);
    if (!first.isFrame && !context.nature.speaksEngineIo)
      return warn(`${seen}: standard clients answer ping frames alone`, measured);
    return pass(seen, measured);
  },
};

interface Beat {
  readonly atMs: number;
  /** A ping frame, and no message that means the same. */
  readonly isFrame: boolean;
}

function beats({ received }: Peer): Beat[] {
  const frames = received.filter(({ type }) => type === "ping");
  if (frames.length > 0) return frames.map(({ atMs }) => ({ atMs, isFrame: true }));
  return received
    .filter(({ type, payload }) => type === "text" && !payload.includes(MARK) && isBeat(payload.toString()))
    .map(({ atMs }) => ({ atMs, isFrame: false }));
}

function isBeat(text: string): boolean {
  // "2" is Engine.IO's ping.
  return text === "2" || (text.length < 200 && /\b(ping|heart-?beat|keep-?alive)\b/i.test(text));
}
