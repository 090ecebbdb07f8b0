/** Practice 8: what one client does is not felt by another. */
import { PING, TEXT } from "hawser/protocol";
import { count, size } from "../amounts.js";
import { askBeside, type Burden } from "../bystander.js";
import { type Check, type Finding, notTestable, pass } from "../check.js";
import type { Context } from "../context.js";
import { deflated } from "../deflated.js";
import { MARK } from "../discover.js";
import { encode } from "../frames.js";
import type { Peer } from "../peer.js";
import { sleep } from "../sleep.js";

const MESSAGES = 300;
const PINGS = 2000;

/** The load is in the server's buffers from the first moment; its effect is over when its own ping is answered. */
function atOnce(frames: (sender: Peer) => void): Burden["begin"] {
  return (sender, patienceMs) => {
    frames(sender);
    return sender.ping(patienceMs);
  };
}

export const busyNeighbour: Check = {
  practice: 8,
  name: "busy-neighbour",
  title: "others are answered while one sends much",
  does: `sends ${MESSAGES} small messages on one connection and measures how long another one waits for answers`,
  advice: "do nothing for each message that scans, blocks, locks or logs: it delays every client",
  run(context) {
    const { sample } = context.nature;
    const begin = atOnce((sender) => {
      if (sample === null) sender.send(...Array.from({ length: 50 }, () => ({ opcode: PING, payload: MARK })));
      else sender.send(...Array.from({ length: MESSAGES }, () => ({ opcode: TEXT, payload: sample })));
    });
    return askBeside(context, { begin });
  },
};

export const pingFlood: Check = {
  practice: 8,
  name: "ping-flood",
  title: "others are answered during a flood of pings",
  does: `sends ${PINGS} pings at once and measures how long another client waits`,
  advice: "bound the pings that are answered in a second: RFC 6455 5.5.3 lets you answer the latest alone",
  async run(context) {
    let answer = "";
    const finding = await askBeside(context, {
      begin: atOnce((sender) => sender.send(...Array.from({ length: PINGS }, () => ({ opcode: PING, payload: MARK })))),
      ended(sender) {
        const pongs = sender.received.filter(({ type }) => type === "pong").length;
        answer = `${count(pongs, "pong")} for ${PINGS} pings${endOf(sender)}`;
      },
    });
    return { ...finding, seen: `${answer}; ${finding.seen}` };
  },
};

function endOf({ closed, isOver }: Peer): string {
  return closed !== undefined ? `, then closed with ${closed.code}` : isOver ? ", then cut" : "";
}

/** Sends a frame again and again as fast as the server takes it. */
interface Flood {
  readonly frame: Buffer;
  /** Of all of it. */
  readonly bytes: number;
  readonly offersCompression: boolean;
}

const FLOOD_MS = 1500;
const QUICK_FLOOD_MS = 700;
const WRITE_BYTES = 64 * 1024;
/** With so much waiting here the server has always something to read. */
const WAITING_BYTES = 512 * 1024;

async function flood(context: Context, { frame, bytes, offersCompression }: Flood): Promise<Finding> {
  const batch = Buffer.concat(Array.from({ length: Math.ceil(WRITE_BYTES / frame.length) }, () => frame));
  let sent = 0;
  let end = "";
  const finding = await askBeside(context, {
    options: {
      keepsMessages: false,
      ...(offersCompression ? { headers: { "Sec-WebSocket-Extensions": "permessage-deflate" } } : {}),
    },
    async begin(sender, patienceMs) {
      sent = 0;
      const endsAt = performance.now() + (context.quick ? QUICK_FLOOD_MS : FLOOD_MS);
      while (sent < bytes && !sender.isOver && performance.now() < endsAt) {
        if (sender.socket.writableLength > WAITING_BYTES) await sleep(1);
        else {
          sender.write(batch);
          sent += batch.length;
        }
      }
      await sender.ping(Math.min(patienceMs, endsAt - performance.now()));
    },
    ended: (sender) => (end = endOf(sender)),
  });
  const messages = Math.floor(sent / frame.length);
  return {
    ...finding,
    seen: `${count(messages, "message")} of ${size(frame.length)}${end}; ${finding.seen}`,
    measured: { ...finding.measured, messages },
  };
}

const FLOOD_BYTES = 2 ** 20;
/** Where each message goes to all other connections of the audit. */
const RELAYED_BYTES = 2 ** 16;

export const messageFlood: Check = {
  practice: 8,
  name: "message-flood",
  title: "others are answered during a flood of messages",
  does: "sends up to 1 MiB of small messages, as fast as they are taken, and measures how long another client waits",
  advice:
    "bound how long one client's messages are handled before the others have their turn: what a read brings in may be thousands",
  async run(context) {
    const { sample, relays } = context.nature;
    if (sample === null) return notTestable("no message is known that it takes");
    const frame = encode({ opcode: TEXT, payload: sample });
    return flood(context, { frame, bytes: relays ? RELAYED_BYTES : FLOOD_BYTES, offersCompression: false });
  },
};

/** What one of them inflates to, where the limit allows it. */
const BOMB_BYTES = 512 * 1024;
const BOMBS_BYTES = 2 * 2 ** 20;

export const bombFlood: Check = {
  practice: 8,
  name: "bomb-flood",
  title: "others are answered while one sends compressed bombs",
  does: "where permessage-deflate is agreed on, sends up to 2 MiB that inflate to a thousand times as much, in messages within the limit",
  advice:
    "count what messages inflate to, and give others their turn by that count: half a kilobyte may be half a megabyte",
  async run(context) {
    const { sample } = context.nature;
    if (sample === null) return notTestable("no message is known that it takes");
    const peer = await context.open({ headers: { "Sec-WebSocket-Extensions": "permessage-deflate" } });
    const agreed = peer.response?.headers.get("sec-websocket-extensions") ?? "";
    void peer.close();
    if (!/^permessage-deflate\b/i.test(agreed)) return pass("compression is off", { compression: false });
    const length = Math.min(context.messageLimit ?? context.nature.safeBytes, BOMB_BYTES);
    // Blanks at the end: whoever takes the sample, as JSON too, takes this.
    const frame = encode({ opcode: TEXT, rsv: 4, payload: deflated(sample.padEnd(length)) });
    const finding = await flood(context, { frame, bytes: BOMBS_BYTES, offersCompression: true });
    return { ...finding, measured: { ...finding.measured, compression: true, inflatedBytes: length } };
  },
};
