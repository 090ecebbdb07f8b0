/** Clients of a hub that are connected already, and join one topic in a short time: how much each of them is told of the others. */

import type { Connection } from "./connection.js";
import { FrameCounter } from "./frame-counter.js";
import { masked } from "./opening.js";

/** What all were told, the answers to their own requests included. */
export interface CrowdCounts {
  readonly frames: number;
  /** By a single client. */
  readonly mostFrames: number;
  readonly bytes: number;
}

/** Nothing was said for so long: it is over. Longer than a hub collects changes for. */
const QUIET_MS = 2500;
const STEP_MS = 5;

export class Crowd {
  readonly #connections: readonly Connection[];
  readonly #requests: Buffer;
  readonly #frames: Uint32Array;
  #bytes = 0;
  #lastAt = 0;

  constructor(connections: readonly Connection[], topic: string) {
    this.#connections = connections;
    const who = JSON.stringify({ who: topic, id: 3, watch: true });
    this.#requests = Buffer.concat([masked(JSON.stringify({ sub: topic, id: 2 })), masked(who)]);
    this.#frames = new Uint32Array(connections.length);
    connections.forEach((connection, at) => {
      const counter = new FrameCounter();
      connection.onBytes = (length, bytes) => {
        this.#frames[at]! += counter.count(bytes, length);
        this.#bytes += length;
        this.#lastAt = performance.now();
      };
    });
  }

  /** They join at an even rate. */
  async join(withinMs: number): Promise<CrowdCounts> {
    const begin = performance.now();
    for (let joined = 0; joined < this.#connections.length;) {
      const due = ((performance.now() - begin) / withinMs) * this.#connections.length;
      while (joined < Math.min(due, this.#connections.length)) this.#connections[joined++]!.write(this.#requests);
      await sleep(STEP_MS);
    }
    this.#lastAt = performance.now();
    while (performance.now() - this.#lastAt < QUIET_MS) await sleep(50);
    return {
      frames: this.#frames.reduce((sum, frames) => sum + frames, 0),
      mostFrames: this.#frames.reduce((most, frames) => Math.max(most, frames), 0),
      bytes: this.#bytes,
    };
  }
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
