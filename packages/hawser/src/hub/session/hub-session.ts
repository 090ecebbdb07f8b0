import { byeWords, type ByeWord } from "@hawser/wire";
import {
  type Fault,
  PING,
  readBinaryRequest,
  readRequest,
  type Request,
  writeBye,
  writeErr,
  writeGap,
  writeHello,
  writeOk,
  writeUnsub,
} from "@hawser/wire/server";
import type { Client } from "../../server/api/client.js";
import type { Timed } from "../../server/base/deadlines.js";
import { isThenable } from "../../server/base/thenable.js";
import type { Message } from "../../server/sending/message.js";
import type { ClientPort } from "../../server/session/client-port.js";
import type { GapWord } from "../recovery/audience.js";
import type { Position } from "../brokers/broker.js";
import type { Action, HubContext } from "../hub-context.js";
import type { HubUser } from "../hub-options.js";
import type { JoinAnswer } from "../recovery/joins.js";
import type { SharedText } from "../shared-text.js";
import type { TopicFrame } from "../topic-frame.js";
import { type KnownTopic, messageFault } from "../topic-rules.js";
import type { Asking } from "../presence/presence.js";
import { Answers, RETRY_MS } from "./answers.js";
import { Asks } from "./asks.js";
import { runCall } from "./calls.js";
import { JoinsUnderWay } from "./joins-under-way.js";
import { sendPage } from "./pages.js";
import { RequestRate } from "./request-rate.js";
import { checkToken, TokenCheck } from "./token-check.js";
import { type Verdict, verdictOf } from "./verdict.js";

/** Frames that are nothing like the protocol, and tokens that are not valid, before the connection is closed. */
const MOST_STRIKES = 3;
/** For who has been closed for it. */
const FLOOD_WAIT_MS = 10_000;

type Of<Verb extends Request["verb"]> = Extract<Request, { verb: Verb }>;

/** A client of `hawser.v1`: what it asks for is read, allowed or refused, done and answered, in its order. */
export class HubSession extends Answers implements Asking, Timed {
  override user: HubUser | undefined = undefined;
  wheelAt = 0;
  wheelPrevious: Timed | null = null;
  wheelNext: Timed | null = null;
  /** It may ask for things: it has said hello, or its handshake has said who it is. */
  #isIn: boolean;
  #hasSaidHello = false;
  /** Until when it has to say hello, and then until when its token is good; 0: for ever. */
  #deadline = 0;
  /** Messages it had been sent at the last look. */
  #sent = 0;
  #strikes = 0;
  #badTokens = 0;
  // None of these is there while nothing happens.
  #rate: RequestRate | null = null;
  #joins: JoinsUnderWay | null = null;
  #asks: Asks | null = null;
  #checking: TokenCheck | null = null;

  /** @param user who it is by its handshake */
  constructor(client: Client, port: ClientPort, user: HubUser | undefined, context: HubContext) {
    super(client, port, context);
    const { wheel, options } = context;
    this.user = user;
    this.#isIn = user !== undefined;
    if (this.#isIn) this.#accept(verdictOf(user, Date.now()));
    else this.#deadline = wheel.time.now + options.helloTimeoutMs;
    wheel.schedule(this, this.checkDeadlines(wheel.time.now));
  }

  get key(): string {
    return this.user?.user ?? this.client.id;
  }

  /** Whether it is this user's, and known to be. */
  isOf(user: string): boolean {
    return this.#isIn && this.user?.user === user;
  }

  offer(frame: TopicFrame): boolean {
    return this.port.offer(frame.wire(this.port));
  }

  offerGap(topic: string, position: Position, word: GapWord): boolean {
    return this.port.offer(writeGap(topic, position, word));
  }

  offerShared(text: SharedText): boolean {
    return text.offerTo(this.port);
  }

  /** One frame of the client's. @returns a promise while the next one has to wait */
  receive(message: Message): unknown {
    const { wheel, options } = this.context;
    this.#rate ??= new RequestRate(options.limits.requestsPerSecond, wheel.now);
    const verdict = this.#rate.take(wheel.now);
    if (verdict === "flood") {
      this.#bye("limit", FLOOD_WAIT_MS);
      return undefined;
    }
    const request = message.isBinary ? readBinaryRequest(message.bytes) : readRequest(message.text());
    if (verdict === "refuse") {
      const sentence = `more than ${options.limits.requestsPerSecond} requests in a second`;
      const id = idOf(request);
      this.count("limit");
      // Another request with this id may still wait.
      if (id !== 0) this.say(writeErr(id, "limit", sentence, RETRY_MS));
      return undefined;
    }
    if (request.verb === "fault") {
      this.#fault(request);
      return undefined;
    }
    return this.#handle(request);
  }

  onShutdown(): void {
    this.context.counts.byes.drain++;
    this.port.offer(writeBye("drain", this.context.drainWait()));
  }

  /** Nobody waits for these any longer. */
  onGone(): void {
    this.#checking?.giveUp();
    this.abortCalls();
  }

  onClosed(): void {
    const { wheel, presence } = this.context;
    wheel.remove(this);
    presence.forget(this);
    this.onGone();
    this.#asks?.end();
    this.#joins?.endAll();
  }

  /** It may no longer be in a topic, or not be here at all. */
  revoke(topic: string | undefined): void {
    if (topic === undefined) {
      this.#bye("forbidden");
      return;
    }
    const joining = this.#joins?.idOf(topic);
    this.#endJoin(topic);
    if (!this.#unsubscribe(topic)) return;
    if (joining === undefined) this.say(writeUnsub(topic, "revoked"));
    else this.refuse(joining, "forbidden", "the user may no longer read the topic");
  }

  ask(name: string, input: string | undefined, timeoutMs: number, signal: AbortSignal | undefined): Promise<unknown> {
    const { wheel, options } = this.context;
    this.#asks ??= new Asks({ wheel, most: options.limits.asksPerClient, say: (text) => this.say(text) });
    return this.#asks.ask(name, input, timeoutMs, signal);
  }

  checkDeadlines(now: number): number {
    const { tokenGraceMs, pingMs } = this.context.options;
    const graceMs = this.#isIn ? (this.user?.graceMs ?? tokenGraceMs) : 0;
    const deadline = this.#deadline === 0 ? Infinity : this.#deadline + graceMs;
    if (now >= deadline) {
      this.#bye(this.#isIn ? "expired" : "timeout");
      return Infinity;
    }
    // After two looks between which nothing was said, it has been quiet for at most `pingMs`.
    const { messagesOut } = this.client;
    if (messagesOut === this.#sent && this.#isIn) this.port.offer(PING);
    this.#sent = this.client.messagesOut;
    // Whoever asked for nothing since has its whole share anyway.
    this.#rate = null;
    return Math.min(deadline, now + pingMs / 2);
  }

  #fault({ id, code, sentence, foreign }: Fault): void {
    this.count(code);
    this.say(writeErr(id, code, sentence));
    if (foreign && ++this.#strikes === MOST_STRIKES) this.client.close(1008, "not hawser.v1");
  }

  #handle(request: Request): unknown {
    if (request.verb === "ping") return this.say(PING);
    if (request.verb === "ok") return this.#asks?.answered(request.call, request.payload);
    if (request.verb === "err") return this.#asks?.failed(request.call, request.code, request.sentence);
    if (request.verb === "cancel") return this.#cancel(request.id);
    const { id } = request;
    if (this.isPending(id)) {
      this.count("duplicate-id");
      return this.say(writeErr(id, "duplicate-id", `the request ${id} still waits for its answer`));
    }
    if (request.verb === "hello") return this.#hello(request);
    if (!this.#isIn) return this.refuse(id, "unauthorized", "hello comes first");
    if (request.verb === "auth") return this.#auth(request);
    if (request.verb === "call") return runCall(this, request, this.context);
    return this.#handleTopic(request);
  }

  #handleTopic(request: Of<"sub" | "unsub" | "pub" | "who" | "count" | "back">): unknown {
    const { verb, id, topic } = request;
    if (verb === "unsub") {
      this.#unsubscribe(topic);
      return this.answer(id, writeOk(id));
    }
    const known = this.context.rules.find(topic);
    if (known === undefined) return this.refuse(id, "unknown-topic", `there is no topic ${topic}`);
    switch (verb) {
      case "sub":
        return this.#sub(request, known);
      case "pub": {
        const publish = (): unknown => this.#ifAllowed("publish", id, known, () => this.#pub(request, known));
        return this.#joins === null ? publish() : this.#joins.after(topic, publish);
      }
      case "back":
        return this.#ifAllowed("subscribe", id, known, () => sendPage(this, request, known, this.context));
      default:
        return this.#ifAllowed("presence", id, known, () => this.context.presence.ask(this, request, known));
    }
  }

  #hello({ id, token, subs }: Of<"hello">): unknown {
    if (this.#hasSaidHello) return this.refuse(id, "bad-request", "hello was said already");
    return this.#check(id, token, (ttl) => {
      this.#hasSaidHello = true;
      const { pingMs } = this.context.options;
      this.settled(id);
      this.say(writeHello({ client: this.client.id, ping: pingMs, ttl, user: this.user?.user }));
      const waiting = subs.map(({ topic, position }, index) =>
        this.#handle({ verb: "sub", id: id + 1 + index, topic, position, last: undefined }),
      );
      return waiting.some(isThenable) ? Promise.all(waiting) : undefined;
    });
  }

  #auth({ id, token }: Of<"auth">): unknown {
    return this.#check(id, token, (ttl) => this.answer(id, writeOk(id, { ttl })));
  }

  /** Goes on once the token is known to be good. */
  #check(id: number, token: string | undefined, next: (ttl: number | undefined) => unknown): unknown {
    const { authenticate } = this.context;
    const decide = (verdict: Verdict): unknown => {
      this.#checking = null;
      if (!this.client.isOpen) return undefined;
      if (!verdict.isGood) return this.#refuseToken(id, verdict);
      if (this.#isIn && this.user !== undefined && verdict.user?.user !== this.user.user) {
        return this.refuse(id, "forbidden", "the token is another user's");
      }
      this.#accept(verdict);
      return next(verdict.ttlMs);
    };
    // Nobody has to say more than its handshake did.
    if (authenticate === undefined || (token === undefined && this.#isIn)) {
      return decide({ isGood: true, user: this.user, ttlMs: undefined });
    }
    this.#checking = new TokenCheck(this.client);
    const verdict = checkToken(authenticate, token, this.#checking, this.context);
    return verdict instanceof Promise ? verdict.then(decide) : decide(verdict);
  }

  #accept(verdict: Verdict): void {
    if (!verdict.isGood) return;
    const { wheel } = this.context;
    this.user = verdict.user;
    this.#isIn = true;
    this.#deadline = verdict.ttlMs === undefined ? 0 : wheel.time.now + verdict.ttlMs;
    if (this.#deadline > 0) wheel.schedule(this, this.#deadline);
  }

  #refuseToken(id: number, { code, sentence, retryMs }: Extract<Verdict, { isGood: false }>): void {
    this.refuse(id, code, sentence, retryMs);
    if (code !== "unavailable" && ++this.#badTokens === MOST_STRIKES) this.#bye("limit", FLOOD_WAIT_MS);
  }

  #sub({ id, topic, position, last }: Of<"sub">, known: KnownTopic): unknown {
    const { topicsPerClient } = this.context.options.limits;
    return this.#ifAllowed("subscribe", id, known, () => {
      const isNew = !this.topics.has(topic);
      if (isNew && this.topics.size >= topicsPerClient) {
        this.refuse(id, "too-many", `${topicsPerClient} topics are the most`);
        return;
      }
      // One that still waits for its answer is given up for this one.
      this.#giveUpJoin(topic);
      this.begin(id);
      (this.#joins ??= new JoinsUnderWay()).begin(topic, id);
      const { recovery } = this.context;
      // The same text for all, and not one for each client.
      if (isNew) this.addTopic(recovery.topics.get(topic)?.name ?? topic);
      recovery.join(topic, this, { position, last }, (answer) => this.#joined(id, topic, known, answer));
    });
  }

  #joined(id: number, topic: string, known: KnownTopic, answer: JoinAnswer): void {
    const { presence, detailsOf, counts } = this.context;
    this.#endJoin(topic);
    if (answer.kind === "unavailable") {
      this.#unsubscribe(topic);
      this.refuse(id, "unavailable", "the topic cannot be had at the moment", RETRY_MS);
      return;
    }
    if (answer.kind === "joined") {
      const { position, replay, missed } = answer;
      counts.replayed += replay;
      const { offset: o, epoch: e } = position;
      this.answer(id, writeOk(id, { o, e, replay: replay || undefined, missed: missed || undefined }));
    } else this.answer(id, writeOk(id));
    presence.enter(this, topic, known, detailsOf(this.user, known));
  }

  #pub({ id, topic, key, payload }: Of<"pub">, known: KnownTopic): void {
    const fault = messageFault(known.definition, payload);
    if (fault !== undefined) return this.refuse(id, fault.code, fault.sentence);
    this.begin(id);
    const content = payload.binary ? payload.bytes : payload.json;
    const { publish } = this.context;
    publish(topic, known, content, { binary: payload.binary, key, by: this.user?.user }).then(
      ({ offset, epoch, duplicate }) => {
        const [o, e] = offset === 0 ? [] : [offset, epoch];
        this.answer(id, writeOk(id, { o, e, duplicate: duplicate || undefined }));
      },
      (error) => this.fail(id, "publish", error),
    );
  }

  #cancel(id: number): void {
    const call = this.pendingCall(id);
    if (call === undefined) return;
    call.isAnswered = true;
    this.context.counts.callOutcomes.cancelled++;
    this.refuse(id, "cancelled", "the call was given up");
    call.abort();
  }

  /** @returns whether it was subscribed, or about to be */
  #unsubscribe(topic: string): boolean {
    if (!this.removeTopic(topic)) return false;
    this.#giveUpJoin(topic);
    this.context.recovery.leave(topic, this);
    this.context.presence.leave(this, topic, false);
    return true;
  }

  #giveUpJoin(topic: string): void {
    const id = this.#joins?.idOf(topic);
    if (id === undefined) return;
    this.#endJoin(topic);
    this.refuse(id, "cancelled", "another request for the topic came before the answer");
  }

  #endJoin(topic: string): void {
    this.#joins?.end(topic);
    if (this.#joins?.isEmpty === true) this.#joins = null;
  }

  /** Goes on if the user may: at once, or when that is known, which the client's next frame waits for. */
  #ifAllowed(action: Action, id: number, known: KnownTopic, next: () => void): unknown {
    const decide = (isAllowed: boolean): void => {
      if (!this.client.isOpen) return;
      if (!isAllowed) return this.refuse(id, "forbidden", `the user may not ${SAID[action]}`);
      try {
        next();
      } catch (error) {
        this.fail(id, action, error);
      }
    };
    const failed = (error: unknown): void => this.fail(id, `allow.${action}`, error);
    try {
      const verdict = this.context.allows(action, this.user, known);
      if (!isThenable(verdict)) return decide(verdict);
      return Promise.resolve(verdict).then(decide, failed);
    } catch (error) {
      return failed(error);
    }
  }

  #bye(word: ByeWord, wait?: number): void {
    if (!this.client.isOpen) return;
    this.context.counts.byes[word]++;
    this.port.offer(writeBye(word, wait));
    this.client.close(byeWords[word].code, byeWords[word].meaning);
  }
}

const SAID: Readonly<Record<Action, string>> = {
  subscribe: "read this topic",
  publish: "publish to this topic",
  presence: "see who is in this topic",
};

/** 0: no answer is wanted, or can be given. */
function idOf(request: Request | Fault): number {
  return "id" in request && request.verb !== "cancel" ? request.id : 0;
}
