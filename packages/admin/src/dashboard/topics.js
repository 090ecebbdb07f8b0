/** The topics of this node. */
import { $, element, plain, setText } from "./dom.js";
import { bytes, count, rate, shortCount } from "./format.js";
import { askMembers } from "./members.js";
import { makeCells, makePagedTable } from "./paged-table.js";

/** What a topic is doing about its position, for people. */
const phases = {
  subscribing: "subscribing",
  joining: "joining",
  live: "live",
  suspect: "in doubt",
  repairing: "repairing",
  renewing: "new epoch",
  resetting: "new epoch",
};

/** `sort` is what the server knows the column by; the most comes first, and names from A to Z. */
const columns = [
  { label: "Topic", sort: "name", className: "topic", text: (row) => row.name, title: (row) => row.name },
  { label: "Subscribers", sort: "subscribers", className: "number subscribers", text: (row) => count(row.subscribers) },
  { label: "Head", className: "number head", text: headText, title: headTitle },
  { label: "Rate", sort: "rate", className: "number", text: (row) => `${rate(row.messagesPerSecond)}/s` },
  {
    label: "Messages",
    sort: "messages",
    className: "number",
    text: (row) => shortCount(row.messages),
    title: countTitle,
  },
  { label: "History", sort: "history", className: "number", text: (row) => bytes(row.historyBytes) },
  { label: "State", className: "phase", text: (row) => phases[row.phase] ?? row.phase },
];

function headText({ head }) {
  return head === undefined ? "–" : count(head.offset);
}

function headTitle({ head }) {
  return head === undefined ? "no history" : `offset ${head.offset} in epoch ${head.epoch}`;
}

function countTitle({ messages, deliveries }) {
  return `${count(messages)} messages, ${count(deliveries)} deliveries`;
}

/** @param feed what `connectFeed` returned */
export function makeTopics(feed) {
  const query = { search: "", sort: "subscribers", page: 0 };
  let isOn = false;
  const table = makePagedTable(feed, {
    type: "topics",
    place: "topics-",
    query,
    keyOf: ({ name }) => name,
    makeRow,
    explain(place, total) {
      const none = "Nobody is subscribed to a topic. It is there as long as somebody is.";
      setText(place, total === 0 ? none : `None of ${count(total)} topics matches “${query.search}”.`);
    },
    pageNote: ({ matched, pages }) => (matched > pages * 50 ? `, the first ${count(pages * 50)} topics` : ""),
    isOn: () => isOn,
  });

  function makeRow(name) {
    const { cells, fill } = makeCells(columns);
    const button = element("button", { type: "button", tabIndex: -1 });
    button.onclick = () => askMembers(name, () => feed().ask({ type: "members", topic: name }));
    const members = element("td", { className: "actions" }, button);
    const row = element("tr", {}, ...cells, members);
    return {
      element: row,
      fill(values) {
        fill(values);
        row.classList.toggle("notable", values.phase !== "live");
        button.hidden = values.members === undefined;
        setText(button, values.members === 1 ? "1 member" : `${shortCount(values.members ?? 0)} members`);
        button.setAttribute("aria-label", plain(`${button.textContent} of ${name}`));
      },
    };
  }

  function sortBy(sort) {
    table.ask({ sort });
    for (const { head, column } of heads) head.setAttribute("aria-sort", directionOf(column));
    $("topics-sort").value = sort;
  }

  function directionOf({ sort }) {
    if (sort === undefined || sort !== query.sort) return "none";
    return sort === "name" ? "ascending" : "descending";
  }

  const heads = columns.map((column) => {
    const { label, className, sort } = column;
    const head = element("th", { scope: "col", className }, sort ? headButton(label, sort) : label);
    head.setAttribute("aria-sort", directionOf(column));
    return { head, column };
  });

  function headButton(label, sort) {
    const button = element("button", { type: "button", tabIndex: -1 }, label);
    button.onclick = () => sortBy(sort);
    return button;
  }

  $("topics-heads").append(
    ...heads.map(({ head }) => head),
    element("th", { scope: "col", className: "actions" }, "Presence"),
  );
  for (const { sort, label } of columns.filter((column) => column.sort)) {
    const way = sort === "name" ? "A to Z" : "most";
    $("topics-sort").append(element("option", { value: sort }, `${label}: ${way}`));
  }
  $("topics-sort").value = query.sort;
  $("topics-sort").onchange = () => sortBy($("topics-sort").value);

  /** @param hasHub without one there is nothing to see */
  function begin(hasHub) {
    isOn = hasHub;
    $("topics-section").hidden = !hasHub;
    table.refresh();
  }

  return {
    begin,
    /** There is a hub after all: that of workers is known once one has told of it. */
    show() {
      if (!isOn) begin(true);
    },
  };
}
