/** How the hub and its engine are: what is there now, and what happened. */
import { $, element, setText } from "./dom.js";
import { bytes, clock, count, duration, milliseconds, shortCount } from "./format.js";

const engineTexts = { up: "Engine up", degraded: "Engine lost", starting: "Engine not reached yet" };

/** `value` is the large text, `more` the small one under it, `isBad` whether somebody should look. */
const figures = [
  { label: "Topics", value: (hub) => count(hub.topics), more: (hub) => `${count(hub.sessions)} hawser.v1 clients` },
  { label: "Members", value: (hub) => count(hub.members), more: () => "by this node" },
  {
    label: "In doubt",
    value: (hub) => count(hub.suspects),
    more: () => "topics being checked",
    isBad: (hub) => hub.suspects > 0,
  },
  {
    label: "History",
    value: (hub) => bytes(hub.historyBytes),
    more: (hub) => `of ${bytes(hub.historyLimitBytes)}`,
    isBad: (hub) => hub.historyBytes > 0.95 * hub.historyLimitBytes,
  },
  { label: "Published", ...total("published") },
  {
    label: "Publish time",
    value: ({ publishMs }) => atMost(publishMs.median),
    more: ({ publishMs }) => `99% ${atMost(publishMs.p99)}`,
  },
  { label: "Not published", ...total("failed"), isBad: recent("failed") },
  { label: "Delivered", ...total("delivered") },
  { label: "Resumes", ...total("resumed") },
  { label: "Replayed", ...total("replayed") },
  { label: "Repaired", ...total("repaired") },
  { label: "Gaps told", value: (hub) => shortCount(hub.totals.gaps[0]), more: gapText, isBad: recent("gaps") },
  { label: "Not resumed", ...total("missed"), isBad: recent("missed") },
  {
    label: "Calls",
    value: (hub) => shortCount(hub.totals.calls[0]),
    more: (hub) => `${count(hub.callsPending)} under way`,
  },
  { label: "Refused", ...total("refused") },
];

function total(name) {
  return {
    value: ({ totals }) => shortCount(totals[name][0]),
    more: ({ totals }) => `${shortCount(totals[name][1])} in the last minute`,
  };
}

function recent(name) {
  return ({ totals }) => totals[name][1] > 0;
}

/** What is counted in buckets is known by its bound alone. */
function atMost(ms) {
  return ms === null ? "–" : ms < 1 ? `≤ ${ms} ms` : `≤ ${milliseconds(ms)}`;
}

function gapText({ totals, gaps }) {
  const words = Object.entries(gaps).filter(([, told]) => told > 0);
  if (words.length === 0) return "0 in the last minute";
  return `${words.map(([word, told]) => `${shortCount(told)} ${word}`).join(", ")}; ${shortCount(totals.gaps[1])} in the last minute`;
}

let cards = null;

export function showHub(hub) {
  const { state, wasReached, since, forMs, why, lost } = hub.engine;
  $("hub-section").hidden = false;
  $("engine").dataset.state = state;
  setText($("engine-text"), engineTexts[state === "up" || wasReached ? state : "starting"]);
  const times = lost === 0 ? "" : lost === 1 ? ", lost once so far" : `, lost ${count(lost)} times so far`;
  setText(
    $("engine-more"),
    `for ${duration(forMs)}, since ${clock(since)}${state === "up" ? times : `: ${why}${times}`}`,
  );
  cards ??= figures.map(makeCard);
  figures.forEach(({ value, more, isBad }, index) => {
    const { card, number, note } = cards[index];
    setText(number, value(hub));
    setText(note, more(hub));
    card.classList.toggle("bad", isBad?.(hub) ?? false);
  });
}

export function hideHub() {
  $("hub-section").hidden = true;
}

function makeCard({ label }) {
  const number = element("dd", { className: "value" });
  const note = element("dd", { className: "note" });
  const card = element("div", {}, element("dt", {}, label), number, note);
  $("figures").append(card);
  return { card, number, note };
}
