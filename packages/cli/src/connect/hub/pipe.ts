/** A conversation with a hub in a pipe: each line that comes in is a command, and each event a line that goes out. */
import { createInterface } from "node:readline";
import { pause, written } from "../output.js";
import { readCommand } from "./commands.js";
import { eventLine } from "./event-line.js";
import { closed, type HubView, type ViewParts } from "./view.js";

/** With so many publishes that wait for an answer no more lines are read. The client keeps 64 while there is no connection. */
const MOST_PENDING = 32;
/** Node writes to a pipe at once, and stands still while it is full: a write that takes so long has waited for its reader. */
const BLOCKED_MS = 20;

export function pipeView({ live, sockets, conversation, options, around }: ViewParts): HubView {
  const { input, output } = around;
  let blocked = 0;
  const stopped = new Promise<void>((stop) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop());
    // `| head -1` has seen enough.
    output.on("error", () => {
      sockets.resume();
      stop();
    });
  });
  output.on("drain", () => sockets.resume());

  /** Time in which nobody takes what has come is no waiting for more. */
  async function wait(): Promise<void> {
    let before: number;
    do {
      before = blocked;
      await pause(options.waitMs);
    } while (output.writableNeedDrain || blocked > before);
  }

  async function carryOut(): Promise<void> {
    const pending = new Set<Promise<void>>();
    const { execute } = options;
    const lines = execute.length > 0 ? execute : createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
    for await (const line of lines) {
      const command = readCommand(line);
      if (command === undefined) continue;
      // What depends on the lines before it comes after their answers.
      if (command.verb !== "pub") await Promise.all(pending);
      const done = conversation.perform(command).finally(() => pending.delete(done));
      pending.add(done);
      if (command.verb !== "pub") await done;
      else if (pending.size >= MOST_PENDING) await Promise.race(pending);
    }
    await Promise.all(pending);
    await wait();
  }

  return {
    show(event) {
      const line = eventLine(event);
      if (line === null || output.destroyed) return;
      const since = performance.now();
      // Who reads slowly makes the server wait, and not our memory grow.
      if (!output.write(`${line}\n`)) sockets.pause();
      if (performance.now() - since > BLOCKED_MS) blocked++;
    },
    run: () => Promise.race([carryOut(), stopped, closed(live)]),
    async finish() {
      input.destroy();
      await written(output);
    },
  };
}
