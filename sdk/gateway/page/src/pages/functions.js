// Functions x workers: the measured speeds, and how sure they are.
import { h } from "../base/dom.js";
import * as format from "../base/format.js";
import { link } from "../base/route.js";
import { searchField, choices } from "../parts/filter.js";
import { card, empty, head, whenLoaded } from "../parts/page.js";
import { paged } from "../parts/table.js";
import { sureness } from "./worker.js";

const WORKERS = 12;  // columns of one page

/** @returns {Array<{name: string, speeds: Map<string, *>, offers: Set<string>, best: number}>} */
function functionsOf(workers) {
  const all = new Map();
  const entry = (name) => {
    if (!all.has(name)) all.set(name, { name, speeds: new Map(), offers: new Set(), best: 0 });
    return all.get(name);
  };
  for (const worker of workers) {
    for (const one of worker.functions) entry(one.name).offers.add(worker.worker);
    for (const rate of worker.rates) {
      const found = entry(rate.function);
      found.speeds.set(worker.worker, rate);
      found.best = Math.max(found.best, rate.rate);
    }
  }
  return [...all.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function cell(row, worker) {
  const rate = row.speeds.get(worker.worker);
  if (!rate || !(rate.rate > 0)) {
    const offers = row.offers.has(worker.worker);
    return h("td.speed", null, h("span.none", null, offers ? "not measured" : "–"));
  }
  const part = row.best > 0 ? rate.rate / row.best : 0;
  // The shade says how fast it is compared with the fastest, on a scale of ten steps.
  const title = `${format.short(rate.tasks)} tasks in ${format.short(rate.leases)} leases, ` +
    `${format.duration(rate.busy_s)} busy`;
  return h(`td.speed.heat-${Math.round(part * 9)}`, { title },
  h("b", null, format.rate(rate.rate)), h("span", null, sureness(rate)));
}

function matrix(rows, workers) {
  return h("div.table-frame", { tabindex: 0, role: "group", "aria-label": "Speeds" },
    h("table.matrix", { "aria-label": "Speed of a slot by function and worker" },
      h("thead", null, h("tr", null, h("th", { scope: "col" }, "Function"),
        workers.map((one) => h("th", { scope: "col", key: one.worker, title: one.worker },
          h("a", { href: link("workers", one.worker) }, one.worker))))),
      h("tbody", null, rows.map((row) => h("tr", { key: row.name },
        h("th", { scope: "row" }, row.name, h("span.sub", null,
          `offered by ${format.counted(row.offers.size, "worker")}`)),
        workers.map((worker) => cell(row, worker)))))));
}

/** @param {import("../parts/view.js").View} view */
export function functionsPage(view) {
  const data = view.data("workers");
  const load = () => data.busy ? null : view.load("workers", "workers");
  const changed = () => view.redraw();
  const search = searchField(view, { name: "q", label: "Search functions", isMain: true, changed });
  const byWorker = searchField(view, { name: "worker", label: "Worker", changed });
  view.draw(() => [
    head({ title: "Functions", about: "How fast one slot of each worker runs each function, as " +
      "measured. The broker gives work to whoever will have finished it first." }),
    h("div.toolbar", null, search(), byWorker(), choices(view, { name: "measured",
      label: "Which functions", choices: [["yes", "measured only"]], changed })),
    whenLoaded(data, (answer) => {
      const present = answer.workers.filter((one) => one.state !== "lost" &&
        one.worker.toLowerCase().includes(view.param("worker").toLowerCase()))
        .sort((a, b) => (a.worker < b.worker ? -1 : 1));
      const rows = functionsOf(present).filter((row) =>
        row.name.toLowerCase().includes(view.param("q").toLowerCase()) &&
        (view.param("measured") !== "yes" || row.speeds.size));
      if (!rows.length) {
        return card("Speeds", null, empty(answer.workers.length ? "No function matches"
          : "No worker offers a function", "Functions come with the workers that offer them:",
        "quern-worker --load ./libmyfunctions.so"));
      }
      const { shown, pager } = paged(view, present, WORKERS);
      return card("Speed of a slot", [h("span.scale", { "aria-hidden": "true" },
        Array.from({ length: 10 }, (_, n) => h(`i.heat-${n}`))), "slow to fastest"],
      matrix(rows, shown), pager);
    }, load),
  ]);
  load();
  view.every(10, load);
}
