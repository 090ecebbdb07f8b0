// Runs test files under node:test, each in a process of its own, and hands out what they say, file by file.

import { relative } from "node:path";
import { run } from "node:test";
import { root } from "./prepare.mjs";

// Where more files fail than this, it is no chance.
const SECOND_TRIES = 3;

/** The events of node:test, those of a file together, when it has ended. As many files as `concurrency` says run at once. */
export async function* testEvents(files, { concurrency, only, trySecond }) {
  const options = only === undefined ? {} : { testNamePatterns: [only] };
  const failed = [];
  for await (const { file, events } of each(files, concurrency, (file) => eventsOf(file, options))) {
    if (events.some(isFailure)) failed.push({ file, events });
    else yield* events;
  }
  for (const { file, events } of failed)
    yield* trySecond && failed.length <= SECOND_TRIES ? await secondTry(file, events) : events;
}

/**
 * What failed while other files ran is run again by itself: most tests drive real processes, and a machine that is busy with something
 * else keeps those from a processor for longer than any test foresees. What passes then is handed out as passed, after what
 * went wrong at first.
 */
async function secondTry(file, events) {
  const failures = events
    .filter((event) => isFailure(event) && event.data.details.type !== "suite")
    .map(({ data }) => data);
  const names = failures.map(({ name }) => name);
  // A file that fails by itself, and not by a test, is reported as a test of its name.
  const whole = names.includes(file);
  const again = await eventsOf(file, whole ? {} : { testNamePatterns: names.map(endsWith) });
  const passed = new Set(
    again.filter(({ type, data }) => type === "test:pass" && data.skip === undefined).map(({ data }) => data.name),
  );
  if (again.some(isFailure) || !(whole || names.every((name) => passed.has(name)))) return events;
  const notes = failures.map(({ name, details: { error } }) => ({
    type: "test:diagnostic",
    data: {
      nesting: 0,
      message: `Failed at first: ${relative(root, file)}: ${name}\n${error.cause?.stack ?? error.stack}`,
    },
  }));
  return [...notes, ...(whole ? again : events.map(asPassed))];
}

function isFailure({ type, data }) {
  return type === "test:fail" && data.todo === undefined;
}

function asPassed(event) {
  return isFailure(event) ? { type: "test:pass", data: event.data } : event;
}

function endsWith(name) {
  return new RegExp(`${name.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`)}$`);
}

async function eventsOf(file, options) {
  const events = await run({ files: [file], ...options }).toArray();
  // The totals of one file: the caller has those of all.
  return events.filter(
    ({ type, data }) =>
      type !== "test:plan" && type !== "test:summary" && !(type === "test:diagnostic" && data.file === undefined),
  );
}

/** Calls `work` for each of them, `concurrency` at once, and hands out what it returns as it comes. */
async function* each(files, concurrency, work) {
  const waiting = files.values();
  const running = new Map();
  const begin = () => {
    const { value: file, done } = waiting.next();
    if (!done)
      running.set(
        file,
        work(file).then((events) => ({ file, events })),
      );
  };
  for (let n = 0; n < concurrency; n++) begin();
  while (running.size > 0) {
    const ended = await Promise.race(running.values());
    running.delete(ended.file);
    begin();
    yield ended;
  }
}
