import type { Timed } from "../../server/base/deadlines.js";
import { Activity } from "./activity.js";
import { Attempts } from "./attempts.js";
import type { History, Position, StoredMessage } from "../brokers/broker.js";
import { Checks } from "./checks.js";
import { Feed } from "./feed.js";
import { Held } from "./held.js";
import { type JoinAnswer, Joins, type Knowledge, type Wish } from "./joins.js";
import { type Phase, questionOf } from "./phases.js";
import type { RingRule } from "./ring.js";
import type { Ask, BrokerAnswer } from "./ask.js";
import type { Asker, TopicPort } from "./topic-port.js";

/** The last client may come back within this time at no cost. */
export const LEAVE_GRACE_MS = 10_000;

/**
 * A topic on this node: events in, effects out by the port, time as an argument. Each client has every message of the topic, in order, or is
 * told where some are missing.
 */
export class Topic<Client, Frame> implements Asker {
  readonly name: string;
  readonly activity: Activity;
  wheelAt = 0;
  wheelPrevious: Timed | null = null;
  wheelNext: Timed | null = null;
  readonly #rule: RingRule | undefined;
  readonly #port: TopicPort<Client, Frame>;
  readonly #feed: Feed<Client, Frame>;
  readonly #joins: Joins<Client, Frame>;
  readonly #held: Held;
  readonly #attempts: Attempts;
  readonly #checks: Checks;
  readonly #known: Knowledge = { begun: 0, newest: 0, after: 0 };
  #phase: Phase = "subscribing";
  /** The question that has no answer yet, and where the position was then. */
  #asked: { readonly ask: Ask; readonly top: number } | undefined;
  /** The position became doubtful while the broker was asked about it. */
  #again = false;
  #emptySince = 0;
  /** The epoch that has to end. */
  #renewFrom = "";

  /** Without a rule it is a topic without history: then there is no position, and a message that is lost is lost. */
  constructor(name: string, rule: RingRule | undefined, port: TopicPort<Client, Frame>, now: number) {
    this.name = name;
    this.#rule = rule;
    this.#port = port;
    this.activity = new Activity(now);
    this.#feed = new Feed(name, rule, port, this.activity);
    this.#joins = new Joins(this.#feed, this.#known, port.counts);
    this.#held = new Held(port.share);
    this.#attempts = new Attempts(port.random);
    this.#checks = new Checks(port.random);
    port.counts.phases[this.#phase]++;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Undefined where there is none: in a topic without history, and before the engine has said it. */
  get position(): Position | undefined {
    return this.#rule === undefined || this.#feed.epoch === "" ? undefined : this.#feed.position;
  }

  /** How many clients are subscribed, those included that wait for their answer. */
  get clients(): number {
    return this.#feed.audience.size + this.#joins.size;
  }

  /** What the messages on this node take, those kept for replays and those held back. */
  get bytes(): number {
    return this.#feed.ring.bytes + this.#held.bytes;
  }

  /** A client subscribes, or subscribes again. It is answered and has its replay before this returns, if the node knows enough. */
  join(client: Client, wish: Wish, answer: (answer: JoinAnswer) => void, now: number): void {
    this.#feed.audience.remove(client);
    this.#joins.add(client, wish, answer);
    // The client may have been elsewhere: it is not given what this node is not certain of.
    if (this.#phase === "suspect") this.#enter("repairing");
    if (this.#phase === "live") this.#joins.settleOne(client);
    this.#proceed(now);
    this.#wake(now);
  }

  leave(client: Client, now: number): void {
    if (this.clients === 0) return;
    this.#feed.audience.remove(client);
    this.#joins.remove(client);
    if (this.clients === 0) this.#emptySince = now;
    this.#wake(now);
  }

  /** A client for which there was no room has room again. */
  drained(client: Client): void {
    this.#feed.audience.advance(client, this.#feed);
  }

  message(message: StoredMessage, now: number): void {
    if (message.offset === 0 || this.#rule === undefined) {
      this.#feed.pass(message);
      return;
    }
    if (this.#phase === "live") {
      const kind = this.#feed.kindOf(message);
      if (kind === "duplicate") return;
      if (kind === "next") {
        this.#feed.accept(message, now);
        this.#checks.postpone(now);
        return;
      }
    }
    this.#held.add(message, this.#known.begun);
    if (this.#isSettled()) this.#enter("repairing");
    this.#proceed(now);
  }

  /** The engine has acknowledged a publish of this node's: if it has lost it later, that is told. */
  acknowledged(position: Position, now: number): void {
    if (!this.#feed.owe(position, this.#known.begun)) return;
    this.#checks.soon(now);
    this.#wake(now);
  }

  /** The connection to the engine was lost, or is a new one: then the broker is asked within `spreadMs`. */
  doubt(now: number, spreadMs?: number): void {
    if (this.#rule === undefined) return;
    // What came is of the engine as it was, and so is an answer that is under way. It will be read again.
    this.#held.take();
    this.#checks.forget();
    if (this.#isSettled()) this.#enter("suspect");
    else this.#again = true;
    if (spreadMs !== undefined) this.#checks.within(spreadMs, now);
    this.#wake(now);
  }

  /** The answer to the check of this number: the newest position, or undefined if the broker could not say. */
  checked(position: Position | undefined, number: number, now: number): void {
    if (!this.#checks.answered(number)) return;
    this.#checks.soon(now);
    if (position !== undefined && this.#isSettled()) {
      const isAsItWas = this.#feed.isAt(position) && !this.#checks.showsLoss(position);
      if (isAsItWas && !this.#feed.isOwed) this.#confirm(now);
      else this.#enter("repairing");
    }
    this.#proceed(now);
    this.#wake(now);
  }

  checkDeadlines(now: number): number {
    if (now >= this.#leaveAt) {
      this.#feed.ring.close();
      this.#held.close();
      this.#port.counts.phases[this.#phase]--;
      this.#port.drop(this);
      return Infinity;
    }
    this.#feed.ring.trim(now);
    this.#proceed(now);
    if (now >= this.#checks.at && this.#isSettled()) this.#port.check(this, this.#checks.ask(this.#feed.top));
    return this.#nextDeadline(now);
  }

  answered(answer: BrokerAnswer, now: number): void {
    const { ask, top } = this.#asked!;
    this.#asked = undefined;
    if (answer.kind === "failed") this.#fail(now);
    else if (answer.kind === "subscribed") this.#subscribed();
    else if (answer.kind === "renewed") this.#enter("resetting");
    else if (ask.kind === "after") this.#repair(answer.history, now);
    else if (this.#phase === "joining") this.#begin(answer.history, ask, now);
    else if (this.#phase === "resetting") this.#reset(answer.history, now);
    else if (ask.kind === "newest") this.#refill(answer.history, ask.limit, top, now);
    this.#proceed(now);
    this.#wake(now);
  }

  #subscribed(): void {
    this.#attempts.succeeded();
    this.#enter(this.#rule === undefined ? "live" : "joining");
    if (this.#rule === undefined) this.#joins.settle();
  }

  /** The first read: the position from which everything goes on. */
  #begin(history: History, ask: Ask, now: number): void {
    const isAll = ask.kind === "newest" && ask.limit > 0;
    if (!this.#feed.begin(history, isAll, this.#attempts.isLast, now)) {
      this.#fail(now);
      return;
    }
    this.#known.newest = this.#known.begun;
    this.#goOn(now);
  }

  #repair(history: History, now: number): void {
    const outcome = this.#feed.repair(history, this.#known.begun, now);
    if (outcome === "diverged") {
      this.#renew(this.#feed.epoch);
    } else if (outcome === "another epoch") {
      if (this.#feed.wasIn(history.head.epoch)) this.#renew(history.head.epoch);
      else this.#enter("resetting");
    } else {
      this.#known.after = this.#known.begun;
      if (outcome === "whole") this.#goOn(now);
      else if (outcome === "broken") this.#fail(now);
    }
  }

  #reset(history: History, now: number): void {
    if (history.head.epoch === this.#feed.epoch) {
      this.#enter("repairing");
      return;
    }
    this.#feed.reset(history, this.#held, now);
    this.#known.newest = this.#known.after = this.#known.begun;
    this.#goOn(now);
  }

  /** For clients that wait: older messages than this node has, or with a limit of 0 whether the engine is where this node is. */
  #refill(history: History, limit: number, topWhenAsked: number, now: number): void {
    if (this.#phase !== "live") return;
    const { epoch, offset } = history.head;
    const hasNewer = limit === 0 && offset > this.#feed.top;
    if (epoch !== this.#feed.epoch || offset < topWhenAsked || hasNewer) {
      this.#enter("repairing");
      return;
    }
    this.#attempts.succeeded();
    if (limit === 0) {
      this.#known.after = this.#known.begun;
    } else {
      this.#known.newest = this.#known.begun;
      this.#feed.extend(history, now);
    }
    this.#joins.settle();
    this.#feed.ring.trim(now);
  }

  /** The position holds as of the read that was answered: what was held goes on from it, and clients that wait join. */
  #goOn(now: number): void {
    this.#confirm(now);
    const isOutdated = this.#held.hadLoss() || this.#again;
    const isStuck = !isOutdated && this.#merge(now);
    if (isOutdated) this.#enter("repairing");
    this.#again = false;
    this.#joins.settle();
    this.#feed.ring.trim(now);
    if (isStuck) this.#fail(now);
    else this.#attempts.succeeded();
  }

  /** @returns whether the engine lacks what it sent itself: another read is of use only later */
  #merge(now: number): boolean {
    const rest = this.#feed.merge(this.#held.take(), this.#known.begun, now);
    if (rest.length === 0) return false;
    this.#enter("repairing");
    for (const { message, begun } of rest) this.#held.add(message, begun);
    return rest.every(({ begun }) => begun < this.#known.begun);
  }

  #proceed(now: number): void {
    if (this.#asked !== undefined || now < this.#attempts.retryAt) return;
    const ask = questionOf(this.#phase, {
      position: this.#feed.position,
      renewFrom: this.#renewFrom,
      limit: this.#rule?.size ?? 0,
      joins: this.#joins,
    });
    if (ask === undefined) return;
    if (ask.kind === "newest" || ask.kind === "after") this.#known.begun++;
    this.#asked = { ask, top: this.#feed.top };
    this.#port.counts.asked++;
    this.#port.ask(this, ask);
  }

  /** The broker had no answer, or none that can be. */
  #fail(now: number): void {
    this.#attempts.failed(now);
    if (!this.#attempts.areOver) return;
    this.#joins.refuse();
    if (this.clients === 0) this.#emptySince = now;
    if (this.#phase === "repairing" || this.#phase === "resetting") this.#giveUp(now);
  }

  /** What is missing cannot be had: that is told, and what came live goes on. */
  #giveUp(now: number): void {
    const epoch = this.#held.last?.epoch;
    if (epoch === undefined || this.#feed.wasIn(epoch)) return;
    if (this.#phase === "resetting" && epoch === this.#feed.epoch) return;
    if (this.#feed.goOnWith(this.#held.take(), epoch, now)) {
      // The broker will say what else there is.
      this.#enter("suspect");
      this.#checks.soon(now);
    } else {
      this.#renew(epoch);
    }
  }

  #renew(epoch: string): void {
    this.#renewFrom = epoch;
    this.#enter("renewing");
  }

  #enter(phase: Phase): void {
    const { phases } = this.#port.counts;
    phases[this.#phase]--;
    phases[phase]++;
    this.#phase = phase;
  }

  #isSettled(): boolean {
    return this.#phase === "live" || this.#phase === "suspect";
  }

  #confirm(now: number): void {
    this.#enter("live");
    this.#checks.confirmed(now);
  }

  #wake(now: number): void {
    this.#port.wake(this, this.#nextDeadline(now));
  }

  /** An answer that is under way is waited for. */
  get #leaveAt(): number {
    const mayLeave = this.clients === 0 && this.#asked === undefined && !this.#checks.isAsked;
    return mayLeave ? this.#emptySince + LEAVE_GRACE_MS : Infinity;
  }

  #nextDeadline(now: number): number {
    const checkAt = this.#isSettled() ? this.#checks.at : Infinity;
    const { retryAt } = this.#attempts;
    return Math.min(this.#leaveAt, checkAt, retryAt > now ? retryAt : Infinity);
  }
}
