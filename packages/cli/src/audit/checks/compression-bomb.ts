/** Practice 4: the limit counts after decompression too. */
import { BINARY } from "hawser/protocol";
import { size } from "../amounts.js";
import { type Check, fail, notTestable, pass, warn } from "../check.js";
import { deflated } from "../deflated.js";

/** Zeros are compressed to a thousandth, so this is some 130 KiB on the wire. */
const MOST_BYTES = 128 * 2 ** 20;

export const compressionBomb: Check = {
  practice: 4,
  name: "compression-bomb",
  title: "the limit holds after decompression",
  does: "offers permessage-deflate and, where it is taken, sends zeros that are past the limit when inflated",
  advice: "bound what a message inflates to while it is inflated, or leave permessage-deflate off",
  link: "docs/options.md#compression",
  async run(context) {
    const peer = await context.open({ headers: { "Sec-WebSocket-Extensions": "permessage-deflate" } });
    const agreed = peer.response?.headers.get("sec-websocket-extensions") ?? "";
    const limit = context.messageLimit ?? Infinity;
    if (!/^permessage-deflate\b/i.test(agreed)) {
      void peer.close();
      return pass("compression is off", { compression: false });
    }
    const length = limit + Math.max(64 * 1024, limit);
    if (length > MOST_BYTES) {
      void peer.close();
      return notTestable("there is no limit that it could pass without harm", { compression: true });
    }
    peer.send({ opcode: BINARY, rsv: 4, payload: deflated(Buffer.alloc(length)) });
    const isEnded = (): boolean => peer.closed !== undefined || peer.isOver;
    if (!(await peer.until(isEnded, 3000))) await context.settled();
    const isOver = isEnded();
    const isAnswered = !isOver && (await peer.ping(2000)) !== undefined;
    const code = peer.closed?.code ?? null;
    peer.destroy();
    const measured = { compression: true, inflatedBytes: length, closeCode: code };
    const what = `${size(length)} of zeros, deflated`;
    if (isOver) {
      const seen = `${what}: refused with ${code ?? "no close frame"}`;
      return code === 1009 ? pass(seen, measured) : warn(`${seen} in place of 1009`, measured);
    }
    return fail(`${what}: ${isAnswered ? "taken" : "neither refused nor answered"}`, measured);
  },
};
