// One schedule: when it is due, what it submits, and what happened at its due times.
import { h } from "../base/dom.js";
import { get, query, send } from "../base/api.js";
import { go, link } from "../base/route.js";
import { session } from "../base/session.js";
import { confirm, toast } from "../parts/dialog.js";
import { icon } from "../parts/icons.js";
import { card, empty, facts, head, whenLoaded } from "../parts/page.js";
import { badge } from "../parts/state.js";
import { table } from "../parts/table.js";
import { moment, outcome } from "./schedules.js";

const MISSED = { "run-once": "one run for all that were missed", skip: "none" };
const OVERLAP = { skip: "no run", queue: "a run after it" };

function history(runs) {
  if (!runs.length) return empty("It has not been due yet");
  return table("History", [
    { name: "Due", kind: "once", cell: (run) => moment(run.due) },
    { name: "Outcome", cell: outcome },
    { name: "Job", kind: "number", cell: (run) => run.job
      ? h("a", { href: link("jobs", run.job) }, run.job) : "–" },
    { name: "Handled", cell: (run) => moment(run.at) },
    { name: "Why", kind: "wide", cell: (run) => run.text || "–" },
  ], runs, { key: (run) => `${run.due} ${run.outcome}` });
}

function about(one) {
  return facts([
    ["Due", h("code", null, one.cron)], ["Time zone", one.zone],
    ["Next", one.paused ? badge("paused") : moment(one.next)],
    ["Function", one.function], ["Owner", one.owner],
    ["If due times were missed", MISSED[one.missed] ?? one.missed],
    ["While an earlier job runs", OVERLAP[one.overlap] ?? one.overlap],
  ]);
}

/** @param {import("../parts/view.js").View} view */
export function schedulePage(view) {
  const name = view.parts[1];
  const owner = query({ owner: view.param("owner") });
  const path = `schedules/${encodeURIComponent(name)}`;
  const data = view.data("schedule");
  const load = () => data.busy ? null : view.load("schedule",
    () => get(`${path}${owner}`, { signal: view.signal }));
  const change = async (what) => {
    try {
      await send("POST", `${path}/${what}${owner}`, {});
      toast(what === "pause" ? "The schedule is paused" : "The schedule goes on", "good");
    } catch (problem) {
      toast(problem.message, "bad");
    }
    load();
  };
  const remove = () => confirm({
    title: "Remove the schedule", button: "Remove", isHarmful: true,
    count: async () => data.value,
    text: (one) => `${one.name} and its history will be gone. Jobs that it has submitted go on.`,
    act: async () => {
      await send("DELETE", `${path}${owner}`);
      go(link("schedules"));
      return "The schedule is removed";
    },
  });
  const actions = (one) => session.canChange(one) && [
    h("button", { type: "button", onclick: () => change(one.paused ? "resume" : "pause") },
      icon(one.paused ? "running" : "paused"), one.paused ? "Resume" : "Pause"),
    h("button.danger", { type: "button", onclick: remove }, icon("cancelled"), "Remove")];
  view.draw(() => [
    head({ title: name, trail: [["Schedules", link("schedules")]],
      actions: data.value && actions(data.value) }),
    whenLoaded(data, (one) => [
      card("About", null, about(one)),
      card("What happened", null, history(one.runs)),
    ], load),
  ]);
  load();
  view.every(20, load);
}
