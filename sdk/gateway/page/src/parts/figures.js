// Small pictures in the text: bars of progress, lines of the last minute.
import { h } from "../base/dom.js";
import { big, ratio } from "../base/exact.js";
import { count, percent, short } from "../base/format.js";

const PARTS = ["done", "failed", "cancelled", "leased"];

/** Done, failed, cancelled and running parts of a job. @param {boolean} [isLong] with numbers */
export function progress(job, isLong = false) {
  const finished = big(job.done) + big(job.failed) + big(job.cancelled);
  const part = ratio(finished, job.total);
  const label = `${count(finished)} of ${count(job.total)} tasks have ended`;
  return h("div.progress", { role: "img", "aria-label": label, title: label },
    h("div.track", null, PARTS.map((name) => {
      const width = ratio(job[name], job.total) * 100;
      return width > 0 && h(`i.${name}`, { style: { width: `${Math.max(width, 0.8)}%` } });
    })),
    h("span.percent", null, big(job.total) === 0n ? "–" : percent(part)),
    isLong && h("span.sub", null, `${short(finished)} of ${short(job.total)}`));
}

/** A bar of one colour. @param {number} part 0 to 1 */
export function meter(part, label) {
  const width = `${Math.min(100, Math.max(0, part * 100))}%`;
  return h("div.meter", { role: "img", "aria-label": label, title: label },
    h("i", { style: { width } }));
}

/** The last values as a line; the newest is at the right. @param {number[]} values */
export function sparkline(values, label) {
  if (values.length < 2) return null;
  const width = 72, height = 20;
  const top = Math.max(...values, 1e-9);
  const step = width / (values.length - 1);
  const points = values.map((value, n) =>
    `${(n * step).toFixed(1)},${(height - 2 - value / top * (height - 4)).toFixed(1)}`);
  return h("svg.spark", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    h("polygon", { points: `0,${height} ${points.join(" ")} ${width},${height}` }),
    h("polyline", { points: points.join(" ") }));
}

/** The last values of many things, by key, for sparklines. */
export class Recent {
  constructor(most = 40) {
    this.most = most;
    this.counters = new Map();
    this.rates = new Map();
  }

  /** A counter that grows: its speed becomes the next value. */
  count(key, value, now = Date.now()) {
    const before = this.counters.get(key);
    this.counters.set(key, { value, now });
    if (!before || now - before.now < 400) {
      if (before) this.counters.set(key, before);
      return;
    }
    const list = this.rates.get(key) ?? [];
    list.push(Math.max(0, value - before.value) / ((now - before.now) / 1000));
    if (list.length > this.most) list.shift();
    this.rates.set(key, list);
  }

  of(key) { return this.rates.get(key) ?? []; }
}
