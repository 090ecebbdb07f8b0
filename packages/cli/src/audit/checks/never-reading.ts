/** Practices 2 and 8: a client that takes nothing is cut, and until then costs the others nothing. */
import { TEXT } from "hawser/protocol";
import { duration, mebibytes } from "../amounts.js";
import { type Check, fail, type Finding, notTestable, pass } from "../check.js";
import type { Context } from "../context.js";
import { MARK } from "../discover.js";
import type { Peer } from "../peer.js";
import { sleep } from "../sleep.js";
import { isHeld } from "../stalled.js";

/** More than the kernel holds for a connection on a loopback (some 6 MiB on Linux), and no load. */
const MOST_BYTES = 8 * 2 ** 20;
/** The server takes no more from the sender: it waits for the reader. */
const STUCK_MS = 500;
/** A server that takes longer is busy enough. */
const FILL_MS = 5000;
const QUICK_FILL_MS = 2000;
const LOOK_EVERY_MS = 100;
const LAST_LOOK_MS = 1000;

export const neverReading: Check = {
  practice: 2,
  name: "never-reading-client",
  title: "a client that reads nothing is cut",
  does: "connects, reads nothing, and has up to 8 MiB sent to it",
  advice: "cut a connection that has bytes queued and took none for some seconds, and bound what waits for it",
  async run(context) {
    const { echoes, relays } = context.nature;
    if (!echoes && !relays)
      return notTestable("it sends nothing that could pile up: neither an echo nor messages of other clients");
    const reader = await context.open({ isPolite: false });
    const sender = echoes ? reader : await context.open();
    reader.socket.pause();
    const since = performance.now();
    const filled = await fill(sender, reader, context);
    const finding = await watch(reader, since, filled, context);
    reader.destroy();
    sender.destroy();
    return finding;
  },
};

interface Filled {
  /** Bytes. */
  readonly sent: number;
  /** Enough that something has to wait in the server, or it has stopped to take more. */
  readonly isFull: boolean;
}

/** Sends until the server takes no more, or enough. */
async function fill(sender: Peer, reader: Peer, context: Context): Promise<Filled> {
  const payload = `${MARK} `.padEnd(context.nature.safeBytes, "x");
  const batch = Math.max(1, Math.floor((256 * 1024) / payload.length));
  const most = Math.min(MOST_BYTES, payload.length * 20_000);
  let sent = 0;
  const endsAt = performance.now() + (context.quick ? QUICK_FILL_MS : FILL_MS);
  while (sent < most && performance.now() < endsAt && !sender.isOver && !reader.isOver) {
    sender.send(...Array.from({ length: batch }, () => ({ opcode: TEXT, payload })));
    sent += batch * payload.length;
    const since = performance.now();
    while (sender.socket.writableLength > 0 && !sender.socket.destroyed) {
      if (performance.now() - since > STUCK_MS) return { sent, isFull: true };
      await sleep(5);
    }
    await sleep(2);
  }
  return { sent, isFull: sent >= most };
}

async function watch(reader: Peer, since: number, { sent, isFull }: Filled, context: Context): Promise<Finding> {
  const serverPort = context.target.port;
  const ourPort = reader.socket.localPort ?? 0;
  const elapsed = (): number => performance.now() - since;
  const measured = (cutAfterMs: number | null): Finding["measured"] => ({ sentBytes: sent, cutAfterMs });
  // Behind a forwarded port, or on another machine, there is nothing to see from here.
  const canSee = isHeld(serverPort, ourPort) === true;
  const endsAt = performance.now() + context.waitLeftMs - (canSee ? 0 : LAST_LOOK_MS);
  while (performance.now() < endsAt && !reader.isOver) {
    if (canSee && isHeld(serverPort, ourPort) === false) break;
    await sleep(LOOK_EVERY_MS);
  }
  const waited = elapsed();
  const isCut = reader.isOver || (canSee && isHeld(serverPort, ourPort) === false);
  const what = `with ${mebibytes(sent)} sent to it`;
  if (isCut) return pass(`cut after ${duration(waited)}, ${what}`, measured(Math.round(waited)));
  // Reading shows what has become of it, and ends the stall.
  reader.socket.resume();
  await reader.ends(LAST_LOOK_MS);
  if (reader.isOver) return pass(`cut when looked at after ${duration(waited)}, ${what}`, measured(Math.round(waited)));
  const seen = `still connected after ${duration(waited)}, ${what}`;
  if (!isFull) return notTestable(`${seen}: it was too busy to take enough`, measured(null));
  return context.quick ? notTestable(`${seen}: run without --quick`, measured(null)) : fail(seen, measured(null));
}
