import type { Client, Stats } from "hawser";

/** What the dashboard and the probes need of a server. */
export interface WatchedServer {
  readonly clients: ReadonlyMap<string, Client>;
  readonly stats: Pick<Stats, "messagesIn" | "messagesOut" | "bytesIn" | "bytesOut">;
  readonly isReady: boolean;
  readonly backlogBytes: number;
  topicSizes(): ReadonlyMap<string, number>;
  /** Of the processes that serve, where that is not this one. */
  memory?(): { readonly rss: number; readonly heapUsed: number };
}
