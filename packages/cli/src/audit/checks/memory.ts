/** Practice 8: what the abuse took is given back. */
import { mebibytes } from "../amounts.js";
import { type Check, fail, notTestable, pass, warn } from "../check.js";
import { sleep } from "../sleep.js";

/** A garbage collector gives memory back late and not all of it; all that was sent is less than half of the first. */
const KEPT = 64 * 2 ** 20;
const LEAKED = 128 * 2 ** 20;

export const memory: Check = {
  practice: 8,
  name: "memory",
  title: "memory returns after the abuse",
  needsExec: true,
  does: "reads the memory of the server's processes, now that the abuse is over",
  advice: "bound what waits for a slow client, and drop all that belongs to a client when it goes",
  link: "docs/options.md#sizes-and-backlog",
  async run({ server, memoryBefore, quick }) {
    const before = memoryBefore;
    let least = server?.memoryBytes();
    if (before === undefined || least === undefined)
      return notTestable("this system does not say (it is read from /proc)");
    const since = performance.now();
    while (least - before > KEPT / 2 && performance.now() - since < (quick ? 1000 : 10_000)) {
      await sleep(250);
      least = Math.min(least, server?.memoryBytes() ?? least);
    }
    const measured = { beforeBytes: before, afterBytes: least };
    const seen = `${mebibytes(before)} before, ${mebibytes(least)} after`;
    const more = least - before;
    if (more > LEAKED) return fail(seen, measured);
    return more > KEPT ? warn(seen, measured) : pass(seen, measured);
  },
};
