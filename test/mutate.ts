/**
 * `npm run mutate -- FOLDER`: changes the compiled code of a folder (`server`, `audit`) or package (`admin`) in one place at a time and runs the tests that run this place.
 * A change that no test notices has survived: a test is missing there, or the code is not needed.
 *
 *   npm run mutate -- protocol                   100 mutants, drawn by a seed that is printed
 *   npm run mutate -- server --sample 400 --seed 7
 *   npm run mutate -- server --file backlog --all  every mutant of the files whose name holds this
 *   npm run mutate -- server --file turns,intake   the files of several names
 *   npm run mutate -- server --tests server,hostile,cli
 *   npm run mutate -- server --limit 120           a mutant has survived after two minutes of tests
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Random } from "./harness/random.js";
import { Coverage } from "./mutation/coverage.js";
import { type Mutant, mutantsOf } from "./mutation/mutants.js";
import { Sandbox } from "./mutation/sandbox.js";

interface Place extends Mutant {
  readonly file: string;
}

interface TestFile {
  readonly file: string;
  readonly coverage: Coverage;
  readonly tookMs: number;
  /** How many mutants of each file it has noticed: who noticed one notices its neighbours. */
  readonly noticed: Map<string, number>;
}

/** Beyond five times what it takes unchanged, and this much, a test hangs. */
const PATIENCE_MS = 15_000;

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: "string", default: "100" },
    seed: { type: "string" },
    file: { type: "string", default: "" },
    tests: { type: "string" },
    limit: { type: "string", default: "300" },
    all: { type: "boolean", default: false },
  },
});
const [folder] = positionals;
if (folder === undefined || !(Number(values.sample) > 0)) {
  console.error(
    "npm run mutate -- FOLDER [--sample N] [--seed N] [--file PART,PART] [--all] [--tests FOLDER,FOLDER] [--limit S]",
  );
  process.exit(2);
}
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const areas = values.tests?.split(",") ?? [folder];

// A package before a folder of another one's: `client` is both.
const compiled = [
  `packages/${folder}/dist`,
  ...["hawser", "wire", "client", "jwt", "redis", "admin", "cli"].map((name) => `packages/${name}/dist/${folder}`),
].find((path) => existsSync(join(root, path)))!;
const everyone = readdirSync(join(root, compiled), { recursive: true })
  .map((name) => `${compiled}/${String(name)}`)
  .filter((file) => file.endsWith(".js") && values.file.split(",").some((part) => file.includes(part)))
  .toSorted()
  .flatMap((file): Place[] => mutantsOf(readFileSync(join(root, file), "utf8")).map((mutant) => ({ ...mutant, file })));
const chosen = values.all ? everyone : draw(everyone, Number(values.sample), new Random(seed));
console.log(`${chosen.length} of ${everyone.length} mutants of ${compiled}, seed ${seed}`);

let noticed = 0;
let survived = 0;
let uncovered = 0;
const sandboxes = Array.from({ length: availableParallelism() }, () => new Sandbox(root));
process.once("exit", () => {
  for (const sandbox of sandboxes) sandbox.remove();
});
process.once("SIGINT", () => {
  report();
  process.exit(130);
});
const tests = await coverTests();

await shareOut(chosen, async (place, sandbox) => {
  const covering = tests.filter(({ coverage }) =>
    sandboxes.some(({ root: at }) => coverage.covers(join(at, place.file), place.start)),
  );
  if (covering.length === 0) uncovered++;
  if (covering.length > 0 && (await isNoticed(place, covering, sandbox))) {
    noticed++;
    return;
  }
  survived++;
  console.log(describe(place, covering.length === 0));
});

report();

/** Also of a part, when it is interrupted. */
function report(): void {
  const score = Math.round((100 * noticed) / (noticed + survived));
  console.log(`score ${score} %: ${noticed} noticed, ${survived} survived, ${uncovered} of these run by no test`);
}

/** Runs every test file once on unchanged code, to know what it runs and how long it takes. */
async function coverTests(): Promise<TestFile[]> {
  const files = readdirSync(join(root, "build/test"), { recursive: true })
    .map((name) => `build/test/${String(name)}`)
    .filter((file) => file.endsWith(".test.js") && areas.some((area) => file.startsWith(`build/test/${area}`)));
  const covered: TestFile[] = [];
  await shareOut(files, async (file, sandbox) => {
    const begunAt = performance.now();
    let outcome = "";
    const coverage = await Coverage.of(async (NODE_V8_COVERAGE) => {
      outcome = await sandbox.run(file, 300_000, { NODE_V8_COVERAGE });
    });
    if (outcome === "passed") covered.push({ file, coverage, tookMs: performance.now() - begunAt, noticed: new Map() });
    else console.log(`left out, since it fails on unchanged code: ${file}`);
  });
  return covered;
}

async function isNoticed(
  { file, start, end, text }: Place,
  covering: readonly TestFile[],
  sandbox: Sandbox,
): Promise<boolean> {
  const source = readFileSync(join(root, file), "utf8");
  const until = performance.now() + 1_000 * Number(values.limit);
  const noticedBy = (test: TestFile): number => test.noticed.get(file) ?? 0;
  sandbox.write(file, source.slice(0, start) + text + source.slice(end));
  try {
    for (const test of covering.toSorted((a, b) => noticedBy(b) - noticedBy(a) || a.tookMs - b.tookMs)) {
      if (performance.now() > until) break;
      if ((await sandbox.run(test.file, PATIENCE_MS + 5 * test.tookMs)) === "passed") continue;
      test.noticed.set(file, noticedBy(test) + 1);
      return true;
    }
    return false;
  } finally {
    sandbox.write(file, source);
  }
}

/** A few at once, each with a sandbox of its own. */
async function shareOut<Item>(
  items: readonly Item[],
  work: (item: Item, sandbox: Sandbox) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  await Promise.all(
    sandboxes.map(async (sandbox) => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item, sandbox);
    }),
  );
}

function draw<Item>(items: readonly Item[], count: number, random: Random): Item[] {
  const left = [...items];
  return Array.from({ length: Math.min(count, left.length) }, () => left.splice(random.below(left.length), 1)[0]!);
}

function describe({ file, start, end, text, operator }: Place, isUncovered: boolean): string {
  const source = readFileSync(join(root, file), "utf8");
  const line = source.slice(0, start).split("\n").length;
  const from = source.lastIndexOf("\n", start) + 1;
  const to = source.indexOf("\n", end);
  const before = source.slice(from, to).trim();
  const after = (source.slice(from, start) + text + source.slice(end, to)).trim();
  return `survived${isUncovered ? ", run by no test" : ""}: ${file}:${line}, ${operator}\n  - ${before}\n  + ${after}`;
}
