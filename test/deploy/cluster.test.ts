/** deploy/helm, deploy/kubernetes and deploy/compose: they are what Kubernetes, Helm and Compose take, and their numbers agree with the server's. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { text } from "node:stream/consumers";
import { Ajv } from "ajv";
import { parse, parseAllDocuments, stringify } from "yaml";
import { settings } from "#cli/config/settings.js";
import { compile } from "../docs/harness/compile.js";
import { projectRoot } from "../harness/root.js";
import { need, run, scratchFolder } from "../interop/harness/system.js";

const read = (path: string): string => readFileSync(join(projectRoot, path), "utf8");
const CHART = "deploy/helm/hawser";
const MANIFESTS = "deploy/kubernetes/hawser.yaml";
const COMPOSE = "deploy/compose/compose.yml";

interface Container {
  env: { name: string; value?: string; valueFrom?: object }[];
  ports: { name: string; containerPort: number }[];
  lifecycle: { preStop: { sleep: { seconds: number } } };
}
interface Resource {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: { template: { spec: { containers: [Container]; terminationGracePeriodSeconds: number } } };
}
type Values = Record<string, unknown>;

const values = parse(read(`${CHART}/values.yaml`)) as Values;
const go = await need("go");

function documentsOf(yaml: string): Resource[] {
  return parseAllDocuments(yaml)
    .map((document) => {
      assert.deepEqual(document.errors, []);
      return document.toJS() as Resource | null;
    })
    .filter((document) => document !== null);
}

/** The chart with these values in place of its own. */
async function render(own: Values = {}): Promise<Resource[]> {
  const folder = join(projectRoot, CHART, "templates");
  const templates = Object.fromEntries(
    readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]),
  );
  const { appVersion: AppVersion } = parse(read(`${CHART}/Chart.yaml`)) as { appVersion: string };
  const given = { templates, values: { ...values, ...own }, chart: { AppVersion }, release: { Name: "hawser" } };
  const program = spawn(await renderer(), [], { stdio: ["pipe", "pipe", "inherit"] });
  program.stdin.end(JSON.stringify(given));
  const rendered = JSON.parse(await text(program.stdout)) as Record<string, string>;
  return Object.keys(rendered)
    .toSorted()
    .flatMap((name) => documentsOf(rendered[name]!));
}

let built: Promise<string> | undefined;
function renderer(): Promise<string> {
  return (built ??= (async () => {
    const program = join(scratchFolder(), `render-chart-${process.pid}`);
    const source = join(projectRoot, "test/deploy/render/render.go");
    const { failure, stderr } = await run(go.path, ["build", "-o", program, source], {
      GO111MODULE: "off",
      GOCACHE: join(scratchFolder(), "go-cache"),
      CGO_ENABLED: "0",
    });
    assert.equal(failure, undefined, stderr);
    return program;
  })());
}

/** What is in no group of Kubernetes' types is a fault for the compiler, at any depth. */
async function checkTypes(resources: readonly Resource[]): Promise<void> {
  await compile(
    resources
      .map(({ apiVersion, kind, ...rest }, index) => {
        const group = apiVersion.includes("/") ? apiVersion.replace(/\.k8s\.io/, "") : `core/${apiVersion}`;
        return `import type { ${kind} as Kind${index} } from "kubernetes-types/${group}.d.ts";
          const it${index}: Kind${index} = ${JSON.stringify({ apiVersion, kind, ...rest })};`;
      })
      .join("\n"),
  );
}

const everything = {
  trustProxy: ["10.0.0.0/8", "fd00::/8"],
  env: { HAWSER_HISTORY_SIZE: "50" },
  ingress: { ...(values["ingress"] as object), enabled: true },
  networkPolicy: { clientsFrom: "ingress-nginx", metricsFrom: "monitoring" },
};

describe("deploy/helm", { skip: go.missing }, () => {
  it("renders with its defaults what deploy/kubernetes has", async () => {
    const rendered = await render();
    if (process.env["UPDATE"] === "1") {
      const comment = read(MANIFESTS)
        .match(/^#.*\n/gm)!
        .join("");
      writeFileSync(join(projectRoot, MANIFESTS), comment + rendered.map((one) => `---\n${stringify(one)}`).join(""));
    }
    assert.deepEqual(documentsOf(read(MANIFESTS)), rendered);
    await checkTypes(rendered);
  });

  it("renders all that may be switched on, as Kubernetes takes it", async () => {
    const rendered = await render(everything);
    assert.deepEqual(rendered.map(({ kind }) => kind).toSorted(), [
      "Deployment",
      "Ingress",
      "NetworkPolicy",
      "PodDisruptionBudget",
      "Service",
      "Service",
    ]);
    await checkTypes(rendered);
    const { env } = containerOf(rendered);
    assert.deepEqual(
      env.filter(({ name }) => ["HAWSER_TRUST_PROXY", "HAWSER_HISTORY_SIZE"].includes(name)).map(({ value }) => value),
      ["10.0.0.0/8,fd00::/8", "50"],
    );
  });

  it("something that Kubernetes has not is found", async () => {
    const [deployment] = await render();
    const wrong = structuredClone(deployment!);
    (wrong.spec.template.spec as { terminationGracePeriod?: number }).terminationGracePeriod = 1;
    await assert.rejects(checkTypes([wrong]), /terminationGracePeriod/);
  });

  it("gives a pod the time that its clients have, and sets options that there are", async () => {
    for (const shutdownGraceSeconds of [30, 120]) {
      const rendered = await render({ shutdownGraceSeconds, env: { HAWSER_HISTORY_SIZE: "50" } });
      const container = containerOf(rendered);
      const { terminationGracePeriodSeconds } = deploymentOf(rendered).spec.template.spec;
      const graceMs = Number(container.env.find(({ name }) => name === "HAWSER_SHUTDOWN_GRACE_MS")!.value);
      assert.equal(graceMs, shutdownGraceSeconds * 1000);
      assert.ok(terminationGracePeriodSeconds * 1000 > graceMs + container.lifecycle.preStop.sleep.seconds * 1000);
      checkVariables(container.env.map(({ name }) => name));
    }
  });
});

describe("deploy/helm/hawser/values.schema.json", () => {
  const schema = JSON.parse(read(`${CHART}/values.schema.json`)) as object;
  const validate = new Ajv({ strict: true }).compile(schema);

  it("takes the defaults, and all that tests use", () => {
    for (const given of [values, { ...values, ...everything }])
      assert.ok(validate(given), JSON.stringify(validate.errors));
  });

  for (const [name, wrong] of Object.entries({
    "a name that is none": { replica: 3 },
    "no node": { replicas: 0 },
    "text for a number": { replicas: "3" },
    "a variable that is not Hawser's": { env: { PATH: "/" } },
    "a number for a variable": { env: { HAWSER_HISTORY_SIZE: 50 } },
    "no secret": { secret: "" },
  })) {
    it(`refuses ${name}`, () => assert.equal(validate({ ...values, ...wrong }), false));
  }
});

/** A service of Compose, as far as this file uses it: what is not named here is a misprint, or has to be added. */
const service = {
  type: "object",
  additionalProperties: false,
  properties: {
    ...Object.fromEntries(["build", "healthcheck"].map((name) => [name, { type: "object" }])),
    image: { type: "string", pattern: "^[\\w./-]+(:[\\w.-]+)?$" },
    restart: { enum: ["unless-stopped"] },
    command: { type: ["string", "array"], items: { type: "string" } },
    entrypoint: { type: "array", items: { type: "string" } },
    environment: { type: "object", additionalProperties: { type: "string" } },
    depends_on: {
      oneOf: [
        { type: "array", items: { type: "string" } },
        {
          type: "object",
          additionalProperties: {
            type: "object",
            properties: { condition: { enum: ["service_healthy", "service_completed_successfully"] } },
            required: ["condition"],
            additionalProperties: false,
          },
        },
      ],
    },
    ports: { type: "array", items: { type: "string", pattern: "^127\\.0\\.0\\.1:\\d+:\\d+$" } },
    volumes: { type: "array", items: { type: "string", pattern: "^[\\w./-]+:/[\\w./-]+(:ro)?$" } },
    networks: { type: "array", items: { type: "string" } },
    secrets: { type: "array", items: { type: "string" } },
    stop_grace_period: { type: "string", pattern: "^\\d+s$" },
    read_only: { type: "boolean" },
    cap_drop: { type: "array", items: { enum: ["ALL"] } },
    security_opt: { type: "array", items: { enum: ["no-new-privileges:true"] } },
  },
  required: ["image"],
};

interface Service {
  environment?: Record<string, string>;
  depends_on?: string[] | Record<string, object>;
  volumes?: string[];
  networks?: string[];
  secrets?: string[];
  stop_grace_period?: string;
  command?: string | string[];
}

describe("deploy/compose", () => {
  const compose = parse(read(COMPOSE), { merge: true }) as Record<
    "services" | "networks" | "volumes" | "secrets",
    Record<string, Service>
  >;
  const services = Object.entries(compose.services);

  it("has services as Compose takes them", () => {
    const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(service);
    for (const [name, one] of services) assert.ok(validate(one), `${name}: ${JSON.stringify(validate.errors)}`);
  });

  it("names nothing that is not there", () => {
    for (const [name, { depends_on: others = [], volumes = [], networks = [], secrets = [] }] of services) {
      for (const other of Array.isArray(others) ? others : Object.keys(others))
        assert.ok(other in compose.services, `${name}: ${other}`);
      for (const network of networks) assert.ok(network in compose.networks, `${name}: ${network}`);
      for (const secret of secrets) assert.ok(secret in compose.secrets, `${name}: ${secret}`);
      for (const [from = ""] of volumes.map((volume) => volume.split(":"))) {
        const isThere = from.startsWith(".")
          ? existsSync(join(projectRoot, "deploy/compose", from))
          : from in compose.volumes;
        assert.ok(isThere, `${name}: ${from}`);
      }
    }
  });

  it("asks for the variables that its first lines make, and those alone", () => {
    const page = read(COMPOSE);
    const [, made = ""] = /for name in (.+); do/.exec(page)!;
    const asked = new Set([...page.matchAll(/\$\{(\w+):\?in \.env\}/g)].map(([, name]) => name!));
    assert.deepEqual([...asked].toSorted(), made.split(" ").toSorted());
    assert.doesNotMatch(page.replaceAll(/\$\{\w+:\?in \.env\}/g, "").replaceAll(/^ *#.*$/gm, ""), /\$\{|\$[A-Z]/);
  });

  it("sets options that there are, gives a node the time that its clients have, and scrapes each", () => {
    const { environment = {}, stop_grace_period: stop = "" } = compose.services["hawser1"]!;
    checkVariables(Object.keys(environment).filter((name) => name.startsWith("HAWSER_")));
    assert.ok(Number.parseInt(stop) * 1000 > Number(environment["HAWSER_SHUTDOWN_GRACE_MS"]));
    const nodes = services.map(([name]) => name).filter((name) => name.startsWith("hawser"));
    assert.deepEqual(environment["HAWSER_ADMIN_ALLOWED_HOSTS"]!.split(","), nodes);
    const { scrape_configs: jobs } = parse(read("deploy/compose/prometheus.yml")) as {
      scrape_configs: [{ static_configs: [{ targets: string[] }] }];
    };
    const port = environment["HAWSER_ADMIN_PORT"];
    assert.deepEqual(
      jobs[0].static_configs[0].targets,
      nodes.map((name) => `${name}:${port}`),
    );
    for (const name of nodes) assert.ok(String(compose.services["caddy"]!.command).includes(`--to ${name}:8080`));
    const [subnet] = /172\.28\.0\.0\/24/.exec(JSON.stringify(compose.networks["front"])) ?? [];
    assert.equal(environment["HAWSER_TRUST_PROXY"], subnet);
  });
});

const promtool = await need("promtool");

describe("deploy/compose/prometheus.yml", { skip: promtool.missing }, () => {
  it("is one that Prometheus takes", async () => {
    const { failure, stdout, stderr } = await run(promtool.path, [
      "check",
      "config",
      "--syntax-only",
      join(projectRoot, "deploy/compose/prometheus.yml"),
    ]);
    assert.equal(failure, undefined, stdout + stderr);
  });
});

function deploymentOf(resources: readonly Resource[]): Resource {
  return resources.find(({ kind }) => kind === "Deployment")!;
}

function containerOf(resources: readonly Resource[]): Container {
  return deploymentOf(resources).spec.template.spec.containers[0];
}

function checkVariables(names: readonly string[]): void {
  const known = new Set([...settings.values()].map(({ env }) => env));
  assert.ok(names.length > 4);
  for (const name of names) assert.ok(known.has(name), `there is no variable ${name}`);
}
