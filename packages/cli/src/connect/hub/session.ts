/** `hawser connect --hub URL`: a conversation with a hub, which goes on after a lost connection. */
import { connect, type Live, LiveError, type State } from "@hawser/client";
import { printable } from "hawser/tools";
import { OpenError } from "../../tools/open-error.js";
import { nameOf, type Target } from "../../tools/target.js";
import { type WebSockets, webSocketsTo } from "../../tools/web-socket-class.js";
import { isInteractive, type Surroundings } from "../surroundings.js";
import { converse } from "./conversation.js";
import { type HubEvent, meaningOf } from "./events.js";
import type { HubOptions } from "./options.js";
import { pipeView } from "./pipe.js";
import { terminalView } from "./terminal.js";
import type { HubView } from "./view.js";
import { whyText } from "./why-text.js";

const OK = 0;
const FAILED = 1;

/**
 * @returns the exit code: 1 when there was no connection at the end
 * @throws OpenError (by rejection) if the first connection cannot be made
 */
export async function talkToHub(target: Target, options: HubOptions, around: Surroundings): Promise<number> {
  const since = performance.now();
  const sockets = webSocketsTo(target, options.open);
  const whyOf = (state: State): string => whyText(state, sockets.last, options.token !== undefined);
  const complain = (text: string): void =>
    void around.errors.write(printable(`hawser: ${nameOf(target)}: ${text}`) + "\n");
  let view: HubView | undefined;
  const tell = (event: HubEvent): void => view?.show(event);
  const live = connect(target.url, {
    token: options.token,
    WebSocket: sockets.WebSocket,
    // What was refused without a command: to watch who is there.
    onError: (error) => tell(errorEvent(error)),
  });
  const conversation = converse(live, tell);
  await firstAnswer(live, sockets, target, (state) => complain(whyOf(state)));

  if (live.state.current.phase === "open") {
    const parts = { live, sockets, conversation, options, around };
    const isPerson = isInteractive(around) && options.execute.length === 0;
    view = isPerson ? terminalView(parts, target, performance.now() - since) : pipeView(parts);
    live.state.subscribe((state) => tell({ event: "state", state, why: whyOf(state) }));
    for (const topic of options.topics) void conversation.perform({ verb: "sub", topic, last: undefined });
    await view.run();
  }
  const { current } = live.state;
  live.close();
  await sockets.ended();
  await view?.finish();
  if (current.phase === "open") return OK;
  complain(whyOf(current));
  return FAILED;
}

/** Resolves when the server has said yes or no. @throws OpenError (by rejection) if there is no hub */
function firstAnswer(live: Live, sockets: WebSockets, target: Target, later: (state: State) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = live.state.subscribe((state) => {
      if (state.phase === "idle" || state.phase === "connecting") return;
      if (state.phase === "waiting" && !["unreachable", "no-hub"].includes(state.why)) {
        // A refused token is tried with another one at once, and there is none.
        if (state.why !== "unauthorized") later(state);
        return;
      }
      stop();
      if (state.phase !== "waiting") return resolve();
      live.close();
      const { last } = sockets;
      reject(
        last instanceof OpenError && state.why === "unreachable"
          ? last
          : new OpenError(nameOf(target), state.why, whyText(state, last, false)),
      );
    });
  });
}

function errorEvent(error: unknown): HubEvent {
  if (!(error instanceof LiveError)) throw error;
  return { event: "error", what: "", code: error.code, message: meaningOf(error.code, error.message) };
}
