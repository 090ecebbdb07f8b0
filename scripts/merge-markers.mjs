// Names every line that a merge has left unresolved, in all files that git does not ignore; the exit code is then 1.

import { spawnSync } from "node:child_process";

// Also as a formatter may have left it: further in, or as nested quotations of Markdown. Written so that it does not match itself.
const MARKER = "^[[:space:]]*(<{7}|>{7}|[|]{7}|(> ){6}>)([[:space:]]|$)|^={7}[[:space:]]*$";

const { status, stdout, stderr, error } = spawnSync("git", ["grep", "--untracked", "-nIE", MARKER], {
  encoding: "utf8",
});
process.stdout.write(stdout ?? "");
process.stderr.write(stderr || (error?.message ?? ""));
// git grep exits with 1 where it finds nothing.
process.exitCode = status === 1 ? 0 : 1;
