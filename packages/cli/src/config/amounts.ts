/** Amounts as people say them: 60000 ms is 1 min, 524288 bytes are 512 KiB. */

const times: readonly Unit[] = [
  ["day", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1000],
  ["ms", 1],
];

const sizes: readonly Unit[] = [
  ["GiB", 2 ** 30],
  ["MiB", 2 ** 20],
  ["KiB", 2 ** 10],
  ["bytes", 1],
];

type Unit = readonly [name: string, size: number];

export function millisecondsText(value: number): string {
  return inLargest(value, times);
}

export function bytesText(value: number): string {
  return inLargest(value, sizes);
}

/** In the largest unit of which it is a whole number. */
function inLargest(value: number, units: readonly Unit[]): string {
  const [name, size] = units.find(([, size]) => value >= size && value % size === 0) ?? ["", 1];
  return `${value / size} ${name}`.trimEnd();
}
