/** What the body of a request may hold: the check and the JSON Schema of each kind of field side by side. */
import { type ErrorWord, limits } from "@hawser/wire";
import { fieldKinds } from "@hawser/wire/server";

/** JSON Schema of draft 2020-12, which OpenAPI 3.1 has. */
export type Schema = Readonly<Record<string, unknown>>;

interface Kind {
  /** As the end of "has to be …". */
  readonly what: string;
  /** @returns undefined for what it may hold */
  readonly check: (value: unknown) => ErrorWord | undefined;
  readonly schema: Schema;
}

export interface Field {
  readonly kind: KindName;
  readonly isNeeded?: true;
  /** For the document. */
  readonly about: string;
}

/** Topics in one broadcast. */
export const MAX_TOPICS = 1000;
/** Messages or members in one answer. */
export const MAX_PAGE = 1000;

const named = (maxLength: number): Schema => ({
  type: "string",
  minLength: 1,
  // In characters; the check counts bytes.
  maxLength,
  pattern: String.raw`^[^\p{Cc}\p{Cs}]+$`,
});

/** RFC 4648 4, with its padding. */
const BASE64 = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$";
const base64 = new RegExp(BASE64);

export type KindName = "name" | "names" | "key" | "epoch" | "whole" | "page" | "json" | "base64";

const kinds: Readonly<Record<KindName, Kind>> = {
  name: { ...fieldKinds.name, schema: named(limits.nameBytes) },
  names: {
    what: `a list of 1 to ${MAX_TOPICS} different topics, each ${fieldKinds.name.what}`,
    check: checkNames,
    schema: { type: "array", items: named(limits.nameBytes), minItems: 1, maxItems: MAX_TOPICS, uniqueItems: true },
  },
  key: { ...fieldKinds.key, schema: named(limits.keyBytes) },
  epoch: { ...fieldKinds.epoch, schema: named(limits.epochBytes) },
  whole: { ...fieldKinds.whole, schema: { type: "integer", minimum: 0, maximum: limits.number } },
  page: {
    what: `a whole number from 1 to ${MAX_PAGE}`,
    check: (value) => fieldKinds.id.check(value) ?? ((value as number) > MAX_PAGE ? "too-many" : undefined),
    schema: { type: "integer", minimum: 1, maximum: MAX_PAGE },
  },
  json: { what: "JSON", check: () => undefined, schema: {} },
  base64: {
    what: "bytes in base64",
    check: (value) => (typeof value === "string" && base64.test(value) ? undefined : "bad-request"),
    schema: { type: "string", contentEncoding: "base64", pattern: BASE64 },
  },
};

function checkNames(value: unknown): ErrorWord | undefined {
  if (!Array.isArray(value) || value.length === 0) return "bad-request";
  if (value.length > MAX_TOPICS) return "too-many";
  if (new Set(value).size < value.length) return "bad-request";
  return value.map((entry) => fieldKinds.name.check(entry)).find((code) => code !== undefined);
}

export function schemaOf({ kind, about }: Field): Schema {
  return { ...kinds[kind].schema, description: about };
}

export interface FieldFault {
  readonly code: ErrorWord;
  readonly sentence: string;
}

/** What is wrong with the fields of a body. */
export function checkFields(
  fields: Readonly<Record<string, Field>>,
  body: Readonly<Record<string, unknown>>,
): FieldFault | undefined {
  const unknown = Object.keys(body).find((name) => !Object.hasOwn(fields, name));
  if (unknown !== undefined) {
    const shown = JSON.stringify(unknown.slice(0, 40));
    return { code: "bad-request", sentence: `there is no field ${shown}: they are ${Object.keys(fields).join(", ")}` };
  }
  for (const [name, { kind, isNeeded }] of Object.entries(fields)) {
    if (!Object.hasOwn(body, name)) {
      if (isNeeded) return { code: "bad-request", sentence: `${name} is missing: ${kinds[kind].what}` };
      continue;
    }
    const code = kinds[kind].check(body[name]);
    if (code !== undefined) return { code, sentence: `${name} has to be ${kinds[kind].what}` };
  }
  return undefined;
}
