/** A client that is a burden to the server on purpose, and one beside it that asks and waits for its answers. */

import type { RecordableHistogram } from "node:perf_hooks";
import type { Connection } from "./connection.js";

/** Sends the same bytes for ever, as fast as they are taken, and reads what comes back. */
export function flood(connection: Connection, bytes: Buffer): void {
  const send = (): void => {
    while (connection.write(bytes));
  };
  connection.onDrain = send;
  send();
}

/** Between an answer and the next question: what a person at a keyboard does, and no load. */
const PAUSE_MS = 5;

/** Asks, and asks again when it has been answered. An answer that is not there yet counts as well: it may be the longest. */
export class Asker {
  readonly #latency: RecordableHistogram;
  #askedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  answers = 0;

  /** @param isAnswer whether the whole answer has come with these bytes */
  constructor(
    connection: Connection,
    question: Buffer,
    isAnswer: (length: number, bytes: Uint8Array) => boolean,
    latency: RecordableHistogram,
  ) {
    this.#latency = latency;
    const ask = (): void => {
      this.#askedAt = performance.now();
      connection.write(question);
    };
    connection.onBytes = (length, bytes) => {
      if (!isAnswer(length, bytes)) return;
      this.#record();
      this.answers++;
      this.#timer = setTimeout(ask, PAUSE_MS);
    };
    ask();
  }

  /** What was asked before does not count. */
  begin(): void {
    this.answers = 0;
    if (this.#askedAt > 0) this.#askedAt = performance.now();
  }

  end(): void {
    if (this.#askedAt > 0) this.#record();
    clearTimeout(this.#timer);
  }

  #record(): void {
    this.#latency.record(Math.max(1, Math.round((performance.now() - this.#askedAt) * 1e6)));
    this.#askedAt = 0;
  }
}
