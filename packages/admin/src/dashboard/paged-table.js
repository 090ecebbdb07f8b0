/** A table of which the server has searched and sorted a page of fifty at a time. */
import { $, element, plain, setText } from "./dom.js";
import { count } from "./format.js";
import { rove } from "./roving.js";

const REFRESH_MS = 2000;
const TYPING_MS = 150;

/**
 * Asks for the page every two seconds and when something else is wanted; rows that stay keep their elements.
 * @param feed what `connectFeed` returned
 * @param table.type what the server is asked for
 * @param table.place what the ids of its elements begin with
 * @param table.query what is asked for: search, page, and how to sort
 * @param table.keyOf what a row is known by
 * @param table.makeRow for such a key: `{ element, fill(values) }`
 * @param table.explain says in its element why there is no row, of so many in all
 * @param table.pageNote what is said behind the number of pages
 * @param table.isOn whether there is anything to ask for
 */
export function makePagedTable(feed, table) {
  const { type, place, query, keyOf, makeRow, explain, pageNote = () => "", isOn = () => true } = table;
  const at = (id) => $(place + id);
  const shown = new Map();
  let timer = 0;
  let isAsking = false;
  let askAgain = false;

  async function refresh() {
    clearTimeout(timer);
    if (document.hidden || !isOn()) return;
    if (isAsking) return void (askAgain = true);
    isAsking = true;
    const page = await feed().ask({ type, ...query });
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
    showRows(rows);
    // Read out where it answers somebody, and not each time that a row comes or goes.
    at("found").ariaLive = query.search === "" ? "off" : "polite";
    setText(at("found"), query.search === "" ? count(total) : `${count(matched)} of ${count(total)}`);
    setText(at("page-text"), `Page ${count(page + 1)} of ${count(pages)}${pageNote({ matched, pages })}`);
    at("pages").hidden = pages === 1;
    at("previous").disabled = page === 0;
    at("next").disabled = page >= pages - 1;
    at("table").hidden = rows.length === 0;
    at("empty").hidden = rows.length > 0;
    if (rows.length === 0) explain(at("empty"), total);
    updateStop();
  }

  function showRows(rows) {
    const body = at("rows");
    const focused = body.contains(document.activeElement) ? document.activeElement : null;
    const column = focused === null ? 0 : buttonsOf(focused.closest("tr")).indexOf(focused);
    const keys = new Set(rows.map(keyOf));
    for (const [key, row] of shown) {
      if (keys.has(key)) continue;
      row.element.remove();
      shown.delete(key);
    }
    rows.forEach((values, index) => {
      const key = keyOf(values);
      const row = shown.get(key) ?? makeRow(key);
      shown.set(key, row);
      row.fill(values);
      if (body.children[index] !== row.element) body.insertBefore(row.element, body.children[index] ?? null);
    });
    // Whoever was on a row that has gone, or that was moved, keeps a place in the table.
    if (focused === null || document.activeElement === focused) return;
    const there = focused.isConnected ? focused : buttonsOf(body.firstElementChild)[column];
    there?.focus({ preventScroll: true });
  }

  /** Asks for something else, from its first page on. */
  function ask(wish) {
    Object.assign(query, wish, { page: 0 });
    void refresh();
  }

  function turn(by) {
    query.page = Math.max(0, query.page + by);
    void refresh();
  }

  const updateStop = rove(at("table"));
  let typing = 0;
  at("search").oninput = () => {
    clearTimeout(typing);
    typing = setTimeout(() => ask({ search: at("search").value.trim() }), TYPING_MS);
  };
  at("search-form").onsubmit = (event) => event.preventDefault();
  at("previous").onclick = () => turn(-1);
  at("next").onclick = () => turn(1);
  document.addEventListener("visibilitychange", () => void refresh());
  return { refresh: () => void refresh(), ask };
}

/** The cells of one row: `fill` puts its values in. */
export function makeCells(columns) {
  const cells = columns.map(({ label, className }) => {
    const cell = element("td", { className });
    cell.dataset.label = label;
    return cell;
  });
  return {
    cells,
    fill: (values) => {
      columns.forEach(({ text, title }, index) => {
        setText(cells[index], text(values));
        if (title) cells[index].title = plain(title(values));
      });
    },
  };
}

function buttonsOf(row) {
  return row === null ? [] : [...row.querySelectorAll("button")];
}
