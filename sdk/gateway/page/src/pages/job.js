// One job: how far it is and why, what its tasks do, its errors and its results.
import { h } from "../base/dom.js";
import { big, near, ratio } from "../base/exact.js";
import * as format from "../base/format.js";
import { link } from "../base/route.js";
import { jobActions } from "../job/actions.js";
import { errorsTab } from "../job/errors.js";
import { graphTab } from "../job/graph.js";
import { hasNeighbours } from "../job/neighbourhood.js";
import { progressTab } from "../job/progress.js";
import { resultsTab } from "../job/results.js";
import { timelineTab } from "../job/timeline.js";
import { Recent, sparkline } from "../parts/figures.js";
import { head, stat, whenLoaded } from "../parts/page.js";
import { badge, FINAL, stateOf } from "../parts/state.js";

const TABS = { progress: ["Progress", progressTab], timeline: ["Timeline", timelineTab],
  errors: ["Errors", errorsTab], results: ["Results", resultsTab], graph: ["Graph", graphTab] };
const recent = new Recent(60);

function stats(job) {
  const ended = big(job.done) + big(job.failed) + big(job.cancelled);
  const isOver = FINAL.has(job.state);
  const speed = isOver && job.run_s > 0 ? near(job.done) / job.run_s : job.rate;
  const hasEnd = job.eta_s !== null && job.eta_s !== undefined;
  return h("section.stats", { "aria-label": "Figures" },
    stat("Ended", format.percent(ratio(ended, job.total)),
      h("span", { title: `${format.count(ended)} of ${format.count(job.total)}` },
        `${format.short(ended)} of ${format.short(job.total)} tasks`)),
    stat("Speed", format.rate(speed), isOver ? "on average" : "tasks that ended",
      !isOver && sparkline(recent.of(job.job), "Speed of the last minute")),
    isOver ? stat("Ran for", format.duration(job.run_s), `submitted ${format.age(job.age_s)} ago`)
      : stat("Ends in", hasEnd ? format.duration(job.eta_s) : "Not known yet",
        hasEnd ? format.endNote(job.eta_s, job.eta_error_s)
          : `running for ${format.duration(job.run_s)}`),
    stat("Failed", format.short(job.failed), near(job.retried)
      ? `${format.short(job.retried)} attempts were repeated` : "no attempt was repeated"));
}

function tabs(view, job, current) {
  return h("nav.tabs", { "aria-label": "Parts of the job" },
    Object.entries(TABS).filter(([name]) => name !== "graph" || name === current ||
      hasNeighbours(job)).map(([name, [title]]) => h("a", {
      href: link("jobs", job.job, { tab: name === "progress" ? "" : name }),
      "aria-current": name === current ? "page" : null },
    title, name === "errors" && near(job.failed) > 0 &&
      h("span.count", null, format.short(job.failed)))));
}

function about(job) {
  return [`#${job.job}`, job.name && ` · ${job.function}`, ` · by ${job.owner || "nobody"}`,
    job.reason && ` · ${job.reason}`];
}

/** @param {import("../parts/view.js").View} view */
export function jobPage(view) {
  const number = view.parts[1];
  const name = TABS[view.param("tab")] ? view.param("tab") : "progress";
  const data = view.data("job");
  const path = `jobs/${encodeURIComponent(number)}`;
  const load = () => view.load("job", path);
  let tab = null;

  const take = (job) => {
    recent.count(job.job, near(job.done) + near(job.failed));
    document.title = `${job.name || job.function} · Quern`;
    tab?.changed?.(job);
  };
  view.draw(() => whenLoaded(data, (job) => {
    tab ??= TABS[name][1](view, job, { reload: load });
    return [
      head({ trail: [["Jobs", link("jobs")]], title: job.name || job.function,
        badge: badge(stateOf(job)), about: about(job), actions: jobActions(job, load) }),
      stats(job), tabs(view, job, name), tab.content(data.value),
    ];
  }, load));
  view.live(["jobs"], (type, job) => {
    if (type === "resync") {
      tab?.heard?.(null);
      return load().then((now) => now && take(now));
    }
    if (String(job.job) !== number) return tab?.heard?.(job);
    // An event has no shares of workers; those of the last answer stay until the next one.
    Object.assign(data, { value: { ...data.value, ...job }, at: Date.now(), problem: null });
    take(data.value);
    view.redraw();
  });
  load().then((job) => job && take(job));
  view.every(5, async () => {
    if (data.busy || (data.value && FINAL.has(data.value.state) && !data.problem)) return;
    const job = await load();
    if (job) take(job);
  });
}
