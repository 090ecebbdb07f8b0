import type { GapWord } from "./recovery/audience.js";
import type { Position } from "./brokers/broker.js";

/** What a hub tells the application. */
export interface HubEvents {
  /** Clients of this node were told that messages are missing. */
  gap: (topic: string, why: GapWord, position: Position) => void;
  /** The engine cannot be reached, or can be again. */
  state: (state: HubState, why: string) => void;
}

/** `degraded`: the engine cannot be reached. Clients stay; publishes fail, and what is missed meanwhile is repaired or told. */
export type HubState = "up" | "degraded";

/** Who listens to what. */
export class Listeners {
  readonly #listeners: { readonly [Name in keyof HubEvents]: Set<HubEvents[Name]> } = {
    gap: new Set(),
    state: new Set(),
  };
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** @returns ends it */
  add<Name extends keyof HubEvents>(name: Name, listener: HubEvents[Name]): () => void {
    const listeners: Set<HubEvents[Name]> = this.#listeners[name];
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** In a turn of its own: what is told may come from the middle of a delivery. */
  tell<Name extends keyof HubEvents>(name: Name, ...what: Parameters<HubEvents[Name]>): void {
    for (const listener of this.#listeners[name]) {
      queueMicrotask(() => {
        try {
          (listener as (...what: unknown[]) => void)(...what);
        } catch (error) {
          this.#onError(error);
        }
      });
    }
  }
}
