// What went wrong lately, across jobs: equal errors of several jobs are one group.
import { h } from "../base/dom.js";
import { get, query } from "../base/api.js";
import { big, near } from "../base/exact.js";
import * as format from "../base/format.js";
import { link } from "../base/route.js";
import { session } from "../base/session.js";
import { codeOf, errorGroup } from "../job/errors.js";
import { searchField } from "../parts/filter.js";
import { empty, head, notice, whenLoaded } from "../parts/page.js";

const JOBS_MOST = 30;
const AT_ONCE = 4;

/** The groups of several jobs, joined; the most frequent first. */
function join(found) {
  const groups = new Map();
  for (const { job, errors } of found) {
    for (const group of errors.groups) {
      const key = `${codeOf(group)}\n${group.text}`;
      const one = groups.get(key) ?? { code: codeOf(group), text: group.text, count: 0n, jobs: [] };
      one.count += big(group.count);
      one.jobs.push({ job, first: group.first, count: group.count });
      groups.set(key, one);
    }
  }
  return [...groups.values()].sort((a, b) => (a.count < b.count ? 1 : -1));
}

async function recentErrors(signal) {
  const pages = await Promise.all(["failed", "running", "done,cancelled"].map((state) =>
    get(`jobs${query({ state, limit: 200 })}`, { signal })));
  const failing = pages.flatMap((page) => page.jobs).filter((job) => near(job.failed) > 0)
    .sort((a, b) => b.job - a.job);
  const readable = failing.filter((job) => session.canRead(job));
  const queue = readable.slice(0, JOBS_MOST);
  const found = [];
  const run = async () => {
    for (let job = queue.shift(); job; job = queue.shift()) {
      const errors = await get(`jobs/${job.job}/errors`, { signal }).catch((problem) => {
        if (problem.name === "AbortError") throw problem;
        return null;  // the job was forgotten meanwhile
      });
      if (errors) found.push({ job, errors });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, run));
  return { groups: join(found), jobs: found.length, left: readable.length - found.length,
    hidden: failing.length - readable.length };
}

function where(group) {
  return [h("span", null, group.jobs.length === 1 ? "In job " : `In ${group.jobs.length} jobs: `),
    group.jobs.slice(0, 6).map(({ job, count }, n) => [n > 0 && ", ",
      h("a", { href: link("jobs", job.job, { tab: "errors" }) },
        `#${job.job} ${job.name || job.function}`), ` (${format.short(count)})`]),
    group.jobs.length > 6 && ` and ${group.jobs.length - 6} more`];
}

/** @param {import("../parts/view.js").View} view */
export function errorsPage(view) {
  const data = view.data("errors");
  const load = () => data.busy ? null : view.load("errors", () => recentErrors(view.signal));
  const search = searchField(view, { name: "q", label: "Search the texts", isMain: true,
    changed: () => view.redraw() });
  view.draw(() => [
    head({ title: "Errors", about: "Equal errors of recent jobs, together. Numbers in the texts " +
      "do not count." }),
    h("div.toolbar", null, search()),
    whenLoaded(data, ({ groups, jobs, left, hidden }) => {
      const text = view.param("q").toLowerCase();
      const fitting = groups.filter((one) =>
        `${one.code} ${one.text}`.toLowerCase().includes(text));
      return [
        h("section.card", { "aria-label": "Errors" }, fitting.length
          ? h("ul.error-list", null, fitting.map((one) => errorGroup(one, where(one))))
          : empty(groups.length ? "No error matches" : "Nothing has failed",
            groups.length ? "" : "None of the recent jobs has a failed task.")),
        h("p.more", null, `From ${format.counted(jobs, "job")} with failed tasks` +
          (left > 0 ? `; ${left} older ones are not read` : "")),
        hidden > 0 && notice("info", `${format.counted(hidden, "job")} of others have failed ` +
          "tasks; their errors are for their owners and administrators."),
      ];
    }, load),
  ]);
  load();
  view.every(30, load);
}
