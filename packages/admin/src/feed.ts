/**
 * What open dashboards are told, over the WebSocket of the admin listener: a sample each second, new log lines, the largest rooms, and
 * answers to what they ask. JSON in text messages; each has a `type`.
 */
import type { Client, Clock, Handlers, Message, Payload } from "hawser";
import type { Actions, Outcome } from "./actions.js";
import { listClients } from "./client-list.js";
import { type MemberPage, membersPage, type ShownHub } from "./hub.js";
import type { HubSampler } from "./hub-sampler.js";
import type { LogTail } from "./log-tail.js";
import { type NodeReport, shownNodes } from "./nodes.js";
import { Pace } from "./pace.js";
import type { Places, Viewer } from "./places.js";
import { type DashboardRequest, parseRequest } from "./requests.js";
import { largestRooms } from "./rooms.js";
import { columns, type Sample } from "./sampler.js";
import type { TokenGate } from "./token.js";
import { topicPage } from "./topic-page.js";

/** What the feed needs of the server that it tells about. */
export interface Watched {
  readonly clients: ReadonlyMap<string, Client>;
  readonly isReady: boolean;
  topicSizes(): ReadonlyMap<string, number>;
}

/** What it needs of the hub, where there is one. */
export interface WatchedHub {
  readonly hub: ShownHub;
  readonly sampler: HubSampler;
}

export interface FeedContext {
  readonly watched: Watched;
  readonly hub: WatchedHub | undefined;
  /** Undefined: it is about one server, and no node of anything. */
  readonly nodes: (() => readonly NodeReport[]) | undefined;
  readonly history: readonly Sample[];
  readonly gate: TokenGate;
  readonly places: Places;
  readonly actions: Actions;
  readonly logTail: LogTail | undefined;
  readonly token: string;
  readonly tryUrl: () => string | undefined;
  readonly clock: Clock;
  /** Sends to every dashboard that may read. */
  publish(topic: string, payload: Payload): void;
}

const TOPIC = "live";
const MOST_REQUESTS_A_SECOND = 30;
/** Log lines that a dashboard gets at once; what came before them in this second is left out. */
const MOST_LINES_A_SECOND = 50;
/** All that a stranger has to say is the token. */
const LONGEST_FROM_STRANGERS = 1024;
const POLICY = 1008;
const BUSY: MemberPage = { ok: false, text: "Another topic is being looked at: try again.", count: 0, members: [] };

export class Feed {
  readonly handlers: Required<Pick<Handlers<Viewer>, "open" | "message" | "close">>;
  readonly #context: FeedContext;
  readonly #pace: Pace;
  readonly #viewers = new Set<Client<Viewer>>();
  #linesTold = 0;

  constructor(context: FeedContext) {
    this.#context = context;
    this.#pace = new Pace(context.clock);
    this.handlers = {
      open: (viewer) => {
        context.places.take(viewer, context.clock.now());
        if (viewer.data.mayRead) this.#begin(viewer);
        else tell(viewer, { type: "locked" });
      },
      message: (viewer, message) => this.#onMessage(viewer, message),
      close: (viewer) => {
        context.places.leave(viewer);
        this.#viewers.delete(viewer);
        this.#pace.cancel(viewer);
        this.#pace.cancel(viewer.data.topicsAsker);
      },
    };
  }

  /** A second has passed. Where nobody watches this is all that happens. */
  onSample(sample: Sample): void {
    const { places, clock, hub, nodes } = this.#context;
    // Each second, whether anybody looks or not: what happened within the last minute is to be known to who comes.
    const hubSample = hub?.sampler.take();
    for (const stranger of places.overdue(clock.now())) stranger.close(POLICY, "no token in time");
    if (this.#viewers.size === 0) return;
    this.#publish({ type: "sample", sample });
    if (hubSample !== undefined) this.#publish({ type: "hub", ...hubSample });
    if (nodes !== undefined) this.#publish({ type: "nodes", ...shownNodes(nodes()) });
    this.#publishLog();
    this.#publishRooms();
  }

  stop(): void {
    this.#pace.stop();
  }

  /** Everything that the page needs to begin with. */
  #begin(viewer: Client<Viewer>): void {
    const { history, logTail, token, tryUrl, hub, nodes } = this.#context;
    if (this.#viewers.size === 0) this.#linesTold = logTail?.written ?? 0;
    this.#viewers.add(viewer);
    tell(viewer, {
      type: "hello",
      mayAct: viewer.data.mayAct,
      columns,
      history,
      log: logTail?.after(0, token) ?? null,
      tryUrl: tryUrl() ?? null,
      hasHub: hub?.hub.stats !== undefined,
      process: { node: process.version, pid: process.pid, startedAt: Math.round(performance.timeOrigin) },
    });
    viewer.subscribe(TOPIC);
    if (nodes !== undefined) tell(viewer, { type: "nodes", ...shownNodes(nodes()) });
    this.#publishRooms();
  }

  #onMessage(viewer: Client<Viewer>, message: Message): void {
    if (!this.#countRequest(viewer.data)) return viewer.close(POLICY, "too many requests");
    const isTooLong = !viewer.data.mayRead && message.byteLength > LONGEST_FROM_STRANGERS;
    const request = message.isBinary || isTooLong ? null : parseRequest(message.text());
    if (request === null) return viewer.close(POLICY, "not a request");
    this.#answer(viewer, request);
  }

  #answer(viewer: Client<Viewer>, request: DashboardRequest): void {
    if (request.type === "authorize") return this.#authorize(viewer, request.token);
    if (!viewer.data.mayRead) return tell(viewer, { type: "locked" });
    const { request: number } = request;
    const { watched, hub, clock } = this.#context;
    if (request.type === "clients") {
      return this.#pace.run(viewer, () => {
        const topicsOf = hub === undefined ? undefined : (client: Client) => hub.hub.topicsOf(client);
        const page = listClients(watched.clients, request, clock.now(), topicsOf);
        tell(viewer, { type: "clients", request: number, ...page });
      });
    }
    if (request.type === "topics" || request.type === "members") {
      if (hub === undefined) return viewer.close(POLICY, "not a request");
      if (request.type === "members") return void this.#tellMembers(viewer, hub.hub, request);
      // An asker of its own: a look at the clients must not push it out.
      return this.#pace.run(viewer.data.topicsAsker, () => {
        tell(viewer, { type: "topics", request: number, ...topicPage(hub.hub, request) });
      });
    }
    tell(viewer, { type: "result", request: request.request, ...this.#act(viewer, request) });
  }

  #act(viewer: Client<Viewer>, request: DashboardRequest & { type: "disconnect" | "send" }): Outcome {
    const { actions } = this.#context;
    if (!viewer.data.mayAct) return { ok: false, text: "Actions need the admin token." };
    if (request.type === "disconnect") return actions.disconnect(request.id, viewer.address);
    return actions.send(request.id, request.text, viewer.address);
  }

  /** One question at a time: an engine may be asked for it. */
  async #tellMembers(
    viewer: Client<Viewer>,
    hub: ShownHub,
    { request, topic }: DashboardRequest & { type: "members" },
  ): Promise<void> {
    const { data } = viewer;
    const isBusy = data.asksForMembers;
    data.asksForMembers = true;
    const page = isBusy ? BUSY : await membersPage(hub, topic);
    if (!isBusy) data.asksForMembers = false;
    tell(viewer, { type: "members", request, ...page });
  }

  #authorize(viewer: Client<Viewer>, token: string): void {
    const { gate, places } = this.#context;
    const { address, data } = viewer;
    const refuse = (text: string): void => tell(viewer, { type: "authorized", ok: false, text });
    const verdict = gate.check(token, address);
    if (verdict === "limited") return refuse("Too many wrong tokens: wait a few seconds.");
    if (verdict === "wrong") return refuse("That is not the token.");
    if (!data.mayAct && !places.hasRoomFor("operator")) return refuse("Too many dashboards are open.");
    const isNew = !data.mayRead;
    data.mayRead = data.mayAct = true;
    tell(viewer, { type: "authorized", ok: true, text: "" });
    if (isNew) this.#begin(viewer);
  }

  #countRequest(data: Viewer): boolean {
    const now = this.#context.clock.now();
    if (now - data.second.since >= 1000) data.second = { since: now, requests: 0 };
    return ++data.second.requests <= MOST_REQUESTS_A_SECOND;
  }

  #publishLog(): void {
    const { logTail, token } = this.#context;
    if (logTail === undefined || logTail.written === this.#linesTold) return;
    const entries = logTail.after(this.#linesTold, token, MOST_LINES_A_SECOND);
    const skipped = logTail.written - this.#linesTold - entries.length;
    this.#linesTold = logTail.written;
    this.#publish({ type: "log", entries, skipped });
  }

  #publishRooms(): void {
    const { watched, hub } = this.#context;
    this.#pace.run(this, () => {
      const rooms = largestRooms(watched.topicSizes());
      const isHidden = hub !== undefined && rooms.total === 0;
      this.#publish({ type: "rooms", ...rooms, ...(isHidden ? { isHidden } : {}) });
    });
  }

  #publish(message: object): void {
    this.#context.publish(TOPIC, JSON.stringify(message));
  }
}

function tell(viewer: Client<Viewer>, message: object): void {
  viewer.send(JSON.stringify(message));
}
