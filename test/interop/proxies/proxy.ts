/** A proxy started from the very file that deploy/ shows, with ports, certificate and one timeout put in. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { projectRoot } from "../../harness/root.js";
import { certificates } from "../../harness/certificates.js";
import { freePort } from "../../harness/free-port.js";
import { need } from "../harness/system.js";

export interface ProxyKind {
  readonly name: string;
  readonly program: "nginx" | "haproxy" | "caddy";
  /** How many seconds of silence it bears in the tests, where the file has more; undefined: it bears any. */
  readonly silenceS: number | undefined;
  /** What it answers while Hawser is down. */
  readonly down: readonly number[];
  /** Writes its files into `place.folder`; answers with the arguments that start it in the foreground. */
  prepare(place: Place): readonly string[];
}

export type ProxyTarget = number | string;

export interface Place {
  readonly folder: string;
  /** Where it listens with TLS, on 127.0.0.1. */
  readonly port: number;
  /** Where Hawser is: its port on 127.0.0.1, or the file of its Unix socket; and where the other node is, if there are two. */
  readonly targets: readonly [ProxyTarget, ProxyTarget?];
  /** PEM: certificate, key, and both in one file. */
  readonly certificate: { readonly cert: string; readonly key: string; readonly both: string };
}

export interface Proxy {
  readonly port: number;
  /** The certificate to trust. */
  readonly ca: string;
  stop(): Promise<void>;
}

/** A file of deploy/ with each text replaced; one that is not there is an error, so that the file cannot drift away. */
export function deployed(file: string, replacements: Readonly<Record<string, string>>): string {
  let text = readFileSync(join(projectRoot, "deploy", file), "utf8");
  for (const [from, to] of Object.entries(replacements)) {
    if (text.split(from).length !== 2) throw new Error(`deploy/${file} should have ${JSON.stringify(from)} just once`);
    text = text.replace(from, () => to);
  }
  return text;
}

export async function startProxy(kind: ProxyKind, ...targets: readonly [ProxyTarget, ProxyTarget?]): Promise<Proxy> {
  const { path } = await need(kind.program);
  const folder = mkdtempSync(join(tmpdir(), "hawser-proxy-"));
  const certificate = certificateIn(folder);
  const port = await freePort();
  const args = kind.prepare({ folder, port, targets, certificate });
  // Caddy keeps things in its home.
  const child = spawn(path, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, HOME: folder, XDG_DATA_HOME: folder },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += String(text)));
  const stop = async (): Promise<void> => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  while (!(await accepts(port))) {
    if (child.exitCode !== null || child.signalCode !== null) {
      await stop();
      throw new Error(`${kind.name} ended: ${output}`);
    }
    await sleep(50);
  }
  return { port, ca: certificates.first.cert, stop };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL"); // a polite one would wait for its connections
  await once(child, "exit");
}

/** The certificate of the server's own tests, which is for 127.0.0.1 too. */
function certificateIn(folder: string): Place["certificate"] {
  const place = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem"), both: join(folder, "both.pem") };
  const { cert, key } = certificates.first;
  writeFileSync(place.cert, cert);
  writeFileSync(place.key, key);
  writeFileSync(place.both, `${cert}${key}`);
  return place;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1", () => done(true));
    socket.on("connect", () => socket.destroy()).on("error", () => done(false));
  });
}
