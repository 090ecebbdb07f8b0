/** A hub of a few maps: enough to ask every question of the HTTP API, and to answer with whatever a test wants. */
import type { Payload } from "@hawser/wire/server";
import { HubError } from "#hawser/hub/hub-error.js";
import type {
  HistoryMessage,
  HistoryOptions,
  HistoryPage,
  HubPort,
  MemberList,
  Published,
  PublishOptions,
  Revocation,
} from "#hawser/hub/http/port.js";

export const EPOCH = "k3f9";

interface Topic {
  readonly messages: HistoryMessage[];
  readonly keys: Map<string, number>;
}

export class FakeHub implements HubPort {
  readonly calls: [name: string, ...args: unknown[]][] = [];
  readonly members_ = new Map<string, { user: string; info: string | undefined }[]>();
  /** Takes the place of the next answer of any operation. */
  instead: (() => Promise<never>) | undefined;
  readonly #topics = new Map<string, Topic>();

  async publish(topic: string, payload: Payload, options: PublishOptions): Promise<Published> {
    await this.#called("publish", topic, payload, options);
    return this.#append(topic, payload, options);
  }

  async broadcast(
    topics: readonly string[],
    payload: Payload,
    options: PublishOptions,
  ): Promise<readonly (Published | HubError)[]> {
    await this.#called("broadcast", topics, payload, options);
    return topics.map((topic) =>
      topic.startsWith("forbidden")
        ? new HubError("forbidden", "nobody may do this")
        : topic.startsWith("down")
          ? new HubError("unavailable", "the engine is down", 1000)
          : this.#append(topic, payload, options),
    );
  }

  async history(topic: string, options: HistoryOptions): Promise<HistoryPage> {
    await this.#called("history", topic, options);
    const { messages } = this.#topic(topic);
    const head = { offset: messages.length, epoch: EPOCH };
    const { max, before = Infinity, after, epoch = EPOCH } = options;
    if (epoch !== EPOCH) return { ...head, messages: [], more: false, missed: true };
    const asked = messages.filter(({ offset }) => offset < before && offset > (after ?? 0));
    const page = after === undefined ? asked.slice(-max) : asked.slice(0, max);
    return { ...head, messages: page, more: page.length < asked.length, missed: false };
  }

  async members(topic: string, options: { max: number; timeoutMs: number }): Promise<MemberList> {
    await this.#called("members", topic, options);
    const all = this.members_.get(topic) ?? [];
    return { count: all.length, members: all.slice(0, options.max) };
  }

  async count(topic: string, options: { timeoutMs: number }): Promise<number> {
    await this.#called("count", topic, options);
    return this.members_.get(topic)?.length ?? 0;
  }

  async revoke(whom: Revocation, options: { timeoutMs: number }): Promise<void> {
    await this.#called("revoke", whom, options);
  }

  async #called(name: string, ...args: unknown[]): Promise<void> {
    this.calls.push([name, ...args]);
    const { instead } = this;
    this.instead = undefined;
    await instead?.();
  }

  #append(name: string, payload: Payload, { key }: PublishOptions): Published {
    // A topic without history has no positions.
    if (name.startsWith("live:")) return { offset: 0, epoch: "", duplicate: false };
    const { messages, keys } = this.#topic(name);
    const known = key === undefined ? undefined : keys.get(key);
    if (known !== undefined) return { offset: known, epoch: EPOCH, duplicate: true };
    const offset = messages.length + 1;
    const stored = payload.binary ? { bytes: payload.bytes } : { json: payload.json };
    messages.push({ offset, by: undefined, payload: stored });
    if (key !== undefined) keys.set(key, offset);
    return { offset, epoch: EPOCH, duplicate: false };
  }

  #topic(name: string): Topic {
    const topic = this.#topics.get(name) ?? { messages: [], keys: new Map<string, number>() };
    this.#topics.set(name, topic);
    return topic;
  }
}
