/** What happens in a conversation with a hub: each is shown to a person, or is a line of JSON in a pipe. */
import type { Position, Present, State } from "@hawser/client";

export interface HubMessage {
  readonly topic: string;
  /** Undefined in a topic without history. */
  readonly offset: number | undefined;
  /** Undefined: the server itself. */
  readonly by: string | undefined;
  readonly replayed: boolean;
  /** Bytes, or what JSON says. */
  readonly data: unknown;
}

export type HubEvent =
  /** `why` is in words, where there is something to say: why the connection was lost, or could not be made. */
  | { readonly event: "state"; readonly state: State; readonly why: string }
  | ({ readonly event: "message" } & HubMessage)
  | { readonly event: "gap"; readonly topic: string; readonly why: string; readonly position: Position | undefined }
  | { readonly event: "subscribed"; readonly topic: string; readonly position: Position | undefined }
  /** By the server, for this word, or because it was asked for. */
  | { readonly event: "unsubscribed"; readonly topic: string; readonly code: string | undefined }
  | {
      readonly event: "published";
      readonly topic: string;
      readonly position: Position | undefined;
      readonly duplicate: boolean;
      /** The message itself comes as well. */
      readonly isSubscribed: boolean;
    }
  | { readonly event: "answer"; readonly call: string; readonly data: unknown; readonly tookMs: number }
  /** Messages that are kept, oldest first. `missed`: the topic began anew since the page before. */
  | {
      readonly event: "page";
      readonly topic: string;
      readonly messages: readonly HubMessage[];
      readonly more: boolean;
      readonly missed: boolean;
    }
  | { readonly event: "members"; readonly topic: string; readonly present: Present }
  | {
      readonly event: "presence";
      readonly topic: string;
      readonly present: Present;
      /** Keys of those who came and went since the last time. Empty where the number alone is told. */
      readonly came: readonly string[];
      readonly went: readonly string[];
    }
  | { readonly event: "help" }
  /** What was asked for did not work. `code` is a word of docs/wire.md, one of the client's, or `usage`. */
  | { readonly event: "error"; readonly what: string; readonly code: string; readonly message: string };

/** What the client's own words mean; the server explains its own. */
const WORDS: Readonly<Record<string, string>> = {
  offline: "there was no connection in time, and it was never sent",
  lost: "the connection was lost before the answer, and it may have happened",
  timeout: "there was no answer in time, and it may have happened",
  "queue-full": "too much waits for a connection already, and it was not sent",
  closed: "the conversation is over",
  "signed-out": "there is no token",
  unauthorized: "the token is missing, or the server does not take it",
  revoked: "the user may no longer read the topic",
};

/** A word with what it means. `message` is the server's own sentence, or the word again. */
export function meaningOf(code: string, message: string): string {
  return message === code ? (WORDS[code] ?? "") : message;
}
