/** Prometheus itself: promtool accepts the files of deploy/ and the text of /metrics, and a real one scrapes a real server. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { createServer } from "hawser";
import { createHub } from "hawser/hub";
import { createMetrics } from "@hawser/admin/metrics";
import { stringify } from "yaml";
import { PATIENCE_MS, sleep } from "../harness/concurrency.js";
import { frame } from "../harness/frames.js";
import { freePort } from "../harness/free-port.js";
import { RawClient } from "../harness/raw-client.js";
import { projectRoot } from "../harness/root.js";
import { need, run } from "./harness/system.js";

const deploy = join(projectRoot, "deploy");
const dashboard = JSON.parse(readFileSync(join(deploy, "grafana-dashboard.json"), "utf8")) as {
  panels: { title: string; targets?: { expr: string }[] }[];
};
/** The queries of the panels, with the variables that Grafana fills in. */
const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => ({
    title,
    expr: expr.replaceAll("$__rate_interval", "30s").replaceAll("$job", "hawser").replaceAll("$instance", ".*"),
  })),
);

function scratch(test: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "hawser-prometheus-"));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A server that has seen a little of everything, and its metrics over HTTP. */
async function startServer(test: TestContext): Promise<{ port: number; text: () => Promise<string> }> {
  const hub = createHub({ defaultTopic: { history: { size: 10, ttlMs: 60_000 } } });
  const server = createServer(
    hub.serverOptions({
      logLevel: "silent",
      open: async (client) => {
        client.subscribe("room");
        await hub.join(client, "topic");
      },
      message: (_client, message) => void server.publish("room", message),
    }),
  );
  const { url } = await server.listen(0);
  const peer = await RawClient.open(url);
  const metrics = createMetrics(server, { hub });
  const respond = async (response: ServerResponse): Promise<void> => {
    // So that rates have something to show.
    await peer.sendFrame(frame.text("hello"));
    await peer.nextMessage();
    await hub.publish("topic", "hello");
    await peer.nextMessage();
    response.setHeader("Content-Type", metrics.contentType);
    response.end(await metrics.text());
  };
  const http = createHttpServer((_request, response) => void respond(response));
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  test.after(async () => {
    metrics.stop();
    peer.destroy();
    http.closeAllConnections();
    http.close();
    await server.close({ graceMs: 0 });
    await hub.close();
  });
  return { port: (http.address() as AddressInfo).port, text: () => metrics.text() };
}

const promtool = await need("promtool");

describe("promtool", { skip: promtool.missing }, () => {
  async function accepts(args: string[], cwd: string): Promise<void> {
    const { failure, stdout, stderr } = await run(promtool.path, args, {}, cwd);
    assert.equal(failure, undefined, `promtool ${args.join(" ")}: ${stdout}${stderr}`);
  }

  it("accepts the alert rules", () => accepts(["check", "rules", "prometheus-alerts.yml"], deploy));

  it("accepts the example of how to scrape, with the rules", () =>
    accepts(["check", "config", "prometheus.yml"], deploy));

  it("sees the alerts fire when they should, and not when all is well", () =>
    accepts(["test", "rules", "alerts.test.yml"], join(projectRoot, "test/interop/prometheus")));

  it("has nothing to say against the text, its names and its units", async (test) => {
    const { text } = await startServer(test);
    const output = execFileSync(promtool.path, ["check", "metrics"], { input: await text(), encoding: "utf8" });
    assert.equal(output, "");
  });

  it("can read the dashboard's queries", async (test) => {
    const folder = scratch(test);
    const rules = queries.map(({ expr }, index) => ({ record: `query:${index}`, expr }));
    writeFileSync(join(folder, "queries.yml"), stringify({ groups: [{ name: "dashboard", rules }] }));
    await accepts(["check", "rules", "queries.yml"], folder);
  });
});

const prometheus = await need("prometheus");

describe("Prometheus", { skip: prometheus.missing }, () => {
  it("scrapes a server, evaluates the rules and has data for the dashboard", async (test) => {
    const { port } = await startServer(test);
    const folder = scratch(test);
    const configuration = readFileSync(join(deploy, "prometheus.yml"), "utf8")
      .replaceAll("15s", "1s")
      .replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`);
    writeFileSync(join(folder, "prometheus.yml"), configuration);
    writeFileSync(join(folder, "prometheus-alerts.yml"), readFileSync(join(deploy, "prometheus-alerts.yml")));
    const listen = `127.0.0.1:${await freePort()}`;
    const child = spawn(
      prometheus.path,
      [
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        `--web.listen-address=${listen}`,
        "--log.level=error",
      ],
      { cwd: folder, stdio: ["ignore", "ignore", "pipe"] },
    );
    const exited = once(child, "exit");
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => void (errors += chunk.toString()));
    test.after(async () => {
      child.kill("SIGKILL");
      await exited;
    });

    async function ask<Data>(path: string): Promise<Data | undefined> {
      try {
        const response = await fetch(`http://${listen}/api/v1/${path}`);
        const { status, data, error } = (await response.json()) as { status: string; data: Data; error?: string };
        assert.equal(status, "success", error);
        return data;
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        assert.equal(child.exitCode, null, errors);
        return undefined; // It does not listen yet.
      }
    }
    async function query(expr: string): Promise<unknown[]> {
      return (await ask<{ result: unknown[] }>(`query?query=${encodeURIComponent(expr)}`))?.result ?? [];
    }
    async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
      const deadline = performance.now() + PATIENCE_MS;
      while (!(await holds())) {
        assert.ok(performance.now() < deadline, `waited in vain for ${what}: ${errors}`);
        await sleep(200);
      }
    }

    await eventually("a scrape", async () => (await query('up{job="hawser"} == 1')).length === 1);
    await eventually("rates", async () => (await query("rate(hawser_messages_received_total[30s]) > 0")).length === 1);
    const empty: string[] = [];
    for (const { title, expr } of queries) {
      // What has not happened is not shown.
      if (expr.endsWith("> 0")) continue;
      if ((await query(expr)).length === 0) empty.push(`${title}: ${expr}`);
    }
    assert.deepEqual(empty, []);

    interface Rules {
      groups: { rules: { name: string; health: string; state: string; lastError?: string }[] }[];
    }
    const rulesOf = async (): Promise<Rules["groups"][0]["rules"]> =>
      (await ask<Rules>("rules"))?.groups.flatMap(({ rules }) => rules) ?? [];
    await eventually("the rules", async () => (await rulesOf()).every(({ health }) => health !== "unknown"));
    const rules = await rulesOf();
    assert.ok(rules.length > 10);
    for (const { name, health, state, lastError } of rules) {
      assert.equal(health, "ok", `${name}: ${lastError}`);
      // The machine that the tests run on may be too busy for it.
      if (name === "HawserEventLoopBlocked") continue;
      assert.equal(state, "inactive", `${name} for a server that is well`);
    }
  });
});
