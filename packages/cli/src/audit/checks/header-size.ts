/** Practice 9: the size of a request's headers is bounded. */
import { size } from "../amounts.js";
import { type Check, fail, pass } from "../check.js";

const SIZES = [8, 32, 64, 256, 1024].map((kibibytes) => kibibytes * 1024);
/** No honest client comes near: browsers and proxies keep to 8 or 16 KiB. */
const TOO_LARGE = 256 * 1024;

export const headerSize: Check = {
  practice: 9,
  name: "header-size",
  title: "oversized headers are refused",
  does: "sends handshakes with headers of 8 KiB to 1 MiB",
  advice: "bound the size of a request's headers to some 16 KiB, and answer 431 (node:http: maxHeaderSize)",
  async run(context) {
    let taken = 0;
    for (const length of SIZES) {
      const peer = await context.tryHandshake({ "X-Filler": "x".repeat(length) });
      const status = peer.response?.status;
      peer.destroy();
      if (status === 101) {
        taken = length;
        continue;
      }
      const how = status === undefined ? "the end of the connection" : `${status}`;
      const measured = { takenBytes: taken, refusedBytes: length, status: status ?? null };
      const seen = `${size(length)} refused with ${how}`;
      if (taken >= TOO_LARGE) return fail(`${seen}, ${size(taken)} taken`, measured);
      return pass(seen, measured);
    }
    return fail(`headers of ${size(taken)} were taken`, { takenBytes: taken, refusedBytes: null });
  },
};
