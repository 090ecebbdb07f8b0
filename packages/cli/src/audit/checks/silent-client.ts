/** Practice 2: who is heard no more is disconnected. */
import { count, duration } from "../amounts.js";
import { type Check, fail, notTestable, pass } from "../check.js";

/** So many pings without an answer, and still connected: nobody waits for answers. */
const PATIENT_PINGS = 8;

export const silentClient: Check = {
  practice: 2,
  name: "silent-client",
  title: "a client that answers nothing is dropped",
  does: "connects and answers nothing, no pings either, until the server drops it",
  advice: "end a connection of which nothing was heard for about a minute: a client that is gone sends no FIN",
  async run(context) {
    const peer = await context.open({ isPolite: false });
    await peer.until(() => peer.closed !== undefined || peer.isOver, context.waitLeftMs);
    const pings = peer.received.filter(({ type }) => type === "ping").length;
    const waited = peer.ageMs;
    const isDropped = peer.isOver || peer.closed !== undefined;
    peer.destroy();
    const measured = { pings, droppedAfterMs: isDropped ? Math.round(waited) : null };
    if (isDropped) {
      context.dropAfterMs = waited;
      const how = peer.closed?.code === 1005 ? "a close frame" : peer.closed?.code;
      return pass(`dropped after ${duration(waited)}${how === undefined ? "" : ` with ${how}`}`, measured);
    }
    const seen = `still connected after ${duration(waited)}, ${count(pings, "ping")} unanswered`;
    if (context.quick && pings < PATIENT_PINGS) return notTestable(`${seen}: run without --quick`, measured);
    return fail(seen, measured);
  },
};
