/** Practice 5: SIGTERM, as every deployment sends it. */
import { duration } from "../amounts.js";
import { type Check, fail, notTestable, pass, warn } from "../check.js";

const CLIENTS = 3;
/** Supervisors kill after 10 s (Docker) or more. */
const GRACE_MS = 10_000;
/** With less time, nothing is known of a server that is still there. */
const ENOUGH_MS = 2000;

const GOING_AWAY = 1001;
const SERVICE_RESTART = 1012;

export const shutdown: Check = {
  practice: 5,
  name: "shutdown",
  title: "SIGTERM: clients get 1001, then exit 0",
  needsExec: true,
  does: `connects ${CLIENTS} clients, sends the server SIGTERM, and waits up to 10 s for its end`,
  advice:
    "on SIGTERM stop listening, close each client with 1001, and exit 0 when they are gone or a grace time is over",
  async run(context) {
    const { server } = context;
    if (server === undefined) return notTestable("the server is not there");
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => context.open()));
    const since = performance.now();
    server.terminate();
    const wait = Math.min(GRACE_MS, context.leftMs - 500);
    const exit = await server.ended(wait);
    const took = performance.now() - since;
    await Promise.all(clients.map((client) => client.ends(exit === undefined ? 0 : 2000)));
    const codes = clients.map(({ closed }) => closed?.code ?? 1006);
    const measured = {
      codes: codes.join(", "),
      exitCode: exit?.code ?? null,
      signal: exit?.signal ?? null,
      tookMs: Math.round(took),
    };
    const what = `the clients got ${[...new Set(codes)].map((code) => (code === 1006 ? "no close frame" : code)).join(", ")}`;
    if (exit === undefined) {
      const seen = `${what}; it still runs ${duration(took)} after SIGTERM`;
      if (wait < ENOUGH_MS) return notTestable(`${seen}: run without --quick`, measured);
      return wait < GRACE_MS && codes.every((code) => code === GOING_AWAY)
        ? warn(seen, measured)
        : fail(seen, measured);
    }
    const end =
      exit.signal === null
        ? `exit code ${exit.code} after ${duration(took)}`
        : `${exit.signal} ended it after ${duration(took)}: it does not handle it`;
    const seen = `${what}; ${end}`;
    if (exit.code !== 0 || codes.some((code) => code !== GOING_AWAY && code !== SERVICE_RESTART))
      return fail(seen, measured);
    return codes.includes(SERVICE_RESTART) ? warn(seen, measured) : pass(seen, measured);
  },
};
