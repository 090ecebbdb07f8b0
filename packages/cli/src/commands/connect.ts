/** `hawser connect`: its flags, and the session that comes out of them. */
import { type Command, Option } from "commander";
import type { ConnectSurroundings } from "../connect/index.js";
import type { Header } from "../tools/headers.js";
import { openDefaults, type OpenOptions } from "../tools/open-web-socket.js";
import { findTarget } from "../tools/target.js";
import { ConfigError } from "../config/config-error.js";
import { type Environment, TOKEN_ENV } from "../config/environment.js";
import { countOf, durationOf, headersOf, subprotocolsOf } from "../config/tool-values.js";
import { listenErrorText } from "../serving/listen-error.js";

const about =
  "A WebSocket client for people: what you type is sent, what comes is shown. In a pipe each line is a message, and each message a line. With --hub it speaks hawser.v1: topics that survive a lost connection. With --listen it is a server, and you talk to its clients.";

const afterHelp = `
Exit codes:
  0  the connection was closed in good order
  1  it was lost or closed with an error, or --listen cannot listen
  2  wrong flags, or no WebSocket at the URL

Examples:
  hawser connect ws://localhost:8080/lobby
  hawser connect wss://example.com/ --header "Authorization: Bearer x"
  hawser connect localhost:8080 --execute '{"type":"hello"}' --wait 2
  hawser connect ws+unix:/run/hawser/hawser.sock:/lobby
  hawser connect --hub ws://localhost:8080/ --sub /lobby
  hawser connect --listen 9000
`;

const FAILED = 1;

interface Flags {
  hub?: true;
  sub?: readonly string[];
  token?: string;
  listen?: number;
  host?: string;
  subprotocol?: readonly string[];
  header?: readonly Header[];
  origin?: string;
  execute?: readonly string[];
  wait: number;
  pingEvery?: number;
  compression: boolean;
  dangerouslyAcceptAnyCertificate?: true;
}

export function addConnect(program: Command, environment: Environment, setExitCode: (code: number) => void): void {
  const command = program
    .command("connect")
    .summary("talk to a WebSocket server")
    .description(about)
    .argument("[url]", "ws://HOST:PORT/PATH, wss:// or ws+unix:FILE:/PATH")
    .option("--subprotocol <name>", "offer it; may be given several times", subprotocolsOf)
    .option("--header <header>", '"Name: value" for the handshake; may be given several times', headersOf)
    .option("--origin <url>", "say that a page of this origin connects")
    .option("--hub", "speak hawser.v1 with a hub; /help lists the commands")
    .option("--sub <topic>", "with --hub: subscribe to it; may be given several times", several)
    .option("--token <token>", "with --hub: who you are (HAWSER_CONNECT_TOKEN, which other users do not see)")
    .option("--execute <text>", "send this and read no input; may be given several times", several)
    .addOption(
      new Option("--wait <time>", "in a pipe: stay so long after the last message was sent: 1, 500ms")
        .argParser(durationOf("--wait", 0))
        .default(1000, "1s"),
    )
    .option("--ping-every <time>", "send pings: 5, 500ms, 1m", durationOf("--ping-every", 10))
    .option("--no-compression", "do not offer permessage-deflate")
    .option("--dangerously-accept-any-certificate", "take a certificate that proves nothing")
    .option("--listen <port>", "be a server; 0: a free port", countOf("--listen", 0, 65_535))
    .option("--host <host>", "with --listen: the address to listen on (default: 127.0.0.1)")
    .addHelpText("after", afterHelp);
  command.action(async (url: string | undefined) => {
    const flags = command.opts<Flags>();
    const { stdin: input, stdout: output, stderr: errors } = process;
    const around: ConnectSurroundings = { input, output, errors, environment };
    setExitCode(
      await (flags.listen === undefined ? connect(url, flags, around) : listen(url, flags.listen, flags, around)),
    );
  });
}

function several(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}

async function connect(url: string | undefined, flags: Flags, around: ConnectSurroundings): Promise<number> {
  if (url === undefined) throw new ConfigError("connect: takes the URL of a server, or --listen and a port");
  if (flags.host !== undefined) throw new ConfigError("--host: is for --listen");
  const origin: Header[] = flags.origin === undefined ? [] : [["Origin", flags.origin]];
  const open: OpenOptions = {
    ...openDefaults,
    subprotocols: flags.subprotocol ?? [],
    headers: [...origin, ...(flags.header ?? [])],
    compression: flags.compression,
    dangerouslyAcceptAnyCertificate: flags.dangerouslyAcceptAnyCertificate === true,
  };
  const common = { open, execute: flags.execute ?? [], waitMs: flags.wait };
  checkHubFlags(flags);
  const { connectTo, talkToHub } = await import("../connect/index.js");
  const target = await findTarget(url, true);
  if (flags.hub !== true) return connectTo(target, { ...common, pingEveryMs: flags.pingEvery ?? null }, around);
  const token = flags.token ?? around.environment[TOKEN_ENV] ?? "";
  return talkToHub(target, { ...common, topics: flags.sub ?? [], token: token === "" ? undefined : token }, around);
}

/** @throws ConfigError */
function checkHubFlags({ hub, sub, token, subprotocol, pingEvery }: Flags): void {
  const [wrong] = Object.entries(
    hub === true ? { "--subprotocol": subprotocol, "--ping-every": pingEvery } : { "--sub": sub, "--token": token },
  ).filter(([, value]) => value !== undefined);
  if (wrong === undefined) return;
  throw new ConfigError(`${wrong[0]}: ${hub === true ? "not with --hub, which does that by itself" : "is for --hub"}`);
}

async function listen(
  url: string | undefined,
  port: number,
  flags: Flags,
  around: ConnectSurroundings,
): Promise<number> {
  if (url !== undefined) throw new ConfigError("connect: takes a URL or --listen, and not both");
  if (flags.hub === true) throw new ConfigError("connect: takes --hub or --listen, and not both");
  checkHubFlags(flags);
  const host = flags.host ?? "127.0.0.1";
  try {
    const { listenFor } = await import("../connect/index.js");
    return await listenFor({ host, port, subprotocols: flags.subprotocol ?? [], execute: flags.execute ?? [] }, around);
  } catch (error) {
    around.errors.write(`hawser: ${listenErrorText(error, { host, port })}\n`);
    return FAILED;
  }
}
