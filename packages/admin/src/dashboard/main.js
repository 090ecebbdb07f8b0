/** The dashboard: what comes in by the feed goes to the part of the page that shows it. */
import { addSample, setHistory, setSpan } from "./charts.js";
import { makeClients } from "./clients.js";
import { connectFeed } from "./connection.js";
import { askDisconnect, askMessage, askToken, closeTokenDialog, tokenProblem } from "./dialogs.js";
import { $, setText } from "./dom.js";
import { count, duration } from "./format.js";
import { hideHub, showHub } from "./hub.js";
import { addLog, setLog } from "./log.js";
import { hideNodes, showNodes } from "./nodes.js";
import { showRooms } from "./rooms.js";
import { setTheme, theme } from "./theme.js";
import { toast } from "./toast.js";
import { makeTopics } from "./topics.js";

const TOKEN_KEY = "hawser-admin-token";

const feedTexts = {
  open: "Live",
  connecting: "Connecting",
  waiting: "Connection lost, trying again",
  locked: "Waiting for the token",
};

let columns = [];
let tryUrl = null;
let mayAct = false;
let startedAt = null;
/** What the operator wanted to do when the token was asked for. */
let afterUnlock = null;

// The address may bring the token behind its "#", which no request carries. It does not stay there for others to see.
const given = /(?:^#|&)token=([^&]+)/.exec(location.hash)?.[1];
if (given !== undefined) {
  saveToken(decodeURIComponent(given));
  history.replaceState(null, "", location.pathname);
}

const feed = connectFeed({
  token: savedToken,
  open(hasShownToken) {
    const token = savedToken();
    if (token && !hasShownToken) feed.authorize(token);
  },
  isLocked: () => !$("locked").hidden,
  message: (message) => receive[message.type]?.(message),
  state: showFeed,
});

const clients = makeClients(
  () => feed,
  {
    disconnect: (row) => whenUnlocked(() => askDisconnect(row, () => act({ type: "disconnect", id: row.id }))),
    send: (row) => whenUnlocked(() => askMessage(row, (text) => act({ type: "send", id: row.id, text }))),
  },
  () => tryUrl,
);

const topics = makeTopics(() => feed);

async function act(message) {
  const result = await feed.ask(message);
  clients.refresh();
  return result;
}

const receive = {
  hello(hello) {
    columns = hello.columns;
    tryUrl = hello.tryUrl;
    startedAt = hello.process.startedAt;
    showLocked(false);
    setHistory(columns, hello.history);
    showLatest(hello.history.at(-1));
    setLog(hello.log);
    if (hello.mayAct) onUnlocked();
    else setUnlocked(mayAct);
    // What there is of them comes anew.
    hideHub();
    hideNodes();
    topics.begin(hello.hasHub);
    setText($("process"), "");
    $("process").title = `Node ${hello.process.node}, process ${hello.process.pid}`;
    clients.refresh();
  },
  locked() {
    showLocked(true);
    if (!savedToken()) unlock();
  },
  sample({ sample }) {
    addSample(columns, sample);
    showLatest(sample);
  },
  hub(sample) {
    showHub(sample);
    topics.show();
  },
  nodes: showNodes,
  rooms: showRooms,
  log: addLog,
  authorized({ ok, text }) {
    if (!ok) {
      forgetToken();
      if ($("token-dialog").open) return tokenProblem(text);
      return toast(`The token was not taken. ${text}`, true);
    }
    onUnlocked();
  },
};

function onUnlocked() {
  // What was wanted is done after the dialog has closed, which would forget it.
  const then = afterUnlock;
  closeTokenDialog();
  afterUnlock = null;
  setUnlocked(true);
  then?.();
}

function showLatest(sample) {
  if (sample === undefined) return;
  const value = (name) => sample[columns.indexOf(name)];
  document.title = `${count(value("connections"))} clients - Hawser`;
  $("server").hidden = false;
  const isReady = value("ready") === 1;
  $("server").dataset.state = isReady ? "ready" : "draining";
  setText($("server-text"), isReady ? "Takes new clients" : "Takes no new clients");
  setText($("process"), `up ${duration(Date.now() - startedAt)}`);
}

function showLocked(isLocked) {
  $("locked").hidden = !isLocked;
  document.body.classList.toggle("locked", isLocked);
}

function showFeed(state, seconds) {
  $("feed").dataset.state = state;
  setText($("feed-text"), feedTexts[state]);
  setText($("feed-countdown"), state === "waiting" ? `in ${seconds} s` : "");
  document.body.classList.toggle("stale", state !== "open" && state !== "locked");
  if (state !== "open") mayAct = false;
}

// The token.

function whenUnlocked(action) {
  if (mayAct) return action();
  afterUnlock = action;
  unlock();
}

function unlock() {
  askToken((token) => {
    saveToken(token);
    feed.authorize(token);
  });
}

function setUnlocked(isUnlocked) {
  mayAct = isUnlocked;
  setText($("unlock"), isUnlocked ? "Lock actions" : "Unlock actions");
}

$("unlock").onclick = () => {
  if (!mayAct) return unlock();
  forgetToken();
  // The server knows this connection as the operator's: a new one is needed.
  location.reload();
};
$("locked-unlock").onclick = unlock;
$("token-dialog").onclose = () => {
  if (!mayAct) afterUnlock = null;
};

/** Kept for this tab alone, and until it is closed. */
function saveToken(token) {
  sessionStorage.setItem(TOKEN_KEY, token);
}

function savedToken() {
  return sessionStorage.getItem(TOKEN_KEY);
}

function forgetToken() {
  sessionStorage.removeItem(TOKEN_KEY);
}

// The page.

$("theme").value = theme();
$("theme").onchange = () => setTheme($("theme").value);
$("span").onchange = () => setSpan(Number($("span").value));
addEventListener("keydown", (event) => {
  const isTyping = event.target instanceof Element && event.target.closest("input, textarea, select, dialog");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping) return;
  event.preventDefault();
  $("search").focus();
});
