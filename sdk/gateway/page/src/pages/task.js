// One task: what became of it, each attempt, its result and its log.
import { h } from "../base/dom.js";
import { request } from "../base/api.js";
import { big } from "../base/exact.js";
import * as format from "../base/format.js";
import { link } from "../base/route.js";
import { session } from "../base/session.js";
import { askToCancel, askToRetry } from "../job/actions.js";
import { readResults, textOf } from "../job/results.js";
import { icon } from "../parts/icons.js";
import { card, empty, facts, head, notice, whenLoaded } from "../parts/page.js";
import { badge, FINAL } from "../parts/state.js";
import { table } from "../parts/table.js";

const MOST = 100_000;  // characters that are shown

function attempts(list, state) {
  if (!list?.length && state === "blocked") {
    return empty("It waits for results", "It starts when the tasks that it needs have ended.");
  }
  if (!list?.length) return empty("No attempt is known", "It has not begun, or was forgotten.");
  const hasText = list.some((one) => one.text);
  return table("Attempts", [
    { name: "Worker", kind: "main", cell: (one) => one.worker
      ? h("a.title", { href: link("workers", one.worker) }, one.worker) : "–" },
    { name: "Outcome", cell: (one) => one.outcome ? badge(one.outcome) : "–" },
    { name: "Began", kind: "number", cell: (one) => one.began_s === undefined ? "–"
      : format.duration(one.began_s) },
    { name: "Took", kind: "number", cell: (one) => one.seconds === undefined ? "–"
      : format.duration(one.seconds) },
    { name: "Tasks", kind: "number", cell: (one) => one.tasks === undefined ? "–"
      : format.counted(one.tasks, "task") },
    ...(hasText ? [{ name: "Text", kind: "wide",
      cell: (one) => format.cut(one.text ?? "", 300) }] : []),
  ], list, { key: (one) => `${one.began_s} ${one.worker}` });
}

/** The result as GET tasks/{task} has it, in the form of a line of results. */
function rowsIn(task) {
  if (task.error) {
    return [{ code: task.error.code, error: task.error.text, output: task.output }];
  }
  if (task.result !== undefined) return [{ result: task.result }];
  return task.result_bytes ? [{ bytes: task.result_bytes }] : [];
}

function resultOf(found, job) {
  const row = found.rows[0];
  if (row?.bytes) {
    return empty(`The result has ${format.bytes(row.bytes)}`,
      "It is in the download of all results.");
  }
  if (!row && job.reduce) return empty("Its result went into the result of the job",
    `The tasks are combined with ${job.reduce}.`);
  if (!row) return empty("No result", "There is none yet, or it was forgotten with the job.");
  if (row.code) {
    return h("div.padded", null, h("p", null, h("span.code", null, row.code)),
      h("pre", null, format.cut(row.error, MOST)),
      row.output !== undefined && [h("p.sub", null, "What it had written until then"),
        h("pre", null, format.cut(textOf(row.output), MOST))]);
  }
  return h("div.padded", null, h("pre", null, format.cut(textOf(row.result), MOST)));
}

function logOf(found) {
  if (found === null) return empty("No log", "The task wrote none, or this gateway keeps none.");
  return h("div.padded", null, h("pre.log", null, format.cut(found, MOST)));
}

/** @param {import("../parts/view.js").View} view */
export function taskPage(view) {
  const number = view.parts[1], index = view.parts[3];
  const task = view.data("task"), job = view.data("job");
  const result = view.data("result"), log = view.data("log");
  const path = `jobs/${encodeURIComponent(number)}`;
  const loadTask = () => view.load("task", `${path}/tasks/${encodeURIComponent(index)}`);
  const loadResult = () => view.load("result", () => readResults(number,
    { from: big(index), to: big(index) + 1n }, FINAL.has(job.value.state), view.signal));
  const loadLog = () => view.load("log", async () => {
    try {
      return await (await request(`${path}/logs/${encodeURIComponent(index)}`,
        { signal: view.signal })).text();
    } catch (problem) {
      if (problem.status === 404 || problem.isUnsupported) return null;
      throw problem;
    }
  });
  const load = async () => {
    const [one, now] = await Promise.all([loadTask(), view.load("job", path)]);
    if (!now || !session.canRead(now)) return;
    loadLog();
    // A gateway that does not know single tasks has the result among all others.
    if (one || now.reduce) result.value = { rows: one ? rowsIn(one) : [] };
    else loadResult();
    view.redraw();
  };

  view.draw(() => [
    head({ trail: [["Jobs", link("jobs")], [jobName(job.value, number), link("jobs", number)]],
      title: `Task ${format.count(index)}`, badge: task.value?.state && badge(task.value.state),
      actions: job.value && taskActions(job.value, index, load) }),
    whenLoaded(job, (now) => [
      task.problem?.isUnsupported
        ? notice("info", "This gateway does not tell the attempts of a task.")
        : card("Attempts", null, whenLoaded(task, (one) => attempts(one.attempts, one.state),
          loadTask)),
      session.canRead(now) ? [
        card("Result", null, whenLoaded(result, (found) => resultOf(found, now), loadResult)),
        card("Log", null, whenLoaded(log, logOf, loadLog)),
      ] : notice("info", "Only the owner of the job and administrators may read results and logs."),
      card("Job", null, h("div.padded", null, facts([["Function", now.function],
        ["State", badge(now.state)], ["Tasks", format.count(now.total)], ["Owner", now.owner]]))),
    ], load),
    neighbours(number, index, job.value),
  ]);
  load();
  view.every(3, () => {
    if (job.value && !FINAL.has(job.value.state)) load();
  });
  view.keys((event) => {
    if (event.key !== "Escape") return false;
    location.hash = link("jobs", number);
    return true;
  });
}

const jobName = (job, number) => job ? job.name || `${job.function} #${job.job}` : `Job ${number}`;

function taskActions(job, index, after) {
  if (!session.canChange(job)) return null;
  const tasks = [big(index), big(index) + 1n].map(Number);
  if (!Number.isSafeInteger(tasks[1])) return null;
  return FINAL.has(job.state)
    ? big(job.failed) > 0n && h("button", { key: "retry", type: "button",
      onclick: () => askToRetry(job.job, { tasks }, after) }, icon("retry"), "Retry…")
    : h("button.harmful", { key: "cancel", type: "button",
      onclick: () => askToCancel(job.job, { tasks }, after) }, icon("close"), "Cancel…");
}

function neighbours(number, index, job) {
  const at = big(index);
  const last = job ? big(job.total) - 1n : at;
  const to = (task, text, name) => h("a.button.small", { href: link("jobs", number, "tasks", task),
    rel: name }, text);
  return h("div.pager", null,
    at > 0n ? to(at - 1n, [icon("back"), "Previous task"], "prev") : h("span"),
    at < last ? to(at + 1n, ["Next task", icon("next")], "next") : h("span"));
}
