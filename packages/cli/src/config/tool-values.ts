/** Values of the tools' flags: each is text, and what is not understood ends in one line that says what is. */
import { type Header, HEADER_FORM, isSubprotocol, parseHeader } from "../tools/headers.js";
import { ConfigError, show } from "./config-error.js";

/** Reads the text of a flag. @throws ConfigError */
export type Reader<T> = (text: string) => T;

function reader<T>(flag: string, takes: string, read: (text: string) => T | null): Reader<T> {
  return (text) => {
    const value = read(text);
    if (value === null) throw new ConfigError(`${flag}: got ${show(text)}; takes ${takes}`);
    return value;
  };
}

const DURATION = /^(?<number>\d{1,9}(\.\d{1,3})?)(?<unit>ms|s|m|h|)$/;
const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, "": 1000, s: 1000, m: 60_000, h: 3_600_000 };
const LONGEST_MS = 24 * 3_600_000;

/** In milliseconds; a number without a unit is seconds. */
export function durationOf(flag: string, minMs: number): Reader<number> {
  const least = minMs === 0 ? "" : `, ${minMs}ms or more`;
  return reader(flag, `a duration such as 10, 10s, 500ms or 1m${least}`, (text) => {
    const { number, unit } = DURATION.exec(text)?.groups ?? {};
    const ms = Number(number) * (DURATION_UNITS[unit ?? ""] ?? Number.NaN);
    return ms >= minMs && ms <= LONGEST_MS ? ms : null;
  });
}

const SIZE = /^(?<number>\d{1,9})(?<unit>b|k|kb|kib|m|mb|mib|)$/i;

/** In bytes; k and m are powers of 1024, and kb and mb of 1000. */
export function sizeOf(flag: string, max: number): Reader<number> {
  return reader(flag, `a number of bytes such as 64, 1k, 64KiB or 1MiB, up to ${max}`, (text) => {
    const { number, unit = "" } = SIZE.exec(text)?.groups ?? {};
    const base = /^[km]b$/i.test(unit) ? 1000 : 1024;
    const power = /^k/i.test(unit) ? 1 : /^m/i.test(unit) ? 2 : 0;
    const bytes = Number(number) * base ** power;
    return bytes <= max ? bytes : null;
  });
}

export function countOf(flag: string, min: number, max: number): Reader<number> {
  return reader(flag, `a whole number from ${min} to ${max}`, (text) => {
    const value = /^(0|[1-9]\d{0,9})$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? value : null;
  });
}

export function choiceOf(flag: string, choices: readonly string[]): Reader<string> {
  const all = `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
  return reader(flag, all, (text) => (choices.includes(text) ? text : null));
}

export function rateOf(flag: string, max: number): Reader<number> {
  return reader(flag, `how many per second, up to ${max}`, (text) => {
    const value = /^\d{1,9}(\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
    return value > 0 && value <= max ? value : null;
  });
}

/** A flag that may be given several times. */
type ListReader<T> = (text: string, before: readonly T[] | undefined) => readonly T[];

function listOf<T>(read: Reader<T>): ListReader<T> {
  return (text, before) => [...(before ?? []), read(text)];
}

export const headersOf: ListReader<Header> = listOf(reader("--header", HEADER_FORM, parseHeader));

export const subprotocolsOf: ListReader<string> = listOf(
  reader("--subprotocol", "a name without blanks or commas", (text) => (isSubprotocol(text) ? text : null)),
);
