/** The operations: what each takes, what it answers, and what it asks of the hub. The OpenAPI document is made of this table. */
import { limits } from "@hawser/wire";
import type { JsonText, Payload } from "@hawser/wire/server";
import { type Field, MAX_PAGE, type Schema } from "./fields.js";
import { HubError } from "../hub-error.js";
import type { HistoryMessage, HubPort, Published } from "./port.js";

/** A body whose fields hold what they have to: that is what the casts are for. */
export interface Body {
  readonly values: Readonly<Record<string, unknown>>;
  /** The fields as they are written. */
  readonly written: ReadonlyMap<string, JsonText>;
}

/** What JSON Schema can say of fields together, and we as well. */
interface Rule {
  readonly schema: Schema;
  readonly isBroken: (values: Body["values"]) => boolean;
  readonly sentence: string;
}

export interface Operation {
  readonly summary: string;
  readonly about: string;
  readonly fields: Readonly<Record<string, Field>>;
  readonly rules: readonly Rule[];
  readonly answer: Schema;
  readonly examples: readonly { readonly request: object; readonly answer: object }[];
  /** @returns the answer as JSON */
  readonly run: (hub: HubPort, body: Body, timeoutMs: number) => Promise<JsonText>;
}

export type OperationName = "publish" | "broadcast" | "history" | "members" | "count" | "revoke";

/** Of the text of messages in one answer. More of them are told by `more`. */
const MAX_ANSWER_CHARACTERS = 4 * 1024 * 1024;
const FIRST_PAGE = 100;

const topic: Field = { kind: "name", isNeeded: true, about: "The topic's name." };
const data: Field = { kind: "json", about: "The payload: any JSON. Its text goes to subscribers as it stands." };
const base64: Field = { kind: "base64", about: "A binary payload, in place of `data`." };
const key: Field = {
  kind: "key",
  about: "A publish that is sent again with its key happens once. The header Idempotency-Key says the same.",
};

const has = (values: Body["values"], name: string): boolean => Object.hasOwn(values, name);

const onePayload: Rule = {
  schema: { oneOf: [{ required: ["data"] }, { required: ["base64"] }] },
  isBroken: (values) => has(values, "data") === has(values, "base64"),
  sentence: "there has to be either data or base64",
};

const offset = { type: "integer", minimum: 0, description: "Left out in a topic without history." };
const epoch = { type: "string", description: "What the offset counts in. Left out in a topic without history." };
const duplicate = { type: "boolean", description: "A message with this key was there already, and has this position." };

const published: Schema = object({ offset, epoch, duplicate }, ["duplicate"]);

export const operations: Readonly<Record<OperationName, Operation>> = {
  publish: {
    summary: "Publish a message in a topic",
    about: "Answers once the message is stored, or sent out where the topic has no history.",
    fields: { topic, data, base64, key },
    rules: [onePayload],
    answer: published,
    examples: [
      {
        request: { topic: "/lobby", data: { text: "hello" }, key: "order-1042" },
        answer: { offset: 126, epoch: "k3f9", duplicate: false },
      },
      { request: { topic: "frames", base64: "AAEC/w==" }, answer: { duplicate: false } },
    ],
    async run(hub, { values, written }, timeoutMs) {
      const { topic, key } = values as { topic: string; key?: string };
      return JSON.stringify(position(await hub.publish(topic, payloadOf(values, written), { key, timeoutMs })));
    },
  },

  broadcast: {
    summary: "Publish one message in several topics",
    about:
      "Each topic by itself: what became of each is in `results`, in the order of `topics`, and the status is 200 also where some failed.",
    fields: { topics: { kind: "names", isNeeded: true, about: "The topics' names." }, data, base64, key },
    rules: [onePayload],
    answer: object({
      results: {
        type: "array",
        items: {
          oneOf: [
            object({ topic: { type: "string" }, offset, epoch, duplicate }, ["topic", "duplicate"]),
            object({
              topic: { type: "string" },
              error: object(
                { code: { type: "string" }, detail: { type: "string" }, retryMs: { type: "integer", minimum: 0 } },
                ["code", "detail"],
              ),
            }),
          ],
        },
      },
    }),
    examples: [
      {
        request: { topics: ["room:42", "room:43"], data: "closing in 5 minutes", key: "closing-7" },
        answer: {
          results: [
            { topic: "room:42", offset: 127, epoch: "k3f9", duplicate: false },
            { topic: "room:43", error: { code: "unavailable", detail: "the engine is down", retryMs: 1000 } },
          ],
        },
      },
    ],
    async run(hub, { values, written }, timeoutMs) {
      const { topics, key } = values as { topics: string[]; key?: string };
      const outcomes = await hub.broadcast(topics, payloadOf(values, written), { key, timeoutMs });
      const results = outcomes.map((outcome, index) => {
        const topic = topics[index];
        if (!(outcome instanceof HubError)) return { topic, ...position(outcome) };
        return { topic, error: { code: outcome.code, detail: outcome.message, retryMs: outcome.retryMs } };
      });
      return JSON.stringify({ results });
    },
  },

  history: {
    summary: "Read a topic's history",
    about:
      "The newest messages, those before an offset, or those after one, always from old to new. " +
      "A large page may have fewer than `max`; then `more` is true.",
    fields: {
      topic,
      max: { kind: "page", about: `At most so many messages. Left out: ${FIRST_PAGE}.` },
      before: { kind: "whole", about: "The messages before this offset." },
      after: { kind: "whole", about: "The messages after this offset; needs `epoch`." },
      epoch: { kind: "epoch", about: "The epoch of `before` or `after`." },
    },
    rules: [
      {
        schema: { not: { required: ["before", "after"] } },
        isBroken: (values) => has(values, "before") && has(values, "after"),
        sentence: "there can be before or after, and not both",
      },
      {
        schema: { dependentRequired: { after: ["epoch"] } },
        isBroken: (values) => has(values, "after") && !has(values, "epoch"),
        sentence: "after needs epoch: an offset means something in its epoch alone",
      },
      {
        schema: { anyOf: [{ not: { required: ["epoch"] } }, { required: ["before"] }, { required: ["after"] }] },
        isBroken: (values) => has(values, "epoch") && !has(values, "before") && !has(values, "after"),
        sentence: "epoch goes with before or after",
      },
    ],
    answer: object({
      offset: { type: "integer", minimum: 0, description: "The newest offset of the topic." },
      epoch: { type: "string", description: "What the offsets count in." },
      messages: {
        type: "array",
        items: {
          ...object(
            { offset: { type: "integer", minimum: 0 }, by: { type: "string" }, data: {}, base64: { type: "string" } },
            ["offset"],
          ),
          oneOf: [{ required: ["data"] }, { required: ["base64"] }],
        },
      },
      more: { type: "boolean", description: "There are more: after these where `after` was given, else before them." },
      missed: { type: "boolean", description: "What was asked for is no longer there, and nothing of it follows." },
    }),
    examples: [
      {
        request: { topic: "room:42", after: 124, epoch: "k3f9" },
        answer: {
          offset: 126,
          epoch: "k3f9",
          messages: [
            { offset: 125, by: "u9", data: { text: "are you there?" } },
            { offset: 126, base64: "AAEC/w==" },
          ],
          more: false,
          missed: false,
        },
      },
      {
        request: { topic: "room:42", max: 50, before: 20, epoch: "a01c" },
        answer: { offset: 126, epoch: "k3f9", messages: [], more: false, missed: true },
      },
    ],
    async run(hub, { values }, timeoutMs) {
      const { topic, max = FIRST_PAGE, before, after, epoch } = values as unknown as HistoryValues;
      const page = await hub.history(topic, { max, before, after, epoch, timeoutMs });
      const { kept, isCut } = fitting(page.messages.map(messageText), after !== undefined);
      const { offset, missed } = page;
      const head = JSON.stringify({ offset, epoch: page.epoch }).slice(0, -1);
      return `${head},"messages":[${kept.join(",")}],"more":${page.more || isCut},"missed":${missed}}`;
    },
  },

  members: {
    summary: "Who is in a topic",
    about: "Needs presence. A user with several connections is one member.",
    fields: { topic, max: { kind: "page", about: `At most so many members. Left out: ${MAX_PAGE}.` } },
    rules: [],
    answer: object({
      count: { type: "integer", minimum: 0, description: "How many there are in all." },
      members: { type: "array", items: object({ user: { type: "string" }, info: {} }, ["user"]) },
    }),
    examples: [
      {
        request: { topic: "room:42" },
        answer: { count: 2, members: [{ user: "u7", info: { name: "Ada" } }, { user: "u9" }] },
      },
    ],
    async run(hub, { values }, timeoutMs) {
      const { topic, max = MAX_PAGE } = values as { topic: string; max?: number };
      const { count, members } = await hub.members(topic, { max, timeoutMs });
      const list = members.map(({ user, info }) => {
        const more = info === undefined ? "" : `,"info":${info}`;
        return `{"user":${JSON.stringify(user)}${more}}`;
      });
      return `{"count":${count},"members":[${list.join(",")}]}`;
    },
  },

  count: {
    summary: "How many are in a topic",
    about: "Needs presence, of which it is the cheap half.",
    fields: { topic },
    rules: [],
    answer: object({ count: { type: "integer", minimum: 0 } }),
    examples: [{ request: { topic: "room:42" }, answer: { count: 812 } }],
    async run(hub, { values }, timeoutMs) {
      const { topic } = values as { topic: string };
      return JSON.stringify({ count: await hub.count(topic, { timeoutMs }) });
    },
  },

  revoke: {
    summary: "End a user's subscription or connections",
    about:
      "With a topic, the subscription ends and the client is told `revoked`. Without one, the connections are closed with 4403. " +
      "On all nodes; those who come back are asked for their permission anew.",
    fields: {
      user: { kind: "name", about: "The user's id: all of the connections." },
      client: { kind: "name", about: "The id of one connection, as `hello` has it." },
      topic: { kind: "name", about: "Of this topic alone." },
    },
    rules: [
      {
        schema: { anyOf: [{ required: ["user"] }, { required: ["client"] }] },
        isBroken: (values) => !has(values, "user") && !has(values, "client"),
        sentence: "there has to be a user or a client",
      },
    ],
    answer: object({}),
    examples: [{ request: { user: "u7", topic: "room:42" }, answer: {} }],
    async run(hub, { values }, timeoutMs) {
      const { user, client, topic } = values as { user?: string; client?: string; topic?: string };
      await hub.revoke({ user, client, topic }, { timeoutMs });
      return "{}";
    },
  },
};

export function isOperation(name: unknown): name is OperationName {
  return typeof name === "string" && Object.hasOwn(operations, name);
}

interface HistoryValues {
  readonly topic: string;
  readonly max?: number;
  readonly before?: number;
  readonly after?: number;
  readonly epoch?: string;
}

function payloadOf(values: Body["values"], written: Body["written"]): Payload {
  const json = written.get("data");
  if (json !== undefined) return { binary: false, json, value: values["data"] };
  return { binary: true, bytes: new Uint8Array(Buffer.from(values["base64"] as string, "base64")) };
}

/** A topic without history has no positions. */
function position({ offset, epoch, duplicate }: Published): object {
  return epoch === "" ? { duplicate } : { offset, epoch, duplicate };
}

function messageText({ offset, by, payload }: HistoryMessage): JsonText {
  const head = JSON.stringify({ offset, by }).slice(0, -1);
  if ("json" in payload) return `${head},"data":${payload.json}}`;
  return `${head},"base64":"${Buffer.from(payload.bytes).toString("base64")}"}`;
}

/** As many as fit into an answer, one at least: the first ones, or the last ones. */
function fitting(texts: readonly JsonText[], fromFirst: boolean): { kept: readonly JsonText[]; isCut: boolean } {
  let length = 0;
  const ordered = fromFirst ? texts : texts.toReversed();
  const over = ordered.findIndex((text, index) => (length += text.length) > MAX_ANSWER_CHARACTERS && index > 0);
  if (over === -1) return { kept: texts, isCut: false };
  return { kept: fromFirst ? texts.slice(0, over) : texts.slice(-over), isCut: true };
}

/** An object with these members and no others, all of them needed unless said. */
function object(
  properties: Readonly<Record<string, object>>,
  required: readonly string[] = Object.keys(properties),
): Schema {
  return { type: "object", properties, required, additionalProperties: false };
}

/** How deep a payload nests: it is a member of a frame, which is one more. */
export const PAYLOAD_DEPTH: number = limits.depth - 1;
