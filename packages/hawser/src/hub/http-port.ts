import type { Published } from "./brokers/broker.js";
import { HubError } from "./hub-error.js";
import type { HubNode } from "./hub-node.js";
import type { HistoryOptions, HistoryPage, HubPort } from "./http/port.js";

/** The hub as its HTTP API needs it. Engines settle in a shorter time than requests are given. */
export function httpPortOf(node: HubNode): HubPort {
  const publish: HubPort["publish"] = (topic, payload, { key }) => node.publish(topic, payload, { key });
  return {
    publish,
    broadcast: (topics, payload, options) =>
      Promise.all(
        topics.map((topic) =>
          publish(topic, payload, options).catch((error: unknown): Published | HubError => {
            if (error instanceof HubError) return error;
            throw error;
          }),
        ),
      ),
    history: (topic, options) => pageOf(node, topic, options),
    async members(topic, { max }) {
      const [count, members] = await Promise.all([node.count(topic), node.members(topic, max)]);
      return { count, members: Array.from(members, ([user, info]) => ({ user, info })) };
    },
    count: (topic) => node.count(topic),
    revoke: (whom) => node.revoke(whom),
  };
}

async function pageOf(
  node: HubNode,
  topic: string,
  { max, before, after, epoch }: HistoryOptions,
): Promise<HistoryPage> {
  const { position, messages, more, missed } =
    after === undefined
      ? await node.history(topic, { limit: max, before, epoch })
      : await node.historyAfter(topic, { after, epoch, limit: max });
  return {
    offset: position.offset,
    epoch: position.epoch,
    messages: messages.map(({ offset, by, binary, bytes }) => ({
      offset,
      by,
      payload: binary ? { bytes } : { json: new TextDecoder().decode(bytes) },
    })),
    more,
    missed,
  };
}
