import { limits } from "../limits.js";
import type { ErrorWord } from "../words.js";

/** What a field may hold. */
export interface FieldKind {
  /** As the end of "has to be …". */
  readonly what: string;
  /** @returns undefined for what it may hold */
  readonly check: (value: unknown) => ErrorWord | undefined;
}

export type FieldKindName =
  | "version"
  | "id"
  | "whole"
  | "flag"
  | "name"
  | "epoch"
  | "key"
  | "token"
  | "word"
  | "sentence"
  | "subs";

export const fieldKinds: Readonly<Record<FieldKindName, FieldKind>> = {
  version: { what: "1, the version", check: (value) => (value === 1 ? undefined : "unsupported") },
  id: { what: "a whole number from 1", check: (value) => wholeFrom(1, value) },
  whole: { what: "a whole number from 0", check: (value) => wholeFrom(0, value) },
  flag: { what: "true or false", check: (value) => (typeof value === "boolean" ? undefined : "bad-request") },
  name: {
    what: `a name: 1 to ${limits.nameBytes} bytes, no control characters`,
    check: (value) => checkName(value, limits.nameBytes),
  },
  epoch: {
    what: `an epoch: 1 to ${limits.epochBytes} bytes, no control characters`,
    check: (value) => checkName(value, limits.epochBytes),
  },
  key: {
    what: `a key: 1 to ${limits.keyBytes} bytes, no control characters`,
    check: (value) => checkName(value, limits.keyBytes),
  },
  token: { what: `a text of 1 to ${limits.tokenBytes} bytes`, check: (value) => checkText(value, limits.tokenBytes) },
  word: {
    what: `a word: small letters, digits and -, a letter first, at most ${limits.wordBytes}`,
    check: (value) =>
      checkText(value, limits.wordBytes) ?? (/^[a-z][a-z0-9-]*$/.test(String(value)) ? undefined : "bad-request"),
  },
  sentence: {
    what: `a text of 1 to ${limits.sentenceBytes} bytes`,
    check: (value) => checkText(value, limits.sentenceBytes),
  },
  subs: {
    what: `a list of at most ${limits.helloSubs} topics, each [topic] or [topic, offset, epoch]`,
    check: checkSubs,
  },
};

/** Control characters, and surrogates without their other half, which cannot be written in UTF-8. */
export const unfitForName: RegExp = /[\p{Cc}\p{Cs}]/u;

/** The length of a text in UTF-8. A surrogate that has lost its other half counts as half a pair. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x80) length++;
    if (code >= 0x800 && (code < 0xd800 || code > 0xdfff)) length++;
  }
  return length;
}

function wholeFrom(least: number, value: unknown): ErrorWord | undefined {
  return Number.isSafeInteger(value) && (value as number) >= least ? undefined : "bad-request";
}

function checkText(value: unknown, limit: number): ErrorWord | undefined {
  if (typeof value !== "string" || value === "") return "bad-request";
  // What has too many characters has too many bytes, and need not be counted.
  return value.length > limit || utf8Length(value) > limit ? "too-big" : undefined;
}

function checkName(value: unknown, limit: number): ErrorWord | undefined {
  return checkText(value, limit) ?? (unfitForName.test(String(value)) ? "bad-request" : undefined);
}

function checkSubs(value: unknown): ErrorWord | undefined {
  if (!Array.isArray(value)) return "bad-request";
  if (value.length > limits.helloSubs) return "too-many";
  for (const entry of value as unknown[]) {
    if (!Array.isArray(entry) || (entry.length !== 1 && entry.length !== 3)) return "bad-request";
    const [topic, offset, epoch] = entry as unknown[];
    const wrong =
      fieldKinds.name.check(topic) ??
      (entry.length === 1 ? undefined : (fieldKinds.whole.check(offset) ?? fieldKinds.epoch.check(epoch)));
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}
