import type { Client, Server } from "hawser";
import type { HubStats, TopicInfo, TopicList } from "hawser/hub";
import type { AdminHub } from "../hub.js";
import type { Metrics } from "../metrics/index.js";
import { largestRooms, type Rooms } from "../rooms.js";

/** A client as another process is told of it. */
export interface ClientReport {
  readonly id: string;
  readonly address: string;
  readonly path: string;
  readonly topics: readonly string[];
  readonly ageMs: number;
  readonly rttMs: number | null;
  readonly bufferedBytes: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly dropped: number;
  readonly isOpen: boolean;
}

/** What a worker tells of itself each second. */
export interface WorkerReport {
  readonly isReady: boolean;
  readonly connections: number;
  readonly backlogBytes: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly rooms: Rooms;
  /** The newest. */
  readonly clients: readonly ClientReport[];
  readonly rss: number;
  readonly heapUsed: number;
  /** In the text format of Prometheus. */
  readonly metrics: string;
  /** In milliseconds since 1970. */
  readonly startedAt: number;
  /** The hub, where there is one. */
  readonly hub?: HubReport | undefined;
}

export interface HubReport {
  readonly stats: HubStats;
  /** Topics with the most subscribers. */
  readonly largest: readonly TopicInfo[];
}

/** What a report needs of a hub. */
export type ReportedHub = Pick<AdminHub, "stats" | "topics" | "topicsOf">;

/** So many clients of each worker are in the dashboard's table: each costs some 300 bytes a second. */
const MOST_CLIENTS = 200;
const MOST_TOPICS = 10;
/** So many topics of each worker, for the same reason. */
const LARGEST = 100;
const LONGEST_WHY = 200;

/**
 * @param now by the server's clock
 * @param hub its topics are rooms as well
 */
export async function reportOf<Data>(
  server: Server<Data>,
  metrics: Metrics,
  now: number,
  hub?: ReportedHub,
): Promise<WorkerReport> {
  const { isReady, backlogBytes, stats, clients } = server;
  const { messagesIn, messagesOut, bytesIn, bytesOut } = stats;
  const { rss, heapUsed } = process.memoryUsage();
  const listed = hub?.topics({ limit: LARGEST });
  return {
    isReady,
    connections: clients.size,
    backlogBytes,
    messagesIn,
    messagesOut,
    bytesIn,
    bytesOut,
    rooms: listed === undefined ? largestRooms(server.topicSizes()) : roomsOf(server, listed),
    clients: newest(clients).map((client) => clientReport(client as Client, now, hub)),
    rss,
    heapUsed,
    metrics: await metrics.text(),
    startedAt: Math.round(performance.timeOrigin),
    ...(listed === undefined ? {} : { hub: { stats: told(hub!.stats), largest: listed.topics } }),
  };
}

function told(stats: HubStats): HubStats {
  const { engine } = stats;
  return { ...stats, engine: { ...engine, why: engine.why.slice(0, LONGEST_WHY) } };
}

/** The largest of both kinds. */
function roomsOf<Data>(server: Server<Data>, { total, topics }: TopicList): Rooms {
  const own = server.topicSizes();
  const all = new Map(own);
  for (const { name, subscribers } of topics) all.set(name, Math.max(subscribers, own.get(name) ?? 0));
  return { ...largestRooms(all), total: total + own.size };
}

function newest<Some>(clients: ReadonlyMap<string, Some>): Some[] {
  const all = clients.values();
  for (let skipped = clients.size - MOST_CLIENTS; skipped > 0; skipped--) all.next();
  return [...all];
}

function* topicsOf(client: Client, hub: ReportedHub | undefined): Iterable<string> {
  yield* client.topics;
  if (hub !== undefined) yield* hub.topicsOf(client);
}

function clientReport(client: Client, now: number, hub: ReportedHub | undefined): ClientReport {
  const { id, address, path, rttMs, bufferedBytes, messagesIn, messagesOut, bytesIn, bytesOut, dropped, isOpen } =
    client;
  const topics: string[] = [];
  for (const topic of topicsOf(client, hub)) if (topics.push(topic) === MOST_TOPICS) break;
  const ageMs = now - client.connectedAt;
  return {
    id, address, path, topics, ageMs, rttMs, bufferedBytes, messagesIn, messagesOut, bytesIn, bytesOut, dropped, isOpen,
  }; // oxfmt-ignore
}
