/** Messages at a fixed rate, whatever the server takes for them: for latency at a load that is not the highest. */

import type { RecordableHistogram } from "node:perf_hooks";
import type { Connection } from "./connection.js";
import { FrameCounter } from "./frame-counter.js";
import { now, type Pacer } from "./pacers.js";

/** Who sends, and who gets what was sent, in its order: in an echo the same. */
export interface Pair {
  readonly from: Connection;
  readonly to: Connection;
}

export class Paced {
  readonly #stop: () => void;
  delivered = 0;

  /** @param replyBytes null where that is not known: then frames are counted */
  constructor(
    pairs: readonly Pair[],
    frame: Buffer,
    replyBytes: number | null,
    perSecond: number,
    latency: RecordableHistogram,
    pacer: Pacer,
  ) {
    const dueTimes = pairs.map(({ to }) => {
      const due: number[] = [];
      const counter = new FrameCounter();
      let units = 0;
      to.onBytes = (length, bytes) => {
        units += replyBytes === null ? counter.count(bytes, length) : length;
        for (const unit = replyBytes ?? 1; units >= unit; units -= unit) {
          latency.record(Math.max(1, Math.round((now() - due.shift()!) * 1e6)));
          this.delivered++;
        }
      };
      return due;
    });
    let sent = 0;
    this.#stop = pacer(perSecond, (at) => {
      const pair = sent++ % pairs.length;
      // From when it was due, not from when we came to send it: a stall must not hide what it delayed.
      dueTimes[pair]!.push(at);
      pairs[pair]!.from.write(frame);
    });
  }

  stop(): void {
    this.#stop();
  }
}
