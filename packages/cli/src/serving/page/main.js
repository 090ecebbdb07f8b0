/** The page to try the server in: rooms, or an echo. */
import { $, element, plain } from "../../../../admin/src/dashboard/dom.js";
import { echo } from "./echo.js";
import { count } from "./head.js";
import { toEnd } from "./log.js";
import { room } from "./room.js";

/** So many names are shown of those who are here. */
const MOST_NAMES = 12;

const { mode, path } = document.documentElement.dataset;
const isEcho = mode === "echo";
// The server names the only path that takes WebSockets, where there is such; else every path is a room.
const socketPath = path || location.pathname;
const url = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${socketPath}${location.search}`;
const name = roomOf(socketPath);

/** As packages/cli/src/serving/rooms.ts. */
function roomOf(path) {
  let name = path;
  try {
    name = decodeURI(path);
  } catch {
    // Not UTF-8: as it is.
  }
  let end = name.length;
  while (end > 1 && name[end - 1] === "/") end--;
  return name.slice(0, end);
}

function opened() {
  $("send").disabled = false;
  $("token-form").hidden = true;
  if (matchMedia("(hover: hover)").matches) $("text").focus();
}

const talk = isEcho ? echo(url, opened) : room(name, url, { opened, present, wantToken });

// Who is here.

function present(who, { user, client } = {}) {
  $("here").hidden = who === undefined;
  if (who === undefined) return;
  const { members } = who;
  $("here-count").textContent = `${who.count} here`;
  // Where nobody has a name, members are connections, whose ids say nothing to people.
  const names = [...(members?.keys() ?? [])].filter((key) => key !== user && key !== client).map(plain);
  const others = who.count - 1;
  const isNamed = user !== undefined && members !== undefined;
  const more = names.length > MOST_NAMES ? [`${names.length - MOST_NAMES} more`] : [];
  const list = isNamed
    ? ["you", ...names.slice(0, MOST_NAMES), ...more]
    : ["you", ...(others > 0 ? [`${others} ${others === 1 ? "other" : "others"}`] : [])];
  $("here-names").textContent = list.join(", ");
}

// Tokens.

function wantToken(why) {
  $("hint").hidden = true;
  $("token-form").hidden = false;
  $("token-why").textContent = why;
  $("send").disabled = true;
  $("token").value = "";
  $("token").focus();
}

$("token-form").onsubmit = (event) => {
  event.preventDefault();
  const token = $("token").value.trim();
  if (token === "") return;
  $("token-form").hidden = true;
  talk.useToken(token);
};

// What people do.

function send() {
  const text = $("text").value;
  if (text === "" || !talk.send(text)) return;
  $("text").value = "";
  toEnd();
}

$("switch").onclick = () => {
  const { state } = $("state").dataset;
  if (state === "waiting") talk.connectNow();
  else if (state === "closed") talk.connect();
  else {
    talk.disconnect();
    $("send").disabled = true;
  }
};
$("send-form").onsubmit = (event) => {
  event.preventDefault();
  send();
};
$("text").onkeydown = (event) => {
  // Enter that ends a composition (Japanese, Chinese) belongs to the text.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send();
};
$("room-form").onsubmit = (event) => {
  event.preventDefault();
  const room = $("room").value.trim().replace(/^\/*/, "/");
  // What is written as %2F stays so: it is not the "/" between two parts.
  location.assign(
    encodeURI(room)
      .replace(/[?#]/g, encodeURIComponent)
      .replace(/%25([0-9a-f]{2})/gi, "%$1"),
  );
};
$("room").oninput = () => ($("go").hidden = $("room").value.trim() === name);

// The start.

document.title = `${isEcho ? "Echo" : name} - Hawser`;
$("room").value = name;
$("room").disabled = Boolean(path);
$("room-form").hidden = isEcho;
$("echo").hidden = !isEcho;
if (isEcho) $("hint").append(element("p", {}, "Whatever you send comes straight back."));
else {
  const link = { href: location.href, target: "_blank", rel: "noopener" };
  $("hint").append(
    element("p", {}, `What you send goes to everyone else in ${name}.`),
    element("p", {}, element("a", link, "Open this page in a second tab"), " and talk to yourself."),
    element("p", {}, "Close your laptop: what others say meanwhile is here when you are back."),
  );
}
count({});
talk.connect();
