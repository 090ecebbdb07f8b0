import { type Request, writeBinaryPub, writeOk, writePub } from "@hawser/wire/server";
import type { StoredMessage } from "../brokers/broker.js";
import type { HubContext } from "../hub-context.js";
import type { KnownTopic } from "../topic-rules.js";
import type { Requester } from "./requester.js";

/** What a client that says no number gets. */
const USUAL = 50;

/** Answers with a page of a topic's history: the answer and the messages, in one turn. */
export function sendPage(
  session: Requester,
  { id, topic, before, epoch, max = USUAL }: Extract<Request, { verb: "back" }>,
  { definition }: KnownTopic,
  { page, options }: HubContext,
): void {
  if (definition.history === undefined) return session.refuse(id, "unsupported", "this topic has no history");
  if (!session.mayBegin(id)) return;
  session.begin(id);
  page(topic, { before, epoch, limit: Math.min(max, options.limits.pageMessages) })
    .finally(() => session.ended())
    .then(
      ({ position, messages, more, missed }) => {
        const { offset: o, epoch: e } = position;
        const rest = missed ? ({ missed } as const) : { page: messages.length, more: more || undefined };
        session.answer(id, writeOk(id, { o, e, ...rest }));
        for (const message of messages) send(session, topic, message);
      },
      (error) => session.fail(id, "history", error),
    );
}

function send(session: Requester, topic: string, { binary, bytes, offset, by }: StoredMessage): void {
  if (binary) session.say(writeBinaryPub(topic, bytes, offset, by));
  else
    session.say(writePub(topic, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(), offset, by));
}
