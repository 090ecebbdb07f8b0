/** What one piece of memory costs besides its bytes: the ArrayBuffer, what stands behind it, and its place in the books. Measured. */
const PIECE_BYTES = 448;
/** What each further holder of it costs. Measured. */
export const HOLD_BYTES = 64;

/**
 * A bound on memory that many clients hold, kept fairly. What several of them hold, a message to a whole room, is there once and is
 * charged once. When the bound is reached, whoever holds most gives way, and nobody who holds little has to. To find that one takes no
 * search: accounts lie in levels, by the power of two that they hold.
 */
export class MemoryBudget {
  readonly max: number;
  used = 0;
  readonly #pieces = new Map<ArrayBufferLike, Piece>();
  readonly #levels: Set<Account>[] = [];

  constructor(max: number) {
    this.max = max;
  }

  /**
   * Has those who hold most give way until there is room for so many more bytes of `account`.
   * @returns false when it is `account` that holds most, or would then; or when so much will never fit
   */
  makeRoom(account: Account, bytes: number): boolean {
    if (bytes > this.max) return false;
    while (this.used + bytes > this.max) {
      const heaviest = this.#heaviest();
      if (heaviest === null || heaviest.level <= levelOf(account.share + bytes)) return false;
      if (!gaveWay(heaviest, bytes)) return false;
    }
    return true;
  }

  /** The same for what `account` holds already and cannot be refused: it may have to give way itself. */
  settle(account: Account): void {
    while (this.used > this.max) {
      const heaviest = this.#heaviest();
      if (heaviest === null || !gaveWay(heaviest.level > account.level ? heaviest : account, 0)) return;
    }
  }

  /** Whether so many more bytes fit as things are. */
  fits(bytes: number): boolean {
    return this.used + bytes <= this.max;
  }

  /** @internal */
  pieceOf(memory: ArrayBufferLike): Piece {
    let piece = this.#pieces.get(memory);
    if (piece === undefined) {
      piece = new Piece(memory);
      this.#pieces.set(memory, piece);
      this.used += piece.cost;
    }
    return piece;
  }

  /** What it would cost to hold this memory as well. */
  costOf(memory: ArrayBufferLike): number {
    return HOLD_BYTES + (this.#pieces.has(memory) ? 0 : PIECE_BYTES + memory.byteLength);
  }

  /** @internal */
  forget(piece: Piece): void {
    this.#pieces.delete(piece.memory);
    this.used -= piece.cost;
  }

  /** @internal */
  move(account: Account, from: number, to: number): void {
    this.#levels[from]?.delete(account);
    // Level 0 holds next to nothing: it is no use that it gives way.
    if (to > 0) (this.#levels[to] ??= new Set()).add(account);
  }

  #heaviest(): Account | null {
    for (let level = this.#levels.length - 1; level > 0; level--) {
      for (const account of this.#levels[level] ?? []) return account;
    }
    return null;
  }
}

/** What one client holds of a budget. */
export class Account {
  readonly budget: MemoryBudget;
  /** Frees some of it, or all; called while this is one of those who hold most. It has to hold less afterwards. */
  readonly giveWay: (bytes: number) => void;
  /** What is charged to it alone, and its part of what it holds together with others. */
  share = 0;
  level = 0;

  constructor(budget: MemoryBudget, giveWay: (bytes: number) => void) {
    this.budget = budget;
    this.giveWay = giveWay;
  }

  /** Charges it for memory that it alone has; less than 0 gives back. */
  charge(bytes: number): void {
    this.budget.used += bytes;
    this.shareIn(bytes);
  }

  /** Charges it for memory that others may hold as well, all of it, whatever part it is that is wanted. */
  hold(memory: ArrayBufferLike): Hold {
    return new Hold(this, this.budget.pieceOf(memory));
  }

  /** Changes its part of what it holds together with others. */
  shareIn(bytes: number): void {
    this.share += bytes;
    const level = levelOf(this.share);
    if (level === this.level) return;
    this.budget.move(this, this.level, level);
    this.level = level;
  }
}

function gaveWay(account: Account, bytes: number): boolean {
  const before = account.share;
  account.giveWay(bytes);
  return account.share < before;
}

/** By which power of two, in KiB. */
function levelOf(share: number): number {
  return 32 - Math.clz32(share / 1024);
}

/** One account's hold on a piece of memory. */
export class Hold {
  readonly account: Account;
  readonly #piece: Piece;
  /** @internal Where it stands among the holds of its piece. */
  place = 0;

  /** @internal See `Account.hold`. */
  constructor(account: Account, piece: Piece) {
    this.account = account;
    this.#piece = piece;
    account.charge(HOLD_BYTES);
    piece.add(this);
  }

  release(): void {
    this.account.charge(-HOLD_BYTES);
    if (this.#piece.remove(this)) this.account.budget.forget(this.#piece);
  }
}

/**
 * A piece of memory and who holds it. Each is charged its part of the cost, by a number of holders that is a power of two and right
 * within a factor of two: so the parts are set anew when that number has doubled or halved, a step or two for each hold in its life.
 */
class Piece {
  readonly memory: ArrayBufferLike;
  readonly cost: number;
  readonly #holds: Hold[] = [];
  #divisor = 1;

  constructor(memory: ArrayBufferLike) {
    this.memory = memory;
    this.cost = PIECE_BYTES + memory.byteLength;
  }

  add(hold: Hold): void {
    hold.place = this.#holds.push(hold) - 1;
    hold.account.shareIn(this.cost / this.#divisor);
    if (this.#holds.length >= 2 * this.#divisor) this.#divideBy(2 * this.#divisor);
  }

  /** @returns whether nobody holds it any more */
  remove(hold: Hold): boolean {
    const last = this.#holds.pop()!;
    if (last !== hold) {
      this.#holds[hold.place] = last;
      last.place = hold.place;
    }
    hold.account.shareIn(-this.cost / this.#divisor);
    if (2 * this.#holds.length <= this.#divisor) this.#divideBy(this.#divisor / 2);
    return this.#holds.length === 0;
  }

  #divideBy(divisor: number): void {
    const change = this.cost / divisor - this.cost / this.#divisor;
    this.#divisor = divisor;
    for (const { account } of this.#holds) account.shareIn(change);
  }
}
