// All workers: what they do, how loaded they are, how fast they have been.
import { h } from "../base/dom.js";
import { near } from "../base/exact.js";
import * as format from "../base/format.js";
import { link } from "../base/route.js";
import { meter, sparkline, Recent } from "../parts/figures.js";
import { choices, searchField } from "../parts/filter.js";
import { empty, head, whenLoaded } from "../parts/page.js";
import { badge } from "../parts/state.js";
import { ordered, paged, table } from "../parts/table.js";

const PAGE = 100;
const STATES = ["busy", "idle", "draining", "stuck", "lost"];
const recent = new Recent();
const SORTS = {
  name: (one) => one.worker, slots: (one) => one.slots, load: (one) => one.load / one.cores,
  done: (one) => near(one.tasks_done), memory: (one) => near(one.memory_free),
};

function columns() {
  return [
    { name: "Worker", kind: "main", sort: "name", cell: (one) => [
      h("a.title", { href: link("workers", one.worker) }, one.worker),
      h("span.sub", null, one.functions.length > 3
        ? `${one.functions.slice(0, 3).map((f) => f.name).join(", ")} and ` +
          `${one.functions.length - 3} more`
        : one.functions.map((f) => f.name).join(", "))] },
    { name: "State", cell: (one) => badge(one.state) },
    { name: "Slots", kind: "bar", sort: "slots", cell: (one) => h("div.progress", null,
      meter(one.slots ? one.busy / one.slots : 0, `${one.busy} of ${one.slots} slots are busy`),
      h("span.percent", null, `${one.busy} / ${one.slots}`)) },
    { name: "Load per core", kind: "number", sort: "load", cell: (one) => one.cores
      ? (one.load / one.cores).toFixed(2) : "–" },
    { name: "Free memory", kind: "number", sort: "memory", cell: (one) => near(one.memory_free)
      ? format.bytes(one.memory_free) : "–" },
    { name: "Speed", kind: "number", cell: (one) => [sparkline(recent.of(one.worker), "Speed"),
      format.rate(recent.of(one.worker).at(-1) ?? 0)] },
    { name: "Tasks done", kind: "number", sort: "done",
      cell: (one) => format.short(one.tasks_done) },
    { name: "Heard", kind: "number", cell: (one) => `${format.age(one.silent_s)} ago` },
  ];
}

function matches(view) {
  const text = view.param("q").toLowerCase();
  const states = view.param("state").split(",").filter(Boolean);
  return (one) => (!states.length || states.includes(one.state)) &&
    (!text || one.worker.toLowerCase().includes(text) ||
      one.functions.some((f) => f.name.toLowerCase().includes(text)) ||
      Object.entries(one.labels).some(([k, v]) => `${k}=${v}`.toLowerCase().includes(text)));
}

/** @param {import("../parts/view.js").View} view */
export function workersPage(view) {
  const data = view.data("workers");
  const load = () => data.busy ? null : view.load("workers", "workers");
  const search = searchField(view, { name: "q", label: "Search name, function or label",
    isMain: true, changed: () => view.redraw() });
  const sort = (sorted) => {
    view.setParams({ sort: sorted });
    view.redraw();
  };
  view.draw(() => [
    head({ title: "Workers", about: data.value ? summary(data.value.workers) : "\u00a0" }),
    h("div.toolbar", null, search(), choices(view, { name: "state", label: "States",
      choices: STATES.map((word) => [word, word]), changed: () => view.redraw() })),
    h("section.card", { "aria-label": "Workers" }, whenLoaded(data, ({ workers }) => {
      if (!workers.length) {
        return empty("No worker has joined", "Start one on any machine that reaches the broker:",
          "quern-worker --slots 4");
      }
      const fitting = workers.filter(matches(view));
      const { shown, pager } = paged(view, ordered(fitting, view.param("sort") || "name", SORTS),
        PAGE);
      return [shown.length ? table("Workers", columns(), shown, { key: (one) => one.worker,
        sorted: view.param("sort") || "name", onSort: sort }) : empty("No worker matches"), pager];
    }, load)),
  ]);
  load();
  view.every(10, load);
  view.live(["workers"], (type, worker) => {
    if (type === "resync" || !data.value) return load();
    recent.count(worker.worker, near(worker.tasks_done));
    const at = data.value.workers.findIndex((one) => one.worker === worker.worker);
    if (at >= 0) data.value.workers[at] = worker;
    else data.value.workers.push(worker);
    data.at = Date.now();
    view.redraw();
  });
}

function summary(workers) {
  const present = workers.filter((one) => one.state !== "lost");
  const slots = present.reduce((all, one) => all + one.slots, 0);
  const busy = present.reduce((all, one) => all + one.busy, 0);
  return `${format.counted(present.length, "worker")}, ${busy} of ` +
    `${format.counted(slots, "slot")} busy`;
}
