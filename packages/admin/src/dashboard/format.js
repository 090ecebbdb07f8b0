/** Numbers as people read them. */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export const none = "–";

export function count(value) {
  return value === null ? none : whole.format(value);
}

export function shortCount(value) {
  return value === null ? none : Math.abs(value) < 1000 ? whole.format(value) : compact.format(value);
}

/** Of something in a second: small ones with a digit more, so that they are not said to be none. */
export function rate(value) {
  if (value === 0 || value >= 10) return shortCount(value);
  return value < 0.1 ? "< 0.1" : value.toFixed(1);
}

const units = ["B", "KiB", "MiB", "GiB", "TiB"];

export function bytes(value) {
  if (value === null) return none;
  let unit = 0;
  let amount = value;
  for (; amount >= 1024 && unit < units.length - 1; unit++) amount /= 1024;
  return `${amount >= 100 || unit === 0 || Number.isInteger(amount) ? Math.round(amount) : amount.toFixed(1)} ${units[unit]}`;
}

export function milliseconds(value) {
  if (value === null) return none;
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`;
  return `${value >= 10 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)} ms`;
}

/** 42 s, 5 min 3 s, 2 h 5 min, 3 d 4 h */
export function duration(ms) {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const two = (value) => String(value).padStart(2, "0");

export function clock(ms, withSeconds = true) {
  const date = new Date(ms);
  const minutes = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return withSeconds ? `${minutes}:${two(date.getSeconds())}` : minutes;
}
