/** What a dashboard may ask for, as JSON text messages. */
import { type ClientQuery, isSortKey } from "./client-list.js";
import { isTopicSort, LAST_TOPIC_PAGE, type TopicPageQuery } from "./topic-page.js";

export type DashboardRequest =
  | ({ readonly type: "clients"; readonly request: number } & ClientQuery)
  | ({ readonly type: "topics"; readonly request: number } & TopicPageQuery)
  | { readonly type: "members"; readonly request: number; readonly topic: string }
  | { readonly type: "authorize"; readonly token: string }
  | { readonly type: "disconnect"; readonly request: number; readonly id: string }
  | { readonly type: "send"; readonly request: number; readonly id: string; readonly text: string };

const LONGEST_SEARCH = 200;
/** Most that an operator can send to a client, in characters. */
export const LONGEST_TEXT = 65_536;
/** A name has 255 bytes at most. */
const LONGEST_TOPIC = 255;
const LAST_PAGE = 1_000_000;

/** Null: not one of them. */
export function parseRequest(text: string): DashboardRequest | null {
  const value = parse(text);
  if (typeof value !== "object" || value === null) return null;
  const {
    type,
    request,
    id,
    token,
    search,
    sort,
    descending,
    page,
    text: message,
    topic,
  } = value as Record<string, unknown>;
  if (type === "authorize") return typeof token === "string" ? { type, token } : null;
  if (!isCount(request, Number.MAX_SAFE_INTEGER)) return null;
  switch (type) {
    case "clients":
      if (typeof search !== "string" || search.length > LONGEST_SEARCH || !isSortKey(sort)) return null;
      if (typeof descending !== "boolean" || !isCount(page, LAST_PAGE)) return null;
      return { type, request, search, sort, descending, page };
    case "topics":
      if (typeof search !== "string" || search.length > LONGEST_SEARCH || !isTopicSort(sort)) return null;
      return isCount(page, LAST_TOPIC_PAGE) ? { type, request, search, sort, page } : null;
    case "members":
      return typeof topic === "string" && topic.length <= LONGEST_TOPIC ? { type, request, topic } : null;
    case "disconnect":
      return typeof id === "string" ? { type, request, id } : null;
    case "send":
      if (typeof id !== "string" || typeof message !== "string" || message.length > LONGEST_TEXT) return null;
      return { type, request, id, text: message };
    default:
      return null;
  }
}

function isCount(value: unknown, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
