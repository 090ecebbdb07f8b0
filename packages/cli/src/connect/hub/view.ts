/** Where a conversation with a hub takes place: on a terminal, or in a pipe. */
import type { Live } from "@hawser/client";
import type { WebSockets } from "../../tools/web-socket-class.js";
import type { Surroundings } from "../surroundings.js";
import type { Conversation } from "./conversation.js";
import type { HubEvent } from "./events.js";
import type { HubOptions } from "./options.js";

export interface HubView {
  show(event: HubEvent): void;
  /** Carries out what is typed, or comes in. Resolves when that is over, or the connection is for good. */
  run(): Promise<void>;
  /** Gives back what it took, after the last event. */
  finish(): Promise<void>;
}

export interface ViewParts {
  readonly live: Live;
  readonly sockets: WebSockets;
  readonly conversation: Conversation;
  readonly options: HubOptions;
  readonly around: Surroundings;
}

/** Resolves when there will be no connection any more. */
export function closed(live: Live): Promise<void> {
  return new Promise((resolve) => {
    live.state.subscribe(({ phase }) => {
      if (phase === "closed") resolve();
    });
  });
}
