import type { Message } from "./message.js";

type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === "string";
const whole: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const flag: Check = (value) => typeof value === "boolean";
const texts: Check = (value) => Array.isArray(value) && value.every(text);
const members: Check = (value) =>
  Array.isArray(value) && value.every((entry) => Array.isArray(entry) && text(entry[0]));

/** What a field holds, whatever message it stands in; `d` holds anything. By kind, which takes a third less of a page's bytes. */
export const fieldChecks: Readonly<Record<string, Check>> = Object.fromEntries(
  (
    [
      [text, "pub gap unsub pres call cancel bye id client user e by code msg"],
      [whole, "hello ok err o replay page ping ttl retry wait n v"],
      [flag, "missed more duplicate"],
      [texts, "out has"],
      [members, "in"],
    ] as const
  ).flatMap(([check, names]) => names.split(" ").map((name) => [name, check])),
);

/** The verbs, and the fields that a message cannot do without. */
export const neededFields: Readonly<Record<Exclude<Message["verb"], "ping">, readonly string[]>> = {
  hello: ["client", "ping"],
  ok: [],
  err: ["code"],
  pub: ["d"],
  gap: ["o", "e", "code"],
  unsub: ["code"],
  pres: ["n"],
  call: ["id"],
  cancel: [],
  bye: [],
};

/**
 * Reads a text frame of a server's. Never throws.
 * @returns undefined for what is no message that is known, which is to be ignored: a later server may send it
 */
export function readMessage(frame: string): Message | undefined {
  if (frame === "{}") return { verb: "ping" };
  try {
    const message = JSON.parse(frame) as Record<string, unknown>;
    // The first key is the verb: the server that made this frame put it there.
    const [verb = ""] = Object.keys(message);
    if (!Object.hasOwn(neededFields, verb)) return undefined;
    for (const name of neededFields[verb as keyof typeof neededFields]) {
      if (!Object.hasOwn(message, name)) return undefined;
    }
    for (const name in fieldChecks) {
      if (Object.hasOwn(message, name) && !fieldChecks[name]!(message[name])) return undefined;
    }
    return Object.assign(message, { verb }) as unknown as Message;
  } catch {
    return undefined;
  }
}
