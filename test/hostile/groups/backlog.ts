/** Clients that ask for more than they take: what waits for them is bounded, and then they are gone. */
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";

import { encodeFrame, type FrameSpec, frame } from "../../harness/frames.js";
import { RawClient } from "../../harness/raw-client.js";
import { disconnectLine, type Group, type HostileCase } from "../harness/group.js";

/** By which a client may be gone that takes nothing: too much waits for it, or for too long, or it pings too much. */
const CAUSES = ["backlog-overflow", "write-timeout", "control-flood"];

interface NeverReads {
  name: string;
  message: () => FrameSpec;
  totalBytes: number;
  offer?: string;
}

/** Sends messages to be echoed, reads nothing, and waits until the server's log says that it is gone. */
function neverReads({ name, message, totalBytes, offer }: NeverReads): HostileCase {
  return {
    name,
    async run(server) {
      const path = `/${randomUUID()}`;
      const client = await RawClient.open(server.url, { path, ...(offer === undefined ? {} : { offer }) });
      try {
        client.socket.pause();
        const one = encodeFrame(message());
        const bytes = Buffer.concat(Array.from({ length: Math.ceil(65_536 / one.length) }, () => one));
        const gone = disconnectLine(server, path);
        for (let sent = 0; sent < totalBytes; sent += bytes.length) {
          if (!(await Promise.race([client.sendBytes(bytes), gone.then(() => false)]))) break;
        }
        const line = await gone;
        assert.ok(CAUSES.includes(String(line["cause"])), `cause ${String(line["cause"])}`);
      } finally {
        client.destroy();
      }
    },
  };
}

const MIB = 1024 * 1024;
const text = (size: number) => () => frame.text("x".repeat(size));

export const backlog: Group = {
  name: "clients that never read",
  server: "impatient",
  atOnce: 16,
  cases: [
    ...Array.from({ length: 8 }, (_, index) =>
      neverReads({ name: `echoes of 64 KiB, never read (${index + 1})`, message: text(65_536), totalBytes: 64 * MIB }),
    ),
    ...[64, 1024, 16_384, 524_288].map((size) =>
      neverReads({
        name: `echoes of ${size} bytes, never read`,
        message: text(size),
        totalBytes: size < 1024 ? 16 * MIB : 64 * MIB,
      }),
    ),
    neverReads({
      name: "echoes of 64 KiB, to be compressed, never read",
      message: () => frame.binary(randomBytes(65_536)),
      totalBytes: 64 * MIB,
      offer: "permessage-deflate",
    }),
    neverReads({ name: "pongs, never read", message: () => frame.ping("p".repeat(125)), totalBytes: 16 * MIB }),
  ],
};
