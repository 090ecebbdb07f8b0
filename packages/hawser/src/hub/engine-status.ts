import type { HubState } from "./listeners.js";

/** The engine, as this node sees it. */
export interface EngineReport {
  readonly state: HubState;
  /** Whether it has been reached since the hub was made. */
  readonly wasReached: boolean;
  /** Since when it is in this state, in milliseconds since 1970. */
  readonly since: number;
  /** For how long, in milliseconds. */
  readonly forMs: number;
  /** What the broker said of it. */
  readonly why: string;
  /** How often it was lost. */
  readonly lost: number;
  /** How long it was away in all, in milliseconds; while it is, this grows. */
  readonly awayMs: number;
}

/** Whether the engine can be reached, and how it went so far. Until it has been reached for the first time it cannot. */
export class EngineStatus {
  readonly #now: () => number;
  #state: HubState = "degraded";
  #wasReached = false;
  /** Whether somebody has been told that it cannot be reached. */
  #isTold = false;
  #since: number;
  #sinceDate: number = Date.now();
  #why = "it has not been reached yet";
  #lost = 0;
  #awayMs = 0;

  /** @param now milliseconds that never go back */
  constructor(now: () => number) {
    this.#now = now;
    this.#since = now();
  }

  get state(): HubState {
    return this.#state;
  }

  /** Nothing has been said of it yet. */
  get isUnknown(): boolean {
    return !this.#wasReached && !this.#isTold;
  }

  get report(): EngineReport {
    const forMs = this.#now() - this.#since;
    return {
      state: this.#state,
      wasReached: this.#wasReached,
      since: this.#sinceDate,
      forMs,
      why: this.#why,
      lost: this.#lost,
      awayMs: this.#awayMs + (this.#state === "up" ? 0 : forMs),
    };
  }

  /** @returns whether it is news: the engine was lost, cannot be reached at the start, or is back after it was told that it could not */
  set(state: HubState, why: string): boolean {
    const isNews = state === "up" ? this.#state !== "up" && this.#isTold : !this.#isTold;
    if (state !== this.#state) this.#change(state);
    else if (state === "up") return false;
    this.#why = why;
    this.#isTold = state !== "up";
    return isNews;
  }

  #change(state: HubState): void {
    const now = this.#now();
    if (state === "up") {
      this.#awayMs += now - this.#since;
      this.#wasReached = true;
    } else this.#lost++;
    this.#state = state;
    this.#since = now;
    this.#sinceDate = Date.now();
  }
}
