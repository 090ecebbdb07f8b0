/** How `--help` words an option, and the pages around the list of options. */
import { bytesText, millisecondsText } from "./amounts.js";
import type { SettingRule } from "./own-options.js";

export function helpText(rule: SettingRule): string {
  const several = rule.kind === "list" ? "; may be given several times" : "";
  const choices = rule.kind === "choice" ? `: ${rule.choices?.join(", ")}` : "";
  return `${rule.help}${several}${choices}`;
}

/** " (default 60000: 1 min)" */
export function defaultText(rule: SettingRule): string {
  const value = rule.default;
  if (rule.defaultText !== undefined) return ` (default ${rule.defaultText})`;
  if (value === undefined || Array.isArray(value)) return "";
  return ` (default ${String(value)}${typeof value === "number" ? inWords(value, rule) : ""})`;
}

function inWords(value: number, rule: SettingRule): string {
  if (value === 0) return "";
  if (rule.unit === "milliseconds") return `: ${millisecondsText(value)}`;
  return rule.unit === "bytes" ? `: ${bytesText(value)}` : "";
}

export const aboutServe =
  "Serves WebSockets: every path is a room, and what a client sends goes to everyone else in its room. Over plain HTTP the same port serves a page to try it in a browser.";

export const afterServeHelp = `
Environment and config file:
  Each option has an environment variable, HAWSER_ and its name in capitals
  (--pong-wait-ms: HAWSER_PONG_WAIT_MS), and a key in the config file, its name
  in camelCase (pongWaitMs). A flag wins over a variable, a variable over the
  file, the file over the default. Variables that hold several values, such as
  HAWSER_ALLOWED_ORIGINS, separate them with commas, or with line ends.

Signals:
  SIGINT, SIGTERM   shut down gracefully, exit 0; a second one: exit at once
  SIGHUP            read the TLS certificate and key again; with --workers,
                    replace one worker after another

Exit codes:
  0  shut down    1  cannot listen, or a fault of ours    2  wrong configuration

Examples:
  hawser serve
  hawser serve --port 9000 --echo
  hawser serve --admin-port 9464
  hawser serve --host 0.0.0.0 --allowed-origin https://app.example.com
  hawser serve --config hawser.yaml --check-config
`;
