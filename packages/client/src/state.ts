/** Why there is no connection, and when the next attempt is made. */
export interface Waiting {
  readonly phase: "waiting";
  /** As `Date.now()` has it. */
  readonly retryAt: number;
  readonly why: WaitReason;
  /** The close code of the connection that ended, if that was the reason. */
  readonly code: number | undefined;
}

export type WaitReason =
  /** No connection could be made. */
  | "unreachable"
  /** What answered is no hub: it does not speak `hawser.v1`. */
  | "no-hub"
  /** The connection broke, or the server closed it. */
  | "lost"
  /** Nothing was heard of the server for too long. */
  | "silent"
  /** The browser says that it is offline. */
  | "offline"
  /** A token could not be had, or it was one that the server had refused already. */
  | "token"
  /** What the server said before it closed the connection, or when it refused the hello: `drain`, `limit`, `expired`, `unavailable`… */
  | (string & {});

/** Where a connection stands. */
export type State =
  /** Not begun, or the page is in the back/forward cache. */
  | { readonly phase: "idle" }
  | { readonly phase: "connecting" }
  | {
      readonly phase: "open";
      /** The id of the connection, as the server's log has it. */
      readonly client: string;
      /** What the messages that are published here have as `by`. */
      readonly user: string | undefined;
      /** The server answers, but could not do something that it was asked for; that is tried again. */
      readonly degraded: boolean;
    }
  | Waiting
  /**
   * For good: `closed` by the application, `signed-out` since the token is `null`, `unauthorized` since the only token was refused, or
   * since three connections in a row had the same final end: the server's word for it, or `refused` and the close code.
   */
  | { readonly phase: "closed"; readonly why: string; readonly code: number | undefined };

/** The state now, and from now on. */
export interface LiveState {
  readonly current: State;
  /** Calls the listener at once, and whenever the state changes. @returns what ends that */
  readonly subscribe: (listener: (state: State) => void) => () => void;
}

/** Calls a function of the application's, whose errors are reported and go no further. */
export type Call = <Args extends readonly unknown[]>(
  handler: ((...args: Args) => void) | undefined,
  ...args: Args
) => void;

export interface StateStore extends LiveState {
  readonly set: (state: State) => void;
}

export function createState(call: Call): StateStore {
  const listeners = new Set<{ readonly listener: (state: State) => void }>();
  let current: State = { phase: "idle" };
  return {
    get current() {
      return current;
    },
    subscribe(listener) {
      const entry = { listener };
      listeners.add(entry);
      call(listener, current);
      return () => void listeners.delete(entry);
    },
    set(state) {
      current = state;
      for (const { listener } of listeners) {
        // A listener may have changed it: then all have been told of what is newer.
        if (current === state) call(listener, state);
      }
    },
  };
}
