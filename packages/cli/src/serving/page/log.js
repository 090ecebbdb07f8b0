/** The list of messages. Text from others goes into the page by textContent alone. */
import { $, element, plain } from "../../../../admin/src/dashboard/dom.js";

const MOST_ENTRIES = 500;
/** Closer to the end than this, in pixels, the list follows what comes. */
const AT_END = 80;
/** Of a message that is larger, the beginning is shown: in characters, and in bytes. */
const MOST_CHARACTERS = 20_000;
const MOST_BYTES = 64;

const log = $("log");
const scroller = $("scroller");

function isAtEnd() {
  return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < AT_END;
}

export function toEnd() {
  scroller.scrollTop = scroller.scrollHeight;
}

/** @param before in front of this entry; null: at the end */
function put(entry, before = null) {
  const follow = isAtEnd();
  log.insertBefore(entry, before);
  while (log.childElementCount > MOST_ENTRIES) log.firstElementChild.remove();
  if (follow) toEnd();
  else $("newer").hidden = false;
}

/** What has happened, in a line of its own. */
export function note(text, kind = "") {
  const entry = element("p", { className: `event ${kind}` }, text);
  put(entry, firstPending());
  return entry;
}

/** A line across the list, whose text may change. */
export function divider(text) {
  const entry = element("p", { className: "event divider" }, element("span", {}, text));
  put(entry, firstPending());
  return { say: (text) => (entry.firstElementChild.textContent = plain(text)) };
}

/** Those that were sent and have no place yet come last. */
function firstPending() {
  return log.querySelector(".pending");
}

/**
 * A message.
 * @param from `mine`, `other` or `echo`
 * @param options.who shown as its author; `mark` behind that, in place of the time; `isPending`: it is on its way
 * @param options.before the entry that it belongs in front of
 */
export function add(data, from, { who, mark = now(), isPending = false, isReplayed = false, before } = {}) {
  $("hint").hidden = true;
  const { text, kind } = shown(data);
  const meta = element("p", { className: "meta" });
  const entry = element(
    "div",
    { className: `message ${kind}` },
    element("p", { className: "text", textContent: text }),
  );
  entry.append(meta);
  const self = {
    element: entry,
    data,
    offset: undefined,
    say(mark, ...more) {
      meta.replaceChildren(element("span", { className: "who", textContent: plain(self.who) }), ` · ${mark}`, ...more);
    },
    /** It has its place: that of the last one, for the others were before it. */
    settle(mark = now()) {
      entry.classList.remove("pending", "failed");
      self.say(mark);
      put(entry, firstPending());
    },
    as(from, who) {
      entry.classList.remove("mine", "other", "echo");
      entry.classList.add(from);
      self.who = who;
    },
    fail(why, again) {
      entry.classList.add("failed");
      const button = element("button", { type: "button", className: "again", textContent: "Send again" });
      button.onclick = () => {
        entry.remove();
        again();
      };
      self.say(`not sent: ${plain(why)}`, " ", button);
    },
  };
  self.as(from, who);
  entry.classList.toggle("pending", isPending);
  entry.classList.toggle("replayed", isReplayed);
  self.say(mark);
  put(entry, before ?? (isPending ? null : firstPending()));
  return self;
}

function now() {
  return new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

/** Text as it is, bytes in hexadecimal, and anything else as JSON. */
function shown(data) {
  if (typeof data === "string") return { text: beginning(data), kind: "" };
  if (data instanceof Uint8Array) return { text: hex(data), kind: "binary" };
  return { text: beginning(JSON.stringify(data, null, 2)), kind: "json" };
}

function beginning(text) {
  return text.length > MOST_CHARACTERS
    ? `${text.slice(0, MOST_CHARACTERS)} … ${text.length.toLocaleString()} characters in all`
    : text;
}

function hex(bytes) {
  const shown = [...bytes.subarray(0, MOST_BYTES)].map((byte) => byte.toString(16).padStart(2, "0"));
  return `${bytes.length} ${bytes.length === 1 ? "byte" : "bytes"}: ${shown.join(" ")}${bytes.length > MOST_BYTES ? " …" : ""}`;
}

scroller.onscroll = () => {
  if (isAtEnd()) $("newer").hidden = true;
};
$("newer").onclick = toEnd;
