/** `hawser connect --listen PORT`: a conversation with the clients that come. */
import { createInterface } from "node:readline";
import { type Client, createServer, type Logger } from "hawser";
import { printable } from "hawser/tools";
import { closeText } from "./close-text.js";
import { messageBlock, messageLine, type Received } from "./message-text.js";
import { Screen } from "./screen.js";
import { historyOf, isInteractive, paintFor, type Surroundings } from "./surroundings.js";
import { completions, perform, type Talk } from "./talk.js";

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** Chosen from what a client offers; none: no subprotocol. */
  readonly subprotocols: readonly string[];
  /** Sent to each client that comes. */
  readonly execute: readonly string[];
}

const OK = 0;
const GRACE_MS = 2000;

/** What the session shows, to a person or to a pipe. */
interface View {
  message(from: number, message: Received): void;
  say(text: string): void;
  end(): void;
}

/** Resolves with the exit code when somebody ends it. @throws what `listen` throws (by rejection): the port is in use */
export async function listenFor(options: ListenOptions, around: Surroundings): Promise<number> {
  const clients = new Map<Client<number>, number>();
  let count = 0;
  let view: View = { message: () => {}, say: () => {}, end: () => {} };
  const server = createServer<number>({
    subprotocols: options.subprotocols,
    shutdownGraceMs: GRACE_MS,
    logger: refusalsTo((text) => view.say(text)),
    open(client, request): void {
      client.data = ++count;
      clients.set(client, client.data);
      const agreed = client.subprotocol === "" ? "" : `, subprotocol ${client.subprotocol}`;
      view.say(`#${client.data} connected from ${client.address}: ${printable(request.path)}${agreed}`);
      for (const text of options.execute) client.send(text);
    },
    message: (client, message) => view.message(client.data, message),
    close(client, { code, reason, initiator }): void {
      clients.delete(client);
      const who = initiator === "client" ? "" : "by us ";
      view.say(`#${client.data} closed ${who}with ${closeText(code, reason)}`);
    },
  });
  const talk = talkTo(clients, (text) => view.say(text));
  const stopped = new Promise<void>((stop) => {
    view = isInteractive(around) ? screenView(around, talk, stop) : pipeView(around, talk, stop);
  });
  try {
    const { url } = await server.listen(options.port, options.host);
    view.say(`listening on ${url}; lines go to every client`);
    await stopped;
    await server.close();
    return OK;
  } finally {
    view.end();
  }
}

function talkTo(clients: ReadonlyMap<Client<number>, number>, say: (text: string) => void): Talk {
  return {
    send(payload): void {
      if (clients.size === 0) say("there is no client to send it to");
      for (const client of clients.keys()) client.send(payload);
    },
    // The server pings by itself, and keeps what it took.
    ping(): void {
      for (const [client, number] of clients)
        say(`#${number} last pong: ${client.rttMs === null ? "none yet" : `after ${client.rttMs} ms`}`);
    },
    close(code, reason): void {
      for (const client of clients.keys()) client.close(code, reason);
    },
  };
}

function screenView(around: Surroundings, talk: Talk, stop: () => void): View {
  const paint = paintFor(around);
  const say = (text: string): void => screen.print(paint("grey", text));
  const screen = new Screen(around.input, around.output, historyOf(around), {
    completions,
    onLine: (line) => perform(line, talk, say),
    onQuit: stop,
  });
  return {
    message: (from, message) => screen.print(messageBlock(`#${from} <`, message, paint)),
    say,
    end: () => screen.end(),
  };
}

/** Messages on standard output, and what else there is to say on standard error. The end of the input ends nothing: signals do. */
function pipeView({ input, output, errors }: Surroundings, talk: Talk, stop: () => void): View {
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  lines.on("line", (line) => talk.send(line));
  output.on("error", stop);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop);
  return {
    message: (_from, message) => void output.write(`${messageLine(message)}\n`),
    say: (text) => void errors.write(`${text}\n`),
    end: () => {
      lines.close();
      input.destroy();
    },
  };
}

/** Of what the server logs, this is news to a person: somebody was turned away, and why. */
function refusalsTo(say: (text: string) => void): Logger {
  const quiet = (): void => {};
  const onWarning = (fields: object): void => {
    const { event, status, reason } = fields as { event?: string; status?: number; reason?: string };
    if (event === "refused") say(`a handshake was refused with ${status}: ${printable(String(reason))}`);
  };
  return { error: quiet, warn: onWarning, info: quiet, debug: quiet };
}
