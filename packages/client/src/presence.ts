import { type Member, writeWho } from "@hawser/wire/client";
import { LiveError } from "./errors.js";
import type { Answer } from "./queue.js";
import type { PresenceWatch, TopicParts } from "./topic.js";

/** Who is in a topic. */
export interface Present {
  readonly count: number;
  /** By key, usually that of the user, with what else is to be known. Undefined where there are too many, or the number alone is told. */
  readonly members: ReadonlyMap<string, unknown> | undefined;
}

/** Follows who is in a topic, for one subscription. */
export function watchPresence(
  topic: string,
  { queue, call }: TopicParts,
  handler: (present: Present) => void,
): PresenceWatch {
  let members: Map<string, unknown> | undefined;
  let version: number | undefined;
  /** The server has been asked, and its answer will be newer than what it says before. */
  let isAsked = false;

  function tell(count: number): void {
    call(handler, { count, members: members && new Map(members) });
  }

  function answered(answer: Answer): void {
    isAsked = false;
    // That one may not know is reported: there is no other place for it.
    if (answer.verb === "err") return call(fail, answer.code, answer.msg);
    version = answer.v;
    members = answer.in && toMap(answer.in);
    tell(answer.n ?? 0);
  }

  function ask(): void {
    isAsked = true;
    queue.ask((id) => writeWho(topic, id, undefined, true), answered);
  }

  return {
    ask,
    changed({ n, v, in: joined = [], out = [] }) {
      if (isAsked) return;
      // Something was not heard of, or the list begins anew.
      if (v !== undefined && v !== version! + 1) return ask();
      version = v;
      if (v === undefined) members = undefined;
      for (const [key, info] of joined) members?.set(key, info);
      for (const key of out) members?.delete(key);
      tell(n);
    },
  };
}

function fail(code: string, message: string | undefined): never {
  throw new LiveError(code, message);
}

export function toMap(members: readonly Member[]): Map<string, unknown> {
  return new Map(members.map(([key, info]) => [key, info]));
}
