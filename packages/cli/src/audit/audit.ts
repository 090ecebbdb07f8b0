/** Runs the checks: those that wait beside the others, the rest one after another, each under a limit of time. */
import { nameOf, type Target, TargetError } from "../tools/target.js";
import { type Check, fail, type Finding, notTestable, warn } from "./check.js";
import { alone, checks, early, end, first, last, serial, waiting } from "./checks/index.js";
import { gatherCompany } from "./checks/stall.js";
import { unexpectedMessages } from "./checks/unexpected-messages.js";
import { Context } from "./context.js";
import { discover, observe } from "./discover.js";
import { watchLog } from "./log-watch.js";
import { watchOwnDelay } from "./machine.js";
import { type AuditOptions, budgetOf } from "./options.js";
import { practices } from "./practices.js";
import { type CheckResult, makeReport, type Report } from "./report.js";
import { ServerProcess } from "./server-process.js";
import { sleep } from "./sleep.js";

/**
 * Checks a WebSocket server from outside, and with `exec` its process as well.
 * @throws TargetError: the target is unreachable or no WebSocket server, or the command does not start one
 */
export async function audit(target: Target, options: AuditOptions = {}): Promise<Report> {
  // Half of what it looks at, it sees by addresses, ports and host names.
  if (target.socketPath !== null)
    throw new TargetError(
      `${nameOf(target)}: an audit needs addresses and ports: have the server listen on a port for it`,
    );
  const context = new Context(target, options, budgetOf(options));
  const startedAt = new Date().toISOString();
  try {
    if (options.exec !== undefined) {
      context.log(`starts the server: ${options.exec}`);
      context.server = await ServerProcess.start(options.exec, target);
    }
    context.log("looks what the server does with a handshake");
    await discover(context);
    const running = new Audit(context);
    // A hard limit: whatever the server does, and whatever a check forgets to bound.
    await Promise.race([running.run(), sleep(context.leftMs)]);
    const results = running.finish();
    const about = {
      target: nameOf(target),
      mode: context.quick ? "quick" : "full",
      exec: options.exec ?? null,
    } as const;
    return makeReport({ ...about, startedAt, durationMs: Math.round(performance.now() - context.startedAt) }, results);
  } finally {
    context.destroyAll();
    await context.server?.stop();
  }
}

/** The result, or undefined when it fails or would take too much of the time of `--quick`. */
async function within<T>({ quick, leftMs }: Context, work: Promise<T>): Promise<T | undefined> {
  const given = work.catch(() => undefined);
  return Promise.race([given, sleep(Math.min(quick ? 5000 : 20_000, leftMs)).then(() => undefined)]);
}

/** A busy server on a busy machine answers sooner than after so long. */
const HUNG_MS = 20_000;
const QUICK_HUNG_MS = 6000;
/** Where the audit itself came so late meanwhile, the machine may be busier than that. */
const BUSY_MS = 100;
/** Where nothing else says when a check has to give up. */
const CHECK_MS = 30_000;
/** For what has to be written down when time is over. */
const RESERVE_MS = 300;

interface Outcome {
  readonly check: Check;
  readonly finding: Finding;
  /** When it began. */
  readonly since: number;
  readonly took: number;
}

const NEEDS_EXEC = 'the server has to be started here: --exec "COMMAND"';

class Audit {
  readonly #context: Context;
  readonly #results: CheckResult[] = [];
  /** The title of the check that the server did not live through; undefined: it is there. */
  #killer: string | undefined;
  #isFinished = false;
  /** When the server was last seen to have died, or to have been started again. */
  #diedAt = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  async run(): Promise<void> {
    const context = this.#context;
    context.log("looks what the server does with a message and with a second client");
    await within(context, observe(context));
    await this.#lookAfter(unexpectedMessages);
    if (context.server !== undefined) {
      context.logFacts = await within(context, watchLog(context, context.server));
      await this.#lookAfter(unexpectedMessages);
    }
    for (const check of early) await this.#one(check);
    context.memoryBefore = context.server?.memoryBytes();
    await this.#inTurn(first);
    // From here on each connection has an address of its own, where there are several to come from.
    context.nature.takesOnePerAddress ||= this.#results.some(
      ({ practice, verdict }) => practice === 1 && verdict === "fail",
    );

    if (context.server !== undefined && !context.quick) void gatherCompany(context);
    const outcomes = this.#runTogether(waiting);
    await this.#inTurn(serial);
    // With --exec the server is there again, and what its end has disturbed gets another chance.
    const disturbed = await this.#takeUndisturbed(await outcomes);
    const isBack = this.#killer === undefined;
    if (!context.quick) context.waitsSince = performance.now();
    const lost = isBack ? await this.#takeUndisturbed(await this.#runTogether(disturbed)) : disturbed;
    for (const check of lost) this.#add(check, notTestable("the server went down meanwhile"), 0);
    for (const check of last) await this.#one(check);
    await this.#inTurn(alone, context.budget.othersEndMs);
    for (const check of end) {
      if (check.needsExec === true && context.options.exec !== undefined && (await this.#isGone(check))) continue;
      await this.#one(check, context.budget.allEndsMs);
    }
  }

  /** The results, with those that are missing noted as unknown. What comes later is not heard. */
  finish(): readonly CheckResult[] {
    this.#isFinished = true;
    for (const check of checks) {
      if (!this.#results.some(({ name }) => name === check.name)) this.#add(check, tooLate(this.#context), 0);
    }
    return [...this.#results];
  }

  /** One after another, looking after each whether the server is still there. */
  async #inTurn(group: readonly Check[], endsAtMs: number = this.#context.budget.serialEndsMs): Promise<void> {
    const context = this.#context;
    for (const check of group) {
      if (this.#results.some(({ name }) => name === check.name) || (await this.#isGone(check))) continue;
      if (context.nature.takesOnePerAddress && !context.canSpread && check.practice !== 1) {
        this.#add(check, notTestable("it takes one client from an address, and this needs several"), 0);
        continue;
      }
      await this.#one(check, endsAtMs);
      await this.#lookAfter(check);
    }
  }

  #runTogether(group: readonly Check[]): Promise<Outcome[]> {
    const { startedAt, budget } = this.#context;
    return Promise.all(
      group.map(async (check) => {
        const since = performance.now();
        const finding = await this.#finding(check, startedAt + budget.othersEndMs - since - RESERVE_MS);
        return { check, finding, since, took: performance.now() - since };
      }),
    );
  }

  /** @returns the checks that the server's end has disturbed */
  async #takeUndisturbed(outcomes: readonly Outcome[]): Promise<Check[]> {
    const [suspect] = outcomes;
    // Nobody else was at it any more: what a client that reads nothing costs, the first check, is the likeliest reason.
    if (this.#killer === undefined && suspect !== undefined) await this.#lookAfter(suspect.check);
    const disturbed: Check[] = [];
    for (const { check, finding, since, took } of outcomes) {
      if (this.#results.some(({ name }) => name === check.name)) continue;
      if (this.#diedAt > since) disturbed.push(check);
      else this.#add(check, finding, took);
    }
    return disturbed;
  }

  async #one(check: Check, endsAtMs: number = this.#context.budget.othersEndMs): Promise<void> {
    const { startedAt } = this.#context;
    const since = performance.now();
    const left = startedAt + endsAtMs - since - RESERVE_MS;
    this.#add(check, await this.#finding(check, Math.min(left, CHECK_MS)), performance.now() - since);
  }

  async #finding(check: Check, limitMs: number): Promise<Finding> {
    const context = this.#context;
    if (check.needsExec === true && context.options.exec === undefined) return notTestable(NEEDS_EXEC);
    context.log(`${check.title}: ${check.does}`);
    if (limitMs <= 0) return tooLate(context);
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<Finding>((done) => (timer = setTimeout(() => done(tooLate(context)), limitMs)));
    try {
      return await Promise.race([check.run(context), limit]);
    } catch (error) {
      return notTestable(`could not be carried out: ${(error as Error).message}`);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whether the server is still there after a check; if not, that is the verdict. */
  async #lookAfter(check: Check): Promise<void> {
    const context = this.#context;
    const ownDelay = watchOwnDelay();
    let health = await context.health(context.quick ? QUICK_HUNG_MS : HUNG_MS);
    const isBusy = ownDelay() > BUSY_MS;
    if (health === "hung" && context.quick && isBusy) health = await context.health(HUNG_MS);
    // When time is over, nobody knows.
    if (health === "gone" || (health === "hung" && context.leftMs > 0)) await this.#buried(check, health);
  }

  async #buried(check: Check, health: "hung" | "gone"): Promise<void> {
    const context = this.#context;
    await sleep(100); // its last words
    const { server } = context;
    const how = health === "gone" ? "it takes no clients any more" : "it answers nobody any more";
    const seen = `the server did not live through it: ${how}${server?.evidence ?? ""}`;
    const at = this.#results.findIndex(({ name }) => name === check.name);
    const took = this.#results[at]?.durationMs ?? 0;
    if (at !== -1) this.#results.splice(at, 1);
    // What brings a server down once brings it down in other steps too: those have no fault of their own.
    const isKnown = this.#results.some(({ measured, verdict }) => verdict === "fail" && measured?.["died"] === true);
    this.#add(check, (isKnown ? warn : fail)(seen, { died: true }), took);
    this.#killer = check.title;
    this.#diedAt = performance.now();
    if (server === undefined || context.options.exec === undefined || this.#isFinished) return;
    context.log("starts the server again");
    await server.stop();
    try {
      context.server = await ServerProcess.start(context.options.exec, context.target);
      if (this.#isFinished) return await context.server.stop();
      this.#killer = undefined;
      this.#diedAt = performance.now();
    } catch {
      // It does not come back: the rest is not testable.
    }
  }

  /** Notes down what cannot be checked without a server. */
  async #isGone(check: Check): Promise<boolean> {
    if (this.#killer === undefined) return false;
    // A supervisor may have started it again.
    if ((await this.#context.health(500)) === "well") {
      this.#killer = undefined;
      return false;
    }
    this.#add(check, notTestable(`the server is gone since: ${this.#killer}`), 0);
    return true;
  }

  #add(check: Check, finding: Finding, durationMs: number): void {
    const { practice, name, title, advice } = check;
    const { name: practiceName, link } = practices[practice];
    const about = { practice, practiceName, name, title, advice, link: check.link ?? link };
    this.#results.push({ ...about, ...finding, durationMs: Math.round(durationMs) });
  }
}

function tooLate({ quick }: Context): Finding {
  return notTestable(quick ? "not known within the time of --quick: run without it" : "not known when time was over");
}
