/** What a line means that somebody types to a hub, or that comes out of a pipe. */
import { fromHex } from "../hex-dump.js";

export type HubCommand =
  | { readonly verb: "sub"; readonly topic: string; readonly last: number | undefined }
  | { readonly verb: "unsub"; readonly topic: string | undefined }
  /** Without a topic, to the one that was subscribed to last. */
  | { readonly verb: "pub"; readonly topic: string | undefined; readonly data: unknown }
  | { readonly verb: "call"; readonly name: string; readonly input: unknown }
  /** Without a topic and a number: the page before the last one. */
  | { readonly verb: "back"; readonly topic: string | undefined; readonly max: number | undefined }
  | { readonly verb: "who"; readonly topic: string | undefined; readonly watch: boolean | undefined }
  | { readonly verb: "count"; readonly topic: string | undefined }
  | { readonly verb: "help" }
  /** The line cannot be understood, and why. */
  | { readonly verb: "fault"; readonly why: string };

export const HUB_HELP = `A line is published to the topic that was subscribed to last: as JSON if it is JSON, and else as a string.
  /sub TOPIC [last N]     subscribe, and begin with the N newest messages
  /unsub [TOPIC]          end that
  /pub TOPIC JSON         publish: /pub room:42 {"text":"hi"}
  /binary HEX             publish bytes, to the topic that was subscribed to last
  /call NAME [JSON]       ask the server for something
  /back [TOPIC] [N]       show the N newest messages that are kept; /back alone then shows those before
  /who [TOPIC] [watch]    who is there; with watch, also who comes and goes; unwatch ends that
  /count [TOPIC]          how many are there
  /help                   this
  //TEXT                  publish /TEXT
A topic left out is the one that was subscribed to last. One with blanks in it stands in quotes: "my room".
Ctrl+D or Ctrl+C closes. The arrow keys find earlier lines.`;

const FORMS: Readonly<Record<string, string>> = {
  "/sub": "/sub TOPIC [last N]",
  "/unsub": "/unsub [TOPIC]",
  "/pub": "/pub TOPIC JSON",
  "/binary": "/binary HEX, as in /binary 48 65 6c",
  "/call": "/call NAME [JSON]",
  "/back": "/back [TOPIC] [N]",
  "/who": "/who [TOPIC] [watch | unwatch]",
  "/count": "/count [TOPIC]",
  "/help": "/help",
};

const COMMANDS: readonly string[] = Object.keys(FORMS);

const WHOLE = /^(?:0|[1-9]\d{0,8})$/;

/** What the tab key makes of a line: a command, or a topic behind one. */
export function hubCompletions(line: string, topics: readonly string[]): readonly string[] {
  const [command = "", topic] = line.split(/\s+/, 2);
  if (topic === undefined) return COMMANDS.filter((name) => name.startsWith(line));
  const known = topics.map((name) => (/^[^\s"]+$/.test(name) ? name : JSON.stringify(name)));
  return COMMANDS.includes(command) && !["/call", "/binary", "/help"].includes(command)
    ? known.filter((name) => name.startsWith(topic)).map((name) => `${command} ${name}`)
    : [];
}

/** Undefined: there is nothing in it. */
export function readCommand(line: string): HubCommand | undefined {
  if (line.trim() === "") return undefined;
  if (!line.startsWith("/")) return { verb: "pub", topic: undefined, data: looseJson(line) };
  if (line.startsWith("//")) return { verb: "pub", topic: undefined, data: line.slice(1) };
  const [, name = "", rest = ""] = /^(\S+)\s*(.*)$/s.exec(line) ?? [];
  if (!COMMANDS.includes(name))
    return fault(`there is no command ${name}; /help lists them, and /${line} publishes it as it is`);
  return read(name, rest.trimEnd()) ?? fault(`${name} takes ${FORMS[name]}`);
}

/** Undefined: it is not of the command's form. */
function read(name: string, rest: string): HubCommand | undefined {
  const [first, ...others] = wordsOf(rest);
  const [second, third] = others;
  switch (name) {
    case "/sub":
      if (first === undefined || others.length > 2 || others.length === 1) return undefined;
      if (second === undefined) return { verb: "sub", topic: first.text, last: undefined };
      return second.text === "last" && WHOLE.test(third?.text ?? "")
        ? { verb: "sub", topic: first.text, last: Number(third?.text) }
        : undefined;
    case "/pub": {
      const text = first === undefined ? "" : rest.slice(first.end).trim();
      if (first === undefined || text === "") return undefined;
      // What begins like this was meant to be JSON: as a string it would be a surprise to whoever gets it.
      if (/^[{["]/.test(text) && !isJson(text)) return fault("/pub: what follows the topic is no JSON");
      return { verb: "pub", topic: first.text, data: looseJson(text) };
    }
    case "/binary": {
      const bytes = fromHex(rest);
      return bytes === null || bytes.length === 0 ? undefined : { verb: "pub", topic: undefined, data: bytes };
    }
    case "/call": {
      if (first === undefined) return undefined;
      const text = rest.slice(first.end).trim();
      if (text === "") return { verb: "call", name: first.text, input: undefined };
      return isJson(text)
        ? { verb: "call", name: first.text, input: JSON.parse(text) }
        : fault("/call: what follows the name is no JSON");
    }
    case "/back":
      if (others.length > 1) return undefined;
      if (second !== undefined) return isNumber(second) ? back(first?.text, second) : undefined;
      return first !== undefined && isNumber(first) ? back(undefined, first) : back(first?.text, undefined);
    case "/who": {
      const last = second ?? (others.length === 0 && isWatch(first) ? first : undefined);
      if (others.length > 1 || (last !== undefined && !isWatch(last))) return undefined;
      const watch = last === undefined ? undefined : last.text === "watch";
      return { verb: "who", topic: last === first ? undefined : first?.text, watch };
    }
    case "/unsub":
    case "/count":
      return others.length > 0 ? undefined : { verb: name === "/unsub" ? "unsub" : "count", topic: first?.text };
    default:
      return rest === "" ? { verb: "help" } : undefined;
  }
}

interface Word {
  readonly text: string;
  /** It stood in quotes, and so is a name, whatever it says. */
  readonly isQuoted: boolean;
  /** Where it ends. */
  readonly end: number;
}

/** Separated by blanks; one with blanks in it, as a string of JSON. */
function wordsOf(text: string): Word[] {
  return [...text.matchAll(/"(?:[^"\\]|\\.)*"(?!\S)|\S+/g)].map(({ 0: word, index }) => {
    const isQuoted = word.length > 1 && word.startsWith('"') && isJson(word);
    return { text: isQuoted ? String(JSON.parse(word)) : word, isQuoted, end: index + word.length };
  });
}

function isNumber({ text, isQuoted }: Word): boolean {
  return !isQuoted && WHOLE.test(text);
}

function isWatch(word: Word | undefined): boolean {
  return word !== undefined && !word.isQuoted && ["watch", "unwatch"].includes(word.text);
}

function back(topic: string | undefined, max: Word | undefined): HubCommand {
  return { verb: "back", topic, max: max === undefined ? undefined : Number(max.text) };
}

function fault(why: string): HubCommand {
  return { verb: "fault", why };
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function looseJson(text: string): unknown {
  return isJson(text) ? (JSON.parse(text) as unknown) : text;
}
