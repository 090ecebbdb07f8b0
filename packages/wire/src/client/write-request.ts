/** Where a reader of a topic is: after this offset, in this epoch. Without it, a subscription begins with what is published from now on. */
export type SubEntry = readonly [topic: string] | readonly [topic: string, offset: number, epoch: string];

/** Asks whether the server is there: it answers `{}`. */
export const PING = "{}";

// JSON.stringify writes keys in the order in which they stand here, and leaves out what is undefined. So d is last.

/** The first of `subs` is answered as the request `id + 1`, and so on. */
export function writeHello(id: number, token?: string, subs?: readonly SubEntry[]): string {
  return JSON.stringify({ hello: 1, id, token, subs });
}

export function writeSub(topic: string, id: number, offset?: number, epoch?: string): string {
  return JSON.stringify({ sub: topic, id, o: offset, e: epoch });
}

/** To begin with the last messages that are kept. */
export function writeSubLast(topic: string, id: number, last: number): string {
  return JSON.stringify({ sub: topic, id, last });
}

export function writeUnsub(topic: string, id?: number): string {
  return JSON.stringify({ unsub: topic, id });
}

/** Without an id there is no answer. With a key it is published once, however often it is sent. */
export function writePub(topic: string, data: unknown, id?: number, key?: string): string {
  return JSON.stringify({ pub: topic, id, key, d: data });
}

export function writeCall(name: string, id: number, data?: unknown): string {
  return JSON.stringify({ call: name, id, d: data });
}

/** The call with this id is given up, and still answered. */
export function writeCancel(id: number): string {
  return JSON.stringify({ cancel: id });
}

export function writeAuth(token: string, id: number): string {
  return JSON.stringify({ auth: token, id });
}

/** `watch`: whether to be told of changes from now on. */
export function writeWho(topic: string, id: number, max?: number, watch?: boolean): string {
  return JSON.stringify({ who: topic, id, max, watch });
}

export function writeCount(topic: string, id: number, watch?: boolean): string {
  return JSON.stringify({ count: topic, id, watch });
}

/** A page of a topic's history: at most `max` messages before this offset, or the newest. */
export function writeBack(topic: string, id: number, before?: number, epoch?: string, max?: number): string {
  return JSON.stringify({ back: topic, id, before, e: epoch, max });
}

/** Answers a call of the server's. */
export function writeOk(call: string, data?: unknown): string {
  return JSON.stringify({ ok: call, d: data });
}

/** Answers a call of the server's that went wrong. */
export function writeErr(call: string, code: string, sentence?: string): string {
  return JSON.stringify({ err: call, code, msg: sentence });
}
