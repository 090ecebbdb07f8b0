/** The largest rooms, for the dashboard. */

export interface Rooms {
  /** How many rooms there are. */
  readonly total: number;
  readonly largest: readonly (readonly [name: string, clients: number])[];
}

const MOST_SHOWN = 20;
const LONGEST_NAME = 200;

export function largestRooms(sizes: ReadonlyMap<string, number>): Rooms {
  const largest: [name: string, clients: number][] = [];
  for (const [name, clients] of sizes) {
    // Most rooms are smaller than the smallest that is shown: one comparison each.
    if (largest.length === MOST_SHOWN && clients <= largest[MOST_SHOWN - 1]![1]) continue;
    const at = largest.findIndex(([, other]) => other < clients);
    largest.splice(at < 0 ? largest.length : at, 0, [name.slice(0, LONGEST_NAME), clients]);
    if (largest.length > MOST_SHOWN) largest.pop();
  }
  return { total: sizes.size, largest };
}
