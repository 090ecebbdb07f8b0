/** The nodes of a cluster or the workers of a machine; one alone is this one. */
import { $, element, plain, setText } from "./dom.js";
import { clock, count, duration } from "./format.js";

const states = { ready: "ready", draining: "takes no new clients", degraded: "without the engine", gone: "not heard" };
/** Who is heard within this time is heard now. */
const FRESH_MS = 5000;

const columns = [
  {
    label: "Node",
    className: "node",
    text: ({ name, isThis }) => (isThis ? `${name} (this one)` : name),
    title: (node) => node.id,
  },
  { label: "State", className: "state", text: (node) => states[node.state] ?? node.state },
  { label: "Clients", className: "number", text: (node) => count(node.clients) },
  { label: "hawser.v1", className: "number", text: (node) => count(node.sessions) },
  { label: "Topics", className: "number", text: (node) => count(node.topics) },
  { label: "Engine", className: "engine", text: engineText, title: engineText },
  { label: "Up for", className: "number", text: (node) => duration(Math.max(0, Date.now() - node.startedAt)) },
  { label: "Last seen", className: "number", text: seenText },
];

function engineText({ engine }) {
  if (!engine) return "–";
  const { state, since, why } = engine;
  return state === "up" ? `up since ${clock(since)}` : `lost at ${clock(since)}: ${why}`;
}

function seenText({ lastSeen }) {
  const ms = Date.now() - lastSeen;
  return ms < FRESH_MS ? "now" : `${duration(ms)} ago`;
}

const rows = [];

export function showNodes({ total, nodes }) {
  $("nodes-section").hidden = false;
  setText(
    $("nodes-count"),
    total > nodes.length ? `${count(total)}, the first ${count(nodes.length)} shown` : count(total),
  );
  if ($("nodes-heads").childElementCount === 0) {
    for (const { label, className } of columns)
      $("nodes-heads").append(element("th", { scope: "col", className }, label));
  }
  while (rows.length > nodes.length) rows.pop().row.remove();
  while (rows.length < nodes.length) rows.push(makeRow());
  nodes.forEach((node, index) => {
    const { row, cells } = rows[index];
    row.dataset.state = node.state;
    columns.forEach(({ text, title }, at) => {
      setText(cells[at], text(node));
      if (title) cells[at].title = plain(title(node));
    });
  });
}

export function hideNodes() {
  $("nodes-section").hidden = true;
}

function makeRow() {
  const cells = columns.map(({ label, className }) => {
    const cell = element("td", { className });
    cell.dataset.label = label;
    return cell;
  });
  const row = element("tr", {}, ...cells);
  $("nodes-rows").append(row);
  return { row, cells };
}
