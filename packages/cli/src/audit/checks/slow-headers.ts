/** Practice 9: who sends his request slowly on purpose is cut. */
import { duration } from "../amounts.js";
import { type Check, fail, notTestable, pass, warn } from "../check.js";
import type { Context } from "../context.js";

/** Nobody needs longer to send a few hundred bytes. */
const LONG_MS = 60_000;
const DRIP_MS = 1000;

interface Cut {
  /** Undefined: it was not cut in time. */
  readonly afterMs: number | undefined;
  readonly status: number | undefined;
  readonly waitedMs: number;
}

export const slowHeaders: Check = {
  practice: 9,
  name: "slow-headers",
  title: "a request whose headers dribble in is cut",
  does: "sends a request's headers a byte a second, and on another connection nothing at all",
  advice:
    "give a request's headers a deadline of some 15 s from the first byte to the last (node:http: headersTimeout)",
  async run(context) {
    const [drip, idle] = await Promise.all([hold(context, true), hold(context, false)]);
    const measured = {
      cutAfterMs: rounded(drip.afterMs),
      status: drip.status ?? null,
      idleAfterMs: rounded(idle.afterMs),
    };
    const other = idle.afterMs === undefined ? "" : `; one that sends nothing, after ${duration(idle.afterMs)}`;
    if (drip.afterMs === undefined) {
      const seen = `a byte a second is still taken after ${duration(drip.waitedMs)}${other}`;
      return context.quick ? notTestable(`${seen}: run without --quick`, measured) : fail(seen, measured);
    }
    const how = drip.status === undefined ? "" : ` with ${drip.status}`;
    const seen = `cut after ${duration(drip.afterMs)}${how}${other}`;
    return drip.afterMs > LONG_MS + 1000 ? warn(`${seen}: more than a minute`, measured) : pass(seen, measured);
  },
};

async function hold(context: Context, isDripping: boolean): Promise<Cut> {
  const peer = await context.connect();
  const wait = context.waitLeftMs;
  if (isDripping) peer.write(`GET ${context.target.path} HTTP/1.1\r\nHost: ${context.target.host}\r\nX-Slow: `);
  const endsAt = performance.now() + wait;
  while (!peer.isOver && peer.response === undefined && performance.now() < endsAt) {
    await peer.until(() => peer.isOver || peer.response !== undefined, DRIP_MS);
    if (isDripping && !peer.isOver) peer.write("x");
  }
  const isCut = peer.isOver || peer.response !== undefined;
  const { ageMs } = peer;
  peer.destroy();
  return { afterMs: isCut ? ageMs : undefined, status: peer.response?.status, waitedMs: ageMs };
}

function rounded(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms);
}
