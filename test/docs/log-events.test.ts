// docs/log-events.md is equal to `logEvents`, and both to what a server logs.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { createServer, type LogEvent, logEvents, Refuse } from "hawser";
import { type Broker, type BrokerEvents, createHub } from "hawser/hub";
import { WebSocket } from "ws";
import { makeCertificate } from "../harness/certificate.js";
import { codeBlocks, codeWords, readDocument, tableAfter } from "./harness/markdown.js";

const page = readDocument("docs/log-events.md");
const rows = new Map(tableAfter(page, "The events").map((row) => [codeWords(row["Event"] ?? "")[0] ?? "", row]));

test("every event stands in the table with its fields, and no other", () => {
  assert.deepEqual([...rows.keys()], Object.keys(logEvents));
  for (const [event, fields] of Object.entries(logEvents)) {
    assert.deepEqual(codeWords(rows.get(event)?.["Fields"] ?? ""), [...fields], `the fields of ${event}`);
  }
});

test("every field is explained", () => {
  const explained = new Set(tableAfter(page, "The fields").flatMap((row) => codeWords(row["Field"] ?? "")));
  const unexplained = Object.values(logEvents)
    .flat()
    .filter((field) => !["url", "host", "port", "graceMs"].includes(field) && !explained.has(field));
  assert.deepEqual(unexplained, []);
});

test("the examples have the shape of a line", () => {
  const lines = codeBlocks(page, "json").join("").trim().split("\n");
  for (const line of lines) assertLine(JSON.parse(line) as Line, ["time", "msg"]);
  const shown = new Set(lines.map((line) => (JSON.parse(line) as Line).event));
  assert.deepEqual(
    Object.keys(logEvents).filter((event) => !shown.has(event)),
    [],
  );
});

test("a run with every event has lines of that shape", async () => {
  const lines = await runWithEveryEvent();
  for (const line of lines) assertLine(line, []);
  const seen = new Set(lines.map(({ event }) => event));
  assert.deepEqual(
    Object.keys(logEvents).filter((event) => !seen.has(event)),
    [],
  );
});

interface Line {
  level: string;
  event: string;
  [field: string]: unknown;
}

function assertLine(line: Line, besides: string[]): void {
  const { level, event } = line;
  assert.ok(Object.hasOwn(logEvents, event), `there is no event ${event}`);
  const expected = ["level", "event", ...logEvents[event as LogEvent], ...besides];
  assert.deepEqual(Object.keys(line).toSorted(), expected.toSorted(), `the fields of ${event}`);
  assert.ok(rows.get(event)?.["Level"]?.split(" or ").includes(level), `${event} is logged as ${level}`);
}

async function runWithEveryEvent(): Promise<Line[]> {
  const lines: Line[] = [];
  const write =
    (level: string) =>
    (fields: object): void =>
      void lines.push({ level, ...fields } as Line);
  const logger = { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };

  const certificate = makeCertificate();
  const secure = createServer({ logger, tls: certificate });
  secure.setTls(certificate);
  await secure.close();

  const server = createServer({
    logger,
    authenticate({ path }) {
      if (path === "/refused") throw new Refuse(401);
      if (path === "/broken") throw new Error("a fault of the application's");
    },
    message() {
      throw new Error("a fault of the application's");
    },
    request() {
      throw new Error("a fault of the application's");
    },
  });
  const { port, url } = await server.listen(0);

  const leaving = new WebSocket(url);
  await once(leaving, "open");
  leaving.close();
  await once(leaving, "close");

  const failing = new WebSocket(url);
  await once(failing, "open");
  failing.send("hello");
  await once(failing, "close");

  for (const path of ["broken", ...Array.from({ length: 12 }, () => "refused")]) {
    const refused = new WebSocket(`${url}${path}`);
    // Not `once(refused, "close")`: that rejects at the `error` which comes before.
    await new Promise((closed) => refused.on("error", () => {}).on("close", closed));
  }

  await fetch(`http://127.0.0.1:${port}/`);

  const garbage = connect(port, "127.0.0.1");
  garbage.resume().write("HELLO\r\n\r\n");
  await once(garbage, "close");

  await server.close();

  const broker = Object.assign(Object.create(null) as Broker, {
    has: { history: false, presence: false },
    start: () => Promise.reject(new Error("there is no engine")),
    close: () => Promise.resolve(),
  });
  const wakes: BrokerEvents[] = [];
  const foreign = { ...broker, has: broker.has, start: async (to: BrokerEvents) => void wakes.push(to) } as Broker;
  const among = createHub({ logger, broker: foreign });
  await among.ready;
  wakes[0]!.told(Buffer.from("garbage"), "nobody");
  await among.close();
  const hub = createHub({ logger, broker, defaultTopic: { history: { size: 10, ttlMs: 1_000 } } });
  await hub.ready.catch(() => {});
  await hub.close();
  return lines;
}
