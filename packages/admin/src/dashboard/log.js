/** The last log lines, newest first. */
import { $, element, setText } from "./dom.js";
import { clock, count } from "./format.js";

const MOST_LINES = 200;

/** All that the server has kept; null where it keeps none. */
export function setLog(entries) {
  $("log-section").hidden = entries === null;
  $("log").replaceChildren();
  if (entries !== null) addLog({ entries, skipped: 0 });
}

export function addLog({ entries, skipped }) {
  const list = $("log");
  if (skipped > 0) list.prepend(element("li", { className: "skipped" }, `${count(skipped)} lines are not shown`));
  for (const entry of entries) list.prepend(lineOf(entry));
  while (list.childElementCount > MOST_LINES) list.lastElementChild.remove();
  $("log-empty").hidden = list.childElementCount > 0;
}

function lineOf({ time, level, event, message, fields }) {
  const isNews = level === "info" || level === "debug";
  const line = element(
    "li",
    { className: isNews ? "" : "notable" },
    element("time", { dateTime: new Date(time).toISOString() }, clock(time)),
    " ",
    element("span", { className: `level level-${/^[a-z]+$/.test(level) ? level : "info"}` }, level),
    " ",
    element("b", {}, event || "log"),
    // The fields say it all, as a rule: the message repeats them in words.
    ...(isNews && fields.length > 0 ? [] : [` ${message}`]),
  );
  for (const [name, value] of fields) {
    line.append(" ", element("span", { className: "field" }, element("i", {}, `${name}=`), value));
  }
  return line;
}

$("log-level").onchange = () => {
  const onlyNotable = $("log-level").value === "warn";
  $("log").classList.toggle("only-notable", onlyNotable);
  setText($("log-note"), onlyNotable ? "warnings and errors" : "");
};
