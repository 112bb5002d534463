// The state of everything: how fast, how much is left, until when, and why something waits.
import { h } from "../base/dom.js";
import { api, query } from "../base/api.js";
import { big, near, ratio } from "../base/exact.js";
import * as format from "../base/format.js";
import { link } from "../base/route.js";
import { chart } from "../parts/chart.js";
import { progress, meter, sparkline, Recent } from "../parts/figures.js";
import { asTable, card, empty, facts, head, prose, stat, whenLoaded } from "../parts/page.js";
import { stateOf, badge, FINAL } from "../parts/state.js";
import { jobLink, table } from "../parts/table.js";

const PERIOD_S = 2;
const SAMPLES_MOST = 300;  // ten minutes
const LISTED = 100;

/** What was measured since the page was opened; it outlives the visit of this view. */
const samples = [];
const recent = new Recent();

function take(broker) {
  const now = Date.now();
  const sum = (name) => (broker.functions ?? [])
    .reduce((all, one) => all + near(one[name]), 0);
  const ended = sum("tasks_done") + sum("tasks_failed");
  const last = samples[samples.length - 1];
  if (last && (ended < last.ended || now - last.at > 30_000)) samples.length = 0;  // a new broker
  const before = samples[Math.max(0, samples.length - 2)];
  const rate = before ? (ended - before.ended) / ((now - before.at) / 1000) : 0;
  const open = near(broker.tasks.pending) + near(broker.tasks.leased);
  samples.push({ at: now, ended, rate, open });
  if (samples.length > SAMPLES_MOST) samples.shift();
}

/** When the last of the jobs ends, if that can be told. */
function endOf(jobs) {
  const running = jobs.filter((job) => !FINAL.has(job.state));
  const known = running.filter((job) => job.eta_s !== null && job.eta_s !== undefined);
  if (!known.length) return { running, known, last: null };
  const last = known.reduce((a, b) => (a.eta_s >= b.eta_s ? a : b));
  return { running, known, last };
}

function endStat(jobs) {
  const { running, known, last } = endOf(jobs);
  if (!running.length) return stat("Estimated end", "Nothing runs", "no job is open");
  const unknown = running.length - known.length;
  if (!last) return stat("Estimated end", "Not known yet", format.counted(unknown, "open job"));
  return stat("Estimated end", format.duration(last.eta_s),
    format.endNote(last.eta_s, last.eta_error_s) + (unknown ? `; ${unknown} not known` : ""));
}

function stats(broker, jobs) {
  const now = samples[samples.length - 1] ?? { rate: 0 };
  const workers = broker.workers_by_state;
  const present = workers.idle + workers.busy + workers.draining + workers.stuck;
  const trouble = ["draining", "stuck", "lost"].filter((word) => workers[word])
    .map((word) => `${workers[word]} ${word}`).join(", ");
  return h("section.stats", { "aria-label": "Now" },
    stat("Throughput", format.rate(now.rate), "tasks that ended, all jobs",
      sparkline(samples.slice(-40).map((one) => one.rate), "Throughput of the last minute")),
    stat("Backlog", format.short(broker.tasks.pending),
      `tasks wait, ${format.short(broker.tasks.leased)} run`),
    endStat(jobs),
    stat("Workers", `${workers.busy} of ${present} busy`,
      trouble || "all in order"));
}

function runningTable(jobs) {
  const columns = [
    { name: "Job", kind: "main",
      cell: (job) => [jobLink(job), h("span.sub", null, `#${job.job}`)] },
    { name: "State", cell: (job) => badge(stateOf(job)) },
    { name: "Progress", kind: "bar", cell: (job) => progress(job, true) },
    { name: "Speed", kind: "number", cell: (job) => [sparkline(recent.of(job.job), "Speed"),
      format.rate(job.rate)] },
    { name: "Ends in", kind: "number", cell: (job) => format.estimate(job.eta_s, job.eta_error_s) },
  ];
  return table("Open jobs", columns, jobs, { key: (job) => job.job });
}

/** Jobs that wait, by the reason. */
function waits(jobs) {
  const reasons = new Map();
  for (const job of jobs) {
    if (FINAL.has(job.state) || big(job.leased) > 0n) continue;
    const reason = job.paused ? "Paused" : job.reason || job.decision || "No reason is known.";
    reasons.set(reason, [...(reasons.get(reason) ?? []), job]);
  }
  if (!reasons.size) return h("p.calm", null, "Nothing waits without a worker at it.");
  return h("ul.reasons", null, [...reasons].map(([reason, list]) => h("li", { key: reason },
    h("p", null, prose(reason)),
    h("p.sub", null, list.slice(0, 5).map((job, n) => [n > 0 && ", ",
      h("a", { href: link("jobs", job.job) }, `#${job.job} ${job.name || job.function}`)]),
    list.length > 5 && ` and ${list.length - 5} more`))));
}

function brokerCard(broker) {
  const used = ratio(broker.memory_used, broker.memory_limit);
  const memory = `${format.bytes(broker.memory_used)} of ${format.bytes(broker.memory_limit)}`;
  return card("Broker", broker.software,
    h("div.padded", null,
      facts([["Uptime", format.duration(broker.uptime_s)],
        ["Memory", [memory, meter(used, memory)]],
        ["Clients", format.count(broker.clients)], ["Jobs", format.count(broker.jobs)],
        ["Refused requests", format.count(broker.refused)],
        ["Late answers", format.count(broker.late)]])));
}

function functionTable(broker) {
  const rows = [...broker.functions].sort((a, b) => near(b.tasks_done) - near(a.tasks_done))
    .slice(0, 8);
  if (!rows.length) {
    return empty("No function has run yet", "Functions appear with their first task.");
  }
  return table("Functions since the broker started", [
    { name: "Function", kind: "main", cell: (one) => h("a.title",
      { href: link("jobs", { function: one.function }) }, one.function) },
    { name: "Done", kind: "number", cell: (one) => format.short(one.tasks_done) },
    { name: "Failed", kind: "number", cell: (one) => format.short(one.tasks_failed) },
    { name: "Retries", kind: "number", cell: (one) => format.short(one.retries) },
    { name: "Lost leases", kind: "number", cell: (one) => format.short(one.leases_lost) },
  ], rows, { key: (one) => one.function });
}

function samplesTable() {
  return table("Throughput and backlog", [
    { name: "Time", cell: (one) => new Date(one.at).toLocaleTimeString() },
    { name: "Throughput", kind: "number", cell: (one) => format.rate(one.rate) },
    { name: "Backlog", kind: "number", cell: (one) => format.short(one.open) },
  ], samples.slice(-60).reverse(), { key: (one) => one.at });
}

function nothingYet() {
  return empty("No job is open",
    "Submit one here, or from a shell:", "quern run primes --range 1:1000000 --detach");
}

/** @param {import("../parts/view.js").View} view */
export function overviewPage(view) {
  const speed = chart({ label: "Throughput over time", unit: format.short, height: 180,
    series: [{ name: "Tasks per second", colour: "--accent" }] });
  const backlog = chart({ label: "Backlog over time", unit: format.short, height: 180,
    series: [{ name: "Tasks that wait or run", colour: "--waiting" }] });
  const broker = view.data("broker");
  const jobs = view.data("jobs");
  view.onLeave(() => { speed.remove(); backlog.remove(); });

  const drawCharts = () => {
    speed.update(samples.slice(1).map((one) => [new Date(one.at), one.rate]));
    backlog.update(samples.map((one) => [new Date(one.at), one.open]));
  };
  const loadBroker = async () => {
    if (broker.busy) return;
    const value = await view.load("broker", "broker");
    if (value) take(value);
    drawCharts();
  };
  const loadJobs = () => view.load("jobs",
    `jobs${query({ state: "running,waiting", limit: LISTED })}`);
  const onEvent = (type, job) => {
    if (type === "resync" || !jobs.value) return view.refresh("jobs", loadJobs);
    recent.count(job.job, near(job.done) + near(job.failed));
    const list = jobs.value.jobs.filter((one) => one.job !== job.job);
    if (!FINAL.has(job.state)) list.push(job);
    jobs.value.jobs = list.sort((a, b) => b.job - a.job);
    jobs.at = Date.now();
    view.redraw();
  };

  view.draw(() => [
    head({ title: "Overview", about: `What ${api.host} does now.` }),
    // Both at once, so that nothing moves when the second one comes.
    whenLoaded(jobs.value || jobs.problem ? broker : {}, (now) => [
      stats(now, jobs.value?.jobs ?? []),
      h("div.columns", null,
        card("Throughput", samples.length < 3 ? "measuring…" : "last ten minutes", speed.place()),
        card("Backlog", "last ten minutes", backlog.place())),
      asTable(view, "Both charts as a table", samplesTable),
      card("Open jobs", h("a", { href: link("jobs") }, "All jobs"), whenLoaded(jobs, (list) =>
        list.jobs.length ? [runningTable(list.jobs.slice(0, 12)), list.jobs.length > 12 &&
          h("p.more", null, h("a", { href: link("jobs", { state: "running,waiting" }) },
            `All ${list.jobs.length}${list.next ? " or more" : ""} open jobs`))]
          : nothingYet(), loadJobs)),
      h("div.columns", null,
        card("Why things wait", null, h("div.padded", null, waits(jobs.value?.jobs ?? []))),
        brokerCard(now)),
      card("Functions", "since the broker started", functionTable(now)),
    ], loadBroker),
  ]);
  loadBroker();
  loadJobs();
  view.every(PERIOD_S, loadBroker);
  view.every(15, loadJobs);
  view.live(["jobs"], onEvent);
}
