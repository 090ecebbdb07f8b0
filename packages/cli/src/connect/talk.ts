/** What a typed line does: it is sent, or it is a command. */
import { isValidCloseCode } from "hawser/protocol";
import { printable } from "hawser/tools";
import { fromHex } from "./hex-dump.js";

/** Whom we talk to: a server, or all clients. */
export interface Talk {
  send(payload: string | Uint8Array): void;
  ping(): void;
  close(code: number, reason: string): void;
}

const COMMANDS: readonly string[] = ["/ping", "/close", "/binary", "/help"];

/** What the tab key makes of a line. */
export function completions(line: string): readonly string[] {
  return COMMANDS.filter((name) => name.startsWith(line));
}

const help = `Each line is sent as a text message. A line that begins with a slash is a command:
  /ping                   send a ping, and show how long the pong takes
  /binary HEX             send bytes as a binary message: /binary 48 65 6c 6c 6f
  /close [CODE] [REASON]  close the connection, with 1000 unless said otherwise
  /help                   this
  //TEXT                  send /TEXT
Ctrl+D or Ctrl+C closes with 1000. The arrow keys find earlier lines.`;

const LONGEST_REASON = 123;

/** `say` answers the person who typed. */
export function perform(line: string, talk: Talk, say: (text: string) => void): void {
  if (line === "") return;
  if (!line.startsWith("/")) return talk.send(line);
  if (line.startsWith("//")) return talk.send(line.slice(1));
  const [, name = "", rest = ""] = /^(\S+)\s*(.*)$/s.exec(line) ?? [];
  switch (name) {
    case "/ping":
      return talk.ping();
    case "/binary": {
      const bytes = fromHex(rest);
      return bytes === null ? say("/binary takes pairs of hexadecimal digits: /binary 48 65 6c") : talk.send(bytes);
    }
    case "/close":
      return close(rest, talk, say);
    case "/help":
      return say(help);
    default:
      return say(`there is no command ${printable(name)}; /help lists them, and /${printable(line)} sends it as it is`);
  }
}

function close(rest: string, talk: Talk, say: (text: string) => void): void {
  const [, digits = "1000", reason = ""] = /^(\d+)?\s*(.*)$/s.exec(rest) ?? [];
  const code = Number(digits);
  if (!isValidCloseCode(code))
    return say(`${digits} cannot be sent: takes 1000 to 1014, or 3000 to 4999 (RFC 6455 7.4)`);
  if (Buffer.byteLength(reason) > LONGEST_REASON) return say(`the reason is too long: takes ${LONGEST_REASON} bytes`);
  talk.close(code, reason);
}
