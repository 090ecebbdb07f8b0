/** An event as a person sees it. Nothing that comes from others can move the cursor, or pass for a line of ours. */
import type { Position, Present, State } from "@hawser/client";
import { printable } from "hawser/tools";
import { bytesBlock, textBlock } from "../message-text.js";
import type { Paint } from "../paint.js";
import { HUB_HELP, isJson } from "./commands.js";
import type { HubEvent, HubMessage } from "./events.js";

/** So many names are shown; of more there is the number. */
const MOST_NAMES = 30;
const LONGEST_NAME = 64;

const GAPS: Readonly<Record<string, string>> = {
  missed: "what was missed is no longer there, or the topic began anew",
  expired: "what was missed is no longer kept",
  lost: "what was missed cannot be had from the engine",
  slow: "we did not read fast enough",
  reset: "the topic begins anew",
};

/** `isFirst`: there was no connection before. Null: nothing is shown. */
export function eventText(event: HubEvent, paint: Paint, isFirst: boolean): string | null {
  const quiet = (text: string): string => paint("grey", text);
  switch (event.event) {
    case "message":
      return messageText(event, paint);
    case "page":
      return pageText(event, paint);
    case "state":
      return stateText(event.state, event.why, paint, isFirst);
    case "gap": {
      const why = GAPS[event.why] ?? "";
      const from = event.position === undefined ? "" : `; it goes on after ${event.position.offset}`;
      return paint("yellow", `${nameText(event.topic)}: messages are missing here: ${word(event.why, why)}${from}`);
    }
    case "subscribed":
      return quiet(`subscribed to ${nameText(event.topic)}${at(event.position)}`);
    case "unsubscribed":
      return event.code === undefined
        ? quiet(`no longer subscribed to ${nameText(event.topic)}`)
        : paint("yellow", `${nameText(event.topic)}: the server ended the subscription: ${printable(event.code)}`);
    case "published":
      // The message itself is the answer.
      if (event.isSubscribed && !event.duplicate) return null;
      return quiet(
        `published in ${nameText(event.topic)}${at(event.position)}${event.duplicate ? ", once already" : ""}`,
      );
    case "answer": {
      const mark = `${nameText(event.call)} answered after ${event.tookMs.toFixed(event.tookMs < 10 ? 1 : 0)} ms`;
      return event.data === undefined ? quiet(mark) : dataBlock(`${mark}:`, event.data, paint);
    }
    case "members":
      return quiet(`${nameText(event.topic)}: ${presentText(event.present)}`);
    case "presence": {
      const { came, went } = event;
      const moves = [
        came.length > 0 ? `${namesText(came)} came` : "",
        went.length > 0 ? `${namesText(went)} went` : "",
      ];
      const said = [...moves, `${event.present.count} here`].filter((part) => part !== "");
      return quiet(`${nameText(event.topic)}: ${said.join(", ")}`);
    }
    case "help":
      return quiet(HUB_HELP);
    case "error": {
      const { code, message, what } = event;
      const about = what === "" ? "" : `${printable(what)}: `;
      return paint("red", `${about}${code === "usage" ? printable(message) : word(code, message)}`);
    }
  }
}

/** `/lobby 126 ada < hello` */
function messageText({ topic, offset, by, replayed, data }: HubMessage, paint: Paint): string {
  const parts = [nameText(topic), offset, by === undefined ? "" : nameText(by), replayed ? "(replayed)" : "", "<"];
  return dataBlock(parts.filter((part) => part !== undefined && part !== "").join(" "), data, paint);
}

/** A string that could be taken for other JSON keeps its quotes. */
function dataBlock(mark: string, data: unknown, paint: Paint): string {
  if (data instanceof Uint8Array)
    return bytesBlock(mark, Buffer.from(data.buffer, data.byteOffset, data.length), paint);
  const isPlain = typeof data === "string" && data.trim() !== "" && !isJson(data);
  return textBlock(mark, isPlain ? data : JSON.stringify(data), paint);
}

function pageText(page: Extract<HubEvent, { event: "page" }>, paint: Paint): string {
  const { topic, messages, more, missed } = page;
  const lines = messages.map((message) => messageText({ ...message, replayed: false }, paint));
  const count = `${messages.length} ${messages.length === 1 ? "message" : "messages"} of ${nameText(topic)}`;
  const after = more ? `${count}; /back shows those before` : `${count}, and none before`;
  const last = missed ? `${nameText(topic)}: the topic began anew, and what was before is gone` : after;
  return [...lines, paint("grey", last)].join("\n");
}

function stateText(state: State, why: string, paint: Paint, isFirst: boolean): string | null {
  const reason = why === "" ? "" : `: ${printable(why)}`;
  switch (state.phase) {
    case "idle":
    case "connecting":
      return null;
    case "open": {
      if (state.degraded) return paint("yellow", "the server asks to wait: what was sent is sent again");
      return isFirst ? null : paint("grey", `connected${as(state.user)}`);
    }
    case "waiting": {
      const seconds = Math.max(0, state.retryAt - Date.now()) / 1000;
      return paint("yellow", `not connected${reason}; connecting again in ${seconds.toFixed(1)} s`);
    }
    case "closed":
      return paint(state.why === "closed" ? "grey" : "red", `closed${reason}`);
  }
}

/** ` as ada` */
export function as(user: string | undefined): string {
  return user === undefined ? "" : ` as ${nameText(user)}`;
}

function at(position: Position | undefined): string {
  return position === undefined ? "" : ` at ${position.offset}`;
}

/** `forbidden: you may not`; a word that says it all stands alone. */
function word(code: string, message: string): string {
  return printable(message === "" || message === code ? code : `${code}: ${message}`);
}

function presentText({ count, members }: Present): string {
  if (members === undefined) return `${count} here`;
  return members.size === 0 ? "nobody here" : `${count} here: ${namesText([...members.keys()])}`;
}

function namesText(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES).map(nameText).join(", ");
  return names.length > MOST_NAMES ? `${shown} and ${names.length - MOST_NAMES} more` : shown;
}

/** A name with blanks or signs in it, which could be taken for something else, stands in quotes. */
export function nameText(name: string): string {
  const shown = name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name;
  return /^[\p{L}\p{N}_.:@/+%~#-]+…?$/u.test(shown) ? shown : printable(JSON.stringify(shown));
}
