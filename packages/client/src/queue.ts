import type { ErrMessage, OkMessage } from "@hawser/wire/client";
import type { Agenda, Cancel } from "./agenda.js";
import { backoff } from "./backoff.js";
import { LiveError } from "./errors.js";

/** How many requests may wait for a connection, and how long their frames may be together: in bytes, or characters of text. */
const MOST_WAITING = 64;
const MOST_BYTES: number = 256 * 1024;

export type Frame = string | Uint8Array;
export type Send = (frame: Frame) => void;
export type Answer = OkMessage | ErrMessage;

export interface RequestOptions {
  /** In milliseconds, the time without a connection included. @default 10000, of a publish 30000 */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Entry {
  readonly frame: Frame;
  again: boolean;
  /** In this connection; `false`: in one that was lost. */
  sent: boolean | undefined;
  /** It is of the connection's own, and ends with it. */
  readonly isOwn: boolean;
  readonly settle: (answer: Answer | LiveError) => void;
}

/**
 * The requests that have no answer yet, in the order in which they were made, which is the order in which they are sent: those that wait
 * for a connection, and those that wait for the server. Those of the application's end within their time.
 */
export interface Queue {
  /** The first of so many ids. Each is used once, whatever the connection. */
  ids(count: number): number;
  /**
   * A request of the application's. Never throws.
   * @param answered called with the answer at once, so that what follows it on the wire is known for what it is: even when nobody waits
   * any more
   * @param giveUp tells the server that nobody does. A request that has this is sent once; others are sent again after a lost connection,
   * and when the server could not do it just then
   */
  add<Result>(
    write: (id: number) => Frame,
    answered: (ok: OkMessage) => Result | PromiseLike<Result>,
    options?: RequestOptions,
    giveUp?: (id: number) => Frame,
  ): Promise<Result>;
  /**
   * A request of the connection's own, made in it. Not answered if the connection is lost.
   * @param sentAs the id of one that was sent already, with the hello: it is written in case it has to be sent again
   */
  readonly ask: (write: (id: number) => Frame, answered: (answer: Answer) => void, sentAs?: number) => void;
  opened(send: Send): void;
  /** `poisoned`: for something that was sent, which is not sent again. */
  lost(poisoned?: boolean): void;
  answer(answer: Answer): void;
  /** Nothing will be answered any more. */
  close(error: LiveError): void;
}

/** Words that say: not now. */
export function isLater(word: string): boolean {
  return ["limit", "unavailable", "timeout"].includes(word);
}

/** `paused`: told when the server asks to be left alone for a moment, and when that is over. */
export function createQueue(agenda: Agenda, random: () => number, paused: (isPaused: boolean) => void): Queue {
  const entries = new Map<number, Entry>();
  let lastId = 0;
  let send: Send | undefined;
  let resume: Cancel | undefined;
  let pauses = 0;
  let closed: LiveError | undefined;

  /** Nothing overtakes: while there is a connection that takes requests, all that came before have been sent. */
  function transmit(entry: Entry): void {
    if (entry.sent || resume || !send) return;
    entry.sent = true;
    send(entry.frame);
  }

  function flush(): void {
    for (const entry of entries.values()) transmit(entry);
  }

  /** Until then nothing more is sent, so that the order is kept. */
  function pause(ms = backoff(pauses++, random)): void {
    resume?.();
    resume = agenda.after(ms, () => {
      resume = undefined;
      paused(false);
      flush();
    });
    paused(true);
  }

  function settle(id: number, answer: Answer | LiveError): void {
    const entry = entries.get(id);
    entries.delete(id);
    entry?.settle(answer);
  }

  /** What waits for more than its bound is too much: the oldest stay. */
  function trim(code: string): void {
    let count = 0;
    let bytes = 0;
    for (const [id, { sent, isOwn, frame }] of entries) {
      if (sent || isOwn) continue;
      bytes += frame.length;
      if (++count > MOST_WAITING || bytes > MOST_BYTES) settle(id, new LiveError(code));
    }
  }

  function lost(poisoned = false): void {
    send = undefined;
    resume?.();
    resume = undefined;
    for (const [id, entry] of entries) {
      if (entry.isOwn) entries.delete(id);
      else if (entry.sent && (!entry.again || poisoned)) settle(id, new LiveError("lost"));
      entry.sent &&= false;
    }
    trim("lost");
  }

  return {
    ids: (count) => (lastId += count) - count + 1,

    async add(write, answered, { timeoutMs = 10_000, signal } = {}, giveUp?: (id: number) => Frame) {
      if (closed !== undefined) throw closed;
      signal?.throwIfAborted();
      const id = ++lastId;
      const frame = write(id);
      return new Promise((resolve, reject) => {
        function leave(error: Error): void {
          done();
          reject(error);
          if (!entry.sent) entries.delete(id);
          // What was sent stays, for its answer may be followed by messages that belong to it.
          entry.again = false;
          if (entry.sent && giveUp !== undefined) send?.(giveUp(id));
        }
        function done(): void {
          cancel();
          signal?.removeEventListener("abort", abort);
        }
        const abort = (): void => leave(signal!.reason as Error);
        const cancel = agenda.after(timeoutMs, () =>
          leave(new LiveError(entry.sent === undefined ? "offline" : "timeout")),
        );
        signal?.addEventListener("abort", abort);
        const entry: Entry = {
          frame,
          again: giveUp === undefined,
          sent: undefined,
          isOwn: false,
          settle(answer) {
            done();
            if (answer instanceof LiveError) reject(answer);
            else if (answer.verb === "err") reject(new LiveError(answer.code, answer.msg));
            else resolve(answered(answer));
          },
        };
        entries.set(id, entry);
        transmit(entry);
        if (!entry.sent) trim("queue-full");
      });
    },

    ask(write, answered, sentAs) {
      const id = sentAs ?? ++lastId;
      const entry: Entry = {
        frame: write(id),
        again: true,
        sent: sentAs !== undefined,
        isOwn: true,
        settle: answered as Entry["settle"],
      };
      entries.set(id, entry);
      transmit(entry);
    },

    opened(to) {
      send = to;
      flush();
    },

    lost,

    answer(answer) {
      const id = answer.verb === "ok" ? answer.ok : answer.err;
      const entry = entries.get(id);
      if (!entry?.sent) return;
      if (answer.verb === "ok") pauses = 0;
      else if (entry.again && isLater(answer.code)) {
        entry.sent = false;
        return pause(answer.retry);
      }
      settle(id, answer);
    },

    close(error) {
      closed = error;
      lost();
      for (const id of entries.keys()) settle(id, error);
    },
  };
}
