/** A room: a topic of the hub, by @hawser/client, which misses nothing in silence. */
import { connect as connectTo } from "@hawser/client";
import { count, show } from "./head.js";
import { add, divider, note } from "./log.js";
import { failureText, gapText, whyText } from "./words.js";

/** So many of the messages from before are shown at first, and behind a gap. */
const EARLIER = 20;
const MOST_KNOWN = 1000;
const TOKEN = "hawser-token";

/**
 * @param name of the topic
 * @param ui.opened there is a connection
 * @param ui.present who is there: undefined if that is not known
 * @param ui.wantToken the server wants a token, or another one: why
 */
export function room(name, url, ui) {
  let live;
  let topic;
  let subscription;
  /** Up to where everything was seen, while there is no `live`. */
  let position;
  let user;
  let wasLost = false;
  /** Of what was sent before this page was there, or while it was away: the line above it, and how many there were. */
  let run;
  /** Sent, and not yet seen to come back. */
  const pending = [];
  /** The latest messages by their offset, to tell one's own from the same words of others. */
  let byOffset = new Map();
  /** That these are of. */
  let epoch;

  function connect() {
    const from = position;
    const token = sessionStorage.getItem(TOKEN) ?? undefined;
    live = connectTo(url, { token, onError: () => {} });
    topic = live.topic(name);
    subscription = undefined;
    run = newRun();
    subscription = topic.subscribe(
      { message, gap, end, presence: (present) => ui.present(present, live.state.current) },
      from === undefined ? { last: EARLIER } : { from },
    );
    let lastWhy;
    live.state.subscribe((state) => {
      lastWhy = follow(state, lastWhy) ?? lastWhy;
    });
  }

  /** @returns why there is no connection, as long as there is none */
  function follow(state, lastWhy) {
    switch (state.phase) {
      case "idle":
        // Again: the page was in the back/forward cache.
        if (subscription?.position !== undefined) run = newRun();
        show("connecting", "Connecting", "Disconnect");
        return undefined;
      case "connecting":
        show("connecting", "Connecting", "Disconnect");
        return undefined;
      case "open":
        user = state.user;
        show("open", state.degraded ? "Connected, and the server is busy" : "Connected", "Disconnect");
        // What was missed, if anything, comes below this line, and is counted in it.
        if (wasLost) run.line = divider("Connected again");
        wasLost = false;
        ui.opened(state);
        return undefined;
      case "waiting": {
        // A token that was refused is followed by the end.
        if (state.why === "unauthorized") return state.why;
        if (!wasLost) lost(whyText(state));
        show("waiting", "Reconnecting", "Connect now", state.retryAt);
        return state.why;
      }
      case "closed":
        ended(state, lastWhy);
        return undefined;
    }
  }

  function lost(why) {
    note(`Disconnected: ${why}`);
    wasLost = true;
    run = newRun();
    ui.present(undefined);
  }

  function ended(state, lastWhy) {
    position = subscription.position ?? position;
    ui.present(undefined);
    show("closed", state.why === "unauthorized" ? "Token needed" : "Disconnected", "Connect");
    if (state.why === "closed") return;
    if (state.why === "unauthorized") {
      const hadToken = sessionStorage.getItem(TOKEN) !== null;
      sessionStorage.removeItem(TOKEN);
      if (lastWhy === "expired") return ui.wantToken("The token has expired.");
      return ui.wantToken(hadToken ? "The server does not take this token." : "This server asks for a token.");
    }
    note(`Disconnected: ${whyText(state)}`);
    wasLost = true;
  }

  function newRun() {
    const isAway = (subscription?.position ?? position) !== undefined;
    return { isAway, count: 0 };
  }

  function message(data, { offset, by, replayed }) {
    const own = takePending(data, by);
    if (own !== undefined) {
      own.settle();
      remember(own, offset);
      return;
    }
    const isMine = by !== undefined && by === user;
    if (!isMine) count({ in: 1 });
    if (replayed) inRun();
    else run = undefined;
    const mark = replayed ? (run.isAway ? "while you were away" : "earlier") : undefined;
    remember(add(data, isMine ? "mine" : "other", { who: nameOf(by), mark, isReplayed: replayed }), offset);
  }

  /** One more of those that were sent before. */
  function inRun() {
    run ??= newRun();
    run.count++;
    const text = run.isAway ? `While you were away: ${run.count}` : "Earlier in this room";
    if (run.line === undefined) run.line = divider(text);
    else run.line.say(text);
  }

  function gap({ why, position }) {
    run = undefined;
    const isSameEpoch = position?.epoch === epoch;
    const known = isSameEpoch ? byOffset : new Map();
    byOffset = new Map();
    epoch = position?.epoch;
    const line = note(gapText(why), "gap");
    if (position === undefined) return;
    topic.history({ max: EARLIER }).then(
      ({ messages }) => {
        // What the server still has belongs behind the gap, and before what has come since.
        const before = line.nextElementSibling;
        for (const { data, offset, by } of messages) {
          if (offset > position.offset || known.has(offset) || byOffset.has(offset)) continue;
          const isMine = by !== undefined && by === user;
          if (!isMine) count({ in: 1 });
          const options = { who: nameOf(by), mark: "while you were away", isReplayed: true, before };
          remember(add(data, isMine ? "mine" : "other", options), offset);
        }
      },
      () => {},
    );
  }

  function end({ code, message }) {
    if (code === "closed" || live.state.current.phase === "closed") return;
    note(code === "revoked" ? "You may no longer read this room." : `This room cannot be read: ${message}`, "gap");
    disconnect();
    if (code === "forbidden") ui.wantToken("This token is not for this room.");
  }

  function remember(entry, offset) {
    entry.offset = offset;
    if (offset !== undefined) byOffset.set(offset, entry);
    epoch = subscription?.position?.epoch ?? epoch;
    if (byOffset.size > MOST_KNOWN) byOffset.delete(byOffset.keys().next().value);
  }

  /** The first of those that were sent that may be this message. */
  function takePending(data, by) {
    if (by !== user) return undefined;
    const at = pending.findIndex((entry) => entry.data === data);
    return at < 0 ? undefined : pending.splice(at, 1)[0];
  }

  function send(text) {
    const isOpen = live.state.current.phase === "open";
    if (live.state.current.phase === "closed") return false;
    const mark = isOpen ? "sending" : "waits for the connection";
    const entry = add(text, "mine", { who: "You", mark, isPending: true });
    pending.push(entry);
    count({ out: 1 });
    topic.publish(text).then(
      ({ offset }) => published(entry, offset),
      (error) => {
        forget(entry);
        entry.fail(failureText(error), () => send(text));
      },
    );
    return true;
  }

  /** The server says where it is: the message that was taken for it may have been another's with the same words. */
  function published(entry, offset) {
    if (forget(entry)) entry.settle();
    if (offset === undefined || entry.offset === offset || entry.offset === undefined) return;
    const mine = byOffset.get(offset);
    if (mine === undefined) return;
    entry.as("other", nameOf(undefined));
    entry.settle();
    mine.as("mine", "You");
    mine.settle();
  }

  function forget(entry) {
    const at = pending.indexOf(entry);
    if (at >= 0) pending.splice(at, 1);
    return at >= 0;
  }

  function nameOf(by) {
    if (by === undefined) return "Somebody";
    return by === user ? "You" : by;
  }

  function disconnect() {
    live.close();
    if (!wasLost) note("Disconnected: closed normally (1000)");
    wasLost = true;
  }

  return {
    connect,
    /** The client listens to this one, and does not wait any longer; unless the server has asked it to. */
    connectNow: () => dispatchEvent(new Event("online")),
    disconnect,
    send,
    useToken(token) {
      sessionStorage.setItem(TOKEN, token);
      connect();
    },
  };
}
