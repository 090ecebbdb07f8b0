/** The largest rooms, as bars. */
import { $, element, setText } from "./dom.js";
import { count } from "./format.js";

export function showRooms({ total, largest }) {
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
    const [label, meter, number] = list.children[index].children;
    setText(label, name);
    label.title = name;
    meter.max = most;
    meter.value = clients;
    setText(number, count(clients));
  });
}

function makeRow() {
  const meter = element("meter", { min: 0, ariaHidden: "true" });
  return element(
    "li",
    {},
    element("span", { className: "room-name" }),
    meter,
    element("span", { className: "number" }),
  );
}
