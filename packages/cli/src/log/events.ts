/** The lines that the command adds to the library's (`logEvents`), with their fields. docs/cli.md is held equal to it by a test. */
export const commandLogEvents: Readonly<Record<string, readonly string[]>> = {
  serving: [],
  signal: ["signal"],
  "reload-ignored": [],
  "tls-reload-failed": ["reason"],
  "log-dropped": ["lines"],
  "process-warning": ["name"],
  "room-failed": ["id", "room", "code", "reason"],
  "publish-key-refused": ["address"],
  "jwks-failed": ["why"],
  "worker-output": ["worker"],
  fault: ["err"],
};
