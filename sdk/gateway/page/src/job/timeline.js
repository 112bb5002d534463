// What ran when and where: a lane for each slot, a block for each lease.
import { h, keep, lives } from "../base/dom.js";
import * as format from "../base/format.js";
import { go, link } from "../base/route.js";
import { colour } from "../base/theme.js";
import { asTable, card, empty, whenLoaded } from "../parts/page.js";
import { badge, FINAL } from "../parts/state.js";
import { table } from "../parts/table.js";

const LANE = 18, GAP = 3, AXIS = 24, SHOWN = 300;
const LEAST_S = 1e-6;
const COLOURS = { done: "--done", failed: "--failed", cancelled: "--cancelled", lost: "--failed",
  running: "--running", leased: "--running" };

/** @typedef {{worker: string, lane: number, begin_s: number, end_s: number, first: *, tasks: *,
 *   outcome: string}} Span */

/** @param {Span[]} spans @returns {Array<{name: string, spans: Span[]}>} by worker and lane */
function lanesOf(spans) {
  const lanes = new Map();
  for (const span of spans) {
    const name = `${span.worker} ${span.lane}`;
    if (!lanes.has(name)) {
      lanes.set(name, { name, worker: span.worker, lane: span.lane, spans: [] });
    }
    lanes.get(name).spans.push(span);
  }
  return [...lanes.values()].sort((a, b) =>
    a.worker < b.worker ? -1 : a.worker > b.worker ? 1 : a.lane - b.lane);
}

/** A round step so that about six fit into `size`. */
function stepOf(size) {
  const rough = size / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
}

class Picture {
  constructor(spans) {
    this.take(spans);
    this.reset();
  }
  take(spans) {
    this.lanes = lanesOf(spans);
    this.last = Math.max(LEAST_S, ...spans.map((span) => span.end_s));
    this.first = Math.min(this.last, ...spans.map((span) => span.begin_s));
    if (this.isWhole) this.reset();
  }
  reset() {
    this.isWhole = true;
    this.begin = this.first;
    this.end = this.last > this.first ? this.last : this.first + LEAST_S;
  }
  get height() { return this.lanes.length * (LANE + GAP) + AXIS; }
  get size() { return this.end - this.begin; }

  zoom(factor, at) {
    const middle = this.begin + this.size * at;
    const size = Math.min(this.last - this.first, Math.max(LEAST_S, this.size * factor));
    this.isWhole = size >= (this.last - this.first) * 0.999;
    if (this.isWhole) return this.reset();
    this.begin = Math.max(this.first, Math.min(this.last - size, middle - size * at));
    this.end = this.begin + size;
  }
  move(part) {
    const by = Math.max(this.first - this.begin, Math.min(this.last - this.end, this.size * part));
    this.begin += by;
    this.end += by;
  }
  spanAt(part, y) {
    const lane = this.lanes[Math.floor(y / (LANE + GAP))];
    const at = this.begin + this.size * part;
    const slack = this.size / 400;
    return lane?.spans.find((span) => at >= span.begin_s - slack && at <= span.end_s + slack);
  }
}

function paint(canvas, picture) {
  const width = canvas.clientWidth, scale = devicePixelRatio || 1;
  if (!width) return;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.style.height = `${picture.height}px`;
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  const x = (time) => (time - picture.begin) / picture.size * width;
  paintAxis(context, picture, x, width);
  picture.lanes.forEach((lane, row) => {
    const top = row * (LANE + GAP);
    context.fillStyle = colour("--sunken");
    context.fillRect(0, top, width, LANE);
    for (const span of lane.spans) {
      const left = x(span.begin_s), right = x(span.end_s);
      if (right < 0 || left > width) continue;
      context.fillStyle = colour(COLOURS[span.outcome] ?? "--waiting");
      const size = Math.max(1, right - left);
      context.fillRect(left, top + 1, size > 3 ? size - 1 : size, LANE - 2);
    }
  });
}

function paintAxis(context, picture, x, width) {
  const bottom = picture.height - AXIS;
  const step = stepOf(picture.size);
  context.font = "11px system-ui, sans-serif";
  context.fillStyle = colour("--muted");
  context.strokeStyle = colour("--line");
  for (let t = Math.ceil(picture.begin / step) * step; t <= picture.end; t += step) {
    const at = Math.round(x(t)) + 0.5;
    context.beginPath();
    context.moveTo(at, 0);
    context.lineTo(at, bottom + 4);
    context.stroke();
    const text = format.duration(t);
    const size = context.measureText(text).width;
    context.fillText(text, Math.min(width - size, Math.max(0, at - size / 2)), bottom + 17);
  }
}

const describe = (span) => `${span.worker}: tasks ${format.interval(span.first, span.tasks)}, ` +
  `${span.outcome}, ${format.duration(span.end_s - span.begin_s)}, began at ` +
  format.duration(span.begin_s);

/** @param {import("../parts/view.js").View} view */
export function timelineTab(view, job) {
  const data = view.data("timeline");
  const canvas = h("canvas.timeline", { tabindex: 0, role: "img",
    "aria-label": "Timeline of the leases: plus and minus zoom, arrows move" });
  const names = h("div.lane-names", { "aria-hidden": "true" });
  const readout = h("p.readout", { "aria-hidden": "true" }, "\u00a0");
  const frame = lives(h("div", null, h("div.timeline-frame", null, names, canvas), readout));
  let picture = null;

  const repaint = () => requestAnimationFrame(() => {
    if (!picture) return;
    names.replaceChildren(...picture.lanes.map((lane) => h("span", { title: lane.worker },
      `${lane.worker} · ${lane.lane}`)));
    paint(canvas, picture);
  });
  const change = (what) => {
    what();
    repaint();
    view.redraw();
  };
  const load = async () => {
    if (data.busy) return;
    const value = await view.load("timeline", `jobs/${job.job}/timeline`);
    if (!value) return;
    if (picture) picture.take(value.spans);
    else if (value.spans.length) picture = new Picture(value.spans);
    repaint();
  };
  listenTo(canvas, () => picture, change, (span) => {
    readout.textContent = span ? describe(span) : "\u00a0";
  }, (span) => go(link("jobs", job.job, "tasks", span.first)));
  const observer = new ResizeObserver(repaint);
  observer.observe(canvas);
  window.addEventListener("quern-theme", repaint);
  view.onLeave(() => {
    observer.disconnect();
    window.removeEventListener("quern-theme", repaint);
  });
  load();
  view.every(3, () => { if (!FINAL.has(view.data("job").value.state)) load(); });
  let state = job.state;
  const button = (text, label, what) => h("button.small", { type: "button", "aria-label": label,
    onclick: () => change(what) }, text);
  return {
    changed(now) {
      if (now.state !== state) load();
      state = now.state;
    },
    content: () => card("Timeline", picture && [
      button("+", "Zoom in", () => picture.zoom(0.5, 0.5)),
      button("−", "Zoom out", () => picture.zoom(2, 0.5)),
      button("All", "Show all", () => picture.reset())],
    whenLoaded(data, ({ spans }) => spans.length
      ? h("div.padded", null, keep(frame), legend(spans),
        asTable(view, "Leases as a table", () => spansTable(job, spans)))
      : empty("No lease has run yet", "The timeline shows what each slot of each worker did."),
    load)),
  };
}

function legend(spans) {
  const outcomes = new Map();
  for (const span of spans) outcomes.set(span.outcome, (outcomes.get(span.outcome) ?? 0) + 1);
  return h("div.legend", null, [...outcomes].map(([outcome, leases]) =>
    h("span.choice.flat", null, badge(outcome), format.counted(leases, "lease"))));
}

function spansTable(job, spans) {
  return [table("Leases", [
    { name: "Worker", kind: "main", cell: (one) => `${one.worker} · ${one.lane}` },
    { name: "Tasks", kind: "number", cell: (one) => h("a",
      { href: link("jobs", job.job, "tasks", one.first) }, format.interval(one.first, one.tasks)) },
    { name: "Began at", kind: "number", cell: (one) => format.duration(one.begin_s) },
    { name: "Took", kind: "number", cell: (one) => format.duration(one.end_s - one.begin_s) },
    { name: "Outcome", cell: (one) => badge(one.outcome) },
  ], spans.slice(-SHOWN),
  { key: (one) => `${one.worker} ${one.lane} ${one.begin_s} ${one.first}` }),
  spans.length > SHOWN && h("p.more", null,
    `The last ${SHOWN} of ${format.count(spans.length)} leases`)];
}

function listenTo(canvas, picture, change, say, open) {
  let from = null;
  let moved = false;
  const part = (event) => {
    const box = canvas.getBoundingClientRect();
    return (event.clientX - box.left) / box.width;
  };
  const at = (event) => picture()?.spanAt(part(event),
    event.clientY - canvas.getBoundingClientRect().top);
  canvas.onwheel = (event) => {
    if (!event.ctrlKey && !event.shiftKey) return;  // plain scrolling moves the page
    event.preventDefault();
    change(() => picture()?.zoom(event.deltaY > 0 || event.deltaX > 0 ? 1.25 : 0.8, part(event)));
  };
  canvas.ondblclick = (event) => change(() => picture()?.zoom(0.4, part(event)));
  canvas.onpointerdown = (event) => {
    from = part(event);
    moved = false;
    canvas.setPointerCapture(event.pointerId);
  };
  canvas.onpointermove = (event) => {
    say(at(event));
    if (from === null) return;
    const now = part(event);
    if (Math.abs(now - from) < 0.004) return;
    moved = true;
    change(() => picture()?.move(from - now));
    from = now;
  };
  canvas.onpointerup = (event) => {
    const span = at(event);
    if (from !== null && !moved && span && event.detail < 2) open(span);
    from = null;
  };
  canvas.onpointerleave = () => say(null);
  canvas.onkeydown = (event) => {
    const what = { "+": () => picture().zoom(0.6, 0.5), "-": () => picture().zoom(1.6, 0.5),
      ArrowLeft: () => picture().move(-0.2), ArrowRight: () => picture().move(0.2),
      0: () => picture().reset() }[event.key];
    if (!what || !picture()) return;
    event.preventDefault();
    change(what);
  };
}
