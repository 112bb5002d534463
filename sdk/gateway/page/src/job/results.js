// The results of a job, a page at a time, and all of them as a download.
import { h } from "../base/dom.js";
import { api, lines, query, request } from "../base/api.js";
import { big } from "../base/exact.js";
import * as format from "../base/format.js";
import { link } from "../base/route.js";
import { session } from "../base/session.js";
import { icon } from "../parts/icons.js";
import { card, empty, notice, whenLoaded } from "../parts/page.js";
import { FINAL } from "../parts/state.js";
import { table } from "../parts/table.js";

const PAGE = 50n;
// Of a job that runs, the results that are there are wanted, not those that will come.
const PATIENCE_MS = 1500;

/** A result as text. */
export function textOf(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 1);
}

/**
 * Reads results `from` to `to`; of a job that runs, those that come soon.
 * @returns {Promise<{rows: Array<*>, reduced: *, end: *}>}
 */
export async function readResults(job, { from, to, failed }, isOver, signal) {
  const found = { rows: [], reduced: undefined, end: null };
  const abort = new AbortController();
  signal.addEventListener("abort", () => abort.abort());
  let isLate = false;
  const late = () => {
    isLate = true;
    abort.abort();
  };
  let timer = isOver ? 0 : setTimeout(late, PATIENCE_MS);
  try {
    const path = `jobs/${job}/results${query({ from, to, failed: failed ? "true" : "" })}`;
    for await (const line of lines(await request(path, { signal: abort.signal }))) {
      if (line.end) found.end = line.end;
      else if (line.index === undefined) found.reduced = line.result;
      else found.rows.push(line);
      if (!failed && BigInt(found.rows.length) === to - from) break;
      if (failed && BigInt(found.rows.length) === PAGE) break;
      if (timer) {
        clearTimeout(timer);
        timer = setTimeout(late, PATIENCE_MS);
      }
    }
  } catch (problem) {
    if (!isLate) throw problem;
  } finally {
    clearTimeout(timer);
    abort.abort();  // the server must not send the rest
  }
  return found;
}

function rowsOf(job, rows) {
  return table("Results", [
    { name: "Task", kind: "number narrow", cell: (row) =>
      h("a", { href: link("jobs", job.job, "tasks", row.index) }, format.count(row.index)) },
    { name: "Result", kind: "main result", cell: (row) => row.code
      ? [h("span.code", null, row.code), " ", h("span.bad", null, format.cut(row.error, 300))]
      : h("code", null, format.cut(textOf(row.result), 300)) },
  ], rows, { key: (row) => row.index });
}

function download(job) {
  return h("a.button.small", { href: new URL(`jobs/${job.job}/results`, api).href,
    download: `job-${job.job}-results.ndjson` }, icon("download"), "Download all");
}

/** @param {import("../parts/view.js").View} view */
export function resultsTab(view, job) {
  const data = view.data("results");
  const from = () => big(view.param("from") || 0);
  const failed = () => view.param("failed") === "true";
  const isFolded = () => Boolean(view.data("job").value.reduce) && !failed();
  const load = () => {
    const now = view.data("job").value;
    const isOver = FINAL.has(now.state);
    if (!session.canRead(now) || (isFolded() && !isOver)) return;
    view.load("results", () => readResults(job.job,
      { from: from(), to: failed() ? big(now.total) : from() + PAGE, failed: failed() }, isOver,
      view.signal));
  };
  const turn = (begin) => {
    view.setParams({ from: begin > 0n ? begin : "" });
    load();
  };
  const flip = () => {
    view.setParams({ failed: failed() ? "" : "true", from: "" });
    load();
  };
  let state = job.state;
  load();
  return {
    changed(now) {
      if (now.state !== state) load();
      state = now.state;
    },
    content: (now) => {
      if (!session.canRead(now)) {
        return notice("info", "Only the owner of the job and administrators may read its results.");
      }
      const aside = [h("button.choice", { type: "button", "aria-pressed": String(failed()),
        onclick: flip }, "Only failed"), FINAL.has(now.state) && download(now)];
      return card("Results", aside, isFolded() && !FINAL.has(now.state)
        ? empty("The result comes at the end", `The tasks are combined with ${now.reduce}.`)
        : whenLoaded(data, (found) => resultsOf(now, found, { from: from(), failed: failed(), turn,
          load }), load));
    },
  };
}

function resultsOf(job, { rows, reduced, end }, { from, failed, turn, load }) {
  if (reduced !== undefined) {
    return h("div.padded", null, h("p.sub", null, job.reduce
      ? `All tasks, combined with ${job.reduce}` : "The result"),
    h("pre.big-result", null, format.cut(textOf(reduced), 20_000)));
  }
  const next = from + PAGE;
  const hasMore = !failed && next < big(job.total);
  return [
    rows.length ? rowsOf(job, rows) : empty(failed ? "No task has failed" : "No result here yet",
      end ? `The job is ${end.state}.` : "Results appear as tasks end."),
    failed && BigInt(rows.length) === PAGE && h("p.more", null, `The first ${PAGE} failed tasks; ` +
      "the errors are grouped on the page Errors."),
    h("div.pager", null,
      h("button.small", { type: "button", disabled: from === 0n,
        onclick: () => turn(from > PAGE ? from - PAGE : 0n) }, icon("back"), "Previous"),
      h("span", null, rows.length ? `Tasks ${format.interval(rows[0].index,
        big(rows[rows.length - 1].index) - big(rows[0].index) + 1n)}` : ""),
      !FINAL.has(job.state) && h("button.small", { type: "button", onclick: load }, icon("retry"),
        "Look again"),
      h("button.small", { type: "button", disabled: !hasMore, onclick: () => turn(next) }, "Next",
        icon("next"))),
  ];
}
