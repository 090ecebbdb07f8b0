/** The live feed: one WebSocket, which comes back by itself and says so. */

import { retrying } from "./retry.js";

const LONGEST_WAIT_MS = 15_000;

/** Browsers can send a token with a handshake in no other header. */
const SUBPROTOCOL = "hawser.admin";
const IN_SUBPROTOCOL = "hawser.token.";

/**
 * @param on.token the token, or null
 * @param on.message gets each message of the server
 * @param on.open the connection is there; whether it has shown the token
 * @param on.isLocked whether the server waits for a token that nobody has entered: then it is not asked again
 * @param on.state gets "open", "connecting", "waiting" or "locked", and the seconds that are left of the waiting
 */
export function connectFeed(on) {
  const url = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/live`;
  const pending = new Map();
  let socket = null;
  let requests = 0;
  /** A browser does not tell why a handshake failed. If it was a wrong token, the next one, without, gets to hear so. */
  let showsToken = true;
  let isHeld = false;
  const retry = retrying(LONGEST_WAIT_MS, connect, (seconds) => on.state("waiting", seconds));

  function connect() {
    retry.stop();
    isHeld = false;
    on.state("connecting", 0);
    const token = showsToken ? on.token() : null;
    const hasShown = token !== null && /^[\w.~-]+$/.test(token);
    socket = hasShown ? new WebSocket(url, [SUBPROTOCOL, IN_SUBPROTOCOL + token]) : new WebSocket(url);
    let hasOpened = false;
    socket.onopen = () => {
      hasOpened = true;
      retry.opened();
      on.state("open", 0);
      on.open(hasShown);
    };
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      const answered = pending.get(message.request);
      pending.delete(message.request);
      if (answered) answered(message);
      else on.message(message);
    };
    socket.onclose = () => {
      retry.closed();
      for (const answered of pending.values()) answered(null);
      pending.clear();
      showsToken = hasOpened || !hasShown;
      isHeld = hasOpened && on.isLocked();
      if (isHeld) on.state("locked", 0);
      else retry.later();
    };
  }

  // Somebody looks again, or the network is back: now is the time.
  const hurry = () => {
    if (socket.readyState === WebSocket.CLOSED && !document.hidden && !isHeld) connect();
  };
  addEventListener("online", hurry);
  document.addEventListener("visibilitychange", hurry);
  connect();

  return {
    /** Shows a token that somebody has just entered. */
    authorize(token) {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "authorize", token }));
      else if (socket.readyState === WebSocket.CLOSED) connect();
    },
    /** Resolves with the answer; with null when the connection is lost or was not there. */
    ask(message) {
      if (socket.readyState !== WebSocket.OPEN) return Promise.resolve(null);
      const request = ++requests;
      return new Promise((resolve) => {
        pending.set(request, resolve);
        socket.send(JSON.stringify({ ...message, request }));
      });
    },
  };
}
