/** Practice 7: what a handler does not expect ends a client at most. */
import { BINARY, TEXT } from "hawser/protocol";
import { type Check, pass } from "../check.js";
import { MARK } from "../discover.js";
import type { FrameSpec } from "../frames.js";
import { sleep } from "../sleep.js";

const messages: readonly FrameSpec[] = [
  { opcode: TEXT, payload: MARK },
  { opcode: TEXT, payload: "" },
  { opcode: TEXT, payload: "null" },
  { opcode: TEXT, payload: `{"type":"${MARK}"}` },
  { opcode: TEXT, payload: "{" },
  { opcode: BINARY, payload: Buffer.from([0, 1, 2, 0xff]) },
  { opcode: BINARY, payload: "" },
];

export const unexpectedMessages: Check = {
  practice: 7,
  name: "unexpected-messages",
  title: "messages that make no sense do no harm",
  does: "sends empty messages, text that is no JSON, JSON without any field, and a few bytes, each on its own connection",
  advice: "catch what a handler throws, close that client with 1011, and serve on",
  async run(context) {
    const codes = await Promise.all(
      messages.map(async (message) => {
        const peer = await context.open();
        peer.send(message);
        await peer.until(() => peer.closed !== undefined || peer.isOver, 200);
        const code = peer.closed?.code ?? (peer.isOver ? 1006 : undefined);
        void peer.close();
        return code;
      }),
    );
    await sleep(50);
    const closed = codes.filter((code) => code !== undefined);
    const how = closed.length === 0 ? "none closed its client" : `${closed.length} closed their clients`;
    // The runner looks whether the server has lived through it.
    return pass(`${messages.length} of them, ${how}, and the server serves on`, { closed: closed.length });
  },
};
