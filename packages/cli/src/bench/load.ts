/** What the kinds of load have in common, as the thread sees them. */
export interface Load {
  /** Opens what has to be open before the first message. */
  open(): Promise<void>;
  /** Opens no more: the run is over before it has begun. */
  stopOpening(): void;
  /** The first message is due at `at`, by the shared clock. */
  begin(at: number, start: LoadStart): void;
  /** No new messages but those that were due before `end`, by the shared clock. */
  stopSending(end: number): void;
  /** Messages that are due and have no answer yet. */
  readonly backlog: number;
  /** Whether there is anything left to go on with. */
  readonly isOver: boolean;
  /** Whether nothing more is to be expected. */
  readonly isQuiet: boolean;
  /** Counts what had no answer, and closes with 1000. */
  close(): Promise<void>;
}

/** What a thread learns of the others when all is open. */
export interface LoadStart {
  /** By room: the threads that have listeners in it. */
  readonly listenerThreads: readonly (readonly number[])[];
}
