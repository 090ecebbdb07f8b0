/** Practices 1, 6, 7 and 8, as far as they are seen in the log of a server that `--exec` started. */
import { count } from "../amounts.js";
import { type Check, fail, type Finding, notTestable, pass, warn } from "../check.js";
import type { LogFacts } from "../context.js";
import { clientName, fieldsOf, isError } from "../log-lines.js";
import { LOG_CLIENTS, LOG_MESSAGES } from "../log-watch.js";

function logCheck(check: Omit<Check, "does" | "run">, judge: (facts: LogFacts) => Finding): Check {
  return {
    ...check,
    needsExec: true,
    does: `reads the log that was written while ${LOG_CLIENTS} clients came, sent ${LOG_MESSAGES} messages and closed`,
    run: ({ logFacts }) =>
      Promise.resolve(logFacts === undefined ? notTestable("the log was not watched") : judge(logFacts)),
  };
}

export const logIds: Check = logCheck(
  {
    practice: 1,
    name: "log-ids",
    title: "the log tells clients apart",
    advice: "log an id of the connection's own with each line about a client",
    link: "docs/log-events.md",
  },
  ({ onConnect, ports }) => {
    const names = onConnect.map(clientName).filter((name) => name !== undefined);
    if (names.length < LOG_CLIENTS) return notTestable("its lines have no field with a client's id");
    if (new Set(names).size < LOG_CLIENTS)
      return fail(`clients that are connected together have the same id: ${mostCommon(names)}`);
    // An address with its port comes back with the next client that gets the port.
    if (names.every((name) => ports.some((port) => name.endsWith(`:${port}`))))
      return fail(`a client's id is its address: ${names[0]}`);
    return pass(`${names.length} clients, ${new Set(names).size} ids`, { ids: new Set(names).size });
  },
);

export const logStructure: Check = logCheck(
  {
    practice: 6,
    name: "log-structure",
    title: "the log is structured",
    advice: "write one JSON object a line (pino does), with the same names for the same fields",
  },
  (facts) => {
    const lines = [...facts.onConnect, ...facts.onDisconnect];
    if (lines.length === 0) return fail("nothing was logged while clients came and went");
    const plain = lines.filter((line) => fieldsOf(line) === undefined);
    const measured = { lines: lines.length, structured: lines.length - plain.length };
    if (plain.length === 0) return pass(`${count(lines.length, "line")}, all JSON or logfmt`, measured);
    return fail(
      `${plain.length} of ${count(lines.length, "line")} neither JSON nor logfmt: ${JSON.stringify(plain[0]?.slice(0, 60))}`,
      measured,
    );
  },
);

export const logEvents: Check = logCheck(
  {
    practice: 6,
    name: "log-events",
    title: "one line on connect, one on disconnect",
    advice: "log one line when a client comes and one when it goes",
  },
  ({ onConnect, onDisconnect, closes }) => {
    const measured = { connectLines: onConnect.length, disconnectLines: onDisconnect.length, clients: LOG_CLIENTS };
    const seen = `${LOG_CLIENTS} clients: ${count(onConnect.length, "line")} on connect, ${onDisconnect.length} on disconnect`;
    if (onConnect.length < LOG_CLIENTS || onDisconnect.length < closes) return fail(seen, measured);
    // A line or two may be about something else.
    const most = LOG_CLIENTS + 2;
    return onConnect.length > most || onDisconnect.length > most ? warn(seen, measured) : pass(seen, measured);
  },
);

export const logLevels: Check = logCheck(
  {
    practice: 7,
    name: "log-levels",
    title: "a normal close is not logged as an error",
    advice: "keep the level error for faults of the server's own; clients come and go",
    link: "docs/log-events.md",
  },
  ({ onDisconnect }) => {
    const errors = onDisconnect.filter(isError);
    const measured = { errorLines: errors.length };
    if (errors.length === 0) return pass(`${LOG_CLIENTS} normal closes, no line at level error`, measured);
    return fail(
      `${LOG_CLIENTS} normal closes, ${count(errors.length, "line")} at level error: ${JSON.stringify(errors[0]?.slice(0, 60))}`,
      measured,
    );
  },
);

export const logPerMessage: Check = logCheck(
  {
    practice: 8,
    name: "log-per-message",
    title: "no line for a message",
    advice: "count messages, and log the counts when a client goes",
    link: "docs/log-events.md",
  },
  ({ onMessages }) => {
    if (onMessages === null) return notTestable("no message is known that it takes");
    const measured = { lines: onMessages.length, messages: LOG_MESSAGES };
    const seen = `${count(onMessages.length, "line")} for ${LOG_MESSAGES} messages`;
    // Something with a timer of its own may have spoken meanwhile.
    return onMessages.length > LOG_MESSAGES / 20 ? fail(seen, measured) : pass(seen, measured);
  },
);

function mostCommon(names: readonly string[]): string {
  return names.find((name, at) => names.indexOf(name) !== at) ?? "";
}
