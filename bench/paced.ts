/** Echo at a fixed rate, whatever the server takes for it: for latency at a load that is not the highest. */

import type { RecordableHistogram } from "node:perf_hooks";
import type { Connection } from "./connection.js";

export class Paced {
  #running = true;
  delivered = 0;

  constructor(
    connections: readonly Connection[],
    frame: Buffer,
    replyBytes: number,
    perSecond: number,
    latency: RecordableHistogram,
  ) {
    const dueTimes = connections.map((connection) => {
      const due: number[] = [];
      let bytes = 0;
      connection.onBytes = (length) => {
        for (bytes += length; bytes >= replyBytes; bytes -= replyBytes) {
          latency.record(Math.max(1, Math.round((performance.now() - due.shift()!) * 1e6)));
          this.delivered++;
        }
      };
      return due;
    });
    const begin = performance.now();
    let sent = 0;
    const send = (): void => {
      if (!this.#running) return;
      for (const end = performance.now(); begin + (sent * 1000) / perSecond <= end; sent++) {
        const at = sent % connections.length;
        // From when it was due, not from when we came to send it: a stall must not hide what it delayed.
        dueTimes[at]!.push(begin + (sent * 1000) / perSecond);
        connections[at]!.write(frame);
      }
      setImmediate(send);
    };
    send();
  }

  stop(): void {
    this.#running = false;
  }
}
