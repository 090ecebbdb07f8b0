import type { Hub, HubStats } from "hawser/hub";

/** What the admin listener needs of a hub. */
export type AdminHub = Pick<Hub, "stats" | "topics" | "topicsOf" | "members" | "count">;

/** What the dashboard needs of one, which may be that of several processes. */
export interface ShownHub extends Pick<Hub, "topics" | "topicsOf" | "members" | "count"> {
  /** Undefined: nobody has told of it yet. */
  readonly stats: HubStats | undefined;
}

/** Members that are shown of a topic. */
const MOST_MEMBERS = 200;
const LONGEST_SHOWN = 300;

export interface MemberPage {
  readonly ok: boolean;
  /** Why there is nothing to see. */
  readonly text: string;
  /** How many there are, on all nodes. */
  readonly count: number;
  readonly members: readonly { readonly key: string; readonly details: string }[];
}

/** Who is in a topic, on all nodes: the first two hundred. Never rejected. */
export async function membersPage(hub: Pick<AdminHub, "members" | "count">, topic: string): Promise<MemberPage> {
  try {
    const [count, members] = await Promise.all([hub.count(topic), hub.members(topic, { limit: MOST_MEMBERS })]);
    const shown = members.slice(0, MOST_MEMBERS).map(({ key, details }) => ({
      key: key.slice(0, LONGEST_SHOWN),
      details: details === undefined ? "" : JSON.stringify(details).slice(0, LONGEST_SHOWN),
    }));
    return { ok: true, text: "", count: Math.max(count, shown.length), members: shown };
  } catch (error) {
    const { code } = error as { code?: unknown };
    const text = `It cannot be said who is in this topic${typeof code === "string" ? ` (${code})` : ""}.`;
    return { ok: false, text, count: 0, members: [] };
  }
}
