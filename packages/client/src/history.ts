import { type PubMessage, writeBack } from "@hawser/wire/client";
import { LiveError } from "./errors.js";
import type { RequestOptions } from "./queue.js";
import type { TopicParts } from "./topic.js";
import type { MessageInfo, Position } from "./topics.js";

export interface HistoryOptions extends RequestOptions {
  /** The messages before this position; left out, the newest. */
  readonly before?: Position | undefined;
  /** How many at most. The server may give fewer. */
  readonly max?: number | undefined;
}

/** Messages of a topic's history, oldest first. */
export interface Page<Message> {
  readonly messages: readonly (MessageInfo & { readonly data: Message })[];
  /** What to pass as `before` for the page before this one; undefined if there is none. */
  readonly before: Position | undefined;
  /** The history that was asked for is gone: the topic began anew. */
  readonly missed: boolean;
}

/** A page of what the server keeps of a topic. */
export function readHistory(
  name: string,
  { queue, topics }: TopicParts,
  { before, max, ...options }: HistoryOptions = {},
): Promise<Page<unknown>> {
  const write = (id: number): string => writeBack(name, id, before?.offset, before?.epoch, max);
  return queue.add(
    write,
    ({ e: epoch, page = 0, more = false, missed = false }) =>
      new Promise<Page<unknown>>((resolve, reject) => {
        const messages: Page<unknown>["messages"][number][] = [];
        const take = ({ o: offset, by, d: data }: PubMessage, isLast: boolean): void => {
          messages.push({ data, offset, by, replayed: true });
          if (isLast) finish();
        };
        const finish = (): void => {
          const offset = messages[0]?.offset;
          const isMore = more && offset !== undefined && epoch !== undefined;
          resolve({ messages, before: isMore ? { offset, epoch } : undefined, missed });
        };
        if (page === 0) finish();
        else topics.expect(name, { left: page, take, lost: () => reject(new LiveError("lost")) });
      }),
    options,
  );
}
