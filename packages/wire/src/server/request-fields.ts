import type { FieldKindName } from "./field-kinds.js";
import type { RequestVerb } from "./request.js";

/** What a field holds; with a question mark, it may be left out. */
export type Field = FieldKindName | `${FieldKindName}?`;

/** The fields of each request, the verb's own value among them. Other keys are ignored, unless they are verbs. */
export const requestFields: Readonly<Record<Exclude<RequestVerb, "ping">, Readonly<Record<string, Field>>>> = {
  hello: { hello: "version", id: "id", token: "token?", subs: "subs?" },
  sub: { sub: "name", id: "id", o: "whole?", e: "epoch?", last: "whole?" },
  unsub: { unsub: "name", id: "id?" },
  pub: { pub: "name", id: "id?", key: "key?" },
  call: { call: "name", id: "id" },
  cancel: { cancel: "id" },
  auth: { auth: "token", id: "id" },
  who: { who: "name", id: "id", max: "whole?", watch: "flag?" },
  count: { count: "name", id: "id", watch: "flag?" },
  back: { back: "name", id: "id", before: "whole?", e: "epoch?", max: "whole?" },
  // Answers to calls of the server's: its ids are names.
  ok: { ok: "name" },
  err: { err: "name", code: "word", msg: "sentence?" },
};

/** Whether a request has a payload. */
export const requestPayload: Readonly<Partial<Record<RequestVerb, "needed" | "allowed">>> = {
  pub: "needed",
  call: "allowed",
  ok: "allowed",
};
