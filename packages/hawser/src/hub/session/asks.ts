import { type Payload, writeCall, writeCancel } from "@hawser/wire/server";
import type { DeadlineWheel, Timed } from "../../server/base/deadlines.js";
import { HubError } from "../hub-error.js";
import { type HubCounts, outcomeOf } from "../hub-stats.js";

export interface AskOptions {
  /** @default callTimeoutMs */
  readonly timeoutMs?: number | undefined;
  /** Gives the call up. */
  readonly signal?: AbortSignal | undefined;
}

interface AskPort {
  readonly wheel: DeadlineWheel;
  readonly most: number;
  say(text: string): void;
}

/** Calls of the server's that a client has not answered yet. */
export class Asks {
  readonly #port: AskPort;
  readonly #pending = new Map<string, PendingAsk>();
  #number = 0;

  constructor(port: AskPort) {
    this.#port = port;
  }

  /** @param input as JSON */
  ask(name: string, input: string | undefined, timeoutMs: number, signal: AbortSignal | undefined): Promise<unknown> {
    if (signal?.aborted === true) return Promise.reject(cancelled());
    if (this.#pending.size >= this.#port.most) {
      return Promise.reject(new HubError("too-many", `the client has not answered ${this.#pending.size} calls`));
    }
    const id = `s${++this.#number}`;
    return new Promise((resolve, reject) => {
      const { wheel } = this.#port;
      const deadline = wheel.time.now + timeoutMs;
      const giveUp = (why: HubError): void => {
        this.#port.say(writeCancel(id));
        this.#pending.get(id)?.reject(why);
      };
      const pending = new PendingAsk(deadline, () =>
        giveUp(new HubError("timeout", `no answer within ${timeoutMs} ms`)),
      );
      const onAbort = (): void => giveUp(cancelled());
      const end = (): void => {
        this.#pending.delete(id);
        wheel.remove(pending);
        signal?.removeEventListener("abort", onAbort);
      };
      pending.resolve = (value) => (end(), resolve(value));
      pending.reject = (error) => (end(), reject(error));
      this.#pending.set(id, pending);
      wheel.schedule(pending, deadline);
      signal?.addEventListener("abort", onAbort);
      this.#port.say(writeCall(name, id, input));
    });
  }

  /** An answer has come. One to no call, or too late, is ignored. */
  answered(id: string, payload: Payload | undefined): void {
    this.#pending.get(id)?.resolve(payload?.binary === true ? new Uint8Array(payload.bytes) : payload?.value);
  }

  failed(id: string, code: string, sentence = "the client has refused the call"): void {
    this.#pending.get(id)?.reject(new HubError(code, sentence));
  }

  /** The client is gone. */
  end(): void {
    for (const pending of this.#pending.values()) pending.reject(new HubError("unavailable", "the client is gone"));
  }
}

/** Counts how a call of the server's ends. */
export async function countedAsk(counts: HubCounts, ask: () => Promise<unknown>): Promise<unknown> {
  counts.asks++;
  counts.asksPending++;
  try {
    const output = await ask();
    counts.askOutcomes.answered++;
    return output;
  } catch (error) {
    const isGone = !(error instanceof HubError) || error.code === "unavailable";
    counts.askOutcomes[isGone ? "failed" : outcomeOf(error.code)]++;
    throw error;
  } finally {
    counts.asksPending--;
  }
}

class PendingAsk implements Timed {
  readonly #deadline: number;
  readonly #onTimeout: () => void;
  resolve: (value: unknown) => void = () => {};
  reject: (error: HubError) => void = () => {};
  wheelAt = 0;
  wheelPrevious: Timed | null = null;
  wheelNext: Timed | null = null;

  constructor(deadline: number, onTimeout: () => void) {
    this.#deadline = deadline;
    this.#onTimeout = onTimeout;
  }

  checkDeadlines(now: number): number {
    if (now < this.#deadline) return this.#deadline;
    this.#onTimeout();
    return Infinity;
  }
}

function cancelled(): HubError {
  return new HubError("cancelled", "the call was given up");
}
