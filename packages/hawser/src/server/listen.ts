import { chmodSync, lstatSync, mkdirSync, readFileSync, readlinkSync, rmdirSync, unlinkSync } from "node:fs";
import type { Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { UsageError } from "./base/usage-error.js";

/** Where a server is to listen: an address and port, a Unix socket, or a listening socket that it was given, by systemd for one. */
export type ListenTarget =
  | {
      /** 0 takes a free one. @default 8080 */
      readonly port?: number | undefined;
      /** The address; `0.0.0.0` or `::` for all of them. @default "127.0.0.1" */
      readonly host?: string | undefined;
      /**
       * Several processes listen on one port, and the kernel gives each connection to one of them: on Linux, with Node 22.12, 23.1 and later.
       * The port has to be the same for all; that somebody else listens there as well is not noticed. @default false
       */
      readonly reusePort?: boolean | undefined;
    }
  | {
      /** The file of a Unix socket. One that a server left behind is replaced; a file of another kind never is. */
      readonly path: string;
      /**
       * Who may connect, as permissions of that file.
       * @default 0o660: its owner and its group, which a proxy's user can be made a member of, and nobody else
       */
      readonly mode?: number | undefined;
    }
  | {
      /** File descriptor of a socket that listens already. */
      readonly fd: number;
    };

/** Where a server listens. */
export interface Listening {
  /** `ws://127.0.0.1:8080/`, or `wss://…` with TLS; `ws+unix:///run/hawser.sock:/` on a Unix socket, as the client of `ws` takes it. */
  readonly url: string;
  /** Empty on a Unix socket. */
  readonly host: string;
  /** 0 on a Unix socket. */
  readonly port: number;
}

/** The same, checked and whole. */
type Place =
  | { readonly port: number; readonly host: string; readonly reusePort: boolean }
  | { readonly path: string; readonly mode: number }
  | { readonly fd: number };

const DEFAULT_MODE = 0o660;
/** What fits into `sockaddr_un`, less the byte that ends it. Node cuts longer ones, and listens somewhere else. */
const LONGEST_PATH = process.platform === "linux" ? 107 : 103;

/** Whether a port can be shared. Where Node does not know the option it ignores it, and the second one fails with EADDRINUSE. */
export function canReusePort(platform: string = process.platform, version: string = process.versions.node): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return platform === "linux" && (major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12));
}

/** @throws UsageError */
export function placeOf(target: ListenTarget): Place {
  const given = target as Record<string, unknown>;
  const { port = 8080, host = "127.0.0.1", reusePort = false, path, mode = DEFAULT_MODE, fd, ...rest } = given;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined)
    throw new UsageError(`listen: got ${JSON.stringify(unknown)}, takes port, host, reusePort; path, mode; or fd`);
  if (fd !== undefined) {
    if (!isWhole(fd, 0x7fffffff)) throw new UsageError("listen: fd takes the number of a file descriptor");
    return { fd };
  }
  if (path !== undefined) {
    if (typeof path !== "string" || path === "" || path.includes("\0"))
      throw new UsageError("listen: path takes the name of a file");
    const whole = resolve(path);
    if (Buffer.byteLength(whole) > LONGEST_PATH)
      throw new UsageError(
        `listen: ${whole} is longer than the ${LONGEST_PATH} bytes that a Unix socket's path may have`,
      );
    if (!isWhole(mode, 0o777)) throw new UsageError("listen: mode takes permissions from 0 to 0o777");
    return { path: whole, mode };
  }
  // From JavaScript it may come as text, out of the environment.
  const number = typeof port === "string" && /^\d{1,5}$/.test(port) ? Number(port) : port;
  if (!isWhole(number, 65_535)) throw new UsageError("listen: port takes a whole number from 0 to 65535");
  if (typeof host !== "string" || host === "") throw new UsageError("listen: host takes a host name or an IP address");
  if (typeof reusePort !== "boolean") throw new UsageError("listen: reusePort takes true or false");
  if (reusePort && !canReusePort())
    throw new UsageError("listen: reusePort needs Linux, and Node 22.12, 23.1 or later");
  return { port: number, host, reusePort };
}

function isWhole(value: unknown, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max;
}

/** Resolves when the server listens there. @throws what `node:net` emits; UsageError when it is closed meanwhile */
export async function bind(http: Server, place: Place): Promise<void> {
  let isClosed = false;
  http.once("close", () => (isClosed = true));
  if ("path" in place) await removeStale(place.path);
  await new Promise<void>((listens, fail) => {
    const closed = (): void => fail(new UsageError("listen: this server was closed meanwhile"));
    if (isClosed) return closed();
    http.once("error", fail).once("close", closed);
    http.listen(place, () => {
      http.removeListener("error", fail);
      listens();
    });
  });
  if (!("path" in place)) return;
  try {
    // Until now it was the process's umask that decided, which is usually the narrower of the two.
    chmodSync(place.path, place.mode);
  } catch (error) {
    http.close();
    throw error;
  }
}

/** @param bound what the server says of its address: null for a Unix socket that it was given */
export function listeningAt(
  place: Place,
  bound: AddressInfo | string | null,
  isSecure: boolean,
  path: string,
): Listening {
  const scheme = isSecure ? "wss" : "ws";
  if (typeof bound !== "object" || bound === null) {
    const file = "fd" in place ? (pathOf(place.fd) ?? `/dev/fd/${place.fd}`) : bound;
    return { url: `${scheme}+unix://${file}:${path}`, host: "", port: 0 };
  }
  const { port } = bound;
  const host = "host" in place ? place.host : bound.address;
  return { url: `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}${path}`, host, port };
}

/** The file of a Unix socket that is known by its descriptor alone; undefined where the system does not tell. */
function pathOf(fd: number): string | undefined {
  try {
    const [inode] = /\d+/.exec(readlinkSync(`/proc/self/fd/${fd}`))!;
    // The seventh column is the inode, and what follows it the path.
    return new RegExp(`^(?:\\S+ +){6}${inode} (.+)$`, "m").exec(readFileSync("/proc/net/unix", "utf8"))?.[1];
  } catch {
    return undefined;
  }
}

/** A socket that has its name and does not listen yet looks like a dead one for a moment. */
const BEING_BORN_MS = 50;

/**
 * Takes away a Unix socket that its server left behind when it was killed. Anything else stays, and to listen fails with EADDRINUSE:
 * a file that is no socket, a socket on which somebody answers, or of which it cannot be told.
 */
async function removeStale(path: string): Promise<void> {
  const found = identityOf(path);
  if (found === null || !(await isDead(path))) return;
  await sleep(BEING_BORN_MS);
  if (!(await isDead(path))) return;
  // Several servers may come to this at once, and one of them listen there already. Who has the claim on this very file is alone with
  // it: as long as it is there, nobody can bind to its name.
  const claim = join(dirname(path), `.hawser-${found}`);
  try {
    mkdirSync(claim);
  } catch {
    return;
  }
  try {
    if (identityOf(path) === found) unlinkSync(path);
  } finally {
    rmdirSync(claim);
  }
}

/** What no other file has at the same name; null: it is no socket. */
function identityOf(path: string): string | null {
  const file = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return file?.isSocket() ? `${file.ino}-${file.mtimeNs}` : null;
}

/** Whether nobody listens there: the one answer that the system gives for such a socket alone. */
function isDead(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ path }, () => {
      socket.destroy();
      done(false);
    });
    socket.on("error", ({ code }: NodeJS.ErrnoException) => done(code === "ECONNREFUSED"));
  });
}
