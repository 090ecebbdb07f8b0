/** The largest rooms, as bars. */
import { $, element, plain, setText } from "./dom.js";
import { count } from "./format.js";

/** @param isHidden there are none, and topics of the hub are what people use instead */
export function showRooms({ total, largest, isHidden = false }) {
  $("rooms-section").hidden = isHidden;
  setText(
    $("rooms-count"),
    total > largest.length ? `${count(total)}, the largest ${largest.length} shown` : count(total),
  );
  $("rooms-empty").hidden = total > 0;
  const list = $("rooms");
  const most = largest[0]?.[1] ?? 1;
  while (list.childElementCount > largest.length) list.lastElementChild.remove();
  while (list.childElementCount < largest.length) list.append(makeRow());
  largest.forEach(([name, clients], index) => {
    const [label, share, number] = list.children[index].children;
    setText(label, name);
    label.title = plain(name);
    share.firstElementChild.style.width = `${(100 * clients) / most}%`;
    setText(number, count(clients));
  });
}

function makeRow() {
  return element(
    "li",
    {},
    element("span", { className: "room-name" }),
    element("span", { className: "share" }, element("i")),
    element("span", { className: "number" }),
  );
}
