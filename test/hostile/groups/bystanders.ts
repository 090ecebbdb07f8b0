/**
 * What a client has to wait for while others send as much as they can. Judged by the processor time that the server takes between its
 * message and the answer, which is the same on a busy machine and on an idle one.
 */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { encodeFrame, type FrameSpec, frame } from "../../harness/frames.js";
import { RawClient } from "../../harness/raw-client.js";
import type { ServerProcess } from "../../harness/server.js";
import type { Group, HostileCase } from "../harness/group.js";

const ROUND_TRIPS = 15;
/** A round trip costs the share of each flood at most, and the server a few times that when it has just begun to read them. */
const MOST_MEDIAN_MS = 100;
const MOST_MS = 500;
const BOMB = Buffer.alloc(512 * 1024, 0x61);

interface Flood {
  name: string;
  frames: (peer: RawClient) => readonly FrameSpec[];
  compressed?: boolean;
}

const bomb = (peer: RawClient): FrameSpec => frame.text(peer.compression!.deflate(BOMB), { rsv: 4 });
const times = (count: number, spec: FrameSpec): FrameSpec[] => Array.from({ length: count }, () => spec);

const FLOODS: readonly Flood[] = [
  { name: "messages of 300 B", frames: () => times(800, frame.binary(Buffer.alloc(300))) },
  { name: "messages of one byte", frames: () => times(10_000, frame.text("x")) },
  { name: "messages of 400 KiB", frames: () => [frame.binary(Buffer.alloc(400 * 1024))] },
  { name: "fragments of one byte", frames: () => fragmented(10_000) },
  { name: "bombs of 512 KiB", frames: (peer) => times(100, bomb(peer)), compressed: true },
  {
    name: "bombs behind messages of one byte",
    frames: (peer) => [...times(40, frame.text("x")), ...times(20, bomb(peer))],
    compressed: true,
  },
];

function fragmented(count: number): FrameSpec[] {
  const next = times(count, frame.next("y", { fin: false }));
  return [frame.text("x", { fin: false }), ...next, frame.next("z")];
}

function bystanderCase({ name, frames, compressed = false }: Flood, flooders: number): HostileCase {
  return {
    name: `a bystander's round trip while ${flooders === 1 ? "one client sends" : `${flooders} send`} ${name}`,
    async run(server) {
      const bystander = await RawClient.open(server.url);
      const stop: (() => void)[] = [];
      try {
        for (let i = 0; i < flooders; i++) stop.push(await startFlood(server, frames, compressed));
        await sleep(100);
        const waited: number[] = [];
        for (let i = 0; i < ROUND_TRIPS; i++) {
          const before = server.cpuMs();
          await bystander.echo(`message ${i}`);
          waited.push(server.cpuMs() - before);
          await sleep(10);
        }
        waited.sort((a, b) => a - b);
        const [median, most] = [waited[ROUND_TRIPS >> 1]!, waited.at(-1)!];
        assert.ok(
          median <= MOST_MEDIAN_MS && most <= MOST_MS,
          `median ${median} ms, most ${most} ms of processor time`,
        );
      } finally {
        for (const end of stop) end();
        bystander.destroy();
      }
    },
  };
}

/** Sends without pause, and reads what comes back without looking at it. @returns what ends it */
async function startFlood(server: ServerProcess, frames: Flood["frames"], compressed: boolean): Promise<() => void> {
  const peer = await RawClient.open(server.url, compressed ? { offer: "permessage-deflate" } : {});
  const bytes = Buffer.concat(frames(peer).map((spec) => encodeFrame(spec)));
  peer.socket.removeAllListeners("data");
  peer.socket.resume();
  const send = (): void => {
    while (!peer.socket.destroyed && peer.socket.write(bytes));
  };
  peer.socket.on("drain", send);
  send();
  return () => peer.destroy();
}

export const bystanders: Group = {
  name: "bystanders",
  atOnce: 1,
  cases: FLOODS.flatMap((flood) => [bystanderCase(flood, 1), bystanderCase(flood, 10)]),
};
