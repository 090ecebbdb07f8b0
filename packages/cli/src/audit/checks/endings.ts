/** Practice 7: clients that go without a word. */
import { BINARY, TEXT } from "hawser/protocol";
import { duration } from "../amounts.js";
import { type Check, pass, warn } from "../check.js";
import type { Context } from "../context.js";
import type { Peer } from "../peer.js";
import { freshKey } from "../context.js";
import { sleep } from "../sleep.js";

const HALF_OPEN_MS = 10_000;
const QUICK_HALF_OPEN_MS = 4000;

export const halfOpen: Check = {
  practice: 7,
  name: "half-open",
  title: "a client that ends its half is let go",
  does: "sends a FIN without a close frame and keeps reading",
  advice: "end the connection when the client has ended its half: it can send nothing any more",
  async run(context) {
    const peer = await context.open();
    const since = performance.now();
    peer.end();
    await peer.ends(context.quick ? QUICK_HALF_OPEN_MS : HALF_OPEN_MS);
    const took = performance.now() - since;
    peer.destroy();
    if (peer.isOver) return pass(`ended ${duration(took)} after the client's FIN`, { endedAfterMs: Math.round(took) });
    return warn(`still open ${duration(took)} after the client's FIN`, { endedAfterMs: null });
  },
};

export const resets: Check = {
  practice: 7,
  name: "resets",
  title: "clients that reset do no harm",
  does: "resets connections in the middle of a handshake, right after it, in a frame, and between fragments",
  advice: "listen for errors on the socket from the first moment of a handshake, and on each client",
  async run(context) {
    const moments: readonly ((peer: Peer) => void)[] = [
      (peer) => peer.write(context.handshake(freshKey()).slice(0, 40)),
      (peer) => peer.write(context.handshake(freshKey())),
    ];
    for (const moment of moments) {
      for (let again = 0; again < 3; again++) {
        const peer = await context.connect();
        moment(peer);
        // A moment later each time: the handshake may be under way, or answered.
        await sleep(again);
        void peer.reset();
      }
    }
    await Promise.all([
      resetAfter(context, () => {}),
      resetAfter(context, (peer) => peer.send({ opcode: BINARY, declaredLength: 5000, payload: Buffer.alloc(100) })),
      resetAfter(context, (peer) => peer.send({ opcode: TEXT, fin: false, payload: "x" })),
      resetAfter(context, (peer) => peer.write(Buffer.from([0x81]))),
    ]);
    // The runner looks whether the server has lived through it.
    await sleep(100);
    return pass("10 resets, in and after handshakes: the server serves on", { resets: 10 });
  },
};

async function resetAfter(context: Context, what: (peer: Peer) => void): Promise<void> {
  const peer = await context.open();
  what(peer);
  await sleep(20);
  void peer.reset();
}
