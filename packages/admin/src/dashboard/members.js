/** Who is in a topic: asked for when somebody wants to see it. */
import { $, element, setText } from "./dom.js";
import { count } from "./format.js";

/** The topic that is looked at: an answer about another one comes too late. */
let current = null;

/** @param ask resolves with the answer, or null when the connection is lost */
export function askMembers(topic, ask) {
  current = topic;
  setText($("members-topic"), topic);
  setText($("members-note"), "Asking…");
  $("members").replaceChildren();
  if (!$("members-dialog").open) $("members-dialog").showModal();
  void ask().then((answer) => {
    if (current === topic) show(answer);
  });
}

function show(answer) {
  if (answer === null) return setText($("members-note"), "The connection to the server was lost.");
  const { ok, text, members, count: all } = answer;
  if (!ok) return setText($("members-note"), text);
  const rest = all > members.length ? `, the first ${count(members.length)} of them shown` : "";
  setText(
    $("members-note"),
    all === 0 ? "Nobody is in this topic." : `${all === 1 ? "1 member" : `${count(all)} members`}, on all nodes${rest}`,
  );
  $("members").replaceChildren(
    ...members.map(({ key, details }) =>
      element(
        "li",
        {},
        element("b", {}, key),
        details === "" ? "" : " ",
        element("span", { className: "quiet" }, details),
      ),
    ),
  );
}

$("members-dialog").onclose = () => (current = null);
