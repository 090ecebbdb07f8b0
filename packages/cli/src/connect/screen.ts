/** A terminal with a prompt at its end, above which lines appear while somebody types. */
import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from "node:readline";
import type { History } from "./history.js";

const PROMPT = "> ";
const MOST_LINES = 1000;

export interface ScreenEvents {
  /** What a line may be completed to. */
  completions(line: string): readonly string[];
  onLine(line: string): void;
  /** Ctrl+D, Ctrl+C, or the terminal is gone. */
  onQuit(): void;
}

export class Screen {
  readonly #output: NodeJS.WriteStream;
  readonly #lines: Interface;
  #isOpen = true;

  constructor(input: NodeJS.ReadStream, output: NodeJS.WriteStream, history: History, events: ScreenEvents) {
    this.#output = output;
    this.#lines = createInterface({
      input,
      output,
      prompt: PROMPT,
      history: history.lines.toReversed(),
      historySize: MOST_LINES,
      removeHistoryDuplicates: true,
      completer: (line: string): [string[], string] => [[...events.completions(line)], line],
    });
    this.#lines.on("line", (line) => {
      history.add(line);
      events.onLine(line);
      if (this.#isOpen) this.#lines.prompt();
    });
    this.#lines.on("SIGINT", () => events.onQuit());
    this.#lines.on("close", () => {
      this.#isOpen = false;
      events.onQuit();
    });
  }

  /** Shows the prompt. */
  begin(): void {
    this.#lines.prompt();
  }

  /** Text of one line or more, above what is being typed. */
  print(text: string): void {
    if (!this.#isOpen) {
      this.#output.write(`${text}\n`);
      return;
    }
    const { rows } = this.#lines.getCursorPos();
    moveCursor(this.#output, 0, -rows);
    cursorTo(this.#output, 0);
    clearScreenDown(this.#output);
    // What is typed may take several rows: readline goes up by as many as the cursor was below the first.
    this.#output.write(`${text}\n${"\n".repeat(rows)}`);
    this.#lines.prompt(true);
  }

  /** Takes the prompt away, and gives the terminal back. */
  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    cursorTo(this.#output, 0);
    clearScreenDown(this.#output);
    this.#lines.close();
  }
}
