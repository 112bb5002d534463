// The first part of a job's page: its tasks as a bar, why it is where it is, who works on it.
import { h } from "../base/dom.js";
import { get } from "../base/api.js";
import { near } from "../base/exact.js";
import * as format from "../base/format.js";
import { link } from "../base/route.js";
import { meter } from "../parts/figures.js";
import { card, facts, prose, whenLoaded } from "../parts/page.js";
import { FINAL } from "../parts/state.js";
import { table } from "../parts/table.js";
import { taskBar } from "./bar.js";
import { patternOf } from "./graph.js";

const EXPLAIN_EVERY_S = 4;

function shares(job) {
  const workers = job.workers ?? [];
  if (!workers.length) {
    return h("p.calm.padded", null, FINAL.has(job.state) ? "Nothing of it ran on a worker."
      : "No worker has begun with it yet.");
  }
  const top = Math.max(...workers.map((one) => one.share));
  return [table("Shares of the workers", [
    { name: "Worker", kind: "main", cell: (one) =>
      h("a.title", { href: link("workers", one.worker) }, one.worker) },
    { name: "Share", kind: "bar", cell: (one) => h("div.progress", null,
      meter(one.share / top, format.percent(one.share)),
      h("span.percent", null, format.percent(one.share))) },
    { name: "Tasks", kind: "number", cell: (one) => format.short(one.tasks) },
    { name: "Speed", kind: "number", cell: (one) => format.rate(one.rate) },
    { name: "Leases", kind: "number", cell: (one) => format.short(one.leases) },
    { name: "Busy", kind: "number", cell: (one) => format.duration(one.busy_s) },
  ], workers, { key: (one) => one.worker }),
  job.workers_in_all > workers.length && h("p.more", null,
    `The ${workers.length} with the most tasks, of ${format.count(job.workers_in_all)}`)];
}

const LINKED = 10;

/** Some jobs as links, with a word about each. */
function jobLinks(list, about = () => "") {
  if (!list?.length) return null;
  const shown = list.slice(0, LINKED).map((one, n) => [n > 0 && ", ",
    h("a.in-text", { href: link("jobs", one.job ?? one) }, `#${one.job ?? one}`), about(one)]);
  return list.length > LINKED ? [shown, ` and ${list.length - LINKED} more`] : shown;
}

function details(job) {
  const edges = job.edges ?? [];
  return facts([
    ["Function", h("a", { href: link("jobs", { function: job.function }) }, job.function)],
    ["Input", job.input],
    ["Takes from", jobLinks(edges.filter((one) => one.pattern !== "after"),
      (one) => ` (${patternOf(one)})`)],
    ["Starts after", jobLinks(edges.filter((one) => one.pattern === "after"),
      (one) => one.ended ? " (however it ends)" : "")],
    ["Needed by", jobLinks(job.consumers)],
    ["Submitted by a task of", jobLinks(job.parent ? [job.parent] : [])],
    ["Jobs of its tasks", jobLinks(job.children)],
    ["Combined by", job.reduce || null],
    ["Attempts", `up to ${job.attempts} per task`],
    ["Priority", `${job.priority}${job.weight !== 1 ? `, weight ${job.weight}` : ""}`],
    ["Kept", job.durability === "durable" ? "on the broker's disk" : "in memory"],
    ["Results", format.bytes(job.result_bytes)],
    ["Second copies", near(job.copies) ? `${format.short(job.copies)}, ` +
      `${format.duration(job.wasted_s)} in vain` : null],
    ["Removed in", job.kept_s !== null && job.kept_s !== undefined
      ? format.duration(job.kept_s) : null],
    ["UUID", h("code", null, job.uuid)],
  ]);
}

function explanation(sentences) {
  if (!sentences.length) return h("p.calm", null, "There is nothing to explain.");
  return h("ul.sentences", null, sentences.map((one) => h("li", null, prose(one))));
}

/** @param {import("../parts/view.js").View} view */
export function progressTab(view, job) {
  const bar = taskBar(view, job);
  const explain = view.data("explain");
  const loadExplain = async () => {
    if (explain.busy) return;
    await view.load("explain", async () =>
      (await get(`jobs/${job.job}/explain`, { signal: view.signal })).explain);
  };
  loadExplain();
  view.every(EXPLAIN_EVERY_S, () => {
    if (!FINAL.has(view.data("job").value.state)) loadExplain();
  });
  let state = job.state;
  return {
    changed(now) {
      bar.changed(now);
      if (now.state !== state) loadExplain();
      state = now.state;
    },
    content: (now) => [
      bar.content(now),
      h("div.columns.wide-left", null,
        h("div.stack", null,
          card("Workers", now.workers_in_all > 0 && format.counted(now.workers_in_all, "worker"),
            shares(now)),
          card("Details", null, h("div.padded", null, details(now)))),
        card("Why it is where it is", null,
          h("div.padded", null, whenLoaded(explain, explanation, loadExplain)))),
    ],
  };
}
