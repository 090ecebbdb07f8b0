import { availableParallelism } from "node:os";
import type { MemoryEngineOptions } from "../hub/brokers/memory-engine.js";
import type { Logger } from "../server/api/logger.js";
import type { ListenTarget } from "../server/listen.js";
import { OptionError, UsageError } from "../server/base/usage-error.js";
import { placeOf } from "../server/listen.js";

/** What the supervisor is told. All optional; durations are in milliseconds. */
export interface SupervisorOptions {
  /** How many workers; `auto` for as many as can compute at once. @default "auto" */
  readonly workers?: number | "auto" | undefined;
  /** Where all of them listen. @default port 8080 on 127.0.0.1 */
  readonly listen?: ListenTarget | undefined;
  /** What the memory of all topics may grow to: see docs/workers.md. */
  readonly engine?: MemoryEngineOptions | undefined;
  /** A worker that was told to end is killed after so long: longer than its server's `shutdownGraceMs`. @default 15000 */
  readonly drainTimeoutMs?: number | undefined;
  /** A worker has to listen within, or it is killed and has failed to start. @default 60000 */
  readonly startTimeoutMs?: number | undefined;
  /** A worker that says nothing for so long, because it is stopped or computes without an end, is killed and replaced. 0: never. @default 15000 */
  readonly silenceTimeoutMs?: number | undefined;
  /** The program that workers run. @default this one, with its arguments */
  readonly program?: string | undefined;
  readonly args?: readonly string[] | undefined;
  /** For the supervisor's own lines. @default pino, JSON lines to standard output */
  readonly logger?: Logger | undefined;
  /**
   * Gets each line that a worker writes to its standard output or standard error; one of JSON has the worker's number as its field `worker`.
   * @default writes it to standard output, with the number before what is no JSON
   */
  readonly onLine?: ((line: string, worker: number) => void) | undefined;
  /** Gets what a worker tells of itself each second: see `Worker.report`. */
  readonly onReport?: ((report: unknown, worker: { readonly id: number; readonly pid: number }) => void) | undefined;
  /** A process of a worker is gone. */
  readonly onEnd?: ((worker: { readonly id: number; readonly pid: number }) => void) | undefined;
}

type NumberName = "drainTimeoutMs" | "startTimeoutMs" | "silenceTimeoutMs";

/** The default, the least and the most. */
const NUMBERS: Readonly<Record<NumberName, readonly [number, number, number]>> = {
  // Three times the default grace.
  drainTimeoutMs: [15_000, 100, 86_400_000],
  // A busy machine takes half of that.
  startTimeoutMs: [60_000, 100, 86_400_000],
  silenceTimeoutMs: [15_000, 0, 86_400_000],
};

export const supervisorNumbers: readonly string[] = Object.keys(NUMBERS);
const OTHERS = ["workers", "listen", "engine", "program", "args", "logger", "onLine", "onReport", "onEnd"];
const MOST_WORKERS = 1024;

export type ResolvedSupervisorOptions = Readonly<Record<NumberName, number>> &
  Pick<SupervisorOptions, "engine" | "program" | "args" | "logger" | "onLine" | "onReport" | "onEnd"> & {
    readonly workers: number;
    readonly listen: ListenTarget;
  };

/** @throws OptionError, UsageError */
export function resolveSupervisorOptions(options: SupervisorOptions): ResolvedSupervisorOptions {
  const names = [...OTHERS, ...supervisorNumbers];
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw new UsageError(`there is no option ${name}: there are ${names.join(", ")}`);
  }
  const { workers = "auto", listen = {} } = options;
  const count = workers === "auto" ? availableParallelism() : workers;
  if (!isWhole(count, 1, MOST_WORKERS)) {
    throw new OptionError("workers", workers, `"auto", or a whole number from 1 to ${MOST_WORKERS}`);
  }
  placeOf(listen);
  const numbers = Object.entries(NUMBERS).map(([name, [preset, min, max]]) => {
    const value = options[name as NumberName] ?? preset;
    if (!isWhole(value, min, max)) {
      throw new OptionError(name, value, `a whole number of milliseconds from ${min} to ${max}`);
    }
    return [name, value];
  });
  return {
    engine: options.engine,
    program: options.program,
    args: options.args,
    logger: options.logger,
    onLine: options.onLine,
    onReport: options.onReport,
    onEnd: options.onEnd,
    ...(Object.fromEntries(numbers) as Record<NumberName, number>),
    workers: count,
    listen,
  };
}

function isWhole(value: unknown, min: number, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}
