// Numbers, sizes and times as a person reads them.

import { h } from "./dom.js";

const NUMBER = new Intl.NumberFormat("en");
const LOCAL = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
// when clocks are set back, the same hour comes twice
const LOCAL_WITH_ZONE = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric", hour: "numeric", minute: "2-digit", timeZoneName: "short" });
const HOUR_MILLISECONDS = 3600000;
const SHORT = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

export function count(number) {
  return NUMBER.format(number);
}

export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

export function signed(number) {
  if (number === 0) return "same";
  return `${number > 0 ? "+" : "−"}${count(Math.abs(number))}`;
}

export function size(bytes) {
  let value = Math.abs(bytes);
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const text = unit === 0 ? count(value) : value.toFixed(value < 10 ? 1 : 0);
  return `${bytes < 0 ? "−" : ""}${text} ${UNITS[unit]}`;
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "—";
  if (seconds < 1) return "under 1 s";
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** In the reader's own time zone; UTC on hover, and for a screen reader on demand. */
export function time(iso) {
  if (!iso) return "—";
  const moment = new Date(iso);
  const utc = `${moment.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  return h("time", { datetime: iso, title: utc }, localTime(moment));
}

/** With the zone where the clock showed the same an hour before, or shows it again an hour later. */
function localTime(moment) {
  const text = LOCAL.format(moment);
  const twice = [-HOUR_MILLISECONDS, HOUR_MILLISECONDS].some((step) => LOCAL.format(new Date(moment.getTime() + step)) === text);
  return twice ? LOCAL_WITH_ZONE.format(moment) : text;
}

export function shortDate(iso) {
  return SHORT.format(new Date(iso));
}

export function shortTime(iso) {
  return localTime(new Date(iso));
}

export function ago(iso, now = Date.now()) {
  const seconds = Math.round((now - new Date(iso).getTime()) / 1000);
  const [past, amount] = [seconds >= 0, Math.abs(seconds)];
  const text = amount < 90 ? plural(amount, "second")
    : amount < 5400 ? plural(Math.round(amount / 60), "minute")
    : amount < 129600 ? plural(Math.round(amount / 3600), "hour")
    : plural(Math.round(amount / 86400), "day");
  return past ? `${text} ago` : `in ${text}`;
}
