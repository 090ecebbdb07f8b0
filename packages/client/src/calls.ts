import { type CallMessage, writeErr, writeOk } from "@hawser/wire/client";
import { LiveError } from "./errors.js";
import type { Send } from "./queue.js";

/** Answers a call of the server's. What it throws is reported, and the server is told `failed`; a LiveError says another word. */
export type AskHandler = (input: unknown, context: { readonly signal: AbortSignal }) => unknown;

/** What fits into the 1,024 bytes of a sentence, whatever the characters. */
const SENTENCE = 256;

/** The server's calls, which the application's handlers answer. */
export interface Asks {
  opened(send: Send): void;
  /** Nobody waits for the answers any more. */
  lost(): void;
  /** Never rejects. */
  called(message: CallMessage): Promise<void>;
  cancelled(id: string): void;
}

export function createAsks(handlers: Readonly<Record<string, AskHandler>>, report: (error: unknown) => void): Asks {
  const running = new Map<string, AbortController>();
  let send: Send | undefined;

  return {
    opened: (to) => void (send = to),
    lost() {
      send = undefined;
      for (const controller of running.values()) controller.abort();
      running.clear();
    },
    async called({ call: name, id, d }) {
      const to = send;
      const controller = new AbortController();
      let frame: string;
      running.set(id, controller);
      try {
        if (!Object.hasOwn(handlers, name)) throw new LiveError("unknown-call");
        frame = writeOk(id, await handlers[name]!(d, controller));
      } catch (error) {
        const { code, message } = error instanceof LiveError ? error : new LiveError("failed");
        if (code === "failed") report(error);
        frame = writeErr(id, code, message.slice(0, SENTENCE));
      }
      if (send !== to) return;
      running.delete(id);
      to?.(frame);
    },
    cancelled: (id) => running.get(id)?.abort(),
  };
}
