/** What the other files do with the page. Text from clients goes in by textContent and by nothing else. */

export const $ = (id) => document.getElementById(id);

/** Makes an element: `element("p", { className: "quiet" }, "text", another)`. */
export function element(kind, properties = {}, ...children) {
  const made = Object.assign(document.createElement(kind), properties);
  made.append(...children);
  return made;
}

/** Writes only what has changed: a live region is read out with each write. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** A line at the page's foot that goes by itself. */
export function toast(text, isProblem = false) {
  const line = element("p", { className: isProblem ? "toast problem" : "toast" }, text);
  $("toasts").append(line);
  setTimeout(() => line.remove(), isProblem ? 8000 : 5000);
}
