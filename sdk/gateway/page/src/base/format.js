// Figures as people read them: with units, and no more digits than they mean.
import { big, near } from "./exact.js";

const FAR_S = 3600 * 24 * 365;
const GROUPED = new Intl.NumberFormat("en");
const SCALES = [[1e18, "E"], [1e15, "P"], [1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];

/** All digits: 1,234,567. @param {number|string|bigint} value */
export function count(value) {
  return GROUPED.format(big(value));
}

/** "1 task", "1,000 tasks". */
export function counted(value, noun, plural = `${noun}s`) {
  return `${count(value)} ${big(value) === 1n ? noun : plural}`;
}

function digits(value) {
  if (value === 0) return "0";
  const places = value >= 100 ? 0 : value >= 10 ? 1 : value >= 0.1 ? 2 : 3;
  return value.toFixed(places);
}

/** At most three or four digits: 1.23 M. */
export function short(value) {
  const number = near(value);
  const size = Math.abs(number);
  if (size < 10000 && Number.isInteger(number)) return GROUPED.format(number);
  for (const [scale, letter] of SCALES) {
    if (size >= scale * 0.9995) return `${digits(number / scale)} ${letter}`;
  }
  return digits(number);
}

/** "1.2 M/s" */
export function rate(perSecond) {
  return perSecond > 0 ? `${short(perSecond)}/s` : "–";
}

/** 0.4213 -> "42.1 %"; never "100 %" before it is all. */
export function percent(part) {
  if (part >= 1) return "100 %";
  const value = Math.floor(part * 1000) / 10;
  if (part > 0 && value === 0) return "< 0.1 %";
  return value >= 10 && value < 99 ? `${Math.floor(value)} %` : `${value.toFixed(1)} %`;
}

/** "350 ms", "4.2 s", "3 min 20 s", "2 h 5 min", "3 d 4 h" */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const s = Math.max(0, seconds);
  if (s === 0) return "0 s";
  if (s < 0.001) return `${Math.round(s * 1e6)} µs`;
  if (s < 1) return `${Math.round(s * 1000)} ms`;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.round(s)} s`;
  const pair = (big, bigUnit, small, smallUnit) =>
    small ? `${big} ${bigUnit} ${small} ${smallUnit}` : `${big} ${bigUnit}`;
  const whole = Math.round(s);
  if (whole < 3600) return pair(Math.floor(whole / 60), "min", whole % 60, "s");
  const minutes = Math.round(s / 60);
  if (minutes < 1440) return pair(Math.floor(minutes / 60), "h", minutes % 60, "min");
  const hours = Math.round(s / 3600);
  if (hours < 24 * 365) return pair(Math.floor(hours / 24), "d", hours % 24, "h");
  const years = hours / 8766;
  return years > 1000 ? "over 1,000 years" : `${digits(years)} years`;
}

/** "12 min" with one unit only, for tables. */
export function age(seconds) {
  if (!(seconds >= 0)) return "–";
  if (seconds > 1000 * FAR_S) return duration(seconds);
  return duration(seconds).split(" ").slice(0, 2).join(" ");
}

/** "3 min 20 s ± 12 s" */
export function estimate(seconds, error) {
  if (seconds === null || seconds === undefined) return "–";
  const known = error !== null && error !== undefined;
  return known ? `${duration(seconds)} ± ${age(error)}` : duration(seconds);
}

/** "at 14:20" for what ends in so many seconds; nothing for what is too far away to plan for. */
export function clockIn(seconds) {
  if (seconds > FAR_S) return "";
  const at = new Date(Date.now() + seconds * 1000);
  const time = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const today = at.toDateString() === new Date().toDateString();
  const day = at.toLocaleDateString([], { day: "numeric", month: "short" });
  return today ? `at ${time}` : `on ${day} at ${time}`;
}

/** "± 12 s, at 14:20" for what ends in so many seconds. */
export function endNote(seconds, error) {
  const known = error !== null && error !== undefined;
  return [known ? `± ${age(error)}` : "", clockIn(seconds)].filter(Boolean).join(", ");
}

/** "1.5 GB" */
export function bytes(value) {
  const number = near(value);
  for (const [scale, unit] of [[1e12, "TB"], [1e9, "GB"], [1e6, "MB"], [1e3, "kB"]]) {
    if (number >= scale) return `${digits(number / scale)} ${unit}`;
  }
  return `${count(number)} B`;
}

/** The beginning of a text that is too long to be shown, and how long it is. */
export function cut(text, most) {
  const whole = String(text);
  if (whole.length <= most) return whole;
  return `${whole.slice(0, most)}… (${count(whole.length)} characters)`;
}

/** A sentence of the broker with long numbers grouped: 2999475776924 -> 2,999,475,776,924. */
export function grouped(sentence) {
  return sentence.replace(/(?<![\w.-])\d{5,}(?![\w.-])|(?<![\w.-])\d{5,}(?=\.(\s|$))/g, count);
}

/** "7" or "7 to 1,002" for tasks from `first` on. */
export function interval(first, howMany) {
  const from = big(first);
  const last = from + big(howMany) - 1n;
  return last <= from ? count(from) : `${count(from)} to ${count(last)}`;
}
