// States of jobs, tasks and workers: an icon, a word and a colour, always the three together.
import { h } from "../base/dom.js";
import { icon } from "./icons.js";

const KINDS = {
  waiting: "waiting", running: "running", done: "done", failed: "failed",
  cancelled: "cancelled", lost: "lost", paused: "paused", leased: "running", unknown: "lost",
  idle: "idle", busy: "running", draining: "draining", stuck: "failed", full: "running",
  retrying: "waiting", blocked: "blocked", unsure: "lost", ended: "done",
  ok: "done", allowed: "done", allow: "done", refused: "failed", denied: "failed",
  deny: "failed", ran: "done", skipped: "cancelled", missed: "lost",
};

/** @param {string} word a state @param {string} [text] what is shown instead of the word */
export function badge(word, text = word) {
  const kind = KINDS[word] ?? "idle";
  return h(`span.badge.${kind}`, null, icon(kind), h("span", null, text));
}

/** The state of a job, as people see it. */
export function stateOf(job) {
  const isOver = ["done", "failed", "cancelled", "lost"].includes(job.state);
  return job.paused && !isOver ? "paused" : job.state;
}

export const FINAL = new Set(["done", "failed", "cancelled", "lost"]);
