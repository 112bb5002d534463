// The errors of a job in groups of equal code and text, each of which can be retried.
import { h } from "../base/dom.js";
import * as format from "../base/format.js";
import { link } from "../base/route.js";
import { session } from "../base/session.js";
import { big, near } from "../base/exact.js";
import { icon } from "../parts/icons.js";
import { card, empty, notice, whenLoaded } from "../parts/page.js";
import { FINAL } from "../parts/state.js";
import { askToRetry } from "./actions.js";

/** The word of an error: "failed", "timeout". */
export const codeOf = (group) => group.code ?? group.error ?? "failed";

/** A group of errors. @param {*} group @param {*} where what is said of its tasks */
export function errorGroup(group, where, ...actions) {
  return h("li.error-group", { key: `${codeOf(group)} ${group.text}` },
    h("div.error-count", null, h("strong", null, format.short(group.count)),
      h("span", null, big(group.count) === 1n ? "task" : "tasks")),
    h("div.error-text", null,
      h("p", null, h("span.code", null, codeOf(group))),
      h("pre", null, format.cut(group.text || "(no text)", 600)),
      h("p.sub", null, where)),
    h("div.error-actions", null, actions));
}

function groupOf(job, group, reload) {
  const task = (index) => h("a", { href: link("jobs", job.job, "tasks", index) },
    format.count(index));
  const where = ["Task ", task(group.first),
    big(group.last) !== big(group.first) && [" to ", task(group.last)],
    group.example && group.example !== group.text && ` · e.g. ${format.cut(group.example, 200)}`];
  const canRetry = session.canChange(job) && FINAL.has(job.state);
  return errorGroup(group, where, canRetry && h("button.small", { type: "button",
    onclick: () => askToRetry(job.job, { code: codeOf(group), text: group.text }, reload) },
  icon("retry"), "Retry this group…"));
}

/** @param {import("../parts/view.js").View} view */
export function errorsTab(view, job, { reload }) {
  const data = view.data("errors");
  const load = () => session.canRead(job) && view.load("errors", `jobs/${job.job}/errors`);
  let failed = near(job.failed);
  load();
  return {
    changed(now) {
      if (near(now.failed) !== failed && !data.busy) load();
      failed = near(now.failed);
    },
    content: (now) => {
      if (!session.canRead(now)) {
        return notice("info", "Only the owner of the job and administrators may read its errors.");
      }
      const again = () => { reload(); load(); };
      return card("Errors by group", data.value && near(data.value.tasks) > 0 &&
        format.counted(data.value.tasks, "failed task"),
      whenLoaded(data, ({ groups, more }) => [
        groups.length ? h("ul.error-list", null, groups.map((one) => groupOf(now, one, again)))
          : empty("No task has failed", "Errors appear here in groups, as soon as there are some."),
        near(more) > 0 && h("p.more", null, `and ${format.counted(more, "more group")}`),
        groups.length > 0 && !FINAL.has(now.state) && session.canChange(now) &&
          h("p.more", null, "Failed tasks can be retried once the job has ended."),
      ], load));
    },
  };
}
