// `hawser completion`: the scripts as a shell takes them.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { runCli } from "../harness/run-cli.js";
import { need } from "../interop/harness/system.js";

// Before the first test: a file's hooks run once its tests have ended, and those that are yet to come do not count.
const shells = { bash: await need("bash"), zsh: await need("zsh"), fish: await need("fish") };

const folder = mkdtempSync(join(tmpdir(), "hawser-completion-"));
after(() => rmSync(folder, { recursive: true }));

async function scriptFor(shell: string): Promise<string> {
  const { code, stdout, stderr } = await runCli(["completion", shell]);
  assert.deepEqual([code, stderr], [0, ""]);
  const file = join(folder, `hawser.${shell}`);
  writeFileSync(file, stdout);
  return file;
}

describe("bash", { skip: shells.bash.missing }, () => {
  let script: string;
  before(async () => void (script = await scriptFor("bash")));

  /** What bash would offer for the last of the words, as its readline would ask for it. */
  function complete(...words: string[]): string[] {
    writeFileSync(join(folder, "a file.yaml"), "");
    const program = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
      $(complete -p hawser | sed 's/.*-F \\([^ ]*\\) .*/\\1/') hawser "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD-1]}"
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { status, stdout, stderr } = spawnSync("bash", ["--norc", "--noprofile", "-c", program, script, ...words], {
      encoding: "utf8",
      cwd: folder,
      env: { PATH: process.env["PATH"] ?? "" },
    });
    assert.deepEqual([status, stderr], [0, ""]);
    return stdout.split("\n").filter((line) => line !== "");
  }

  test("commands", () => {
    assert.deepEqual(complete("hawser", "se"), ["serve"]);
    for (const command of ["serve", "bench", "connect", "completion", "--version", "--help"])
      assert.ok(complete("hawser", "").includes(command), command);
  });

  test("options", () => {
    assert.deepEqual(complete("hawser", "serve", "--ec"), ["--echo"]);
    assert.deepEqual(complete("hawser", "serve", "--port", "9000", "--conf"), ["--config"]);
    assert.deepEqual(complete("hawser", "bench", "ws://localhost/", "--rat"), ["--rate"]);
    assert.deepEqual(complete("hawser", "connect", "--list"), ["--listen"]);
    assert.deepEqual(complete("hawser", "connect", "--ec"), [], "each command has its own");
  });

  test("values", () => {
    assert.deepEqual(complete("hawser", "serve", "--log-level", "de"), ["debug"]);
    assert.deepEqual(
      complete("hawser", "serve", "--log-level", "=", "de"),
      ["debug"],
      "--log-level=de, as bash cuts it",
    );
    assert.deepEqual(complete("hawser", "serve", "--log-format", "="), ["auto", "pretty", "json"]);
    assert.deepEqual(complete("hawser", "bench", "--load", ""), ["echo", "fanout", "storm"]);
    assert.deepEqual(complete("hawser", "completion", "z"), ["zsh"]);
    assert.deepEqual(complete("hawser", "serve", "--config", "a"), ["a file.yaml"]);
    assert.deepEqual(complete("hawser", "serve", "--port", ""), [], "what cannot be guessed");
  });
});

for (const shell of ["zsh", "fish"] as const) {
  const { path, missing } = shells[shell];
  test(`${shell} understands its script`, { skip: missing }, async () => {
    const { status, stderr } = spawnSync(path, ["-n", await scriptFor(shell)], { encoding: "utf8" });
    assert.deepEqual([status, stderr], [0, ""]);
  });

  test(`the script for ${shell} has commands, options and choices`, async () => {
    const { stdout } = await runCli(["completion", shell]);
    for (const word of [
      "serve",
      "bench",
      "connect",
      "echo",
      "log-level",
      "debug",
      "fanout",
      "dangerously-allow-any-origin",
    ])
      assert.ok(stdout.includes(word), word);
  });
}

test("another shell", async () => {
  assert.deepEqual(await runCli(["completion", "tcsh"]), {
    code: 2,
    stdout: "",
    stderr: 'hawser: completion: got "tcsh"; takes bash, zsh or fish\n',
  });
});
