/** A server's log, read as a program reads it. */

export type Fields = Readonly<Record<string, unknown>>;

/** Two fields or more. Between two there is white space for certain: else each "=" could be read in two ways, a hundred in 2^100. */
const LOGFMT = /^[\w.-]+=(?:"(?:[^"\\]|\\.)*"|[^\s"]*)(?:\s+[\w.-]+=(?:"(?:[^"\\]|\\.)*"|[^\s"]*))+$/;

/** The fields of a structured line, JSON or logfmt; undefined: it is neither. */
export function fieldsOf(line: string): Fields | undefined {
  const text = line.trim();
  if (text.startsWith("{")) {
    try {
      const value: unknown = JSON.parse(text);
      return typeof value === "object" && value !== null ? (value as Fields) : undefined;
    } catch {
      return undefined;
    }
  }
  if (!LOGFMT.test(text)) return undefined;
  return Object.fromEntries(
    [...text.matchAll(/([\w.-]+)=("(?:[^"\\]|\\.)*"|\S*)/g)].map(([, name, value = ""]) => [
      name ?? "",
      value.replace(/^"|"$/g, ""),
    ]),
  );
}

const LEVELS = ["level", "severity", "lvl", "levelname", "log.level"];
/** Pino's and bunyan's number for it. */
const ERROR = 50;

/** Whether a line says that something is wrong with the server. */
export function isError(line: string): boolean {
  const fields = fieldsOf(line);
  if (fields === undefined) return /^\W*(?:error|fatal|uncaught)\b|\b\w*Error: /i.test(line);
  const level = LEVELS.map((name) => fields[name]).find((value) => value !== undefined);
  if (typeof level === "number") return level >= ERROR;
  return typeof level === "string" && /^(?:err|error|fatal|crit|critical|alert|emerg|panic)/i.test(level);
}

const NAMES =
  /^(?:id|client|clientid|client_id|connection|connectionid|connection_id|connid|conn|socketid|sid|peer|uuid)$/i;

/** The field that names the client, where there is one. */
export function clientName(line: string): string | undefined {
  const fields = fieldsOf(line);
  if (fields === undefined) return undefined;
  const found = Object.entries(fields).find(
    ([name, value]) => NAMES.test(name) && (typeof value === "string" || typeof value === "number"),
  );
  return found === undefined ? undefined : String(found[1]);
}
