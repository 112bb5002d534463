// Jobs that the broker submits by itself: when they are due, and what happened last.
import { h } from "../base/dom.js";
import { get, query } from "../base/api.js";
import * as format from "../base/format.js";
import { link } from "../base/route.js";
import { session } from "../base/session.js";
import { searchField } from "../parts/filter.js";
import { empty, head, whenLoaded } from "../parts/page.js";
import { badge } from "../parts/state.js";
import { paged, table } from "../parts/table.js";

const PAGE = 100;

/** A time as the clock of this browser shows it. @param {?string} text RFC 3339 */
export function moment(text) {
  if (!text) return "–";
  const date = new Date(text);
  return h("time", { datetime: text, title: text }, date.toLocaleString());
}

/** What happened at a due time. */
export const outcome = (run) => badge(run.outcome);

/** The address of the page of one schedule. */
export const scheduleLink = (one) => link("schedules", one.name,
  one.owner === session.name ? {} : { owner: one.owner });

function columns() {
  return [
    { name: "Schedule", kind: "main", cell: (one) => [
      h("a.title", { href: scheduleLink(one) }, one.name),
      h("span.sub", null, `${one.cron} · ${one.zone}`)] },
    { name: "Next", kind: "once", cell: (one) => one.paused ? badge("paused")
      : moment(one.next) },
    { name: "Last", kind: "wide", cell: (one) => one.runs.length
      ? [outcome(one.runs[0]), " ", moment(one.runs[0].due)] : "–" },
    { name: "Job", kind: "number", cell: (one) => one.runs[0]?.job
      ? h("a", { href: link("jobs", one.runs[0].job) }, one.runs[0].job) : "–" },
    { name: "Function", cell: (one) => one.function },
    { name: "Owner", cell: (one) => one.owner },
  ];
}

/** @param {import("../parts/view.js").View} view */
export function schedulesPage(view) {
  const data = view.data("schedules");
  const load = () => data.busy ? null : view.load("schedules",
    () => get(`schedules${query({ owner: view.param("owner") })}`, { signal: view.signal }));
  const search = searchField(view, { name: "q", label: "Search name, function or owner",
    isMain: true, changed: () => view.redraw() });
  const matches = (one) => {
    const text = view.param("q").toLowerCase();
    return [one.name, one.function, one.owner].some((each) => each.toLowerCase().includes(text));
  };
  view.draw(() => [
    head({ title: "Schedules", about: data.value
      ? format.counted(data.value.schedules.length, "schedule") : "\u00a0",
    actions: session.canSubmit && h("a.button.primary", { href: link("submit", { repeat: "1" }) },
      "Add a schedule") }),
    h("div.toolbar", null, search()),
    h("section.card", { "aria-label": "Schedules" }, whenLoaded(data, ({ schedules }) => {
      if (!schedules.length) {
        return empty("No schedule", "The broker can submit a job again and again:",
          "quern schedule add nightly '30 2 * * *' -- run exec -- ./backup.sh");
      }
      const { shown, pager } = paged(view, schedules.filter(matches), PAGE);
      return [shown.length ? table("Schedules", columns(), shown,
        { key: (one) => `${one.owner} ${one.name}` }) : empty("No schedule matches"), pager];
    }, load)),
  ]);
  load();
  view.every(20, load);
}
