/** An event as a line of JSON, for a pipe. */
import type { Present } from "@hawser/client";
import { printable } from "hawser/tools";
import type { HubEvent, HubMessage } from "./events.js";

/** Null: it is for people alone. */
export function eventLine(event: HubEvent): string | null {
  const fields = fieldsOf(event);
  // JSON takes U+009B and its like as they are, and a terminal does not.
  return fields === null ? null : printable(JSON.stringify({ event: event.event, ...fields }));
}

function fieldsOf(event: HubEvent): object | null {
  switch (event.event) {
    case "message":
      return messageFields(event);
    case "page": {
      const { topic, messages, more, missed } = event;
      return { topic, messages: messages.map(messageFields), more, missed };
    }
    case "state": {
      const { phase } = event.state;
      if (phase === "idle" || phase === "connecting") return null;
      if (phase === "open") {
        const { client, user, degraded } = event.state;
        return { state: "open", client, user, degraded };
      }
      const { why, code } = event.state;
      const retryAt = phase === "waiting" ? new Date(event.state.retryAt).toISOString() : undefined;
      return { state: phase, why, code, message: event.why, retryAt };
    }
    case "gap":
      return { topic: event.topic, gap: event.why, ...event.position };
    case "subscribed":
      return { topic: event.topic, ...event.position };
    case "unsubscribed":
      return { topic: event.topic, code: event.code };
    case "published":
      return { topic: event.topic, ...event.position, duplicate: event.duplicate };
    case "answer":
      return { call: event.call, ...dataFields(event.data) };
    case "members":
      return { topic: event.topic, ...presentFields(event.present) };
    case "presence":
      return { topic: event.topic, ...presentFields(event.present), came: event.came, went: event.went };
    case "error":
      return { command: event.what, error: event.code, message: event.message };
    case "help":
      return null;
  }
}

function messageFields({ topic, offset, by, replayed, data }: HubMessage): object {
  return { topic, offset, by, replayed, ...dataFields(data) };
}

/** Bytes are hexadecimal, under another name. */
function dataFields(data: unknown): object {
  return data instanceof Uint8Array ? { binary: Buffer.from(data).toString("hex") } : { data };
}

function presentFields({ count, members }: Present): object {
  return { count, members: members && [...members].map(([user, info]) => ({ user, info })) };
}
