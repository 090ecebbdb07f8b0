/** Practice 3: a process that was held up, by a debugger or a move to another machine, has no dead clients for that. */
import { duration } from "../amounts.js";
import { type Check, fail, notTestable, pass } from "../check.js";
import type { Context } from "../context.js";
import { watchOwnDelay } from "../machine.js";
import type { Peer } from "../peer.js";
import { sleep } from "../sleep.js";

const CLIENTS = 6;
/** Beyond what makes the client that was heard longest ago a silent one. */
const MARGIN_MS = 1000;
const LONGEST_STALL_MS = 18_000;
/** For one of the clients to come nearer to its next ping. */
const MOST_WAIT_MS = 5000;
/** A server that takes a client for dead does so at once, or at its next look. */
const SETTLE_MS = 2000;
const ANSWER_MS = 3000;

/** Clients that only answer pings, one by one, so that at any moment one of them was heard long ago. */
export async function gatherCompany(context: Context): Promise<void> {
  for (let number = 0; number < CLIENTS; number++) {
    try {
      context.company.push(await context.open({ keepsMessages: false }));
    } catch {
      // The check says how many there are.
    }
    await sleep(context.budget.waitMs / (2 * CLIENTS));
  }
}

export const stall: Check = {
  practice: 3,
  name: "stall",
  title: "clients that answer outlive a stall of the server",
  needsExec: true,
  does: "stops the server's process (SIGSTOP) for longer than it waits for a silent client, and looks who is still there",
  advice: "call nobody silent who was not pinged and given the time to answer while the process ran",
  async run(context) {
    const { server, quick, dropAfterMs, pingPeriodMs } = context;
    if (quick) return notTestable("it takes longer: run without --quick");
    if (dropAfterMs === undefined || pingPeriodMs === undefined)
      return notTestable("it was not seen to send pings and to drop who does not answer");
    const fresh = await Promise.all(Array.from({ length: CLIENTS }, () => context.open({ keepsMessages: false })));
    const clients = [...context.company, ...fresh].filter(isThere);
    const needed = (): number => dropAfterMs - Math.max(...clients.map(silenceOf)) + MARGIN_MS;
    for (const endsAt = performance.now() + MOST_WAIT_MS; needed() > LONGEST_STALL_MS && performance.now() < endsAt;)
      await sleep(100);
    const stallMs = Math.max(needed(), MARGIN_MS);
    if (stallMs > Math.min(LONGEST_STALL_MS, context.leftMs - SETTLE_MS - ANSWER_MS))
      return notTestable(`a stall of ${duration(stallMs)} takes too long`);
    const ownDelay = watchOwnDelay();
    const due = clients.filter((client) => silenceOf(client) + stallMs > dropAfterMs);
    if (server?.suspend() !== true) return notTestable("this system cannot stop a process");
    await sleep(stallMs);
    server.resume();
    await sleep(SETTLE_MS);
    // Answers show that they are there, and silence nothing: the machine may be busy.
    await Promise.all(due.map(async (client) => isThere(client) && client.ping(ANSWER_MS)));
    const lost = due.filter((client) => !isThere(client)).length;
    const ownMs = ownDelay();
    const measured = { stallMs: Math.round(stallMs), clients: due.length, lost, ownDelayMs: Math.round(ownMs) };
    const seen = `stopped for ${duration(stallMs)}: ${lost} of ${due.length} that answer their pings were dropped`;
    if (lost === 0) return pass(seen, measured);
    // We may have been too late with our own answers.
    if (ownMs > (dropAfterMs - pingPeriodMs) / 2)
      return notTestable(`${seen}, and the audit itself came ${duration(ownMs)} late: too busy to tell`, measured);
    return fail(seen, measured);
  },
};

function isThere(client: Peer): boolean {
  return !client.isOver && client.closed === undefined;
}

/** Since the server last heard of it: it answers pings at once, and sends nothing else. */
function silenceOf({ ageMs, received }: Peer): number {
  return ageMs - (received.findLast(({ type }) => type === "ping")?.atMs ?? 0);
}
