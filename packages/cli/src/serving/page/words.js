/** What the page says when things go wrong, in words. */

const CODES = {
  1000: "closed normally",
  1001: "the server is shutting down",
  1002: "protocol error",
  1006: "the connection was lost",
  1007: "the data was not valid",
  1008: "refused by the server's policy",
  1009: "the message was larger than the server takes",
  1011: "the server had an error",
  1012: "the server is restarting",
  1013: "too slow, try again later",
};

/** `the connection was lost (1006)` */
export function closeText(code, reason = "") {
  return `${CODES[code] ?? "closed"} (${code}${reason === "" ? "" : `: ${reason}`})`;
}

const WHY = {
  unreachable: "could not connect",
  "no-hub": "what answers there is no hub",
  silent: "the server has gone silent",
  offline: "this device is offline",
  token: "there is no token",
  drain: "the server is shutting down",
  expired: "the token has expired",
  unauthorized: "the server does not take the token",
  forbidden: "the server has put you out",
  limit: "too much at once",
  unavailable: "the server cannot do it at the moment",
};

/** Why there is no connection, of a state of the client's. */
export function whyText({ why, code }) {
  const words = WHY[why];
  if (words !== undefined) return words;
  return code === undefined ? why : closeText(code);
}

const GAPS = {
  missed: "the server no longer has what was sent meanwhile, or was restarted",
  expired: "the server no longer has what was sent meanwhile",
  lost: "the server has lost some",
  slow: "this page could not keep up",
  reset: "the room begins anew",
};

export function gapText(why) {
  return `Messages are missing here: ${GAPS[why] ?? why}`;
}

const FAILURES = {
  offline: "there was no connection for too long",
  "queue-full": "too much waits for a connection",
  lost: "the connection was lost, and it may have arrived",
  timeout: "there was no answer, and it may have arrived",
  closed: "disconnected",
};

/** Why a message was not sent. */
export function failureText({ code, message }) {
  return FAILURES[code] ?? (message === code ? code : message);
}
