/**
 * An exchange with a server as data: what the client sends and how it is cut up, what must come back, how it must end.
 * The suites of cases are tables of these.
 */
import assert from "node:assert/strict";

import { sleep } from "./concurrency.js";
import { encodeFrame, type FrameSpec, frame, toBytes } from "./frames.js";
import { type ConnectOptions, describe, RawClient } from "./raw-client.js";

/** A frame, bytes as they are, or a wait. */
export type Step = FrameSpec | { bytes: Uint8Array | string } | { pauseMs: number };

/** How the bytes are written: in one go, a write per step, or pieces of so many bytes. */
export type Chop = "at once" | "per frame" | number;

export type Expected =
  | { text: string | Uint8Array; optional?: boolean }
  | { binary: string | Uint8Array; optional?: boolean }
  | { pong: string | Uint8Array; optional?: boolean };

export type End =
  /** The client closes with this code (default 1000) when everything expected has come; the server answers with the same. */
  | { clean: number }
  /** The steps hold the client's close frame; the server's answer must carry this code, or no body at all. */
  | { answered: number | readonly number[] | "no body" }
  /** The server must fail the connection with one of these codes, by itself. */
  | { failed: number | readonly number[] };

export const CLEAN: End = { clean: 1000 };

export interface Exchange {
  send: readonly Step[];
  /** @default "per frame" */
  chop?: Chop;
  /** In this order, and nothing else. @default nothing */
  expect?: readonly Expected[];
  /** @default CLEAN */
  end?: End;
  timeoutMs?: number;
}

export async function exchange(url: string, what: Exchange, options: ConnectOptions = {}): Promise<void> {
  const client = await RawClient.open(url, options);
  try {
    await exchangeOn(client, what);
  } finally {
    client.destroy();
  }
}

export async function exchangeOn(client: RawClient, what: Exchange): Promise<void> {
  const end = what.end ?? CLEAN;
  const sending = sendSteps(client, what.send, what.chop ?? "per frame");
  for (const expected of what.expect ?? []) await expectEvent(client, expected, what.timeoutMs);
  await sending;
  if ("clean" in end) await client.sendFrame(frame.close(end.clean));
  const close = await nextAnswer(client, what.timeoutMs);
  assert.equal(close?.type, "close", `a close frame was expected, but ${describe(close, await client.ended(0))}`);
  // RFC 6455 5.5.1: answer a close frame; the server may then end the TCP connection at once
  if ("failed" in end) void client.sendFrame({ opcode: 0x8, payload: client.frames().at(-1)?.payload ?? "" });
  if ("clean" in end) await client.expectClose(end.clean, what.timeoutMs);
  else if ("failed" in end) await client.expectClose(end.failed, what.timeoutMs);
  else await client.expectClose(end.answered === "no body" ? 1005 : end.answered, what.timeoutMs);
  assert.deepEqual(
    client
      .unreadEvents()
      .filter(({ type }) => type !== "ping")
      .map((event) => describe(event)),
    [],
    "nothing may follow the close frame",
  );
  assert.deepEqual(client.violations, [], "the server broke the protocol");
}

async function sendSteps(client: RawClient, steps: readonly Step[], chop: Chop): Promise<void> {
  if (chop === "at once") {
    await client.sendBytes(Buffer.concat(steps.map(stepBytes)));
    return;
  }
  for (const step of steps) {
    if ("pauseMs" in step) await sleep(step.pauseMs);
    else if (chop === "per frame") {
      await client.sendBytes(stepBytes(step));
      await new Promise<void>((next) => setImmediate(next));
    } else await client.sendChopped(stepBytes(step), chop);
  }
}

function stepBytes(step: Step): Buffer {
  if ("pauseMs" in step) return Buffer.alloc(0);
  return "bytes" in step ? toBytes(step.bytes) : encodeFrame(step);
}

async function expectEvent(client: RawClient, expected: Expected, timeoutMs?: number): Promise<void> {
  const type = "text" in expected ? "text" : "binary" in expected ? "binary" : "pong";
  const bytes = toBytes("text" in expected ? expected.text : "binary" in expected ? expected.binary : expected.pong);
  if (expected.optional === true && (await peekAnswer(client, timeoutMs))?.type === "close") return;
  const event = await nextAnswer(client, timeoutMs);
  const wanted = describe({ type, bytes, compressed: false });
  if (event?.type !== type) assert.fail(`${wanted} was expected, but ${describe(event, await client.ended(0))}`);
  if (bytes.equals(event.bytes)) return;
  const at = bytes.findIndex((byte, index) => byte !== event.bytes[index]);
  assert.fail(`${wanted} was expected, ${describe(event)} came; first difference at byte ${at}`);
}

type Answer = Awaited<ReturnType<RawClient["nextEvent"]>>;

/** What comes next, the server's own pings apart: its heartbeat goes on whatever the exchange is about. */
async function peekAnswer(client: RawClient, timeoutMs?: number): Promise<Answer> {
  while ((await client.peekEvent(timeoutMs))?.type === "ping") await client.nextEvent(timeoutMs);
  return client.peekEvent(timeoutMs);
}

async function nextAnswer(client: RawClient, timeoutMs?: number): Promise<Answer> {
  await peekAnswer(client, timeoutMs);
  return client.nextEvent(timeoutMs);
}
