// docs/metrics.md is equal to what a scrape gets; the alerts and the dashboard name metrics that exist.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createServer } from "hawser";
import { createHub } from "hawser/hub";
import { createMetrics } from "@hawser/admin/metrics";
import { parse } from "yaml";
import { readExposition } from "../metrics/harness/exposition.js";
import { anchors, codeWords, readDocument, tableAfter } from "./harness/markdown.js";

const page = readDocument("docs/metrics.md");
const hub = createHub();
const metrics = createMetrics(createServer({ logLevel: "silent" }), { hub });
const families = readExposition(await metrics.text());
metrics.stop();
await hub.close();

interface Alert {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: { summary: string; description: string; runbook: string };
}
const { groups } = parse(readDocument("deploy/prometheus-alerts.yml")) as { groups: { rules: Alert[] }[] };
const alerts = groups.flatMap(({ rules }) => rules);
const dashboard = readDocument("deploy/grafana-dashboard.json");

/** The metrics that a text names, by the names of their families. */
function named(text: string): Set<string> {
  const names = new Set<string>();
  for (const [name] of text.matchAll(/\bhawser_[a-z0-9_]*[a-z]\b/g)) {
    const family = name.replace(/_(bucket|sum|count)$/, "");
    names.add(families.has(family) ? family : name);
  }
  return names;
}

test("every metric stands in the table with its type, labels and help, and no other", () => {
  assert.deepEqual(
    tableAfter(page, "The metrics"),
    [...families.values()].map(({ name, type, help, samples }) => {
      const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)));
      labels.delete("le");
      return {
        Metric: `\`${name}\``,
        Type: type,
        Labels: [...labels].map((label) => `\`${label}\``).join(", "),
        Meaning: help,
      };
    }),
  );
});

test("every metric that the page, the alerts and the dashboard name is one", () => {
  const words = codeWords(page).join(" ").replaceAll("hawser_process_…", "").replaceAll("hawser_event_loop_…", "");
  for (const text of [words, dashboard, ...alerts.map(({ expr }) => expr)]) {
    for (const name of named(text)) assert.ok(families.has(name), `there is no metric ${name}`);
  }
});

test("every metric is on the dashboard", () => {
  const shown = named(dashboard);
  assert.deepEqual(
    [...families.keys()].filter((name) => !shown.has(name)),
    [],
  );
});

test("what an alert or a panel looks for in a label is a value that the label has", () => {
  let checked = 0;
  for (const text of [dashboard.replaceAll('\\"', '"'), ...alerts.map(({ expr }) => expr)]) {
    for (const [, name = "", selector = ""] of text.matchAll(/\b(hawser_[a-z0-9_]+)\{([^}]*)\}/g)) {
      const family = families.get(name.replace(/_(bucket|sum|count)$/, ""))!;
      for (const [, label = "", wanted = ""] of selector.matchAll(/(\w+)(?:=~|!=|=)"([^"]*)"/g)) {
        if (["job", "instance"].includes(label)) continue;
        const values = new Set(family.samples.map((sample) => sample.labels[label]));
        for (const value of wanted.split("|")) {
          assert.ok(values.has(value), `${name} has no ${label} ${value}`);
          checked++;
        }
      }
    }
  }
  assert.ok(checked > 10);
});

test("every alert says how bad it is, for how long, and what to do", () => {
  const headings = anchors(page);
  assert.ok(alerts.length > 10);
  assert.equal(new Set(alerts.map(({ alert }) => alert)).size, alerts.length);
  for (const { alert, labels, annotations } of alerts) {
    assert.ok(["warning", "critical"].includes(labels.severity), alert);
    assert.ok(annotations.summary !== "" && annotations.description !== "", alert);
    assert.equal(annotations.runbook, `docs/metrics.md#${alert.toLowerCase()}`);
    assert.ok(headings.has(alert.toLowerCase()), `${alert} has no heading`);
  }
  const described = [...page.matchAll(/^### (Hawser\w+)$/gm)].map(([, alert]) => alert);
  assert.deepEqual(
    described,
    alerts.map(({ alert }) => alert),
  );
});

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource?: { type: string; uid: string };
  targets?: { expr: string; refId: string }[];
}
interface Dashboard {
  schemaVersion: number;
  uid: string;
  title: string;
  panels: Panel[];
  templating: { list: { name: string; type: string }[] };
}

test("the dashboard takes its data source and its servers as variables", () => {
  const { schemaVersion, templating, panels } = JSON.parse(dashboard) as Dashboard;
  assert.ok(schemaVersion >= 38);
  assert.deepEqual(
    templating.list.map(({ name, type }) => [name, type]),
    [
      ["datasource", "datasource"],
      ["job", "query"],
      ["instance", "query"],
    ],
  );
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length, "every panel has an id of its own");
  for (const { type, title, datasource, targets = [], gridPos } of panels) {
    assert.ok(gridPos.x + gridPos.w <= 24, title);
    if (type === "row") continue;
    assert.deepEqual(datasource, { type: "prometheus", uid: "${datasource}" }, title);
    assert.ok(targets.length > 0, title);
    for (const { expr } of targets) assert.ok(expr.includes('job=~"$job", instance=~"$instance"'), expr);
  }
});
