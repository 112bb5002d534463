// One worker: what it is, what it offers, and how fast it was measured to be.
import { h } from "../base/dom.js";
import { send } from "../base/api.js";
import { near } from "../base/exact.js";
import * as format from "../base/format.js";
import { link } from "../base/route.js";
import { session } from "../base/session.js";
import { confirm } from "../parts/dialog.js";
import { sparkline, Recent } from "../parts/figures.js";
import { icon } from "../parts/icons.js";
import { card, empty, facts, head, whenLoaded } from "../parts/page.js";
import { badge } from "../parts/state.js";
import { table } from "../parts/table.js";

const recent = new Recent(60);

/** "± 12 %" of a speed; `uncertainty` is relative. */
export function sureness(rate) {
  return rate.leases ? `± ${format.percent(Math.min(1, rate.uncertainty))}` : "a guess";
}

function speeds(worker) {
  if (!worker.rates.length) {
    return empty("No speed is known yet", "Speeds are measured while the worker runs tasks.");
  }
  return table("Measured speeds", [
    { name: "Function", kind: "main", cell: (one) => h("a.title",
      { href: link("functions", { q: one.function }) }, one.function) },
    { name: "Speed of a slot", kind: "number", cell: (one) => format.rate(one.rate) },
    { name: "How sure", kind: "number", cell: sureness },
    { name: "Tasks", kind: "number", cell: (one) => format.short(one.tasks) },
    { name: "Leases", kind: "number", cell: (one) => format.short(one.leases) },
    { name: "Busy", kind: "number", cell: (one) => format.duration(one.busy_s) },
  ], worker.rates, { key: (one) => one.function });
}

function offers(worker) {
  return table("Functions", [
    { name: "Function", kind: "main", cell: (one) => one.name },
    { name: "Takes", cell: (one) => one.takes },
    { name: "Values", cell: (one) => one.encoding },
    { name: "Combined by", cell: (one) => one.reduce || "–" },
  ], worker.functions, { key: (one) => `${one.name} ${one.takes}` });
}

const listOf = (object) => {
  const pairs = Object.entries(object);
  if (!pairs.length) return null;
  return pairs.map(([name, value]) => h("span.tag", null, `${name}=${value}`));
};

function about(worker) {
  return facts([
    ["Slots", `${worker.busy} of ${worker.slots} busy` +
      (worker.stuck ? `, ${worker.stuck} stuck` : "")],
    ["Cores", [`${format.short(worker.cores)}, ${format.percent(worker.idle)} idle`]],
    ["Load", near(worker.load).toFixed(2)],
    ["Free memory", near(worker.memory_free) ? format.bytes(worker.memory_free) : null],
    ["Leases", format.count(worker.leases)],
    ["Tasks done", format.count(worker.tasks_done)],
    ["Connected for", format.duration(worker.connected_s)],
    ["Heard", `${format.age(worker.silent_s)} ago`],
    ["Key", worker.principal || null],
    ["Labels", listOf(worker.labels)], ["Resources", listOf(worker.resources)],
  ]);
}

function askToDrain(worker, after) {
  return confirm({
    title: "Drain the worker", button: "Drain", isHarmful: true,
    count: async () => worker,
    text: (one) => `${one.worker} finishes ${format.counted(one.leases, "lease")} that it runs, ` +
      "gets no others, and leaves. Other workers take over.",
    act: async () => {
      const path = `workers/${encodeURIComponent(worker.worker)}/drain`;
      const { detail } = await send("POST", path, {});
      after();
      return detail || "The worker drains";
    },
  });
}

/** @param {import("../parts/view.js").View} view */
export function workerPage(view) {
  const name = view.parts[1];
  const data = view.data("worker");
  const load = () => view.load("worker", `workers/${encodeURIComponent(name)}`);
  view.draw(() => whenLoaded(data, (worker) => [
    head({ trail: [["Workers", link("workers")]], title: worker.worker, badge: badge(worker.state),
      actions: session.isAdmin && !["lost", "draining"].includes(worker.state) &&
        h("button.harmful", { type: "button", onclick: () => askToDrain(worker, load) },
          icon("draining"), "Drain…") }),
    card("Now", [sparkline(recent.of(name), "Speed"), format.rate(recent.of(name).at(-1) ?? 0)],
      h("div.padded", null, about(worker))),
    card("Measured speeds", "tasks per second of one slot", speeds(worker)),
    card("Functions that it offers", null, offers(worker)),
  ], load));
  load();
  view.every(5, load);
  view.live(["workers"], (type, worker) => {
    if (type === "resync") return load();
    if (worker.worker !== name) return;
    recent.count(name, near(worker.tasks_done));
    Object.assign(data, { value: worker, at: Date.now(), problem: null });
    view.redraw();
  });
}
