import { isFinal, SUBPROTOCOL } from "@hawser/wire";
import { type HelloMessage, type Message, PING, writeAuth } from "@hawser/wire/client";
import type { Agenda, Cancel } from "./agenda.js";
import { backoff } from "./backoff.js";
import { LiveError } from "./errors.js";
import { type Answer, isLater, type Send } from "./queue.js";
import { openSocket, type Socket, type WebSocketConstructor } from "./socket.js";
import type { StateStore } from "./state.js";
import { refreshAfter, type Tokens } from "./token.js";

/** From the beginning of an attempt to the server's hello. */
const HELLO_MS = 20_000;
/** How long after its `ping` the server is asked whether it is there, and how long it may take to answer. */
const GRACE_MS = 8_000;
const PROBE_MS = 2_000;
/** A timer that is later than this was held up, and so may be what it waited for. */
const LATE_MS = 1_000;
/** A connection that lasted so long was a good one. */
const STABLE_MS = 10_000;
/** So many equal ends in a row, of those that are final, are enough. */
const MOST_FINAL = 3;

/** What is said in a connection. */
export interface Conversation {
  /** Undefined for what is to be ignored. */
  readonly read: (frame: string | ArrayBuffer) => Message | undefined;
  /** The hello, and its id. What was said before is over. */
  hello(token: string | undefined): { id: number; frame: string };
  /** The server has answered the hello. */
  readonly opened: (send: Send) => void;
  readonly received: (message: Message) => void;
  /** `poisoned`: for something that was sent in it. */
  readonly lost: (poisoned: boolean) => void;
  readonly closed: (error: LiveError) => void;
  /** Sends a request of the connection's own. */
  readonly ask: (write: (id: number) => string, answered: (answer: Answer) => void) => void;
}

export interface ConnectionPorts {
  readonly WebSocket: WebSocketConstructor;
  readonly url: string;
  readonly agenda: Agenda;
  readonly random: () => number;
  readonly state: StateStore;
  readonly tokens: Tokens;
  readonly report: (error: unknown) => void;
  readonly conversation: Conversation;
}

/** One connection at a time, and another one whenever it ends: until the application closes it, or it would be in vain. */
export interface Connection {
  /** Connects, unless that was done or it is over. */
  start(): void;
  /** Whatever was wrong may be over: tries at once, or asks an open connection whether it is still there. */
  awake(surely: boolean): void;
  offline(): void;
  /** Until `start`. */
  suspend(): void;
  /** For good. */
  close(why: string, code?: number): void;
}

export function createConnection(ports: ConnectionPorts): Connection {
  const { WebSocket, url, agenda, random, state, tokens, report, conversation } = ports;
  const { now, after } = agenda;
  /** What belongs to an attempt that was given up does nothing. */
  let attempt = 0;
  let socket: Socket | undefined;
  let failures = 0;
  /** The next attempt, or the end of this one. */
  let timer: Cancel | undefined;
  let notBefore = 0;
  let helloId: number | undefined;
  let openedAt = Infinity;
  let bye: { readonly bye?: string; readonly wait?: number } = {};
  /** The last end that was final, and how often in a row. */
  let final: string | number | undefined;
  let finals = 0;
  let heardAt = 0;
  let pingMs = 0;
  let isProbing = false;
  let liveness: Cancel | undefined;
  let refresh: Cancel | undefined;
  let refreshFailures = 0;

  const isPhase = (phase: string): boolean => state.current.phase === phase;

  function connect(): void {
    timer?.();
    withToken(tokens.get, open);
    state.set({ phase: "connecting" });
  }

  /** Nothing happens if the attempt is given up before there is a token. Without one for good, all is over. */
  function withToken(
    get: () => Promise<string | undefined>,
    then: (token: string | undefined) => void,
    failed = (): void => lost("token"),
  ): void {
    const mine = attempt;
    get().then(
      (token) => mine === attempt && then(token),
      (error: unknown) => {
        if (mine !== attempt) return;
        if (tokens.over !== undefined) return close(tokens.over);
        report(error);
        failed();
      },
    );
  }

  function open(token: string | undefined): void {
    timer = after(HELLO_MS, () => lost("unreachable"));
    try {
      socket = openSocket(WebSocket, url, SUBPROTOCOL, {
        opened: (protocol) => (protocol === SUBPROTOCOL ? hello(token) : lost("no-hub")),
        received,
        closed: (code) => lost(bye.bye ?? (isPhase("open") ? "lost" : "unreachable"), code),
      });
    } catch (error) {
      report(error);
      lost("unreachable");
    }
  }

  function hello(token: string | undefined): void {
    const { id, frame } = conversation.hello(token);
    helloId = id;
    socket!.send(frame);
  }

  function received(frame: string | ArrayBuffer): void {
    heardAt = now();
    isProbing = false;
    const message = conversation.read(frame);
    if (!message) return;
    if (message.verb === "bye") bye = message;
    else if (isPhase("open")) conversation.received(message);
    else if (message.verb === "hello") opened(message);
    else if (message.verb === "err" && message.err === helloId) {
      const { code, retry } = message;
      lost(code, undefined, retry, !isAboutToken(code) && !isLater(code));
    }
  }

  function opened({ client, user, ping, ttl }: HelloMessage): void {
    const { send } = socket!;
    timer?.();
    openedAt = now();
    pingMs = ping;
    watch();
    accepted(ttl);
    // First what waited, and then the application: what it sends when it hears of this comes after.
    conversation.opened(send);
    state.set({ phase: "open", client, user, degraded: false });
  }

  /** The connection has ended, or is given up. */
  function lost(why: string, code?: number, retryMs?: number, isVain = code !== undefined && isFinal(code)): void {
    const { bye: word, wait = retryMs } = bye;
    const wasOpen = openedAt < Infinity;
    const isRefused = isAboutToken(why) || code === 4401;
    const end = isVain ? (code ?? why) : undefined;
    if (now() - openedAt >= STABLE_MS) failures = finals = 0;
    finals = end === final ? finals + 1 : 1;
    final = end;
    drop(isVain);
    if (isVain && finals >= MOST_FINAL) return close(code ? (word ?? "refused") : why, code);
    if (isRefused) tokens.refused(wasOpen);
    // With another token it will do at once, the first time.
    const delay = wait ?? (isRefused && failures === 0 ? 0 : backoff(failures, random));
    failures++;
    notBefore = wait === undefined ? 0 : now() + wait;
    timer = after(delay, connect);
    state.set({ phase: "waiting", retryAt: Date.now() + delay, why, code });
  }

  function drop(isPoisoned = false): void {
    attempt++;
    timer?.();
    liveness?.();
    refresh?.();
    socket?.close();
    socket = helloId = undefined;
    openedAt = Infinity;
    bye = {};
    conversation.lost(isPoisoned);
  }

  function close(why: string, code?: number): void {
    if (isPhase("closed")) return;
    drop();
    state.set({ phase: "closed", why, code });
    conversation.closed(new LiveError(why));
  }

  /** Waits for the silence in which the server would have said something. Messages do not touch the timer. */
  function watch(): void {
    const left = heardAt + pingMs + GRACE_MS - now();
    if (left > 0) liveness = after(left, watch);
    else probe();
  }

  /** Asks the server whether it is there. */
  function probe(): void {
    liveness?.();
    isProbing = true;
    socket!.send(PING);
    liveness = after(PROBE_MS, (lateMs) => {
      if (!isProbing) watch();
      else if (lateMs > LATE_MS) probe();
      else lost("silent");
    });
  }

  function accepted(ttlMs: number | undefined): void {
    tokens.accepted(ttlMs);
    refreshFailures = 0;
    if (ttlMs !== undefined && tokens.renewable) renewIn(refreshAfter(ttlMs));
  }

  /** A new token, before the one in use ends. */
  function renewIn(ms = backoff(refreshFailures++, random)): void {
    refresh?.();
    const answered = (answer: Answer): void => {
      if (answer.verb === "ok") return accepted(answer.ttl);
      if (isAboutToken(answer.code)) tokens.refused(false);
      report(new LiveError(answer.code, answer.msg));
      renewIn();
    };
    const send = (token: string | undefined): void => conversation.ask((id) => writeAuth(token!, id), answered);
    refresh = after(ms, () => withToken(tokens.renew, send, renewIn));
  }

  return {
    start() {
      if (isPhase("idle")) connect();
    },
    awake(surely) {
      if (isPhase("waiting") && now() >= notBefore) {
        failures = 0;
        connect();
      } else if (isPhase("open") && (surely || now() - heardAt > pingMs)) {
        probe();
      }
    },
    offline() {
      if (socket !== undefined) lost("offline");
    },
    suspend() {
      if (isPhase("closed")) return;
      drop();
      failures = 0;
      state.set({ phase: "idle" });
    },
    close,
  };
}

function isAboutToken(word: string): boolean {
  return word === "unauthorized" || word === "expired";
}
