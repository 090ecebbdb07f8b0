// What is wrong with the command line, the environment or the config file ends with one line and exit code 2.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { complaintOf } from "../harness/complaint.js";
import { runCli } from "../harness/run-cli.js";

interface Case {
  args?: string;
  env?: Record<string, string>;
  /** What config.yaml holds; it is given by `--config`. */
  file?: string;
  /** The line, without "hawser: " at its start. FILE stands for the config file's name. */
  line: string;
}

const MS = "a whole number of milliseconds from 10 to 86400000";
const ORIGIN = 'an origin such as https://example.com, or "null"; for all of them see dangerouslyAllowAnyOrigin';

const cases: Case[] = [
  // Commands and flags
  { args: "bogus", line: "unknown command 'bogus'; hawser --help lists all" },
  { args: "srve", line: "unknown command 'srve' (did you mean serve?)" },
  { args: "--bogus", line: "unknown option '--bogus'; hawser --help lists all" },
  { args: "serve --bogus", line: "unknown option '--bogus'; hawser serve --help lists all" },
  { args: "serve --pong-wait 5", line: "unknown option '--pong-wait' (did you mean --pong-wait-ms?)" },
  {
    args: "serve --allowed-origins https://a.b",
    line: "unknown option '--allowed-origins' (did you mean --allowed-origin?)",
  },
  { args: "serve 9000", line: 'serve: got "9000"; takes flags alone; hawser serve --help lists all' },
  { args: "serve --port", line: "port: flag --port has no value; takes a whole number from 0 to 65535" },
  { args: "serve --allowed-origin", line: `allowedOrigins: flag --allowed-origin has no value; takes ${ORIGIN}` },
  {
    args: "serve --compression=true",
    line: 'compression: got "--compression=true"; the flag takes no value: --compression or --no-compression',
  },

  // Values of flags: numbers are written in one way
  { args: "serve --pong-wait-ms abc", line: `pongWaitMs: got "abc" from flag --pong-wait-ms; takes ${MS}` },
  { args: "serve --pong-wait-ms 1e3", line: `pongWaitMs: got "1e3" from flag --pong-wait-ms; takes ${MS}` },
  { args: "serve --pong-wait-ms 0x10", line: `pongWaitMs: got "0x10" from flag --pong-wait-ms; takes ${MS}` },
  { args: "serve --pong-wait-ms 1_000", line: `pongWaitMs: got "1_000" from flag --pong-wait-ms; takes ${MS}` },
  { args: "serve --pong-wait-ms 1.5", line: `pongWaitMs: got "1.5" from flag --pong-wait-ms; takes ${MS}` },
  { args: "serve --pong-wait-ms 0100", line: `pongWaitMs: got "0100" from flag --pong-wait-ms; takes ${MS}` },
  { args: "serve --pong-wait-ms=", line: `pongWaitMs: got "" from flag --pong-wait-ms; takes ${MS}` },
  { args: "serve --pong-wait-ms 9", line: `pongWaitMs: got 9 from flag --pong-wait-ms; takes ${MS}` },
  {
    args: "serve --pong-wait-ms 99999999999999999999",
    line: `pongWaitMs: got "99999999999999999999" from flag --pong-wait-ms; takes ${MS}`,
  },
  { args: "serve --port -1", line: "port: got -1 from flag --port; takes a whole number from 0 to 65535" },
  { args: "serve --port 65536", line: "port: got 65536 from flag --port; takes a whole number from 0 to 65535" },
  { args: "serve --host a/b", line: 'host: got "a/b" from flag --host; takes a host name or an IP address' },
  { args: "serve --path chat", line: 'path: got "chat" from flag --path; takes a path that begins with "/"' },
  {
    args: "serve --allowed-origin *",
    line: 'allowedOrigins: got "*" from flag --allowed-origin; takes each origin by itself, without wildcards; for all of them see dangerouslyAllowAnyOrigin',
  },
  { args: "serve --max-payload 5", line: "unknown option '--max-payload' (did you mean --max-message-bytes?)" },
  { args: "serve --cors x", line: "unknown option '--cors' (did you mean --allowed-origin?)" },
  { args: "serve --cert x", line: "unknown option '--cert' (did you mean --tls-cert?)" },
  { args: "serve --key x", line: "unknown option '--key' (did you mean --tls-key?)" },
  { args: "serve --prot 1", line: "unknown option '--prot' (did you mean --port?)" },
  { args: "serve --max-payload=5", line: "unknown option '--max-payload=5' (did you mean --max-message-bytes?)" },
  {
    env: { HAWSER_MAX_PAYLOAD: "5" },
    line: "environment variable HAWSER_MAX_PAYLOAD: there is no such option (did you mean HAWSER_MAX_MESSAGE_BYTES?)",
  },
  {
    file: "perMessageDeflate: true",
    line: 'config file FILE, line 1: there is no option "perMessageDeflate" (did you mean compression?)',
  },
  {
    args: "serve --allowed-origin https://a.example --allowed-origin https://b.example/path",
    line: `allowedOrigins: got "https://b.example/path" from flag --allowed-origin; takes an origin without a path, not even a slash: https://b.example`,
  },
  {
    args: "serve --trust-proxy 10.0.0.0/33",
    line: 'trustProxy: got "10.0.0.0/33" from flag --trust-proxy; takes an IP address, a CIDR range such as 10.0.0.0/8, but not of all addresses, or "unix" for a Unix socket',
  },
  {
    args: "serve --response-header Upgrade:x",
    line: 'responseHeaders: got "Upgrade: …" from flag --response-header; takes "Name: value" without control characters, and none that the handshake sets itself',
  },
  {
    args: "serve --log-level loud",
    line: 'logLevel: got "loud" from flag --log-level; takes one of trace, debug, info, warn, error, fatal, silent',
  },
  {
    args: `serve --log-level ${"x".repeat(200)}`,
    line: `logLevel: got "${"x".repeat(80)}…" from flag --log-level; takes one of trace, debug, info, warn, error, fatal, silent`,
  },

  // Environment variables
  {
    env: { HAWSER_PONG_WAIT_MS: " 50 " },
    line: `pongWaitMs: got " 50 " from environment variable HAWSER_PONG_WAIT_MS; takes ${MS}`,
  },
  {
    env: { HAWSER_PORT: "" },
    line: 'port: got "" from environment variable HAWSER_PORT; takes a whole number from 0 to 65535',
  },
  {
    env: { HAWSER_ECHO: "yes" },
    line: 'echo: got "yes" from environment variable HAWSER_ECHO; takes true, false, 1 or 0',
  },
  {
    env: { HAWSER_ALLOWED_ORIGINS: "https://a.example,b.example" },
    line: `allowedOrigins: got "b.example" from environment variable HAWSER_ALLOWED_ORIGINS; takes an origin with its scheme: https://b.example`,
  },
  {
    env: { HAWSER_PONGWAIT: "5" },
    line: "environment variable HAWSER_PONGWAIT: there is no such option (did you mean HAWSER_PONG_WAIT_MS?)",
  },
  {
    env: { HAWSER_ALLOWED_ORIGIN: "https://a.example" },
    line: "environment variable HAWSER_ALLOWED_ORIGIN: there is no such option (did you mean HAWSER_ALLOWED_ORIGINS?)",
  },
  { env: { HAWSER_BOGUS: "5" }, line: "environment variable HAWSER_BOGUS: there is no such option" },
  { env: { "HAWSER_\u001b[2J": "5" }, line: "environment variable HAWSER_\\u001b[2J: there is no such option" },

  // The config file
  {
    args: "serve --config none.yaml",
    line: 'config: cannot read "none.yaml" from flag --config: no such file (ENOENT)',
  },
  {
    env: { HAWSER_CONFIG: "none.yaml" },
    line: 'config: cannot read "none.yaml" from environment variable HAWSER_CONFIG: no such file (ENOENT)',
  },
  { args: "serve --config folder", line: 'config: cannot read "folder" from flag --config: it is a folder (EISDIR)' },
  { file: "- port\n", line: "config file FILE, line 1: takes a mapping of options to values, such as port: 8080" },
  {
    file: "\n\njust text\n",
    line: "config file FILE, line 3: takes a mapping of options to values, such as port: 8080",
  },
  { file: "port: 1\nhost: a\nport: 2\n", line: "config file FILE, line 3: Map keys must be unique" },
  { file: '{"port": 1,\n "port": 2}', line: "config file FILE, line 2: Map keys must be unique" },
  {
    file: "port: 1\nhost: [a\n",
    line: "config file FILE, line 3: Flow sequence in block collection must be sufficiently indented and end with a ]",
  },
  {
    file: "port: *nobody\n",
    line: "config file FILE, line 1: Unresolved alias (the anchor must be set before the alias): nobody",
  },
  { file: "port: !!weird 1\n", line: "config file FILE, line 1: Unresolved tag: tag:yaml.org,2002:weird" },
  {
    file: "port: 1\n---\nport: 2\n",
    line: "config file FILE, line 2: takes one document, and here begins another",
  },
  {
    file: "# a comment\npongWait: 5\n",
    line: 'config file FILE, line 2: there is no option "pongWait" (did you mean pongWaitMs?)',
  },
  {
    file: "pong-wait-ms: 5\n",
    line: 'config file FILE, line 1: there is no option "pong-wait-ms" (did you mean pongWaitMs?)',
  },
  { file: "__proto__: 5\n", line: 'config file FILE, line 1: there is no option "__proto__"' },
  { file: "checkConfig: true\n", line: 'config file FILE, line 1: there is no option "checkConfig"' },
  { file: "\npongWaitMs: '50'\n", line: `pongWaitMs: got "50" from config file FILE, line 2; takes ${MS}` },
  { file: "pongWaitMs:\n", line: `pongWaitMs: got null from config file FILE, line 1; takes ${MS}` },
  { file: "echo: yes\n", line: 'echo: got "yes" from config file FILE, line 1; takes true or false' },
  {
    file: "overflow: {close: 1}\n",
    line: "overflow: got a mapping from config file FILE, line 1; takes one of close, drop-newest, drop-oldest, latest-per-key",
  },
  {
    file: "allowedOrigins: https://a.example\n",
    line: `allowedOrigins: got "https://a.example" from config file FILE, line 1; takes a list, each ${ORIGIN}`,
  },
  {
    file: "allowedOrigins: [https://a.example, 5]\n",
    line: `allowedOrigins: got 5 from config file FILE, line 1; takes ${ORIGIN}`,
  },

  // Values that do not go together
  {
    args: "serve --ping-period-ms 70000",
    line: "pingPeriodMs: got 70000 from flag --ping-period-ms; takes less than pongWaitMs, which is 60000",
  },
  {
    args: "serve --ping-period-ms 500",
    env: { HAWSER_PONG_WAIT_MS: "400" },
    line: "pingPeriodMs: got 500 from flag --ping-period-ms; takes less than pongWaitMs, which is 400 (pongWaitMs from environment variable HAWSER_PONG_WAIT_MS)",
  },
  {
    args: "serve --max-backlog-bytes 1000000000",
    line: "maxTotalBacklogBytes: got 268435456 from default; takes at least maxBacklogBytes, which is 1000000000 (maxBacklogBytes from flag --max-backlog-bytes)",
  },
  {
    file: "allowedOrigins: [https://a.example]\ndangerouslyAllowAnyOrigin: public data\n",
    line: "allowedOrigins and dangerouslyAllowAnyOrigin exclude each other: any origin leaves no list to check (allowedOrigins from config file FILE, line 1, dangerouslyAllowAnyOrigin from config file FILE, line 2)",
  },

  // TLS
  {
    args: "serve --tls-key a.pem",
    env: { HAWSER_TLS_CERT: "" },
    line: 'tlsCert: got "" from environment variable HAWSER_TLS_CERT; takes the name of a file',
  },
  {
    file: "tlsCert: ''\ntlsKey: a.pem\n",
    line: 'tlsCert: got "" from config file FILE, line 1; takes the name of a file',
  },
  {
    args: "serve --tls-cert a.pem --tls-key=",
    line: 'tlsKey: got "" from flag --tls-key; takes the name of a file',
  },
  { args: "serve --tls-cert a.pem", line: "tlsCert is given without tlsKey: wss:// takes both" },
  { args: "serve --tls-key a.pem", line: "tlsKey is given without tlsCert: wss:// takes both" },
  {
    args: "serve --tls-cert none.pem --tls-key none.pem",
    line: 'tlsCert: cannot read "none.pem" from flag --tls-cert: no such file (ENOENT)',
  },
];

const folder = mkdtempSync(join(tmpdir(), "hawser-errors-"));
const cwd = process.cwd();
before(() => {
  mkdirSync(join(folder, "folder"));
  process.chdir(folder);
});
after(() => {
  process.chdir(cwd);
  rmSync(folder, { recursive: true });
});

for (const { args = "serve", env = {}, file, line } of cases) {
  const how = [...Object.entries(env).map(([name, value]) => `${name}=${JSON.stringify(value)}`), args];
  test(`${how.join(" ")}${file === undefined ? "" : ` with ${JSON.stringify(file)}`}`, async () => {
    const words = args.split(" ");
    if (file !== undefined) {
      writeFileSync(join(folder, "config.yaml"), file);
      words.push("--config", "config.yaml");
    }
    // Where a case is no error after all, the test must not begin to serve.
    if (words[0] === "serve") words.splice(1, 0, "--check-config");
    assert.deepEqual(await complaintOf(words, env), {
      code: 2,
      lines: [`hawser: ${line.replaceAll("FILE", "config.yaml")}`],
    });
  });
}

test("the process: one line on standard error, nothing on standard output, exit code 2", async () => {
  const wrong = 'hawser: port: got "x" from flag --port; takes a whole number from 0 to 65535\n';
  assert.deepEqual(await runCli(["serve", "--port", "x"]), { code: 2, stdout: "", stderr: wrong });
  const { code, stderr } = await runCli(["serve"], { env: { HAWSER_MAX_CLIENT: "1" } });
  assert.equal(code, 2);
  assert.equal(
    stderr,
    "hawser: environment variable HAWSER_MAX_CLIENT: there is no such option (did you mean HAWSER_MAX_CLIENTS?)\n",
  );
});
