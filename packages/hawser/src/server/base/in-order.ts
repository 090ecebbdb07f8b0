/** A power of two. */
const FIRST_ROOM = 64;

/**
 * Items by consecutive numbers of 32 bits, which begin anew after the last. They are taken out in nearly the order in which they came, and so a ring
 * holds them. A Map in its place makes a new table every few items, and each old one holds the next: once one of them is in the old generation,
 * everything that was ever in those after it survives the collections of the young one.
 */
export class InOrder<Item> {
  #ring: (Item | undefined)[] = emptyRing(FIRST_ROOM);
  /** The number of the oldest item. */
  #first: number;
  /** From it on, with holes where items were taken out. */
  #length = 0;
  #size = 0;

  constructor(first: number = 1) {
    this.#first = first;
  }

  get size(): number {
    return this.#size;
  }

  /** @returns its number */
  add(item: Item): number {
    if (this.#length === this.#ring.length) this.#grow();
    const number = (this.#first + this.#length) >>> 0;
    this.#ring[this.#placeOf(number)] = item;
    this.#length++;
    this.#size++;
    return number;
  }

  get(number: number): Item | undefined {
    const isWithin = number >>> 0 === number && (number - this.#first) >>> 0 < this.#length;
    return isWithin ? this.#ring[this.#placeOf(number)] : undefined;
  }

  /** @returns what was there */
  delete(number: number): Item | undefined {
    const item = this.get(number);
    if (item === undefined) return undefined;
    this.#ring[this.#placeOf(number)] = undefined;
    this.#size--;
    while (this.#length > 0 && this.#ring[this.#placeOf(this.#first)] === undefined) {
      this.#first = (this.#first + 1) >>> 0;
      this.#length--;
    }
    // A burst is over.
    if (this.#size === 0 && this.#ring.length > FIRST_ROOM) this.#ring = emptyRing(FIRST_ROOM);
    return item;
  }

  /** Those that are there when it begins, oldest first, unless they are deleted before it is their turn. */
  *[Symbol.iterator](): Generator<[number: number, item: Item]> {
    const [first, length] = [this.#first, this.#length];
    for (let i = 0; i < length; i++) {
      const number = (first + i) >>> 0;
      const item = this.get(number);
      if (item !== undefined) yield [number, item];
    }
  }

  #placeOf(number: number): number {
    return number & (this.#ring.length - 1);
  }

  #grow(): void {
    const items = [...this];
    this.#ring = emptyRing(this.#ring.length * 2);
    for (const [number, item] of items) this.#ring[this.#placeOf(number)] = item;
  }
}

function emptyRing<Item>(room: number): (Item | undefined)[] {
  return Array<undefined>(room).fill(undefined);
}
