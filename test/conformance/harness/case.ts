import { exchange, type Exchange } from "../../harness/exchange.js";
import type { ConnectOptions } from "../../harness/raw-client.js";

/** One case, numbered like the Autobahn|Testsuite's so that the two can be compared. */
export interface Case {
  id: string;
  says: string;
  run: (url: string) => Promise<void>;
}

export function testCase(id: string, says: string, what: Exchange, options: ConnectOptions = {}): Case {
  return { id, says, run: (url) => exchange(url, what, options) };
}

/** `FULL=1`: as many repetitions as the Autobahn|Testsuite makes. */
export const FULL: boolean = process.env["FULL"] === "1";
