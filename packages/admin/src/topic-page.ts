import type { TopicInfo, TopicSort } from "hawser/hub";
import type { AdminHub } from "./hub.js";

export interface TopicPageQuery {
  /** Part of the name; "" for all. */
  readonly search: string;
  readonly sort: TopicSort;
  /** From 0. */
  readonly page: number;
}

export interface TopicPage {
  /** All topics on this node, and those that the search has found. */
  readonly total: number;
  readonly matched: number;
  readonly page: number;
  /** Of those that can be turned to: the first thousand topics. */
  readonly pages: number;
  readonly rows: readonly TopicInfo[];
}

export const TOPICS_A_PAGE = 50;
/** A thousand topics is what a hub lists: who looks for another one has the search. */
export const LAST_TOPIC_PAGE = 19;

const SORTS: ReadonlySet<unknown> = new Set<TopicSort>(["subscribers", "rate", "messages", "history", "name"]);

export function isTopicSort(word: unknown): word is TopicSort {
  return SORTS.has(word);
}

export function topicPage(hub: Pick<AdminHub, "topics">, { search, sort, page }: TopicPageQuery): TopicPage {
  const { total, matched, topics } = hub.topics({ search, sort, limit: (page + 1) * TOPICS_A_PAGE });
  const pages = Math.min(LAST_TOPIC_PAGE + 1, Math.max(1, Math.ceil(matched / TOPICS_A_PAGE)));
  const shown = Math.min(page, pages - 1);
  return { total, matched, page: shown, pages, rows: topics.slice(shown * TOPICS_A_PAGE, (shown + 1) * TOPICS_A_PAGE) };
}
