/** Why there is no connection, in words. */
import type { State } from "@hawser/client";
import { OpenError } from "../../tools/open-error.js";
import type { Ending } from "../../tools/web-socket-client.js";
import { endingText } from "../client-session.js";

const WORDS: Readonly<Record<string, string>> = {
  "no-hub": "a WebSocket server, but no hub: it does not speak hawser.v1",
  silent: "nothing was heard of the server for too long",
  drain: "the server is shutting down",
  expired: "the token has expired",
  forbidden: "the server does not want this user",
  limit: "too much, too fast",
  unavailable: "the server cannot do it at the moment",
};

/** "" where there is nothing to say. `last` is how the last connection, or attempt, ended. */
export function whyText(state: State, last: OpenError | Ending | null, hasToken: boolean): string {
  if (state.phase !== "waiting" && state.phase !== "closed") return "";
  const { phase, why, code } = state;
  if (why === "closed") return "";
  if (why === "unauthorized") {
    const refused = "the server does not take the token";
    return hasToken ? refused : "the server wants a token: --token, or HAWSER_CONNECT_TOKEN";
  }
  if (WORDS[why] !== undefined) return WORDS[why];
  if (why === "unreachable" && last instanceof OpenError) return last.reason;
  if (why === "unreachable" && code === undefined) return "the WebSocket is open, but no hello came";
  const end = last === null || last instanceof OpenError ? why : endingText(last);
  return phase === "closed" ? `${end}, three times in a row` : end;
}
