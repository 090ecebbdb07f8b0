/** `hawser connect URL`: a conversation with a server. */
import { openFirst } from "../tools/open-web-socket.js";
import { nameOf, type Target } from "../tools/target.js";
import type { Ending, WebSocketClient } from "../tools/web-socket-client.js";
import { closeText } from "./close-text.js";
import { messageBlock } from "./message-text.js";
import type { ConnectOptions } from "./options.js";
import { pipe } from "./pipe.js";
import { RoundTrips, roundTripText } from "./round-trips.js";
import { Screen } from "./screen.js";
import { historyOf, isInteractive, paintFor, type Surroundings } from "./surroundings.js";
import { completions, perform } from "./talk.js";

const OK = 0;
const FAILED = 1;
const NORMAL = 1000;
const NO_STATUS = 1005;

/**
 * @returns the exit code: 1 when the connection did not end in good order
 * @throws OpenError (by rejection)
 */
export async function connectTo(target: Target, options: ConnectOptions, around: Surroundings): Promise<number> {
  const since = performance.now();
  const { client } = await openFirst(target, options.open);
  const interactive = isInteractive(around) && options.execute.length === 0;
  const ending = interactive
    ? await converse(client, target, performance.now() - since, options, around)
    : await pipe(client, options, around);
  const inOrder = ending.fault === "" && (ending.initiator === "us" || [NORMAL, NO_STATUS].includes(ending.code));
  if (!inOrder && !interactive) around.errors.write(`hawser: ${nameOf(target)}: ${endingText(ending)}\n`);
  return inOrder ? OK : FAILED;
}

function converse(
  client: WebSocketClient,
  target: Target,
  handshakeMs: number,
  options: ConnectOptions,
  around: Surroundings,
): Promise<Ending> {
  const paint = paintFor(around);
  const trips = new RoundTrips();
  const ping = (): void => client.ping(trips.next());
  return new Promise((resolve) => {
    let quits = 0;
    const screen = new Screen(around.input, around.output, historyOf(around), {
      completions,
      onLine: (line) =>
        perform(
          line,
          { send: (payload) => client.send(payload), ping, close: (code, reason) => client.close(code, reason) },
          (text) => screen.print(paint("yellow", text)),
        ),
      // Whoever asks twice does not want to wait for the server.
      onQuit: () => (++quits === 1 ? client.close() : client.terminate()),
    });
    const pings = options.pingEveryMs === null ? undefined : setInterval(ping, options.pingEveryMs);
    screen.print(paint("grey", welcome(client, target, handshakeMs)));
    client.listen({
      onMessage: (bytes, start, end, isBinary) =>
        screen.print(messageBlock("<", { bytes: bytes.subarray(start, end), isBinary }, paint)),
      onPong: (payload) => {
        const took = trips.answered(payload);
        if (took !== undefined) screen.print(paint("grey", roundTripText(took)));
      },
      onEnd: (ending) => {
        clearInterval(pings);
        screen.end();
        screen.print(paint("grey", endingText(ending)));
        resolve(ending);
      },
    });
  });
}

function welcome(client: WebSocketClient, target: Target, handshakeMs: number): string {
  const agreed = [
    client.subprotocol === "" ? "" : `subprotocol ${client.subprotocol}`,
    client.isCompressed ? "compressed" : "",
    `in ${handshakeMs.toFixed(1)} ms`,
  ].filter((part) => part !== "");
  return `connected to ${nameOf(target)} (${agreed.join(", ")}); /help lists the commands`;
}

export function endingText({ code, reason, initiator, fault }: Ending): string {
  if (fault !== "" && code !== 1006) return `closed with ${closeText(code, "")}: ${fault}`;
  if (fault !== "") return `the connection was lost: ${fault}`;
  return initiator === "us" ? `closed: ${closeText(code, reason)}` : `closed by the server: ${closeText(code, reason)}`;
}
