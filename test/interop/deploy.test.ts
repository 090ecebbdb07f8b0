/** deploy/: the files are sound, and their numbers agree with the server's own. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import { type OptionName, optionRules } from "#hawser/server/options/rules.js";
import { WebSocket } from "ws";
import { packages } from "../harness/packed.js";
import { projectRoot } from "../harness/root.js";
import { type LogLine, cliPath } from "../harness/server.js";
import { need, run } from "./harness/system.js";

const read = (path: string): string => readFileSync(join(projectRoot, path), "utf8");
const defaultOf = (name: OptionName): number => Number(optionRules[name].default);

/** The number that follows a name in a file, in its unit. */
function numberIn(path: string, name: string): number {
  const found = new RegExp(`^\\s*${name}[ =](\\d+)m?s?;?$`, "m").exec(read(path));
  assert.ok(found, `${path} sets ${name}`);
  return Number(found[1]);
}

describe("timeouts that have to agree", () => {
  for (const [path, silence, keepAlive] of [
    ["deploy/nginx.conf", "proxy_read_timeout", "keepalive_timeout"],
    ["deploy/haproxy.cfg", "timeout tunnel", undefined], // its idle connections to a server end after 5 s
    ["deploy/Caddyfile", undefined, "keepalive"], // it bears any silence
  ] as const) {
    it(path, () => {
      if (silence !== undefined) assert.ok(numberIn(path, silence) * 1000 > defaultOf("pongWaitMs"), silence);
      if (keepAlive !== undefined)
        assert.ok(numberIn(path, keepAlive) * 1000 < defaultOf("keepAliveTimeoutMs"), keepAlive);
    });
  }

  it("HAProxy waits for an answer longer than the server may take for it", () => {
    assert.ok(numberIn("deploy/haproxy.cfg", "timeout server") * 1000 > defaultOf("handshakeTimeoutMs"));
    assert.ok(numberIn("deploy/haproxy.cfg", "timeout client-fin") * 1000 > defaultOf("closeTimeoutMs"));
    assert.equal(numberIn("deploy/haproxy.cfg", "maxconn"), defaultOf("maxClients"));
  });

  it("systemd waits for the shutdown, and gives a descriptor to every client", () => {
    assert.ok(numberIn("deploy/hawser.service", "TimeoutStopSec") * 1000 > defaultOf("shutdownGraceMs"));
    assert.ok(
      numberIn("deploy/hawser.service", "LimitNOFILE") > defaultOf("maxClients") + defaultOf("maxPendingHandshakes"),
    );
  });
});

describe("docs/deployment.md", () => {
  const page = read("docs/deployment.md");

  it("shows lines of the proxies' files, in their order", () => {
    for (const [language, path] of [
      ["nginx", "deploy/nginx.conf"],
      ["haproxy", "deploy/haproxy.cfg"],
      ["caddyfile", "deploy/Caddyfile"],
    ] as const) {
      const shown = new RegExp(`^\`\`\`${language}\n([^\`]*)`, "m").exec(page)?.[1];
      assert.ok(shown, language);
      const lines = read(path).split("\n");
      let at = 0;
      for (const line of shown.split("\n").filter((each) => each !== "")) {
        at = lines.indexOf(line, at) + 1;
        assert.ok(at > 0, `${path} has no further line ${JSON.stringify(line)}`);
      }
    }
  });

  it("names flags and options that there are", async () => {
    const help = (await run(process.execPath, [cliPath(), "serve", "--help"])).stdout;
    const foreign = new Set([
      "--rm",
      "--read-only",
      "--cap-drop",
      "--security-opt",
      "--init",
      "--deploy-hook",
      "--ulimit",
    ]);
    const flags = new Set(page.match(/(?<=[ `])--[a-z][a-z0-9-]+/g)?.filter((flag) => !foreign.has(flag)));
    assert.ok(flags.size > 5);
    for (const flag of flags) assert.ok(help.includes(` ${flag} `) || help.includes(` ${flag}\n`), flag);
    const options = new Set(page.match(/(?<=`)(?!durationMs)[a-z]+[A-Za-z]*(Ms|Bytes|Clients|Handshakes)(?=`)/g));
    assert.ok(options.size > 5);
    for (const option of options) assert.ok(Object.hasOwn(optionRules, option), option);
  });
});

const systemd = await need("systemd-analyze");

describe("deploy/hawser.service", { skip: systemd.missing }, () => {
  it("is a unit that systemd has nothing to say about, and well fenced in", async () => {
    const folder = mkdtempSync(join(tmpdir(), "hawser-unit-"));
    const unit = join(folder, "hawser.service");
    // What it starts is not installed here.
    writeFileSync(unit, read("deploy/hawser.service").replaceAll("/usr/local/bin/hawser", "/bin/true"));
    const verified = await run(systemd.path, ["verify", "--recursive-errors=no", unit]);
    const fenced = await run(systemd.path, ["security", "--offline=true", "--threshold=20", unit]);
    rmSync(folder, { recursive: true });
    assert.equal(verified.stderr, "");
    assert.equal(verified.failure, undefined);
    assert.equal(fenced.failure, undefined, fenced.stdout);
  });

  it("has a socket unit beside it that systemd has nothing to say about", async () => {
    const folder = mkdtempSync(join(tmpdir(), "hawser-unit-"));
    const service = read("deploy/hawser.service").replaceAll("/usr/local/bin/hawser", "/bin/true");
    writeFileSync(join(folder, "hawser.service"), service);
    writeFileSync(join(folder, "hawser.socket"), read("deploy/hawser.socket"));
    const verified = await run(systemd.path, ["verify", "--recursive-errors=no", join(folder, "hawser.socket")]);
    rmSync(folder, { recursive: true });
    assert.equal(verified.stderr, "");
    assert.equal(verified.failure, undefined);
  });

  it("gives the server flags that it knows", async () => {
    const flags = /^ExecStart=\S+ (.*)$/m.exec(read("deploy/hawser.service"))?.[1]?.split(" ") ?? [];
    const config = flags[flags.indexOf("--config") + 1];
    assert.ok(config?.startsWith("/etc/hawser/"));
    const help = await run(process.execPath, [cliPath(), "serve", "--help"]);
    for (const flag of flags.filter((word) => word.startsWith("--"))) assert.ok(help.stdout.includes(`${flag} `), flag);
  });
});

describe("deploy/Dockerfile", () => {
  const instructions = read("deploy/Dockerfile")
    .split("\n")
    .filter((line) => /^[A-Z]+ /.test(line));
  const last = (name: string): string =>
    instructions.findLast((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? "";
  const command = [...(JSON.parse(last("ENTRYPOINT")) as string[]), ...(JSON.parse(last("CMD")) as string[])];

  it("copies files that exist and that its .dockerignore lets through", () => {
    const allowed = read("deploy/Dockerfile.dockerignore")
      .split("\n")
      .filter((line) => line.startsWith("!"));
    const copied = instructions
      .filter((line) => line.startsWith("COPY ") && !line.includes("--from="))
      .flatMap((line) => line.split(" ").slice(1, -1));
    assert.deepEqual(new Set(copied.map((path) => path.split("/")[0])), new Set(allowed.map((line) => line.slice(1))));
    for (const path of copied) assert.ok(existsSync(join(projectRoot, path)), path);
  });

  // npm leaves out a package that is not there, and the build would install all of them a second time.
  it("copies the package.json of each package before it installs them", () => {
    const before = instructions.slice(
      0,
      instructions.findIndex((line) => line.includes('"npm", "ci"')),
    );
    for (const { folder } of packages)
      assert.ok(before.includes(`COPY ${folder}/package.json ./${folder}/`), `${folder} before npm ci`);
  });

  it("runs without a shell, as a user by number who is not root, and stops by SIGTERM", () => {
    assert.match(last("USER"), /^[1-9]\d*:[1-9]\d*$/);
    assert.equal(last("STOPSIGNAL"), "SIGTERM");
    for (const line of instructions.filter((each) => each.startsWith("RUN "))) assert.match(line, /^RUN \[/);
    assert.ok(existsSync(command[1]!.replace("/hawser", projectRoot)), command[1]);
  });

  it("what it starts works as process 1, without capabilities, and stops in good order", async (t) => {
    const fence = [
      "--pid",
      "--fork",
      "--kill-child",
      "setpriv",
      "--no-new-privs",
      "--bounding-set=-all",
      "--inh-caps=-all",
    ];
    const probe = await run("unshare", [...fence, "true"]);
    if (probe.failure) return t.skip(`cannot be installed here: a process namespace: ${probe.stderr.trim()}`);
    const variables = instructions
      .filter((line) => line.startsWith("ENV "))
      .map((line) => line.slice(4).split("=") as [string, string]);
    const [, , ...args] = command;
    const child = spawn("unshare", [...fence, process.execPath, cliPath(), ...args, "--port", "0"], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { PATH: process.env["PATH"], ...Object.fromEntries(variables) },
    });
    t.after(() => child.kill("SIGKILL"));
    const exited = once(child, "exit");
    const output = createInterface({ input: child.stdout });
    const { host, port } = JSON.parse(String((await once(output, "line"))[0])) as LogLine;
    assert.equal(host, "0.0.0.0");
    const socket = new WebSocket(`ws://127.0.0.1:${String(port)}/`);
    await once(socket, "open");
    const closed = once(socket, "close");
    const { stdout } = await run("pgrep", ["--parent", String(child.pid)]);
    process.kill(Number(stdout), "SIGTERM");
    assert.equal((await closed)[0], 1001);
    assert.deepEqual(await exited, [0, null]);
  });
});
