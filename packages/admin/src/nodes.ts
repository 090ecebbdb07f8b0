/** Nodes as the dashboard shows them: this one, unless whoever knows of others tells of them. */
import type { HubStats } from "hawser/hub";

/** `degraded`: without the engine. `gone`: it has not been heard for too long. */
export type NodeState = "ready" | "draining" | "degraded" | "gone";

export interface NodeEngine {
  readonly state: "up" | "degraded";
  readonly since: number;
  readonly why: string;
}

/** One node of a cluster, or one worker of a machine. */
export interface NodeReport {
  readonly id: string;
  /** What people know it by: a host and a process, or the number of a worker. */
  readonly name: string;
  /** The one that serves this dashboard. */
  readonly isThis: boolean;
  readonly state: NodeState;
  readonly clients: number;
  /** Clients of `hawser.v1` among them. */
  readonly sessions: number;
  readonly topics: number;
  /** The engine as this node sees it; `since` in milliseconds since 1970. Left out where there is none. */
  readonly engine?: NodeEngine | undefined;
  readonly startedAt: number;
  /** When it was heard last, in milliseconds since 1970. */
  readonly lastSeen: number;
}

/** What is known of this node. */
export interface OwnNode {
  readonly isReady: boolean;
  readonly clients: { readonly size: number };
}

export function ownNode({ isReady, clients }: OwnNode, hub: HubStats, name: string): NodeReport {
  const { state, since, why } = hub.engine;
  return {
    id: hub.node,
    name,
    isThis: true,
    state: !isReady ? "draining" : state === "up" ? "ready" : "degraded",
    clients: clients.size,
    sessions: hub.sessions,
    topics: hub.topics,
    engine: { state, since, why },
    startedAt: Math.round(performance.timeOrigin),
    lastSeen: Date.now(),
  };
}

const MOST_SHOWN = 200;
const LONGEST = 200;

/** What is sent of them: a name or a reason may be as long as somebody else likes. */
export function shownNodes(nodes: readonly NodeReport[]): { total: number; nodes: readonly NodeReport[] } {
  const shown = nodes.slice(0, MOST_SHOWN).map((node) => ({
    ...node,
    id: node.id.slice(0, LONGEST),
    name: node.name.slice(0, LONGEST),
    engine: node.engine && { ...node.engine, why: node.engine.why.slice(0, LONGEST) },
  }));
  return { total: nodes.length, nodes: shown };
}
