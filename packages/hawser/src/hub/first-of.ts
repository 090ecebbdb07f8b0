/** One of many, with what decides about its place. */
interface Ranked<Item> {
  readonly item: Item;
  readonly number: number;
}

/**
 * Those of many with the largest numbers, and by name where these are equal: without sorting them all. Most are looked at once, and no more than
 * twice as many as are wanted are kept in between.
 * @param most from 1
 */
export function firstOf<Item extends { readonly name: string }>(
  items: Iterable<Item>,
  most: number,
  numberOf: (item: Item) => number,
): Item[] {
  let first: Ranked<Item>[] = [];
  /** Who comes after this one is not among the first. */
  let last: Ranked<Item> | undefined;
  for (const item of items) {
    const number = numberOf(item);
    if (last !== undefined && (number < last.number || (number === last.number && item.name > last.item.name)))
      continue;
    if (first.push({ item, number }) < 2 * most) continue;
    first = first.toSorted(inOrder).slice(0, most);
    last = first[most - 1];
  }
  return first
    .toSorted(inOrder)
    .slice(0, most)
    .map(({ item }) => item);
}

function inOrder<Item extends { readonly name: string }>(a: Ranked<Item>, b: Ranked<Item>): number {
  return b.number - a.number || (a.item.name < b.item.name ? -1 : 1);
}
