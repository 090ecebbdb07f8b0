import type { LiveError } from "./errors.js";
import type { CoreTopic } from "./topic.js";
import type { Gap, MessageInfo } from "./topics.js";

/** What comes out of a topic: a message, or that some are missing here. */
export type Received<Message> =
  | (MessageInfo & { readonly data: Message; readonly gap?: undefined })
  | { readonly gap: Gap; readonly data?: undefined };

/** How many wait for a loop that is slower than its topic. What is more is told as a gap. */
const MOST = 1_000;

/** Subscribes with the first `next`, and unsubscribes when the loop is left. */
export async function* iterate<Message>(topic: CoreTopic<Message>): AsyncGenerator<Received<Message>, void> {
  let received: Received<Message>[] = [];
  let end: LiveError | undefined;
  let wake = (): void => {};
  const add = (item: Received<Message>): void => {
    if (received.length >= MOST) {
      received = [{ gap: { why: "slow", position: subscription.position } }];
      if (item.gap === undefined) return wake();
    }
    received.push(item);
    wake();
  };
  const subscription = topic.subscribe({
    message: (data, info) => add({ ...info, data }),
    gap: (gap) => add({ gap }),
    end(error) {
      end = error;
      wake();
    },
  });
  try {
    for (;;) {
      const items = received;
      received = [];
      yield* items;
      if (received.length > 0) continue;
      if (end !== undefined) {
        if (end.code === "closed") return;
        throw end;
      }
      await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    subscription.unsubscribe();
  }
}
