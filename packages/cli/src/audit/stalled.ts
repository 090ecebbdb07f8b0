/** Whether a server on this machine still holds a connection, without touching it: reading would end the stall that is looked at. */
import { readFileSync } from "node:fs";

/**
 * The server's end in Linux's table of TCP connections: a socket that its process has closed is not in it, or belongs to nobody
 * (inode 0) while the kernel still tries to send what was queued.
 * @returns undefined where there is no such table
 */
export function isHeld(serverPort: number, ourPort: number): boolean | undefined {
  const rows = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap(table);
  if (rows.length === 0) return undefined;
  const pair = [hex(serverPort), hex(ourPort)].join(" ");
  return rows.some(({ ports, inode }) => ports === pair && inode !== "0");
}

interface Row {
  readonly ports: string;
  readonly inode: string;
}

function table(path: string): Row[] {
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields.length > 9)
      .map((fields) => ({
        ports: [fields[1], fields[2]].map((end) => end?.split(":")[1] ?? "").join(" "),
        inode: fields[9] ?? "",
      }));
  } catch {
    return [];
  }
}

function hex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}
