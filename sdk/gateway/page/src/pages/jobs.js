// The list of jobs: filters in the address, and actions on all that match.
import { h } from "../base/dom.js";
import { get, query } from "../base/api.js";
import { near } from "../base/exact.js";
import * as format from "../base/format.js";
import { link } from "../base/route.js";
import { session } from "../base/session.js";
import { progress, sparkline, Recent } from "../parts/figures.js";
import { choices, searchField } from "../parts/filter.js";
import { icon } from "../parts/icons.js";
import { empty, head, whenLoaded } from "../parts/page.js";
import { badge, FINAL, stateOf } from "../parts/state.js";
import { jobLink, table } from "../parts/table.js";
import { bulkMenu } from "../job/bulk.js";

const PAGE = 50;
const STATES = ["running", "waiting", "done", "failed", "cancelled"];
const recent = new Recent();

function columns() {
  return [
    { name: "Job", kind: "main", cell: (job) => [jobLink(job),
      h("span.sub", null, `#${job.job} ${job.name ? `· ${job.function}` : ""}`)] },
    { name: "State", cell: (job) => badge(stateOf(job)) },
    { name: "Progress", kind: "bar", cell: (job) => progress(job, true) },
    { name: "Failed", kind: "number", cell: (job) => near(job.failed) ? h("a.bad",
      { href: link("jobs", job.job, { tab: "errors" }) }, format.short(job.failed)) : "0" },
    { name: "Speed", kind: "number", cell: (job) => FINAL.has(job.state) ? "–" :
      [sparkline(recent.of(job.job), "Speed"), format.rate(job.rate)] },
    { name: "Time", kind: "number", cell: (job) => FINAL.has(job.state)
      ? `took ${format.duration(job.run_s)}` : job.eta_s === null ? "–"
        : `${format.estimate(job.eta_s, job.eta_error_s)} left` },
    { name: "Owner", cell: (job) => h("span.owner", null, job.owner) },
    { name: "Age", kind: "number", cell: (job) => format.age(job.age_s) },
  ];
}

/** The filters of the address, as the API takes them. */
function filters(view) {
  const given = { state: view.param("state"), function: view.param("function"),
    owner: view.param("owner"), q: view.param("q") };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value));
}

function nothing(view, clear) {
  if (Object.keys(filters(view)).length) {
    return h("div.empty", null, h("p.empty-title", null, "No job matches"),
      h("button", { type: "button", onclick: clear }, "Remove the filters"));
  }
  return empty("There is no job yet", "Submit one on this page, or from a shell:",
    "quern run sum --range 1:101 --detach");
}

/** @param {import("../parts/view.js").View} view */
export function jobsPage(view) {
  const list = view.data("jobs");
  /** Where the pages before this one began. */
  const back = [];
  const load = () => view.load("jobs",
    `jobs${query({ ...filters(view), limit: PAGE, after: view.param("after") })}`);
  const changed = () => {
    back.length = 0;
    view.setParams({ after: "" });
    load();
  };
  const clear = () => {
    view.setParams({ state: "", function: "", owner: "", q: "", after: "" });
    window.dispatchEvent(new HashChangeEvent("hashchange"));
  };
  const turn = (after) => {
    view.setParams({ after });
    load();
    window.scrollTo(0, 0);
  };
  let isDue = false;
  const onEvent = (type, job) => {
    if (type === "resync" || !list.value) return view.refresh("jobs", load);
    recent.count(job.job, near(job.done) + near(job.failed));
    const at = list.value.jobs.findIndex((one) => one.job === job.job);
    if (at >= 0) {
      list.value.jobs[at] = job;
      list.at = Date.now();
      return view.redraw();
    }
    if (!view.param("after")) isDue = true;
  };
  const search = searchField(view, { name: "q", label: "Search name, function or reason",
    isMain: true, changed });
  const byFunction = searchField(view, { name: "function", label: "Function", changed });
  const byOwner = searchField(view, { name: "owner", label: "Owner", changed });

  view.draw(() => [
    head({ title: "Jobs", actions: [
      bulkMenu(() => collect(filters(view)), load),
      session.canSubmit && h("a.button.primary", { href: link("submit") }, icon("submit"),
        "Submit"),
    ] }),
    h("div.toolbar", null, search(), choices(view, { name: "state", label: "States",
      choices: STATES.map((word) => [word, word]), changed }), byFunction(), byOwner()),
    h("section.card", { "aria-label": "Jobs" }, whenLoaded(list, ({ jobs, next }) => [
      jobs.length ? table("Jobs", columns(), jobs, { key: (job) => job.job })
        : nothing(view, clear),
      pager(view, back, jobs, next, turn),
    ], load)),
  ]);
  load();
  view.every(2, () => {
    if (isDue && !list.busy) load();
    isDue = false;
  });
  view.every(20, load);
  view.live(["jobs"], onEvent);
  if (view.param("focus")) {
    view.setParams({ focus: "" });
    view.root.querySelector("[data-search]")?.focus();
  }
}

function pager(view, back, jobs, next, turn) {
  const after = view.param("after");
  if (!after && !next) {
    return jobs.length > 0 && h("p.more", null, format.counted(jobs.length, "job"));
  }
  const newer = () => turn(back.pop() ?? "");
  const older = () => {
    back.push(after);
    turn(String(next));
  };
  return h("div.pager", null,
    h("button.small", { type: "button", disabled: !after, onclick: newer }, icon("back"), "Newer"),
    h("span", null, `${jobs.length} jobs${jobs.length ? ` from #${jobs[0].job} on` : ""}`),
    h("button.small", { type: "button", disabled: !next, onclick: older }, "Older", icon("next")));
}

/** All jobs that match, page by page. */
async function collect(given) {
  const all = [];
  let after = "";
  do {
    const page = await get(`jobs${query({ ...given, limit: 1000, after })}`);
    all.push(...page.jobs);
    after = page.next;
  } while (after);
  return all;
}
