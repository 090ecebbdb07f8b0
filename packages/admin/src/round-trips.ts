/** The clients' round-trip times, from a sample: so many clients a second, and in time each of them. */
import type { Client } from "hawser";

export interface RoundTrips {
  readonly median: number | null;
  readonly p95: number | null;
}

const CLIENTS_A_LOOK = 200;

export class RoundTripSample {
  readonly #clients: ReadonlyMap<string, Pick<Client, "rttMs">>;
  /** Where the last look ended. A map's iterator goes on with those that came since, and without those that have gone. */
  #rest: Iterator<Pick<Client, "rttMs">>;

  constructor(clients: ReadonlyMap<string, Pick<Client, "rttMs">>) {
    this.#clients = clients;
    this.#rest = clients.values();
  }

  take(): RoundTrips {
    const times: number[] = [];
    const most = Math.min(CLIENTS_A_LOOK, this.#clients.size);
    for (let looked = 0, turns = 0; looked < most; looked++) {
      let next = this.#rest.next();
      if (next.done) {
        // From the beginning, but nobody twice in one look.
        if (++turns > 1) break;
        next = (this.#rest = this.#clients.values()).next();
        if (next.done) break;
      }
      if (next.value.rttMs !== null) times.push(next.value.rttMs);
    }
    times.sort((a, b) => a - b);
    return { median: times[times.length >> 1] ?? null, p95: times[Math.floor(times.length * 0.95)] ?? null };
  }
}
