/** What a server sends: the frame as it is, with the name of its verb added. docs/wire.md says what each field means. */
export type Message =
  | HelloMessage
  | OkMessage
  | ErrMessage
  | PubMessage
  | GapMessage
  | UnsubMessage
  | PresenceMessage
  | CallMessage
  | CancelMessage
  | ByeMessage
  | { readonly verb: "ping" };

export interface HelloMessage {
  readonly verb: "hello";
  readonly hello: number;
  readonly client: string;
  readonly ping: number;
  readonly ttl?: number;
  readonly user?: string;
  readonly has?: readonly string[];
}

export interface OkMessage {
  readonly verb: "ok";
  /** The id of the request. */
  readonly ok: number;
  readonly o?: number;
  readonly e?: string;
  readonly replay?: number;
  readonly missed?: boolean;
  readonly page?: number;
  readonly more?: boolean;
  readonly duplicate?: boolean;
  readonly ttl?: number;
  readonly n?: number;
  readonly v?: number;
  readonly in?: readonly Member[];
  readonly d?: unknown;
}

export interface ErrMessage {
  readonly verb: "err";
  /** The id of the request, or 0. */
  readonly err: number;
  readonly code: string;
  readonly msg?: string;
  readonly retry?: number;
}

export interface PubMessage {
  readonly verb: "pub";
  readonly pub: string;
  readonly o?: number;
  readonly by?: string;
  /** Bytes, a view of the frame, where that was binary. */
  readonly d: unknown;
}

export interface GapMessage {
  readonly verb: "gap";
  readonly gap: string;
  readonly o: number;
  readonly e: string;
  readonly code: string;
}

export interface UnsubMessage {
  readonly verb: "unsub";
  readonly unsub: string;
  readonly code: string;
}

export interface PresenceMessage {
  readonly verb: "pres";
  readonly pres: string;
  readonly n: number;
  readonly v?: number;
  readonly in?: readonly Member[];
  readonly out?: readonly string[];
}

export interface CallMessage {
  readonly verb: "call";
  readonly call: string;
  readonly id: string;
  readonly d?: unknown;
}

export interface CancelMessage {
  readonly verb: "cancel";
  readonly cancel: string;
}

export interface ByeMessage {
  readonly verb: "bye";
  readonly bye: string;
  readonly wait?: number;
}

/** Who is in a topic: a key, and what else is to be known. */
export type Member = readonly [key: string, info?: unknown];
