// The bar of a job's tasks: where in the job what is done, runs, waits or has failed.
import { h, keep, lives } from "../base/dom.js";
import { big, near } from "../base/exact.js";
import * as format from "../base/format.js";
import { go, link } from "../base/route.js";
import { colour } from "../base/theme.js";
import { asTable, card, notice } from "../parts/page.js";
import { badge, FINAL } from "../parts/state.js";
import { table } from "../parts/table.js";
import { countsOf, intervalAt, intervalsOf } from "./intervals.js";

const EVERY_S = 2;
const HEIGHT = 56;
const SHOWN = 200;  // rows of the table
// Later ones are drawn over earlier ones: a single failure among a million tasks stays visible.
const ORDER = ["blocked", "waiting", "ended", "done", "cancelled", "unsure", "leased", "retrying",
  "failed"];
const COLOURS = { blocked: "--bar-blocked", waiting: "--bar-waiting", done: "--done",
  ended: "--done",
  cancelled: "--cancelled", leased: "--running", unsure: "--paused", retrying: "--paused",
  failed: "--failed" };
const WORDS = { leased: "running", retrying: "waiting for another attempt",
  unsure: "asking the worker", blocked: "waiting for results", ended: "ended, outcome forgotten" };
const wordOf = (state) => WORDS[state] ?? state;

/** The part of the job that the bar shows. */
class Window {
  constructor(total) {
    this.reset(total);
  }
  reset(total) {
    this.total = total;
    this.begin = 0n;
    this.end = total;
  }
  get isWhole() { return this.begin === 0n && this.end === this.total; }
  get size() { return this.end > this.begin ? this.end - this.begin : 1n; }
  /** Where a task is, from 0 to 1. */
  place(task) {
    const offset = task - this.begin;
    return Number(offset * 1_000_000n / this.size) / 1e6;
  }
  taskAt(part) {
    const scaled = BigInt(Math.round(Math.min(Math.max(part, 0), 0.999999) * 1e6));
    return this.begin + this.size * scaled / 1_000_000n;
  }
  narrow(from, to) {
    const begin = this.taskAt(from), end = this.taskAt(to) + 1n;
    if (end - begin < 2n) return;
    this.begin = begin;
    this.end = end;
  }
}

function paint(canvas, intervals, shown) {
  const width = canvas.clientWidth, scale = devicePixelRatio || 1;
  if (!width) return;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(HEIGHT * scale);
  const context = canvas.getContext("2d");
  for (const state of ORDER) {
    context.fillStyle = colour(COLOURS[state]);
    const least = (state === "failed" ? 2 : state === "leased" ? 1 : 0.5) * scale;
    for (const one of intervals) {
      if (one.state !== state) continue;
      const left = shown.place(one.first) * canvas.width;
      const right = shown.place(one.first + one.count) * canvas.width;
      if (right < 0 || left > canvas.width) continue;
      context.fillRect(left, 0, Math.max(right - left, least), canvas.height);
    }
  }
}

function describe(one) {
  const by = one.worker ? ` by ${one.worker}` : "";
  const noun = one.count === 1n ? "Task" : "Tasks";
  return `${noun} ${format.interval(one.first, one.count)}: ${wordOf(one.state)}${by}`;
}

/** @param {import("../parts/view.js").View} view */
export function taskBar(view, job) {
  const shown = new Window(big(job.total));
  const canvas = h("canvas", { height: HEIGHT, role: "img", "aria-label": "States of the tasks" });
  const readout = h("p.readout", { "aria-hidden": "true" }, "\u00a0");
  const range = h("div.selection", { hidden: true });
  const frame = lives(h("div.bar-frame", null, canvas, range, readout));
  let intervals = countsOf(job);
  let exact = null;  ///< null: not known yet; false: this gateway has no intervals
  let rest = null;
  let asked = 0;
  let isAsking = false;

  const repaint = () => requestAnimationFrame(() => paint(canvas, intervals, shown));
  const load = async () => {
    if (isAsking) return;
    isAsking = true;
    asked = Date.now();
    try {
      const state = view.param("tasks");
      const after = shown.isWhole ? null : shown.begin > 0n ? shown.begin : null;
      const found = await intervalsOf(job.job, { state, after }, view.signal);
      intervals = found.intervals;
      rest = found.next;
      exact = true;
    } catch (problem) {
      if (problem.name === "AbortError") return;
      if (problem.isUnsupported) exact = false;
    } finally {
      isAsking = false;
    }
    repaint();
    view.redraw();
  };
  const zoom = (change) => {
    change();
    if (exact) load();
    repaint();
    view.redraw();
  };
  watchPointer(canvas, range, {
    at: (part) => {
      const one = part === null ? null : intervalAt(intervals, shown.taskAt(part));
      readout.textContent = one && exact ? describe(one) : "\u00a0";
    },
    pick: (part) => {
      if (exact) go(link("jobs", job.job, "tasks", shown.taskAt(part)));
    },
    select: (from, to) => zoom(() => shown.narrow(from, to)),
  });
  const observer = new ResizeObserver(repaint);
  observer.observe(canvas);
  window.addEventListener("quern-theme", repaint);
  view.onLeave(() => {
    observer.disconnect();
    window.removeEventListener("quern-theme", repaint);
  });
  load();

  const filter = (state) => {
    view.setParams({ tasks: view.param("tasks") === state ? "" : state });
    if (view.param("tasks")) view.open.add("Tasks as a table");
    load();
    view.redraw();
  };
  return {
    changed(now) {
      if (shown.isWhole) shown.reset(big(now.total));
      if (!exact) {
        intervals = countsOf(now);
        repaint();
      }
      const wait = FINAL.has(now.state) ? 0 : EVERY_S * 1000;
      if (exact && Date.now() - asked >= wait) load();
    },
    content: (now) => card("Tasks",
      [!shown.isWhole && `${format.count(shown.begin)} to ${format.count(shown.end - 1n)} `,
        !shown.isWhole && h("button.small", { type: "button",
          onclick: () => zoom(() => shown.reset(big(now.total))) }, "Show all"),
        shown.isWhole && exact && "Drag to zoom, click for a task"],
      h("div.padded", null, keep(frame), legend(now, view, exact ? filter : null),
        exact === false && notice("info", "This gateway does not say which tasks are in which " +
          "state; the bar shows how many."),
        exact && rest !== null && notice("info", "The bar is drawn up to task " +
          `${format.count(rest)}: zoom in to see the tasks after it.`),
        exact && asTable(view, "Tasks as a table", () => rowsOf(intervals, job)))),
  };
}

function legend(job, view, filter) {
  const counts = { done: job.done, leased: job.leased, waiting: job.pending, failed: job.failed,
    cancelled: job.cancelled };
  if (near(job.blocked) > 0 || job.edges?.length) counts.blocked = job.blocked ?? 0;
  return h("div.legend", { role: "group", "aria-label": "Tasks by state" },
    Object.entries(counts).map(([state, value]) => {
      const text = [badge(state, wordOf(state)), h("b", { title: format.count(value) },
        format.short(value))];
      return filter && near(value) > 0
        ? h("button.choice", { type: "button", onclick: () => filter(state),
          "aria-pressed": String(view.param("tasks") === state) }, text)
        : h("span.choice.flat", null, text);
    }));
}

function rowsOf(intervals, job) {
  return [table("Tasks by state", [
    { name: "Tasks", kind: "main", cell: (one) =>
      h("a", { href: link("jobs", job.job, "tasks", one.first) },
        format.interval(one.first, one.count)) },
    { name: "Number", kind: "number", cell: (one) => format.count(one.count) },
    { name: "State", cell: (one) => badge(one.state, wordOf(one.state)) },
    { name: "Worker", cell: (one) => one.worker
      ? h("a", { href: link("workers", one.worker) }, one.worker) : "–" },
  ], intervals.slice(0, SHOWN), { key: (one) => `${one.first} ${one.state}` }),
  intervals.length > SHOWN && h("p.more", null,
    `The first ${SHOWN} of ${format.count(intervals.length)} intervals; zoom in for others`)];
}

/** Pointing, clicking and dragging along the bar; places are from 0 to 1. */
function watchPointer(canvas, range, { at, pick, select }) {
  let from = null;
  const part = (event) => {
    const box = canvas.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  };
  const mark = (a, b) => {
    range.hidden = false;
    range.style.left = `${Math.min(a, b) * 100}%`;
    range.style.width = `${Math.abs(b - a) * 100}%`;
  };
  canvas.onpointerdown = (event) => {
    from = part(event);
    canvas.setPointerCapture(event.pointerId);
  };
  canvas.onpointermove = (event) => {
    at(part(event));
    if (from !== null) mark(from, part(event));
  };
  canvas.onpointerleave = () => at(null);
  canvas.onpointerup = (event) => {
    const begin = from, end = part(event);
    from = null;
    range.hidden = true;
    if (begin === null) return;
    if (Math.abs(end - begin) < 0.005) pick(end);
    else select(Math.min(begin, end), Math.max(begin, end));
  };
}
