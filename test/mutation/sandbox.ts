import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const COPIED = ["packages", "build", "package.json"];

/** How a test file ended. */
export type Outcome = "passed" | "failed" | "timeout";

/** A copy of the compiled project that may be changed, beside everything else as it is. */
export class Sandbox {
  readonly root: string;

  constructor(project: string) {
    this.root = mkdtempSync(join(tmpdir(), "hawser-mutation-"));
    for (const name of readdirSync(project)) {
      if (COPIED.includes(name)) cpSync(join(project, name), join(this.root, name), { recursive: true });
      else if (name !== ".git" && name !== "node_modules") symlinkSync(join(project, name), join(this.root, name));
    }
    this.#linkModules(project);
  }

  /** The packages of the copy under their names, and everything else as it is. */
  #linkModules(project: string): void {
    const folder = join(this.root, "node_modules");
    mkdirSync(join(folder, "@hawser"), { recursive: true });
    for (const name of readdirSync(join(project, "node_modules"))) {
      if (!/^@?hawser$/.test(name)) symlinkSync(join(project, "node_modules", name), join(folder, name));
    }
    symlinkSync("../packages/hawser", join(folder, "hawser"));
    for (const name of ["wire", "client", "jwt", "redis", "admin", "cli"])
      symlinkSync(`../../packages/${name}`, join(folder, "@hawser", name));
  }

  write(file: string, source: string): void {
    writeFileSync(join(this.root, file), source);
  }

  /** Runs one test file, which ends with the first test that fails, or is killed with all that it started. */
  run(testFile: string, limitMs: number, env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
    const child = spawn(
      process.execPath,
      ["--test-reporter=tap", `--import=${join(this.root, "scripts/test-limits.mjs")}`, join(this.root, testFile)],
      { cwd: this.root, stdio: ["ignore", "pipe", "ignore"], detached: true, env: { ...process.env, ...env } },
    );
    let seen = "";
    child.stdout.setEncoding("latin1").on("data", (text: string) => {
      seen = seen.slice(seen.lastIndexOf("\n") + 1) + text;
      if (/^ *not ok /m.test(seen)) killGroup(child.pid);
    });
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        killGroup(child.pid);
        resolve("timeout");
      }, limitMs);
      child.on("close", (code) => {
        clearTimeout(timer);
        killGroup(child.pid);
        resolve(code === 0 ? "passed" : "failed");
      });
    });
  }

  remove(): void {
    rmSync(this.root, { recursive: true });
  }
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // All of it has ended.
  }
}
