// One preparing process per clone: two `npm test` at once must not install or compile over each other.

import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimes, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const BEAT_MS = 1_000;
// A holder touches the file every second. The process id alone does not do: another container has its own numbers.
const STALE_MS = 20_000;

/** Runs `work` while no other process holds the lock file in `folder`. */
export async function withLock(folder, work) {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "prepare.lock");
  await acquire(file);
  const release = () => rmSync(file, { force: true });
  process.once("exit", release);
  // An error: it was taken away by hand, and the work goes on.
  const beat = setInterval(() => utimes(file, new Date(), new Date(), () => {}), BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    process.removeListener("exit", release);
    release();
  }
}

async function acquire(file) {
  for (let told = false; ; await sleep(100)) {
    try {
      writeFileSync(file, String(process.pid), { flag: "wx" });
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (isStale(file)) steal(file);
    else if (!told) {
      told = true;
      process.stderr.write("Waiting for another command that prepares this folder…\n");
    }
  }
}

function isStale(file) {
  try {
    if (Date.now() - statSync(file).mtimeMs > STALE_MS) return true;
    const holder = Number(readFileSync(file, "utf8"));
    // Empty: its holder is between creating and writing it.
    return holder !== 0 && !isAlive(holder);
  } catch {
    return false;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return pid !== process.pid;
  } catch (error) {
    return error.code === "EPERM";
  }
}

// Of several that find the file stale, rename lets one take it away; a second look covers the file that one has made since.
function steal(file) {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
    if (!isStale(aside)) writeFileSync(file, readFileSync(aside), { flag: "wx" });
  } catch {
    // Another was quicker.
  }
  rmSync(aside, { force: true });
}
