/**
 * A table of buttons as one stop of the Tab key, in which the arrow keys move: Tab goes on to what follows the table, however many rows
 * there are. The pattern is the grid of the WAI-ARIA Authoring Practices.
 */

const ROWS_A_PAGE = 10;

/** @returns what is to be called when rows came, went or were moved */
export function rove(table) {
  let current = null;

  const rows = () =>
    [...table.rows]
      .map((row) => [...row.querySelectorAll("button")].filter((button) => isVisible(button)))
      .filter((buttons) => buttons.length > 0);

  function setCurrent(button) {
    if (current !== null) current.tabIndex = -1;
    current = button;
    if (current !== null) current.tabIndex = 0;
  }

  function update() {
    if (current?.isConnected && isVisible(current)) return;
    const all = rows();
    setCurrent((all[1] ?? all[0])?.[0] ?? null);
  }

  table.addEventListener("focusin", ({ target }) => setCurrent(target.closest("button")));
  table.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const all = rows();
    const row = all.findIndex((buttons) => buttons.includes(event.target));
    if (row < 0) return;
    const column = all[row].indexOf(event.target);
    const next = destination(event.key, all, row, column);
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
  });
  return update;
}

/** Undefined: the key does not move. */
function destination(key, all, row, column) {
  const inRow = (to) => {
    const buttons = all[Math.min(Math.max(to, 0), all.length - 1)];
    return buttons[Math.min(column, buttons.length - 1)];
  };
  switch (key) {
    case "ArrowLeft":
      return all[row][Math.max(column - 1, 0)];
    case "ArrowRight":
      return all[row][Math.min(column + 1, all[row].length - 1)];
    case "ArrowUp":
      return inRow(row - 1);
    case "ArrowDown":
      return inRow(row + 1);
    case "PageUp":
      return inRow(row - ROWS_A_PAGE);
    case "PageDown":
      return inRow(row + ROWS_A_PAGE);
    case "Home":
      return inRow(0);
    case "End":
      return inRow(all.length - 1);
    default:
      return undefined;
  }
}

function isVisible(button) {
  return button.checkVisibility({ visibilityProperty: true });
}
