/** What must hold after every group of hostile clients, whatever they did. */
import assert from "node:assert/strict";

import { until } from "../../harness/concurrency.js";
import { RawClient } from "../../harness/raw-client.js";
import type { LogLine, ServerProcess } from "../../harness/server.js";

/** What the server may hold beyond what it held at first: node's heap is lazy, so this is far above what clients may cost. */
const MAX_GROWTH_BYTES = 150 * 1024 * 1024;

const CONNECT_FIELDS = ["id", "clients"];
const DISCONNECT_FIELDS = [
  "id",
  "clients",
  "code",
  "cause",
  "initiator",
  "durationMs",
  "messagesIn",
  "messagesOut",
  "bytesIn",
  "bytesOut",
];

export class Health {
  readonly #server: ServerProcess;
  readonly #baseline: number;
  #peak = 0;
  #linesRead = 0;

  private constructor(server: ServerProcess) {
    this.#server = server;
    this.#baseline = server.rssBytes();
    setInterval(() => this.#sampleMemory(), 100).unref();
  }

  /** Serves a few honest clients first, so that what is loaded once does not count as growth. */
  static async of(server: ServerProcess): Promise<Health> {
    for (let warmUp = 0; warmUp < 20; warmUp++) await honestEcho(server.url);
    return new Health(server);
  }

  async check(): Promise<void> {
    assert.equal(this.#server.exited, undefined, "the server process has ended");
    await honestEcho(this.#server.url);
    await this.everyoneGone();
    this.#sampleMemory();
    const growth = this.#peak - this.#baseline;
    assert.ok(growth < MAX_GROWTH_BYTES, `memory grew by ${Math.round(growth / 1024 / 1024)} MiB`);
    assert.deepEqual(this.#server.strayLines, [], "output that is no JSON log line");
    const lines = this.#server.lines.slice(this.#linesRead);
    this.#linesRead = this.#server.lines.length;
    for (const line of lines) checkLine(line);
  }

  #sampleMemory(): void {
    if (this.#server.exited === undefined) this.#peak = Math.max(this.#peak, this.#server.rssBytes());
  }

  /** Each connect line has its disconnect line, once, and the last one counts no clients. */
  async everyoneGone(): Promise<void> {
    const ids = (event: string): string[] =>
      this.#server.lines.filter((line) => line.event === event).map((line) => String(line.id));
    const open = (): number => ids("connect").length - ids("disconnect").length;
    await until(() => open() === 0, "the disconnect line of every client that connected").catch((error: unknown) => {
      const gone = new Set(ids("disconnect"));
      const left = this.#server.lines.filter((line) => line.event === "connect" && !gone.has(String(line.id)));
      throw new Error(`${String(error)}; still there: ${JSON.stringify(left.slice(0, 5))}`);
    });
    assert.deepEqual(new Set(ids("disconnect")), new Set(ids("connect")));
    assert.equal(new Set(ids("connect")).size, ids("connect").length, "an id was given twice");
    assert.equal(this.#server.lines.findLast((line) => line.event === "disconnect")?.["clients"], 0);
  }
}

/** A log line as the contract has it; a client's fault is neither an error nor a stack trace. */
function checkLine(line: LogLine): void {
  const text = JSON.stringify(line);
  assert.equal(typeof line.event, "string", `no event: ${text}`);
  assert.ok(line.level !== undefined && line.time !== undefined, `no level or time: ${text}`);
  assert.ok(!["error", "fatal", 50, 60].includes(line.level), `a client's fault logged as ${line.level}: ${text}`);
  assert.ok(!/\\n\s+at |"stack"/.test(text), `a stack trace: ${text}`);
  assert.ok(text.length < 2_000, `a log line of ${text.length} bytes`);
  const fields = line.event === "connect" ? CONNECT_FIELDS : line.event === "disconnect" ? DISCONNECT_FIELDS : [];
  for (const field of fields) assert.ok(line[field] !== undefined, `${line.event} line without ${field}: ${text}`);
}

async function honestEcho(url: string): Promise<void> {
  const client = await RawClient.open(url);
  try {
    await client.echo("is anybody there?");
    await client.close();
  } finally {
    client.destroy();
  }
}
