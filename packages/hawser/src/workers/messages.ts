/** What supervisor and worker say to each other beside the engine's channel: when a worker begins, listens, is to end, and how it is. */
import type { ListenTarget, Listening } from "../server/listen.js";
import type { EngineAddress } from "./channel/engine-listener.js";

/** What a worker is told when it begins. */
export interface Beginning {
  readonly id: number;
  readonly count: number;
  readonly place: ListenTarget;
  readonly engine: EngineAddress;
}

export type ToWorker =
  | { readonly hawser: "begin"; readonly beginning: Beginning }
  /** It takes no more clients, sends away those that it has, and ends. */
  | { readonly hawser: "drain" }
  /** Something of the application's. */
  | { readonly hawser: "message"; readonly message: unknown };

export type ToSupervisor =
  | { readonly hawser: "hello" }
  | { readonly hawser: "ready"; readonly listening: Listening | undefined }
  /** It lives. `report` is what the application has to tell of it. */
  | { readonly hawser: "beat"; readonly report?: unknown };

/** Whether it is one of ours: an application may send messages of its own. */
export function isOurs(message: unknown): message is { readonly hawser: string } {
  return (
    typeof message === "object" && message !== null && typeof (message as { hawser?: unknown }).hawser === "string"
  );
}
