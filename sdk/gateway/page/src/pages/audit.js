// Who did what: the audit log, for administrators.
import { h } from "../base/dom.js";
import { get, query } from "../base/api.js";
import * as format from "../base/format.js";
import { session } from "../base/session.js";
import { searchField } from "../parts/filter.js";
import { empty, head, whenLoaded } from "../parts/page.js";
import { badge } from "../parts/state.js";
import { table } from "../parts/table.js";

const PAGE = 100;

function when(at) {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? String(at)
    : h("time", { datetime: date.toISOString() }, date.toLocaleString());
}

function columns() {
  return [
    { name: "Time", kind: "once", cell: (one) => when(one.at) },
    { name: "Who", kind: "main", cell: (one) => one.who },
    { name: "Action", kind: "wide", cell: (one) => [one.action, " ", one.object] },
    { name: "Outcome", cell: (one) => one.outcome ? badge(one.outcome) : "–" },
    { name: "Detail", kind: "wide", cell: (one) => format.cut(one.detail ?? "", 300) },
  ];
}

/** @param {import("../parts/view.js").View} view */
export function auditPage(view) {
  const data = view.data("audit");
  if (!session.isAdmin) {
    return view.draw(() => [head({ title: "Audit" }), empty("Only administrators see the audit log",
      "A key for it:", "quern keys token NAME --role admin")]);
  }
  const page = (after) => get(`audit${query({ text: view.param("q"), limit: PAGE, after })}`,
    { signal: view.signal });
  const load = () => view.load("audit", () => page(""));
  const more = () => view.load("audit", async () => {
    const next = await page(data.value.next);
    return { records: [...data.value.records, ...next.records], next: next.next };
  });
  const search = searchField(view, { name: "q", label: "Search who, action or detail", isMain: true,
    changed: load });
  view.draw(() => [
    head({ title: "Audit",
      about: "Every refused or changing request, in a chain that shows gaps." }),
    data.problem?.isUnsupported && !data.value
      ? h("section.card", null, empty("This gateway does not serve the audit log",
        "On the broker's machine, it is read with:", "quern audit"))
      : [h("div.toolbar", null, search()), h("section.card", { "aria-label": "Records" },
        whenLoaded(data, ({ records, next }) => [
          records.length ? table("Records", columns(), records,
            { key: (one) => one.n ?? `${one.at} ${one.who} ${one.action} ${one.detail}` })
            : empty(view.param("q") ? "No record matches" : "No record yet"),
          next && h("div.pager", null, h("button.small", { type: "button", disabled: data.busy,
            onclick: more }, "Older records")),
        ], load))],
  ]);
  load();
}
