import type { Clock } from "./clock.js";

/** Calls off what is on the agenda. */
export type Cancel = () => void;

/** Everything that is due at some time, with one timer for whatever comes first. */
export interface Agenda {
  readonly now: () => number;
  /** `lateMs`: how long ago it was due. Timers of a page in the background, or of a machine that slept, are late. */
  readonly after: (ms: number, run: (lateMs: number) => void) => Cancel;
}

export function createAgenda({ now, after }: Clock): Agenda {
  const entries = new Set<{ readonly at: number; readonly run: (lateMs: number) => void }>();
  let armedFor = Infinity;
  let disarm: Cancel | undefined;

  function arm(at: number): void {
    if (at >= armedFor) return;
    disarm?.();
    armedFor = at;
    disarm = after(Math.max(0, at - now()), fire);
  }

  function fire(): void {
    const fired = now();
    armedFor = Infinity;
    for (const entry of Array.from(entries)) {
      // One that another called off is not run.
      if (entry.at <= fired && entries.delete(entry)) entry.run(fired - entry.at);
    }
    for (const { at } of entries) arm(at);
  }

  return {
    now,
    after(ms, run) {
      const entry = { at: now() + ms, run };
      entries.add(entry);
      arm(entry.at);
      return () => {
        entries.delete(entry);
        // A timer that is too early does no harm, but one that is for nothing keeps a process alive.
        if (entries.size === 0) {
          disarm?.();
          armedFor = Infinity;
        }
      };
    },
  };
}
