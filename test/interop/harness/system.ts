/**
 * Programs that the interop tests need and that npm's lock file does not bring: `need("chromium")` finds one, or installs it
 * where that can be done (Debian packages as root; anywhere from npm into a scratch folder), or says why not. Use it as
 *
 *     const chromium = await need("chromium");
 *     describe("Chromium", { skip: chromium.missing }, () => { ... chromium.path ... });
 *
 * A reason that begins with "cannot be installed here:" is one that CI accepts; any other is a fault of the machine that CI
 * must hear of.
 */
import { type ExecFileException, execFile } from "node:child_process";
import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { delimiter, join } from "node:path";

export type Need =
  | { readonly path: string; readonly missing: false }
  /** `missing` is the reason to skip; `path` is then a name that does not run. */
  | { readonly path: string; readonly missing: string };

interface DebianProgram {
  /** Looked for on PATH, then in /usr/sbin (which a plain user's PATH leaves out). An absolute path is taken as it is. */
  readonly command: string;
  readonly packages: readonly string[];
  /** Says whether the program has what the test needs of it, such as a module. */
  readonly usable?: (path: string) => Promise<boolean>;
}

interface NpmProgram {
  /** The package that carries the program's binary for a platform; undefined where there is none. */
  readonly package: (platform: string, arch: string) => string | undefined;
  readonly file: string;
}

/** Where Debian puts the sources of Go packages. */
export const GO_SOURCES = "/usr/share/gocode";

const DEBIAN: Record<
  | "chromium"
  | "python-websockets"
  | "go"
  | "go-gorilla"
  | "nginx"
  | "haproxy"
  | "nats-server"
  | "caddy"
  | "systemd-analyze"
  | "prometheus"
  | "redis-server"
  | "promtool"
  | "curl"
  | "bash"
  | "zsh"
  | "fish",
  DebianProgram
> = {
  chromium: { command: "chromium", packages: ["chromium"] },
  // Debian's own Python: another one on PATH does not see Debian's modules.
  "python-websockets": {
    command: "/usr/bin/python3",
    packages: ["python3", "python3-websockets"],
    usable: (path) => succeeds(path, ["-c", "import websockets"]),
  },
  go: { command: "go", packages: ["golang-go"] },
  "go-gorilla": {
    command: "go",
    packages: ["golang-go", "golang-github-gorilla-websocket-dev"],
    usable: async () => existsSync(join(GO_SOURCES, "src/github.com/gorilla/websocket/client.go")),
  },
  nginx: { command: "nginx", packages: ["nginx"] },
  haproxy: { command: "haproxy", packages: ["haproxy"] },
  caddy: { command: "caddy", packages: ["caddy"] },
  "nats-server": { command: "nats-server", packages: ["nats-server"] },
  prometheus: { command: "prometheus", packages: ["prometheus"] },
  "redis-server": { command: "redis-server", packages: ["redis-server"] },
  promtool: { command: "promtool", packages: ["prometheus"] },
  "systemd-analyze": { command: "systemd-analyze", packages: ["systemd"] },
  curl: { command: "curl", packages: ["curl"] },
  bash: { command: "bash", packages: ["bash"] },
  zsh: { command: "zsh", packages: ["zsh"] },
  fish: { command: "fish", packages: ["fish"] },
};

/** Node of a version, as npm has it. */
function node(version: string): NpmProgram {
  return {
    package: (platform, arch) =>
      ["linux", "darwin"].includes(platform) && ["x64", "arm64"].includes(arch)
        ? `node-${platform}-${arch}@${version}`
        : undefined,
    file: "bin/node",
  };
}

const NPM: Record<"bun" | "deno" | "node24" | "node26", NpmProgram> = {
  bun: {
    // The baseline builds run on any x64; the others need AVX2.
    package(platform, arch) {
      const cpu = { x64: "x64-baseline", arm64: "aarch64" }[arch];
      return cpu !== undefined && ["linux", "darwin"].includes(platform)
        ? `@oven/bun-${platform}-${cpu}@1.4.5`
        : undefined;
    },
    file: "bin/bun",
  },
  deno: {
    package(platform, arch) {
      const libc = platform === "linux" ? "-glibc" : "";
      return ["linux", "darwin"].includes(platform) && ["x64", "arm64"].includes(arch)
        ? `@deno/${platform}-${arch}${libc}@2.9.6`
        : undefined;
    },
    file: "deno",
  },
  node24: node("24.21.0"),
  node26: node("26.10.0"),
};

export type ProgramName = keyof typeof DEBIAN | keyof typeof NPM;

export async function need(name: ProgramName): Promise<Need> {
  return name in NPM
    ? needFromNpm(name, NPM[name as keyof typeof NPM])
    : needFromDebian(name, DEBIAN[name as keyof typeof DEBIAN]);
}

/** A folder that stays from one run to the next, for what takes long to make. Only this user can write to it. */
export function scratchFolder(): string {
  const folder = join(tmpdir(), `hawser-interop-${userInfo().uid}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(folder);
  // What is in it gets run, and anyone can make a folder in the temp dir.
  if (uid !== userInfo().uid || (mode & 0o022) !== 0) throw new Error(`${folder} belongs to someone else`);
  return folder;
}

async function needFromDebian(name: string, program: DebianProgram): Promise<Need> {
  const found = await find(program);
  if (found !== undefined) return { path: found, missing: false };
  const blocked = whyAptCannot();
  if (blocked !== undefined)
    return { path: name, missing: `cannot be installed here: ${program.packages.join(" ")}: ${blocked}` };
  const failure = await aptInstall(program);
  const path = await find(program);
  if (path !== undefined) return { path, missing: false };
  return {
    path: name,
    missing: `apt-get install ${program.packages.join(" ")} did not help: ${failure ?? "it is still not usable"}`,
  };
}

async function find({ command, usable }: DebianProgram): Promise<string | undefined> {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin"];
  const candidates = command.startsWith("/") ? [command] : folders.map((folder) => join(folder, command));
  const path = candidates.find(isExecutable);
  return path !== undefined && (usable === undefined || (await usable(path))) ? path : undefined;
}

function whyAptCannot(): string | undefined {
  if (!existsSync("/etc/debian_version") || !isExecutable("/usr/bin/apt-get")) return "this is not Debian";
  return userInfo().uid === 0 ? undefined : "not root";
}

/** Installs under a lock, so that test files that start together do not fight over dpkg; answers with what went wrong. */
async function aptInstall(program: DebianProgram): Promise<string | undefined> {
  const lock = join(scratchFolder(), "apt.lock");
  const install = `apt-get install --yes --no-install-recommends -o DPkg::Lock::Timeout=600 ${program.packages.join(" ")}`;
  const result = await run("flock", [lock, "sh", "-c", `${install} || { apt-get update && ${install}; }`], {
    DEBIAN_FRONTEND: "noninteractive",
    // A runlevel in which invoke-rc.d starts nothing: the tests need the programs, not a daemon on port 80.
    RUNLEVEL: "1",
  });
  return result.failure === undefined ? undefined : result.stderr.trim().split("\n").slice(-3).join(" ");
}

async function needFromNpm(name: string, program: NpmProgram): Promise<Need> {
  const spec = program.package(process.platform, process.arch);
  if (spec === undefined) {
    return {
      path: name,
      missing: `cannot be installed here: npm has no ${name} for ${process.platform}-${process.arch}`,
    };
  }
  const scope = spec.lastIndexOf("@");
  const home = join(scratchFolder(), spec.replaceAll("/", "+"));
  const path = join(home, "node_modules", spec.slice(0, scope), program.file);
  if (!existsSync(path)) {
    const failure = await npmInstall(spec, home);
    if (failure !== undefined) return { path: name, missing: `npm install ${spec} failed: ${failure}` };
  }
  if (!(await succeeds(path, ["--version"])))
    return { path: name, missing: `cannot be installed here: ${spec} does not run` };
  return { path, missing: false };
}

/** Installs beside `home` and moves into place, so that `home` is whole or absent even if two test files do it at once. */
async function npmInstall(spec: string, home: string): Promise<string | undefined> {
  const folder = mkdtempSync(join(scratchFolder(), "npm-"));
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  const result = await run("npm", ["install", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts", spec]);
  try {
    if (result.failure === undefined && !existsSync(home)) renameSync(folder, home);
  } catch (error) {
    if (!existsSync(home)) return String(error);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (result.failure === undefined) return undefined;
  const errors = result.stderr.split("\n").filter((line) => line.startsWith("npm error"));
  return errors.slice(0, 3).join(" ") || result.failure.message;
}

interface RunResult {
  readonly failure: ExecFileException | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, without a shell. */
export function run(
  file: string,
  args: readonly string[],
  env: Record<string, string> = {},
  cwd?: string,
): Promise<RunResult> {
  return new Promise((done) => {
    const options = {
      env: { ...process.env, ...env },
      maxBuffer: 64 * 1024 * 1024,
      ...(cwd === undefined ? {} : { cwd }),
    };
    execFile(file, args, options, (failure, stdout, stderr) => done({ failure: failure ?? undefined, stdout, stderr }));
  });
}

async function succeeds(file: string, args: readonly string[]): Promise<boolean> {
  return (await run(file, args)).failure === undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
