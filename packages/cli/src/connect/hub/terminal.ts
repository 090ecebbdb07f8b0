/** A conversation with a hub on a terminal: what comes appears above what is being typed. */
import { nameOf, type Target } from "../../tools/target.js";
import { Screen } from "../screen.js";
import { historyOf, paintFor } from "../surroundings.js";
import { hubCompletions, readCommand } from "./commands.js";
import { as, eventText } from "./event-text.js";
import { closed, type HubView, type ViewParts } from "./view.js";

export function terminalView(
  { live, sockets, conversation, around }: ViewParts,
  target: Target,
  tookMs: number,
): HubView {
  const paint = paintFor(around);
  let quits = 0;
  let quit = (): void => {};
  const asked = new Promise<void>((resolve) => (quit = resolve));
  let isFirst = true;
  const screen = new Screen(around.input, around.output, historyOf(around), {
    completions: (line) => hubCompletions(line, conversation.topics()),
    onLine(line) {
      const command = readCommand(line);
      if (command !== undefined) void conversation.perform(command);
    },
    onQuit() {
      quit();
      // Whoever asks twice does not want to wait for the server.
      if (++quits > 1) sockets.terminate();
    },
  });
  const { current } = live.state;
  const user = current.phase === "open" ? as(current.user) : "";
  screen.print(
    paint("grey", `connected to ${nameOf(target)}${user} in ${tookMs.toFixed(1)} ms; /help lists the commands`),
  );
  return {
    show(event) {
      const text = eventText(event, paint, isFirst);
      if (event.event === "state") isFirst = false;
      if (text !== null) screen.print(text);
    },
    run: () => Promise.race([asked, closed(live)]),
    async finish() {
      screen.end();
    },
  };
}
