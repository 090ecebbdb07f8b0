/** The clients as the dashboard's table shows them: searched, sorted and cut into pages here, so that a browser never holds them all. */
import type { Client } from "hawser";

export const PAGE_SIZE = 50;

export interface ClientQuery {
  /** Part of an id, an address, a path or a room; "" for all. */
  readonly search: string;
  readonly sort: SortKey;
  readonly descending: boolean;
  /** From 0. */
  readonly page: number;
}

export interface ClientRow {
  readonly id: string;
  readonly address: string;
  readonly path: string;
  /** The first few of the rooms, and how many there are. */
  readonly rooms: readonly string[];
  readonly roomCount: number;
  readonly ageMs: number;
  readonly rttMs: number | null;
  readonly queuedBytes: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly dropped: number;
  readonly isOpen: boolean;
}

export interface ClientPage {
  /** All that are connected, and those that the search has found. */
  readonly total: number;
  readonly matched: number;
  readonly page: number;
  readonly pages: number;
  readonly rows: readonly ClientRow[];
}

export type SortKey = "age" | "id" | "address" | "room" | "rtt" | "queued" | "in" | "out" | "dropped";

/** The topics of a client: the server's, and those of a hub. */
export type TopicsOf = (client: Client) => Iterable<string>;

/** What the table can be sorted by, each with the number or text that decides. */
const keys: Readonly<Record<SortKey, (client: Client, topicsOf: TopicsOf) => number | string>> = {
  age: (client) => -client.connectedAt,
  id: (client) => client.id,
  address: (client) => client.address,
  room: (client, topicsOf) => firstRoom(topicsOf(client)),
  rtt: (client) => client.rttMs ?? -1,
  queued: (client) => client.bufferedBytes,
  in: (client) => client.messagesIn,
  out: (client) => client.messagesOut,
  dropped: (client) => client.dropped,
};

export function isSortKey(word: unknown): word is SortKey {
  return typeof word === "string" && Object.hasOwn(keys, word);
}

const ROOMS_SHOWN = 3;
const ROOMS_SEARCHED = 100;
const LONGEST_SHOWN = 200;

/**
 * One look at every client; the rest is done for those of the page alone.
 * @param now by the server's clock
 * @param hubTopicsOf those of a hub, besides the server's own
 */
export function listClients(
  clients: ReadonlyMap<string, Client>,
  query: ClientQuery,
  now: number,
  hubTopicsOf?: (client: Client) => ReadonlySet<string>,
): ClientPage {
  const topicsOf: TopicsOf =
    hubTopicsOf === undefined ? ({ topics }) => topics : (client) => both(client.topics, hubTopicsOf(client));
  const matches = matcher(query.search, topicsOf);
  const found: Client[] = [];
  for (const client of clients.values()) if (matches(client)) found.push(client);
  const pages = Math.max(1, Math.ceil(found.length / PAGE_SIZE));
  const page = Math.min(query.page, pages - 1);
  const rows = sorted(found, query, topicsOf).slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
  return {
    total: clients.size,
    matched: found.length,
    page,
    pages,
    rows: rows.map((client) => rowOf(client, topicsOf(client), now)),
  };
}

/** One after the other, a topic that is in both once. */
function* both(own: ReadonlySet<string>, ofHub: ReadonlySet<string>): Iterable<string> {
  yield* own;
  for (const topic of ofHub) if (!own.has(topic)) yield topic;
}

function matcher(search: string, topicsOf: TopicsOf): (client: Client) => boolean {
  if (search === "") return () => true;
  // Nothing but the letters themselves: no pattern of somebody else's runs here.
  const pattern = new RegExp(search.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"), "i");
  return (client) =>
    pattern.test(client.id) ||
    pattern.test(client.address) ||
    pattern.test(client.path) ||
    anyRoom(topicsOf(client), pattern);
}

function anyRoom(topics: Iterable<string>, pattern: RegExp): boolean {
  let left = ROOMS_SEARCHED;
  for (const topic of topics) {
    if (pattern.test(topic)) return true;
    if (--left === 0) return false;
  }
  return false;
}

function sorted(clients: Client[], { sort, descending }: ClientQuery, topicsOf: TopicsOf): Client[] {
  // They are kept in the order in which they came.
  if (sort === "age") return descending ? clients : clients.toReversed();
  const key = keys[sort];
  const entries = clients.map((client) => ({ client, key: key(client, topicsOf) }));
  const direction = descending ? -1 : 1;
  entries.sort((a, b) => (a.key < b.key ? -direction : a.key > b.key ? direction : 0));
  return entries.map(({ client }) => client);
}

function firstRoom(topics: Iterable<string>): string {
  for (const topic of topics) return topic;
  return "";
}

function rowOf(client: Client, topics: Iterable<string>, now: number): ClientRow {
  const { id, address, path, rttMs, messagesIn, messagesOut, bytesIn, bytesOut, dropped, isOpen } = client;
  const rooms: string[] = [];
  let roomCount = 0;
  for (const topic of topics) if (++roomCount <= ROOMS_SHOWN) rooms.push(topic.slice(0, LONGEST_SHOWN));
  return {
    id,
    address,
    path: path.slice(0, LONGEST_SHOWN),
    rooms,
    roomCount,
    ageMs: Math.max(0, now - client.connectedAt),
    rttMs,
    queuedBytes: client.bufferedBytes,
    messagesIn,
    messagesOut,
    bytesIn,
    bytesOut,
    dropped,
    isOpen,
  };
}
