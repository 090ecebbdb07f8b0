// The options of rooms: flag, variable and key; what does not go together; and secrets that nobody is shown.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { configure } from "#cli/config/configure.js";
import { runProgram } from "#cli/program.js";
import { settings } from "#cli/config/settings.js";
import { runCli } from "../harness/run-cli.js";

const SECRET = "a-secret-of-thirty-two-bytes-or-more";
const KEY = "a-publish-key-of-ours";

test("each has a flag, a variable and a key", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "hawser-hub-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const values = { historySize: 7, historyTtlMs: 1000, presence: true, tokenSecret: SECRET, publishKey: KEY } as const;
  const more = { audience: "chat", issuer: "us", hubBase: "/api/hub" } as const;
  const all = Object.entries({ ...values, ...more });
  const config = join(folder, "hawser.json");
  writeFileSync(config, JSON.stringify(Object.fromEntries(all)));
  const flags = all.map(([name, value]) => {
    const setting = settings.get(name)!;
    return { setting, flag: setting.flag, value: typeof value === "boolean" ? value : String(value) };
  });
  const env = Object.fromEntries(all.map(([name, value]) => [settings.get(name)!.env, String(value)]));
  for (const { own } of [configure([], config, {}), configure([], undefined, env), configure(flags, undefined, {})]) {
    for (const [name, value] of all) assert.equal(own[name as keyof typeof own], value, name);
  }
  const { own } = configure([], undefined, {});
  assert.deepEqual([own.historySize, own.historyTtlMs, own.presence, own.hubBase], [100, 300_000, false, "/hub"]);
  assert.deepEqual(
    [...settings.values()].map(({ flag }) => flag).filter((flag) => /history|token-s|jwks|publish|hub-/.test(flag)),
    ["--history-size", "--history-ttl-ms", "--token-secret", "--jwks", "--publish-key", "--hub-base"],
  );
});

describe("what does not go together, or is no value, ends in one line", () => {
  const cases: [args: string[], env: Record<string, string>, line: RegExp][] = [
    [["--token-secret", SECRET, "--jwks", "https://a.example/keys"], {}, /^jwks: .* with tokenSecret/],
    [["--jwks", "https://a.example/keys"], {}, /^jwks: .* without audience/],
    [["--audience", "chat"], {}, /^audience: given by flag --audience without tokenSecret or jwks/],
    [[], { HAWSER_ISSUER: "us" }, /^issuer: given by environment variable HAWSER_ISSUER without/],
    [["--echo", "--history-size", "5"], {}, /^historySize: given by flag --history-size with echo/],
    [["--ready-without-engine"], {}, /^readyWithoutEngine: given by flag --ready-without-engine without broker/],
    [[], { HAWSER_ENGINE_GRACE_MS: "0" }, /^engineGraceMs: given by environment .* without broker/],
    [["--echo", "--presence"], {}, /^presence: given by flag --presence with echo/],
    [["--echo"], { HAWSER_PUBLISH_KEY: KEY }, /^publishKey: given by environment variable HAWSER_PUBLISH_KEY with/],
    [["--hub-base", "/healthz", "--health-on-main-port"], {}, /^hubBase: .* with healthOnMainPort/],
    [["--history-size", "-1"], {}, /^historySize: got -1 from flag --history-size; takes a whole number from 0/],
    [["--hub-base", "hub/"], {}, /^hubBase: got "hub\/" from flag --hub-base; takes a path/],
    [["--jwks", "http://a.example/keys", "--audience", "x"], {}, /^jwks: got "http:\/\/a\.example\/keys"/],
    [["--jwks", "https://u:hidden@a.example/", "--audience", "x"], {}, /^jwks: got "…" from flag --jwks; takes a URL/],
    [["--token-secret", "hidden"], {}, /^tokenSecret: wrong value from flag --token-secret; takes 32 bytes or more/],
    [[], { HAWSER_PUBLISH_KEY: "hidden" }, /^publishKey: wrong value from environment variable HAWSER_PUBLISH_KEY; /],
    [["--publish-key", "hidden key with blanks"], {}, /^publishKey: wrong value from flag --publish-key; takes 16/],
    [["--token-secrets=hidden"], {}, /^unknown option '--token-secrets=…' \(did you mean --token-secret\?\)$/],
  ];
  for (const [args, env, line] of cases) {
    test([...args, ...Object.keys(env)].join(" "), async () => {
      const lines: string[] = [];
      const complain = (text: string): number => lines.push(text);
      assert.equal(await runProgram(["serve", "--port", "0", ...args], { environment: env, complain }), 2);
      assert.equal(lines.length, 1);
      assert.match(lines[0]!.slice("hawser: ".length), line);
      assert.ok(![SECRET, KEY, "hidden"].some((secret) => lines[0]!.includes(secret)));
    });
  }
});

test("secrets have flags, whose help says what is better, and are not shown", async () => {
  const args = ["--token-secret", SECRET, "--publish-key", KEY];
  const { code, stdout } = await runCli(["serve", "--check-config", ...args]);
  assert.equal(code, 0);
  assert.match(stdout, /tokenSecret +\(secret\) +flag --token-secret/);
  assert.match(stdout, /publishKey +\(secret\) +flag --publish-key/);
  assert.ok(!stdout.includes(SECRET) && !stdout.includes(KEY));
  const help = (await runCli(["serve", "--help"])).stdout.replace(/\s+/g, " ");
  assert.match(help, /--token-secret <secret> .*better given by HAWSER_TOKEN_SECRET, since others .* can read/);
  assert.match(help, /--publish-key <key> .*better given by HAWSER_PUBLISH_KEY/);
});
