/** The state of the connection, with a countdown while it waits. */
import { $, setText } from "../../../../admin/src/dashboard/dom.js";

let timer = 0;

/**
 * @param state `connecting`, `open`, `waiting` or `closed`
 * @param action what the button does
 * @param retryAt when the next attempt is made, as Date.now() has it
 */
export function show(state, text, action, retryAt) {
  clearTimeout(timer);
  $("state").dataset.state = state;
  setText($("status"), text);
  $("switch").textContent = action;
  $("countdown").textContent = "";
  if (retryAt !== undefined) countDown(retryAt);
}

function countDown(until) {
  const left = until - Date.now();
  $("countdown").textContent = `in ${Math.max(1, Math.ceil(left / 1000))} s`;
  if (left > 0) timer = setTimeout(() => countDown(until), left % 1000 || 1000);
}

let sent = 0;
let received = 0;

export function count({ out = 0, in: into = 0 }) {
  sent += out;
  received += into;
  $("counts").textContent = `${sent} sent, ${received} received`;
}
