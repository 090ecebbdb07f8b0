import { randomBytes } from "node:crypto";
import { headers } from "@nats-io/transport-node";
import { ApiFault, answerOf, type Requests } from "./requests.js";
import type { Names } from "./names.js";

/** What holds for all topics of the stream: which epoch it is, and up to where positions are forgotten. */
export interface Era {
  readonly epoch: string;
  /** When the stream of the topics was made: another stream is another epoch. */
  readonly stream: string;
  /** Messages up to this number may have been let go, those of quiet topics included. */
  readonly floor: number;
  /** The newest message of the stream when `floor` was moved last, and when that was: in time the floor moves up to it. */
  readonly mark: number;
  readonly markedAt: number;
}

/** The newest record of the stream of epochs. */
export interface Newest {
  /** Its number there, 0 for none. */
  readonly seq: number;
  /** Undefined for none, and for what no node wrote. */
  readonly era: Era | undefined;
}

const VERSION = 1;
/** JetStream's number for a record that another one has come before. */
const WRONG_LAST_SEQUENCE = 10071;
const NO_MESSAGE = 10037;
/** So many records at the end of the stream may be somebody else's. */
const MOST_LOOKS = 16;

export function freshEpoch(): string {
  return randomBytes(8).toString("base64url");
}

/** @returns undefined for what no node wrote */
export function readEra(bytes: Uint8Array): Era | undefined {
  try {
    const record = JSON.parse(Buffer.from(bytes).toString()) as Partial<Era> & { hawser?: unknown };
    const { hawser, epoch, stream, floor, mark, markedAt } = record;
    if (hawser !== VERSION || typeof epoch !== "string" || typeof stream !== "string") return undefined;
    if (![floor, mark, markedAt].every((number) => Number.isSafeInteger(number))) return undefined;
    return { epoch, stream, floor: floor!, mark: mark!, markedAt: markedAt! };
  } catch {
    return undefined;
  }
}

/** As the leader has it. What no node wrote is passed over. */
export async function newestEra(
  requests: Requests,
  names: Names,
  until: number = requests.deadline(),
): Promise<Newest> {
  const subject = `STREAM.MSG.GET.${names.epochs}`;
  let newest = 0;
  let what: object = { last_by_subj: names.epoch };
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    try {
      const { message } = await requests.api(subject, what, until);
      newest = Math.max(newest, message.seq);
      const era = readEra(Buffer.from(message.data ?? "", "base64"));
      if (era !== undefined || message.seq === 1) return { seq: newest, era };
      what = { seq: message.seq - 1 };
    } catch (error) {
      if (error instanceof ApiFault && error.code === NO_MESSAGE) break;
      throw error;
    }
  }
  return { seq: newest, era: undefined };
}

/**
 * Writes what comes after a record. Of several nodes that do so at once the first one wins.
 * @returns what holds then
 */
export async function succeed(
  requests: Requests,
  names: Names,
  { seq, era }: Newest,
  next: Era,
  until: number = requests.deadline(),
): Promise<Newest> {
  const options = headers();
  options.set("Nats-Expected-Last-Sequence", String(seq));
  options.set("Nats-Msg-Id", `${next.stream} ${era?.epoch ?? ""} ${seq}`);
  try {
    answerOf(
      await requests.ask(names.epoch, JSON.stringify({ hawser: VERSION, ...next }), { headers: options, until }),
    );
  } catch (error) {
    if (!(error instanceof ApiFault && error.code === WRONG_LAST_SEQUENCE)) throw error;
  }
  return newestEra(requests, names, until);
}
