/** The table of clients. */
import { $, element, plain } from "./dom.js";
import { bytes, count, duration, milliseconds, shortCount } from "./format.js";
import { makeCells, makePagedTable } from "./paged-table.js";

/** `sort` is what the server knows the column by; `falling`: the large ones are the interesting ones. */
const columns = [
  { label: "Id", sort: "id", className: "id", text: (row) => row.id, title: (row) => row.id },
  { label: "Address", sort: "address", className: "address", text: (row) => row.address, title: (row) => row.address },
  { label: "Room", sort: "room", className: "room", text: roomText, title: (row) => `path ${row.path}` },
  { label: "Age", sort: "age", className: "number age", text: (row) => duration(row.ageMs) },
  { label: "Round-trip", sort: "rtt", className: "number rtt", falling: true, text: (row) => milliseconds(row.rttMs) },
  { label: "Queued", sort: "queued", className: "number queued", falling: true, text: (row) => bytes(row.queuedBytes) },
  {
    label: "In",
    sort: "in",
    className: "number in",
    falling: true,
    text: (row) => shortCount(row.messagesIn),
    title: inTitle,
  },
  {
    label: "Out",
    sort: "out",
    className: "number out",
    falling: true,
    text: (row) => shortCount(row.messagesOut),
    title: outTitle,
  },
  {
    label: "Dropped",
    sort: "dropped",
    className: "number dropped",
    falling: true,
    text: (row) => shortCount(row.dropped),
  },
];

function roomText(row) {
  if (row.roomCount === 0) return "–";
  return (
    row.rooms.join(", ") + (row.roomCount > row.rooms.length ? ` and ${row.roomCount - row.rooms.length} more` : "")
  );
}

function inTitle(row) {
  return `${count(row.messagesIn)} messages, ${bytes(row.bytesIn)}`;
}

function outTitle(row) {
  return `${count(row.messagesOut)} messages, ${bytes(row.bytesOut)}`;
}

/**
 * @param feed what `connectFeed` returned
 * @param on.disconnect, on.send get the row whose button was pressed
 * @param tryUrl a page to try the server in, or null
 */
export function makeClients(feed, on, tryUrl) {
  const query = { search: "", sort: "age", descending: false, page: 0 };
  const table = makePagedTable(feed, { type: "clients", place: "", query, keyOf: ({ id }) => id, makeRow, explain });

  /** Why there is nothing to see. */
  function explain(place, total) {
    if (total > 0) return place.replaceChildren(`None of ${count(total)} clients matches “${query.search}”.`);
    const page = tryUrl();
    if (page === null) return place.replaceChildren("No client is connected.");
    const link = element("a", { href: page, target: "_blank", rel: "noopener noreferrer" }, page);
    if (!place.querySelector("a")) place.replaceChildren("No client is connected. Open ", link, " to have one.");
  }

  function makeRow(id) {
    const { cells, fill } = makeCells(columns);
    let latest = null;
    const button = (text, action, className) => {
      const made = element("button", { type: "button", className, tabIndex: -1 }, text);
      made.onclick = () => on[action](latest);
      made.setAttribute("aria-label", plain(`${text} ${id}`));
      return made;
    };
    const actions = element(
      "td",
      { className: "actions" },
      button("Send", "send", ""),
      button("Disconnect", "disconnect", "quiet-danger"),
    );
    const row = element("tr", {}, ...cells, actions);
    row.dataset.id = id;
    return {
      element: row,
      fill(values) {
        latest = values;
        row.classList.toggle("closing", !values.isOpen);
        fill(values);
      },
    };
  }

  function sortBy(column, descending) {
    for (const { head, sort } of heads) {
      const direction = sort !== column.sort ? "none" : descending ? "descending" : "ascending";
      head.setAttribute("aria-sort", direction);
    }
    $("sort").value = `${column.sort} ${descending}`;
    table.ask({ sort: column.sort, descending });
  }

  const heads = columns.map((column) => {
    const button = element("button", { type: "button", tabIndex: -1 }, column.label);
    button.onclick = () => {
      const isSame = query.sort === column.sort;
      sortBy(column, isSame ? !query.descending : Boolean(column.falling));
    };
    const head = element("th", { scope: "col", className: column.className }, button);
    head.setAttribute("aria-sort", column.sort === query.sort ? "ascending" : "none");
    return { head, sort: column.sort };
  });
  $("heads").append(...heads.map(({ head }) => head), element("th", { scope: "col", className: "actions" }, "Actions"));

  // Where the table is too narrow for heads, a list says the same.
  for (const column of columns) {
    const ways =
      column.sort === "age"
        ? [
            ["newest", false],
            ["oldest", true],
          ]
        : [[column.falling ? "most" : "A to Z", Boolean(column.falling)]];
    for (const [word, descending] of ways)
      $("sort").append(element("option", { value: `${column.sort} ${descending}` }, `${column.label}: ${word}`));
  }
  $("sort").value = "age false";
  $("sort").onchange = () => {
    const [sort, descending] = $("sort").value.split(" ");
    sortBy(
      columns.find((column) => column.sort === sort),
      descending === "true",
    );
  };

  return { refresh: table.refresh };
}
