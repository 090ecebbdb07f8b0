import { type Request, writeBinaryOk, writeOk } from "@hawser/wire/server";
import { isThenable } from "../../server/base/thenable.js";
import type { Call, HubContext } from "../hub-context.js";
import { HubError } from "../hub-error.js";
import { outcomeOf } from "../hub-stats.js";
import { sentenceOf } from "../schema-issues.js";
import { PendingCall } from "./pending-call.js";
import type { Requester } from "./requester.js";

type CallRequest = Extract<Request, { verb: "call" }>;

/** Begins a call of a client's. What comes behind it does not wait for it. */
export function runCall(session: Requester, request: CallRequest, context: HubContext): void {
  const { id, name, payload } = request;
  const { wheel, options, counts } = context;
  const { callOutcomes } = counts;
  const call = context.calls.get(name);
  if (call === undefined) {
    callOutcomes.refused++;
    return session.refuse(id, "unknown-call", `there is no call ${name}`);
  }
  if (!session.mayBegin(id)) {
    callOutcomes.refused++;
    return;
  }
  const deadline = wheel.time.now + options.callTimeoutMs;
  const pending = new PendingCall(id, deadline, () => {
    pending.isAnswered = true;
    callOutcomes.timeout++;
    session.refuse(id, "timeout", `no answer within ${options.callTimeoutMs} ms`);
    pending.abort();
  });
  session.begin(id, pending);
  wheel.schedule(pending, deadline);
  counts.calls++;
  counts.callsPending++;
  // A copy: the frame lies in memory of the server's.
  const input = payload?.binary === true ? new Uint8Array(payload.bytes) : payload?.value;
  const end = (): boolean => {
    session.ended();
    counts.callsPending--;
    wheel.remove(pending);
    const isLate = pending.isAnswered;
    pending.isAnswered = true;
    return !isLate;
  };
  carryOut(call, input, session, pending).then(
    (output) => {
      if (end()) callOutcomes[answer(session, id, output) ? "answered" : "failed"]++;
    },
    (error: unknown) => {
      if (!end()) return;
      callOutcomes[error instanceof HubError ? outcomeOf(error.code) : "failed"]++;
      session.fail(id, `calls.${name}`, error);
    },
  );
}

/** The handler is called at once, unless the schema of the input takes its time. */
function carryOut(call: Call, value: unknown, session: Requester, { signal }: PendingCall): Promise<unknown> {
  const { user, client } = session;
  const handle = (input: unknown): unknown =>
    signal.aborted ? undefined : call.handler(input, { user, client, signal });
  return new Promise((resolve) => {
    const input = validated(call, value);
    resolve(isThenable(input) ? Promise.resolve(input).then(handle) : handle(input));
  });
}

/** What the schema makes of the input, or a promise of it. @throws HubError */
function validated({ definition }: Call, value: unknown): unknown {
  if (definition.input === undefined) return value;
  const result = definition.input["~standard"].validate(value);
  return isThenable(result) ? result.then(valueOf) : valueOf(result);
}

function valueOf(result: { value?: unknown; issues?: readonly { message: string }[] | undefined }): unknown {
  if (result.issues !== undefined) throw new HubError("bad-request", sentenceOf(result.issues));
  return result.value;
}

/** @returns false for an answer that cannot be sent */
function answer(session: Requester, id: number, output: unknown): boolean {
  if (output instanceof Uint8Array) {
    session.answer(id, writeBinaryOk(id, output));
    return true;
  }
  try {
    session.answer(id, writeOk(id, {}, JSON.stringify(output)));
    return true;
  } catch (error) {
    session.fail(id, "the answer to a call", error);
    return false;
  }
}
