import type { JWTPayload } from "jose";

/** Patterns of topics, as the token has them. `coversTopic` of `@hawser/wire/server` says what they cover. */
export interface TopicGrants {
  readonly subscribe: readonly string[];
  readonly publish: readonly string[];
}

/** The wire has one byte for the length of whom a message is from, and for that of a topic. */
const LONGEST = 255;

/** The id of a user; undefined where a message could not name it as its sender. */
export function userOf(claim: unknown): string | undefined {
  return isName(claim) ? claim : undefined;
}

/** "none": there is no such claim. undefined: it is not as it has to be, and then nothing of the token is believed. */
export function topicsOf(payload: JWTPayload, name: string): TopicGrants | "none" | undefined {
  if (!Object.hasOwn(payload, name)) return "none";
  const claim = payload[name];
  if (typeof claim !== "object" || claim === null || Array.isArray(claim)) return undefined;
  const { sub = [], pub = [] } = claim as { sub?: unknown; pub?: unknown };
  return areNames(sub) && areNames(pub) ? { subscribe: sub, publish: pub } : undefined;
}

function areNames(list: unknown): list is string[] {
  return Array.isArray(list) && list.every(isName);
}

function isName(value: unknown): value is string {
  return (
    typeof value === "string" &&
    value !== "" &&
    value.length <= LONGEST &&
    Buffer.byteLength(value) <= LONGEST &&
    !/[\p{Cc}\p{Cs}]/u.test(value)
  );
}
