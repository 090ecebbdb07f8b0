import type { ErrorWord } from "../words.js";

/** Where a reader of a topic is: after this offset, which means something in this epoch alone. */
export interface Position {
  readonly offset: number;
  readonly epoch: string;
}

/** JSON as text: what `JSON.stringify` makes, or a payload cut out of what a client sent. */
export type JsonText = string;

/** What a client sends: JSON as it was written, and what it means; or the bytes of a binary frame, which are a view of it. */
export type Payload =
  | { readonly binary: false; readonly json: JsonText; readonly value: unknown }
  | { readonly binary: true; readonly bytes: Uint8Array };

/** What a client asks for. `id` is 0 where it wants no answer. */
export type Request =
  | {
      readonly verb: "hello";
      readonly id: number;
      readonly token: string | undefined;
      /** The first of them is answered as the request `id + 1`, and so on. */
      readonly subs: readonly { readonly topic: string; readonly position: Position | undefined }[];
    }
  | {
      readonly verb: "sub";
      readonly id: number;
      readonly topic: string;
      readonly position: Position | undefined;
      /** How many of the newest messages to begin with. */
      readonly last: number | undefined;
    }
  | { readonly verb: "unsub"; readonly id: number; readonly topic: string }
  | {
      readonly verb: "pub";
      readonly id: number;
      readonly topic: string;
      readonly key: string | undefined;
      readonly payload: Payload;
    }
  | { readonly verb: "call"; readonly id: number; readonly name: string; readonly payload: Payload | undefined }
  /** `id` is that of the call. */
  | { readonly verb: "cancel"; readonly id: number }
  | { readonly verb: "auth"; readonly id: number; readonly token: string }
  | {
      readonly verb: "who";
      readonly id: number;
      readonly topic: string;
      readonly max: number | undefined;
      /** Whether to be told of changes from now on; undefined leaves it as it is. */
      readonly watch: boolean | undefined;
    }
  | { readonly verb: "count"; readonly id: number; readonly topic: string; readonly watch: boolean | undefined }
  | {
      readonly verb: "back";
      readonly id: number;
      readonly topic: string;
      /** Left out: the newest. */
      readonly before: number | undefined;
      readonly epoch: string | undefined;
      readonly max: number | undefined;
    }
  /** The answer to a call of the server's, whose id was this. */
  | { readonly verb: "ok"; readonly call: string; readonly payload: Payload | undefined }
  | { readonly verb: "err"; readonly call: string; readonly code: string; readonly sentence: string | undefined }
  /** `{}`: answered with `{}`. */
  | { readonly verb: "ping" };

export type RequestVerb = Request["verb"];

/** Why a frame is no request. */
export interface Fault {
  readonly verb: "fault";
  /** Of the request, where it could be read; else 0. */
  readonly id: number;
  readonly code: ErrorWord;
  /** For a person. */
  readonly sentence: string;
  /** Whether it is nothing like this protocol. A client that goes on like this is closed. */
  readonly foreign: boolean;
}
