/** Watches the log of a server that was started here while a few clients come, send, and go. */
import { TEXT } from "hawser/protocol";
import type { Context, LogFacts } from "./context.js";
import type { ServerProcess } from "./server-process.js";
import { sleep } from "./sleep.js";

export const LOG_CLIENTS = 5;
export const LOG_MESSAGES = 200;

/** Logs are buffered here and there: no line for so long is the end of them. */
const QUIET_MS = 250;
const MOST_MS = 1500;
/** For lines that a good server writes, on a busy machine too. */
const PATIENCE_MS = 5000;

export async function watchLog(context: Context, server: ServerProcess): Promise<LogFacts> {
  await linesSince(server, 0);
  let from = server.lines.length;
  const clients = [];
  for (let number = 0; number < LOG_CLIENTS; number++) clients.push(await context.open());
  const patienceMs = context.quick ? MOST_MS : PATIENCE_MS;
  const onConnect = await linesSince(server, from, LOG_CLIENTS, patienceMs);

  const { sample } = context.nature;
  let onMessages: readonly string[] | null = null;
  if (sample !== null) {
    from = server.lines.length;
    const [sender] = clients;
    if (context.nature.speaksEngineIo) sender?.send({ opcode: TEXT, payload: "40" });
    await sleep(50);
    sender?.send(...Array.from({ length: LOG_MESSAGES }, () => ({ opcode: TEXT, payload: sample })));
    await sender?.ping(2000);
    onMessages = await linesSince(server, from);
  }

  from = server.lines.length;
  const ports = clients.map(({ socket }) => socket.localPort ?? 0);
  const open = clients.filter((client) => !client.isOver && client.closed === undefined);
  await Promise.all(open.map((client) => client.close()));
  return {
    onConnect,
    onMessages,
    onDisconnect: await linesSince(server, from, open.length, patienceMs),
    closes: open.length,
    ports,
  };
}

/** @param expected so many are waited for, at most `patienceMs` */
async function linesSince(
  server: ServerProcess,
  from: number,
  expected = 0,
  patienceMs = 0,
): Promise<readonly string[]> {
  const since = performance.now();
  while (server.lines.length - from < expected && performance.now() - since < patienceMs) await sleep(20);
  const endsAt = performance.now() + MOST_MS;
  for (let seen = -1; seen !== server.lines.length && performance.now() < endsAt;) {
    seen = server.lines.length;
    await sleep(QUIET_MS);
  }
  return server.lines.slice(from);
}
