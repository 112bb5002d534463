// The picture of the jobs around one: what it takes results from or waits for, and what depends on
// it. The edges are an SVG; the jobs are links above it.
import { h } from "../base/dom.js";
import { get } from "../base/api.js";
import { big, ratio } from "../base/exact.js";
import * as format from "../base/format.js";
import { link } from "../base/route.js";
import { asTable, card, empty, whenLoaded } from "../parts/page.js";
import { badge, stateOf } from "../parts/state.js";
import { table } from "../parts/table.js";
import { around, hasNeighbours, hasOtherNeighbours, layoutOf } from "./neighbourhood.js";

const WIDTH = 184, HEIGHT = 76, ACROSS = 56, DOWN = 16, HEAD = 7;

const titleOf = (job) => job.isGone ? "Not kept any more" : job.name || job.function;
const wordOf = (job) => job.isGone ? badge("unknown", "unknown") : badge(stateOf(job));

/** "task i takes result i" in a few words. @param {import("./neighbourhood.js").Edge} edge */
export function patternOf(edge) {
  const words = { each: "each result", all: "all results", list: "some results",
    unknown: "depends on it",
    after: edge.ended ? "starts after it, however it ends" : "starts after it",
    group: `groups of ${format.counted(edge.width ?? 1, "result")}` +
      (edge.step !== edge.width ? `, ${format.count(edge.step ?? 1)} apart` : "") };
  const isTaken = edge.ended && edge.pattern !== "after";
  return (words[edge.pattern] ?? edge.pattern) + (isTaken ? ", or why there is none" : "");
}

function endedOf(job) {
  const ended = big(job.done) + big(job.failed) + big(job.cancelled);
  return { ended, part: ratio(ended, job.total) };
}

function jobBox(job, centre, style) {
  const isCentre = job.job === centre;
  const { ended, part } = endedOf(job);
  return h("a.graph-job", { key: job.job, style, href: link("jobs", job.job),
    title: `${titleOf(job)} (job ${job.job})`, "aria-current": isCentre ? "page" : null },
  h("span.title", null, titleOf(job)),
  h("span.sub", null, `#${job.job}${job.name && !job.isGone ? ` · ${job.function}` : ""}`),
  h("span.graph-state", null, wordOf(job), !job.isGone && h("span.sub",
    { title: `${format.count(ended)} of ${format.count(job.total)} tasks have ended` },
    big(job.total) > 0n ? format.percent(part) : "no task yet")));
}

const moreText = (rest) => `and ${format.count(rest.count)}${rest.isMore ? " or more" : ""} more`;

/** A curve from the right side of a job to the left side of another, with a head. */
function arrow(edge, from, to) {
  const x = from.x + WIDTH, y = from.y + HEIGHT / 2;
  const end = to.x - HEAD, bottom = to.y + HEIGHT / 2;
  const bend = Math.max(ACROSS / 2, (end - x) / 2);
  return h(`g.${edge.pattern === "after" ? "order" : "flow"}`, null,
    h("path", { d: `M${x} ${y}C${x + bend} ${y} ${end - bend} ${bottom} ${end} ${bottom}` }),
    h("polygon", { points: `${end},${bottom - HEAD / 2} ${to.x},${bottom} ` +
      `${end},${bottom + HEAD / 2}` }));
}

function picture(found) {
  const { places, edges, columns, rows } = layoutOf(found);
  const at = (place) => ({ x: place.column * (WIDTH + ACROSS), y: place.row * (HEIGHT + DOWN) });
  const byJob = new Map(places.filter((one) => one.job).map((one) => [one.job.job, at(one)]));
  const width = columns * (WIDTH + ACROSS) - ACROSS, height = rows * (HEIGHT + DOWN) - DOWN;
  const styleOf = (place) => {
    const { x, y } = at(place);
    return { left: `${x}px`, top: `${y}px`, width: `${WIDTH}px`, height: `${HEIGHT}px` };
  };
  return h("div.graph-frame", { key: "graph", tabindex: 0, role: "group",
    "aria-label": "Jobs around this one" },
  h("div.graph", { style: { width: `${width}px`, height: `${height}px` } },
    h("svg", { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true",
      focusable: "false" },
    edges.map((edge) => arrow(edge, byJob.get(edge.from), byJob.get(edge.to)))),
    places.map((place) => place.job ? jobBox(place.job, found.centre, styleOf(place))
      : h("span.graph-rest", { key: `rest ${place.rest.level}`, style: styleOf(place) },
        moreText(place.rest)))));
}

function legend(edges) {
  const line = (kind, text) => h("span.choice.flat", { key: kind },
    h("svg.graph-key", { viewBox: "0 0 32 8", "aria-hidden": "true", focusable: "false" },
      h(`g.${kind}`, null, h("path", { d: "M0 4H25" }),
        h("polygon", { points: "25,1 32,4 25,7" }))), text);
  const hasOrder = edges.some((edge) => edge.pattern === "after");
  return h("div.legend", null, line("flow", "takes its results"),
    hasOrder && line("order", "starts after it"));
}

function rowsOf({ centre, jobs, rests }, edges) {
  const links = (list, end) => list.length ? list.map((edge, n) => [n > 0 && "; ",
    h("a.in-text", { href: link("jobs", edge[end]) }, `#${edge[end]}`),
    end === "from" && `: ${patternOf(edge)}`]) : "–";
  const sorted = [...jobs.values()].sort((a, b) => a.job - b.job);
  const hidden = (sign) => rests.filter((rest) => Math.sign(rest.level) === sign)
    .reduce((sum, rest) => sum + rest.count, 0);
  const notes = [[-1, "before"], [1, "after"]].filter(([sign]) => hidden(sign))
    .map(([sign, word]) => `${format.counted(hidden(sign), "job")} or more ${word} these`);
  return [table("Jobs around this one", [
    { name: "Job", kind: "main", cell: (job) => h("a.title", { href: link("jobs", job.job),
      "aria-current": job.job === centre ? "page" : null }, `#${job.job} ${titleOf(job)}`) },
    { name: "State", cell: wordOf },
    { name: "Ended", kind: "number", cell: (job) => job.isGone ? "–"
      : `${format.short(endedOf(job).ended)} of ${format.short(job.total)}` },
    { name: "Needs", kind: "wide", cell: (job) =>
      links(edges.filter((edge) => edge.to === job.job), "from") },
    { name: "Needed by", kind: "wide", cell: (job) =>
      links(edges.filter((edge) => edge.from === job.job), "to") },
  ], sorted, { key: (job) => job.job }),
  notes.length > 0 && h("p.more", null, `Not shown: ${notes.join(", ")}.`)];
}

/** Scrolls a wide picture, and nothing else, to the job whose page this is. */
function showMiddle(root) {
  const frame = root.querySelector(".graph-frame");
  const job = frame?.querySelector("[aria-current]");
  if (job) frame.scrollLeft = job.offsetLeft - (frame.clientWidth - WIDTH) / 2;
}

/** @param {import("../parts/view.js").View} view */
export function graphTab(view, job) {
  const data = view.data("graph");
  let seen = job;
  const fetchJob = async (number) => {
    try {
      return await get(`jobs/${number}`, { signal: view.signal });
    } catch (problem) {
      if (problem.status === 404 || problem.status === 410) return null;
      throw problem;
    }
  };
  const load = () => view.load("graph", () => around(seen, fetchJob));
  const reload = () => view.refresh("graph", load);
  // After it was drawn, which happens in the next frame.
  const inTwoFrames = (what) => requestAnimationFrame(() => requestAnimationFrame(what));
  load().then(() => inTwoFrames(() => showMiddle(view.root)));
  return {
    changed(now) {
      const isOther = hasOtherNeighbours(seen, now);
      seen = now;
      if (data.value) data.value.jobs.set(now.job, now);
      if (isOther) reload();
    },
    /** Another job has changed, or, without one, any may have. */
    heard(other) {
      if (!other) return reload();
      const known = data.value?.jobs.get(other.job);
      if (!known) return undefined;
      data.value.jobs.set(other.job, { ...known, ...other, isGone: false });
      view.redraw();
      return hasOtherNeighbours(known, other) ? reload() : undefined;
    },
    content: (now) => card("Jobs around it", null, hasNeighbours(now)
      ? whenLoaded(data, (found) => {
        const { edges } = layoutOf(found);
        return h("div.padded", null, picture(found), legend(edges),
          asTable(view, "Jobs as a table", () => rowsOf(found, edges)));
      }, load)
      : empty("It stands alone", "It takes nothing from other jobs, and none depends on it.",
        `quern run FUNCTION --from ${job.job}`)),
  };
}
