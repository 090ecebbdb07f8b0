// Each option has a flag, a variable and a key, and all of them follow from the rules.

import assert from "node:assert/strict";
import { test } from "node:test";

import { optionRules } from "#hawser/tools.js";
import { ownRules } from "#cli/config/own-options.js";
import { runProgram } from "#cli/program.js";
import { type Setting, settings } from "#cli/config/settings.js";

/** The flags that other programs rely on. */
const CONTRACT = [
  "--host", "--port", "--path", "--echo", "--compression", "--max-message-bytes", "--pong-wait-ms", "--ping-period-ms",
  "--write-wait-ms", "--shutdown-grace-ms", "--headers-timeout-ms", "--request-timeout-ms", "--allowed-origin", "--log-level",
]; // oxfmt-ignore

test("every option of the library that can be written down is one of the command", () => {
  const writable = Object.entries(optionRules).filter(([, { kind }]) => kind !== "function" && kind !== "object");
  const names = [...writable.map(([name]) => name), ...Object.keys(ownRules)];
  assert.deepEqual([...settings.keys()].toSorted(), names.toSorted());
});

test("no option of the command has the name of one of the library", () => {
  assert.deepEqual(
    Object.keys(ownRules).filter((name) => name in optionRules),
    [],
  );
});

test("the contract's flags are there", () => {
  const flags = [...settings.values()].map(({ flag }) => flag);
  assert.deepEqual(
    CONTRACT.filter((flag) => !flags.includes(flag)),
    [],
  );
});

test("names of flags and variables", () => {
  const names = (name: string): string[] => [settings.get(name)!.flag, settings.get(name)!.env];
  assert.deepEqual(names("pongWaitMs"), ["--pong-wait-ms", "HAWSER_PONG_WAIT_MS"]);
  assert.deepEqual(names("allowedOrigins"), ["--allowed-origin", "HAWSER_ALLOWED_ORIGINS"]);
  assert.deepEqual(names("trustProxy"), ["--trust-proxy", "HAWSER_TRUST_PROXY"]);
  assert.deepEqual(names("subprotocols"), ["--subprotocol", "HAWSER_SUBPROTOCOLS"]);
  assert.deepEqual(names("responseHeaders"), ["--response-header", "HAWSER_RESPONSE_HEADERS"]);
});

test("every flag and every variable reaches its option", async (t) => {
  // A value that no option takes: the complaint shows that it arrived, and as what.
  for (const setting of settings.values()) {
    // No complaint shows what it got: test/cli/admin.test.ts, test/cli/hub-options.test.ts.
    if (setting.rule.isSecret) continue;
    await t.test(setting.name, async () => {
      if (setting.rule.kind === "boolean") {
        assert.match(await complaint([`${setting.flag}=x`]), new RegExp(`^hawser: ${setting.name}: `));
      } else {
        const wrong = wrongFor(setting);
        assert.match(await complaint([setting.flag, wrong]), startsWith(setting, `flag ${setting.flag}`));
      }
      assert.match(
        await complaint([], { [setting.env]: wrongFor(setting) }),
        startsWith(setting, `environment variable ${setting.env}`),
      );
    });
  }
});

/** Control characters fit no kind of text, and letters no number. */
function wrongFor({ rule }: Setting): string {
  return rule.accepts?.("\u0001") === true ? "" : "\u0001";
}

function startsWith({ name }: Setting, origin: string): RegExp {
  return new RegExp(`^hawser: ${name}: got .* from ${origin}; takes .`);
}

async function complaint(args: readonly string[], environment: Record<string, string> = {}): Promise<string> {
  const lines: string[] = [];
  const code = await runProgram(["serve", ...args, "--check-config"], {
    environment,
    complain: (line) => lines.push(line),
  });
  assert.equal(code, 2);
  assert.equal(lines.length, 1);
  return lines[0]!;
}
