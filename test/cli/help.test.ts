// What a person sees first: help, the version, and --check-config.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { settings } from "#cli/config/settings.js";
import { makeCertificate } from "../harness/certificate.js";
import { runCli } from "../harness/run-cli.js";
import { projectRoot } from "../harness/root.js";

const folder = mkdtempSync(join(tmpdir(), "hawser-help-"));
after(() => rmSync(folder, { recursive: true }));

test("hawser alone shows what there is", async () => {
  const { code, stdout, stderr } = await runCli([]);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /^Usage: hawser /);
  assert.match(stdout, /^ {2}serve .*run the server$/m);
  assert.deepEqual(await runCli(["--help"]), { code, stdout, stderr });
});

test("--version is that of the package", async () => {
  const { version } = JSON.parse(readFileSync(join(projectRoot, "packages/cli/package.json"), "utf8")) as {
    version: string;
  };
  assert.deepEqual(await runCli(["--version"]), { code: 0, stdout: `${version}\n`, stderr: "" });
});

test("hawser serve --help: every option in its group, with its default", async () => {
  const { code, stdout } = await runCli(["serve", "--help"]);
  assert.equal(code, 0);
  const lines = stdout.split("\n");
  assert.deepEqual(
    lines.filter((line) => line.length > 80),
    [],
    "lines fit a terminal",
  );
  assert.deepEqual(
    lines.filter((line) => /\s$/.test(line)),
    [],
    "no blanks at the end of a line",
  );
  for (const { flag, rule } of settings.values()) {
    if (rule.hasNoFlag) {
      assert.ok(!stdout.includes(flag), `${flag} would show a secret to every user of the machine`);
      continue;
    }
    const shown = rule.kind === "boolean" && rule.default === true ? flag.replace("--", "--no-") : flag;
    const at = lines.findIndex((line) => line.startsWith(`  ${shown} `) || line === `  ${shown}`);
    assert.ok(at > lines.indexOf(`${rule.group}:`), `${shown} stands under "${rule.group}:"`);
    const next = lines.findIndex((line, index) => index > at && (/^ {2}-/.test(line) || line === ""));
    const entry = lines.slice(at, next).join(" ").replace(/\s+/g, " ");
    if (typeof rule.default === "number") assert.ok(entry.includes(`(default ${rule.default}`), entry);
  }
  assert.match(stdout, /--pong-wait-ms <ms> +read timeout.*\n.*\(default 60000: 1 min\)/);
  assert.match(stdout, /HAWSER_PONG_WAIT_MS/);
  assert.match(stdout, /^Exit codes:$/m);
  assert.match(stdout, /^ {2}hawser serve --port 9000 --echo$/m);
});

test("--check-config: all is well, and what is not as by default", async () => {
  assert.deepEqual(await runCli(["serve", "--check-config"]), {
    code: 0,
    stdout: "The configuration is valid: every option has its default.\n",
    stderr: "",
  });
  const config = join(folder, "hawser.yaml");
  writeFileSync(config, "host: 0.0.0.0\nport: 8080\nallowedOrigins:\n  - https://a.example\n");
  const env = { HAWSER_ECHO: "true" };
  const { code, stdout } = await runCli(["serve", "--config", config, "--check-config", "--pong-wait-ms", "5000"], {
    env,
  });
  assert.equal(code, 0);
  assert.equal(
    stdout,
    `The configuration is valid. What differs from the defaults:

  option          value                  from
  host            0.0.0.0                config file ${config}, line 1
  echo            true                   environment variable HAWSER_ECHO
  pongWaitMs      5000                   flag --pong-wait-ms
  allowedOrigins  ["https://a.example"]  config file ${config}, line 3
`,
  );
});

test("neither --check-config nor an error shows what a header says", async () => {
  const config = join(folder, "headers.yaml");
  writeFileSync(config, "responseHeaders:\n  Set-Cookie: session=5ecre7\n  X-Api-Key: 5ecre7\n");
  const shown = await runCli(["serve", "--config", config, "--check-config"]);
  assert.match(shown.stdout, /responseHeaders +\["Set-Cookie: …","X-Api-Key: …"\] +config file .*, line 1/);
  assert.doesNotMatch(shown.stdout, /5ecre7/);
  for (const header of ["X-Token: 5ecre7\u0007", "Upgrade: 5ecre7", "X-Token 5ecre7", ": 5ecre7", "X Y: 5ecre7"]) {
    for (const env of [{ HAWSER_RESPONSE_HEADERS: header }, {}] as Record<string, string>[]) {
      const flags = Object.keys(env).length > 0 ? [] : ["--response-header", header];
      const { code, stderr, stdout } = await runCli(["serve", "--check-config", ...flags], { env });
      assert.equal(code, 2, header);
      assert.match(stderr, /^hawser: responseHeaders: got "(X-Token: |Upgrade: )?…" from /);
      assert.doesNotMatch(stderr + stdout, /5ecre7/);
    }
  }
});

test("a key that was given in place of its file is not shown", async () => {
  const { key } = makeCertificate();
  for (const HAWSER_TLS_KEY of [key, key.replaceAll("\n", " ")]) {
    const { stderr } = await runCli(["serve", "--check-config"], { env: { HAWSER_TLS_KEY } });
    assert.match(stderr, /^hawser: tlsKey: got "…" from environment variable HAWSER_TLS_KEY/);
  }
});

test("--check-config reads the certificate and sees that its key belongs to it", async () => {
  const [one, other] = [makeCertificate(), makeCertificate()];
  const at = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const cert = at("cert.pem", one.cert);
  const check = (key: string): ReturnType<typeof runCli> =>
    runCli(["serve", "--tls-cert", cert, "--tls-key", key, "--check-config"]);

  assert.equal((await check(at("key.pem", one.key))).code, 0);
  const wrong = await check(at("other.pem", other.key));
  assert.deepEqual([wrong.code, wrong.stdout], [2, ""]);
  assert.match(wrong.stderr, /^hawser: tlsCert, tlsKey: .* are no certificate and key that belong together: .*\n$/);
});
