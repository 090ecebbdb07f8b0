/** How a run is doing, on one line of a terminal that is written again and again. */
import type { Plan, Progress } from "../bench/index.js";

export interface BenchProgress {
  readonly show: (seconds: number, progress: Progress) => void;
  readonly clear: () => void;
}

const EVERY_SECONDS = 0.25;
const CLEAR_LINE = "\r\u001b[K";

export function benchProgress(out: NodeJS.WriteStream, plan: Plan): BenchProgress {
  let shownAt = 0;
  let before: Progress | undefined;
  let isShown = false;
  return {
    show(seconds, progress): void {
      if (!out.isTTY || seconds < shownAt + EVERY_SECONDS) return;
      const rate = (progress.received - (before?.received ?? 0)) / (seconds - shownAt);
      [shownAt, before, isShown] = [seconds, progress, true];
      const line = progressLine(plan, seconds, rate, progress);
      // A terminal that does not know its width says 0.
      const width = out.columns > 0 ? out.columns : 80;
      out.write(`${CLEAR_LINE}${line.slice(0, width - 1)}`);
    },
    clear(): void {
      if (isShown) out.write(CLEAR_LINE);
      isShown = false;
    },
  };
}

function progressLine(plan: Plan, seconds: number, rate: number, { open, errors, closes }: Progress): string {
  const warmUp = plan.warmUpMs / 1000;
  const time =
    seconds < warmUp
      ? `warming up ${seconds.toFixed(1)} of ${warmUp} s`
      : `${(seconds - warmUp).toFixed(1)} of ${plan.durationMs / 1000} s`;
  const what = plan.load === "storm" ? "handshakes" : "received";
  const wrong = errors + closes === 0 ? "" : `, ${errors} errors, ${closes} closed`;
  return `${time}: ${Math.round(rate).toLocaleString("en-US")} ${what}/s, ${open} open${wrong}`;
}
