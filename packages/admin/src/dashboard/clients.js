/** The table of clients: a page of fifty at a time, which the server has searched and sorted. */
import { $, element, plain, setText } from "./dom.js";
import { bytes, count, duration, milliseconds, shortCount } from "./format.js";
import { rove } from "./roving.js";

const REFRESH_MS = 2000;
const TYPING_MS = 150;

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

function buttonsOf(row) {
  return row === null ? [] : [...row.querySelectorAll("button")];
}

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
  const shown = new Map();
  let timer = 0;
  let isAsking = false;
  let askAgain = false;

  async function refresh() {
    clearTimeout(timer);
    if (document.hidden) return;
    if (isAsking) return void (askAgain = true);
    isAsking = true;
    const page = await feed().ask({ type: "clients", ...query });
    isAsking = false;
    if (page === null) return;
    if (askAgain) {
      askAgain = false;
      return void refresh();
    }
    query.page = page.page;
    show(page);
    timer = setTimeout(() => void refresh(), REFRESH_MS);
  }

  function show({ rows, total, matched, page, pages }) {
    const body = $("rows");
    const focused = body.contains(document.activeElement) ? document.activeElement : null;
    const column = focused === null ? 0 : buttonsOf(focused.closest("tr")).indexOf(focused);
    const ids = new Set(rows.map(({ id }) => id));
    for (const [id, row] of shown) {
      if (ids.has(id)) continue;
      row.element.remove();
      shown.delete(id);
    }
    rows.forEach((row, index) => {
      const there = shown.get(row.id) ?? makeRow(row.id);
      there.fill(row);
      if (body.children[index] !== there.element) body.insertBefore(there.element, body.children[index] ?? null);
    });
    // Whoever was on a row that has gone, or that was moved, keeps a place in the table.
    if (focused !== null && document.activeElement !== focused) {
      const place = focused.isConnected ? focused : buttonsOf(body.firstElementChild)[column];
      place?.focus({ preventScroll: true });
    }
    // Read out where it answers somebody, and not each time that a client comes or goes.
    $("found").ariaLive = query.search === "" ? "off" : "polite";
    setText($("found"), query.search === "" ? count(total) : `${count(matched)} of ${count(total)}`);
    setText($("page-text"), `Page ${count(page + 1)} of ${count(pages)}`);
    $("pages").hidden = pages === 1;
    $("previous").disabled = page === 0;
    $("next").disabled = page >= pages - 1;
    $("table").hidden = rows.length === 0;
    $("empty").hidden = rows.length > 0;
    if (rows.length === 0) explain(total);
    updateStop();
  }

  /** Why there is nothing to see. */
  function explain(total) {
    const place = $("empty");
    if (total > 0) return place.replaceChildren(`None of ${count(total)} clients matches “${query.search}”.`);
    const page = tryUrl();
    if (page === null) return place.replaceChildren("No client is connected.");
    const link = element("a", { href: page, target: "_blank", rel: "noopener noreferrer" }, page);
    if (!place.querySelector("a")) place.replaceChildren("No client is connected. Open ", link, " to have one.");
  }

  function makeRow(id) {
    const cells = columns.map(({ label, className }) => {
      const cell = element("td", { className });
      cell.dataset.label = label;
      return cell;
    });
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
    const made = {
      element: row,
      fill(values) {
        latest = values;
        row.classList.toggle("closing", !values.isOpen);
        columns.forEach(({ text, title }, index) => {
          setText(cells[index], text(values));
          if (title) cells[index].title = plain(title(values));
        });
      },
    };
    shown.set(id, made);
    return made;
  }

  function sortBy(column, descending) {
    query.sort = column.sort;
    query.descending = descending;
    query.page = 0;
    for (const { head, sort } of heads) {
      const direction = sort !== query.sort ? "none" : descending ? "descending" : "ascending";
      head.setAttribute("aria-sort", direction);
    }
    $("sort").value = `${column.sort} ${descending}`;
    void refresh();
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

  const updateStop = rove($("table"));

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

  let typing = 0;
  $("search").oninput = () => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      query.search = $("search").value.trim();
      query.page = 0;
      void refresh();
    }, TYPING_MS);
  };
  $("search-form").onsubmit = (event) => event.preventDefault();
  $("previous").onclick = () => turn(-1);
  $("next").onclick = () => turn(1);

  function turn(by) {
    query.page = Math.max(0, query.page + by);
    void refresh();
  }

  document.addEventListener("visibilitychange", () => void refresh());
  return { refresh: () => void refresh() };
}
