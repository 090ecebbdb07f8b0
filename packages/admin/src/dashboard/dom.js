/** What the others do with the page, and the page of `hawser serve` too. Text from clients goes in by textContent and by nothing else. */

export const $ = (id) => document.getElementById(id);

/** Makes an element: `element("p", { className: "quiet" }, "text", another)`. */
export function element(kind, properties = {}, ...children) {
  const made = Object.assign(document.createElement(kind), properties);
  made.append(...children.map((child) => (typeof child === "string" ? plain(child) : child)));
  return made;
}

/** Writes only what has changed: a live region is read out with each write. */
export function setText(target, text) {
  const shown = plain(text);
  if (target.textContent !== shown) target.textContent = shown;
}

/** As packages/hawser/src/server/base/printable.ts: an id that is shown turned around, or with something in it that nobody sees, is another's. */
export function plain(text) {
  return text.replace(
    /[\p{Cc}\p{Cs}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
