import { Random } from "../../harness/random.js";
import { settled } from "../harness/turns.js";
import { TOPICS, World } from "./world.js";

/** A step, and numbers for whatever it has to choose. */
export interface Step {
  readonly what: keyof typeof steps;
  readonly numbers: readonly [number, number, number];
}

type Act = (world: World, numbers: Step["numbers"]) => void | Promise<void>;

const place = (n: number): number => n % 2;
const client = (world: World, n: number) => world.clients[n % world.clients.length]!;
// Most of the time in one topic: what goes wrong in it meets other things that do.
const topic = (n: number): string => TOPICS[Math.max(0, (n % 10) - 6)]!;

const steps = {
  publish: (world, [a, b, c]) => world.publish(place(a), topic(b), c % 4 === 0),
  repeat: (world, [a]) => world.repeat(place(a)),
  subscribe: (world, [a, b]) => client(world, a).subscribe(topic(b)),
  rewind: (world, [a, b, c]) => client(world, a).subscribe(topic(b), c % 8),
  unsubscribe: (world, [a, b]) => client(world, a).unsubscribe(topic(b)),
  cut: (world, [a]) => client(world, a).cut(),
  connect: (world, [a, b]) => client(world, a).connect(world.places[place(b)]!.node),
  fill: (world, [a, b]) => {
    const { session } = client(world, a);
    if (session !== undefined) session.room = b % 6;
  },
  drain: (world, [a]) => world.drain(client(world, a)),
  instant: (world, [a]) => world.clock.advance(1 + (a % 100)),
  moment: (world, [a]) => world.clock.advance(100 + (a % 3_000)),
  while: (world, [a]) => world.clock.advance(5_000 + (a % 60_000)),
  heldUp: (world, [a]) => world.clock.leap(a % 100_000),
  faults: (world, [a, b, c]) => {
    const { broker } = world.places[place(a)]!;
    const rates = [0, 0, 10, 40];
    const rate = (n: number): number => rates[n % 4]!;
    broker.faults = {
      drop: rate(b),
      double: rate(b >> 2),
      delay: rate(b >> 4),
      fail: rate(c),
      failAfter: rate(c >> 2),
      slow: rate(c >> 4),
    };
  },
  calm: (world, [a]) => {
    const { broker } = world.places[place(a)]!;
    broker.faults = { drop: 0, double: 0, delay: 0, fail: 0, failAfter: 0, slow: 0 };
    broker.isDeaf = false;
  },
  deaf: (world, [a]) => void (world.places[place(a)]!.broker.isDeaf = true),
  cutEngine: (world, [a]) => world.places[place(a)]!.broker.cut(),
  restore: (world, [a]) => world.restore(place(a)),
  rollBack: (world, [a, b]) => world.rollBack(topic(a), 1 + (b % 4)),
  restartEngine: (world) => world.restartEngine(),
  restartNode: (world, [a]) => world.restartNode(place(a)),
} satisfies Record<string, Act>;

/** How often each is drawn. */
const weights: Readonly<Record<keyof typeof steps, number>> = {
  publish: 40,
  repeat: 2,
  subscribe: 8,
  rewind: 3,
  unsubscribe: 2,
  cut: 5,
  connect: 10,
  fill: 3,
  drain: 4,
  instant: 8,
  moment: 6,
  while: 2,
  heldUp: 1,
  faults: 2,
  calm: 1,
  deaf: 1,
  cutEngine: 1,
  restore: 5,
  rollBack: 1,
  restartEngine: 0.3,
  restartNode: 0.3,
};

export function makeProgram(seed: number, length: number): Step[] {
  const random = new Random(seed);
  const names = Object.keys(weights) as Step["what"][];
  const lot = names.flatMap((name) => Array.from<Step["what"]>({ length: Math.round(weights[name] * 10) }).fill(name));
  const number = (): number => random.below(1_000_000);
  return Array.from({ length }, () => ({ what: random.pick(lot), numbers: [number(), number(), number()] }));
}

/** @returns what was found wrong, undefined if nothing was */
export async function runProgram(seed: number, program: readonly Step[]): Promise<Error | undefined> {
  try {
    const world = new World(seed);
    await world.start();
    for (const { what, numbers } of program) {
      await steps[what](world, numbers);
      await settled();
      world.checkBounds();
      if (world.failure !== undefined) return world.failure;
    }
    await world.end();
    return world.failure;
  } catch (error) {
    return error as Error;
  }
}

/** A program as short as leaving out steps makes it, that still goes wrong. */
export async function shrink(seed: number, program: readonly Step[]): Promise<readonly Step[]> {
  let small = program;
  for (let size = Math.ceil(small.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < small.length;) {
      const fewer = [...small.slice(0, at), ...small.slice(at + size)];
      if ((await runProgram(seed, fewer)) === undefined) at += size;
      else small = fewer;
    }
  }
  return small;
}

export function print(program: readonly Step[]): string {
  return program.map(({ what, numbers }) => `  ${what} ${numbers.join(" ")}`).join("\n");
}
