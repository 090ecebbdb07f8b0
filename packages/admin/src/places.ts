/** Places at the live feed, by what somebody may do: who has the token never waits for a place that others hold. */
import type { Client } from "hawser";

/** What is known of a dashboard. */
export interface Viewer {
  mayRead: boolean;
  mayAct: boolean;
  /** Requests in this second: a page of ours asks a few times. */
  second: { since: number; requests: number };
  /** Whose looks at the topics those are: one that is asked for replaces the one before. */
  readonly topicsAsker: object;
  /** Whether it waits for the members of a topic. */
  asksForMembers: boolean;
}

export type Standing = "operator" | "reader" | "stranger";

/** Readers: who may look without the token. Strangers: who may not, and are given a moment to show it. */
const MOST: Readonly<Record<Standing, number>> = { operator: 32, reader: 32, stranger: 8 };
/** So long a stranger may stay without the token. A page that people type it into connects again when it has it. */
const STRANGER_MS = 10_000;

export const MOST_VIEWERS: number = MOST.operator + MOST.reader + MOST.stranger;

export class Places {
  readonly #viewers = new Map<Client<Viewer>, number>();

  hasRoomFor(standing: Standing): boolean {
    let taken = 0;
    for (const { data } of this.#viewers.keys()) if (standingOf(data) === standing) taken++;
    return taken < MOST[standing];
  }

  take(viewer: Client<Viewer>, now: number): void {
    this.#viewers.set(viewer, now);
  }

  leave(viewer: Client<Viewer>): void {
    this.#viewers.delete(viewer);
  }

  /** Strangers whose time is over. */
  overdue(now: number): Client<Viewer>[] {
    const late = [...this.#viewers].filter(([{ data }, since]) => !data.mayRead && now - since >= STRANGER_MS);
    return late.map(([viewer]) => viewer);
  }
}

export function standingOf({ mayRead, mayAct }: Pick<Viewer, "mayRead" | "mayAct">): Standing {
  return mayAct ? "operator" : mayRead ? "reader" : "stranger";
}
