/** Whatever is sent comes back, by a plain WebSocket. */
import { $ } from "../../../../admin/src/dashboard/dom.js";
import { retrying } from "../../../../admin/src/dashboard/retry.js";
import { count, show } from "./head.js";
import { add, note } from "./log.js";
import { closeText } from "./words.js";

const LONGEST_WAIT_MS = 30_000;

export function echo(url, opened) {
  let socket = null;
  let wanted = true;
  let wasLost = false;
  /** When each message that has not come back was sent. */
  const sentAt = [];

  const retry = retrying(LONGEST_WAIT_MS, connect, (seconds) => {
    show("waiting", "Reconnecting", "Connect now");
    $("countdown").textContent = `in ${seconds} s`;
  });

  function connect() {
    retry.stop();
    wanted = true;
    show("connecting", "Connecting", "Disconnect");
    let wasOpen = false;
    const mine = (socket = new WebSocket(url));
    mine.binaryType = "arraybuffer";
    mine.onopen = () => {
      wasOpen = true;
      retry.opened();
      show("open", "Connected", "Disconnect");
      if (wasLost) note("Connected again");
      wasLost = false;
      sentAt.length = 0;
      $("send").disabled = false;
      opened();
    };
    mine.onmessage = ({ data }) => {
      count({ in: 1 });
      const entry = add(typeof data === "string" ? data : new Uint8Array(data), "echo", { who: "Echo" });
      if (sentAt.length > 0) entry.say(`${Math.max(0, performance.now() - sentAt.shift()).toFixed(1)} ms`);
    };
    mine.onclose = ({ code, reason }) => {
      retry.closed();
      $("send").disabled = true;
      const why = wasOpen ? closeText(code, reason) : `could not connect (${code})`;
      // Asked for, or refused for what we are: trying again would not help.
      const isOver = !wanted || code === 1008;
      if (isOver || wasOpen || !wasLost) note(`Disconnected: ${why}`);
      wasLost = true;
      if (isOver) show("closed", "Disconnected", "Connect");
      else retry.later();
    };
  }

  addEventListener("online", () => {
    if ($("state").dataset.state === "waiting") connect();
  });

  return {
    connect,
    connectNow: connect,
    disconnect() {
      wanted = false;
      retry.stop();
      socket.close(1000);
    },
    send(text) {
      if (socket?.readyState !== WebSocket.OPEN) return false;
      socket.send(text);
      sentAt.push(performance.now());
      count({ out: 1 });
      add(text, "mine", { who: "You" });
      return true;
    },
  };
}
