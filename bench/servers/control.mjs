// What every server here has in common: it takes its options as JSON in the first argument, prints its port, and answers each line on
// its standard input: with what it has used so far, or with what one of its own commands says. Lines and not Node's IPC, so that it is the
// same for Bun. It ends with its input.

import { createInterface } from "node:readline";

/** compression: negotiate permessage-deflate; heartbeatMs: time between two pings, null for the server's own default. */
export const options = { compression: false, heartbeatMs: null, ...JSON.parse(process.argv[2] ?? "{}") };

/** @param commands by name, each a function of the rest of the line, which is JSON if there is any */
export function announce(port, commands = {}) {
  print({ port });
  createInterface({ input: process.stdin })
    .on("line", (line) => void answer(line, commands))
    .on("close", () => process.exit());
}

/** A command: the server itself publishes for so long, so many at once. @param publish whose promise ends when the engine has the message */
export const publishing =
  (publish) =>
  async ({ seconds, inFlight }) => {
    const begun = performance.now();
    let count = 0;
    const one = async () => {
      for (; performance.now() - begun < seconds * 1000; count++) await publish();
    };
    await Promise.all(Array.from({ length: inFlight }, one));
    return { count, seconds: (performance.now() - begun) / 1000 };
  };

async function answer(line, commands) {
  const [, name, rest] = /^(\w+) ?(.*)$/.exec(line);
  if (name in commands) return print(await commands[name](rest === "" ? undefined : JSON.parse(rest)));
  if (name === "collect") await collectGarbage();
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, external } = process.memoryUsage();
  const peakRss = process.resourceUsage().maxRSS * 1024;
  print({ cpu: user + system, kernel: system, rss, peakRss, heap: heapUsed + external });
}

// Several times: what the first collection finalises, the next one frees.
async function collectGarbage() {
  for (let i = 0; i < 4; i++) {
    if (typeof Bun !== "undefined") Bun.gc(true);
    else globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function print(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/**
 * What a client wants, by the path it asks for: /echo has its messages sent back; /room/N is in room N and its messages go to all in
 * it, itself included; /publish/N sends to room N without being in it.
 */
export function readPath(path) {
  const [, kind, room] = path.split("?", 1)[0].split("/");
  return { room: kind === "echo" ? null : room, isMember: kind === "room" };
}
