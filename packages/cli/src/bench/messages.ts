/** What the threads and the main thread tell each other. */
import type { LoadStart } from "./load.js";
import type { Plan } from "./plan.js";
import type { Tally } from "./tally.js";

export interface Work {
  /** Its URL as text: a URL object cannot go to a thread. */
  readonly plan: Omit<Plan, "target"> & { readonly target: Omit<Plan["target"], "url"> & { readonly url: string } };
  readonly thread: number;
  readonly epoch: bigint;
}

export type ToThread = ({ readonly do: "begin"; readonly at: number } & LoadStart) | { readonly do: "stop" };

export type FromThread =
  /** All connections are open, or have failed; `listeners` are counted by room. */
  | { readonly is: "ready"; readonly opened: number; readonly listeners: Readonly<Record<number, number>> }
  | ({ readonly is: "progress" } & Progress)
  | { readonly is: "done"; readonly tally: Tally };

/** Since the run began. */
export interface Progress {
  readonly sent: number;
  readonly received: number;
  readonly open: number;
  readonly errors: number;
  readonly closes: number;
}
