// What can be done to one job, for those who may.
import { h } from "../base/dom.js";
import { send } from "../base/api.js";
import { big } from "../base/exact.js";
import { counted } from "../base/format.js";
import { session } from "../base/session.js";
import { confirm, toast } from "../parts/dialog.js";
import { icon } from "../parts/icons.js";
import { FINAL } from "../parts/state.js";
import { askToAppend, askToClose } from "./append.js";

/**
 * Retries failed tasks after it was said how many.
 * @param {number} number of the job
 * @param {{code?: string, text?: string, tasks?: number[]}} which all, or those that fit
 * @param {function()} after
 */
export function askToRetry(number, which, after) {
  return confirm({
    title: "Retry failed tasks", button: "Retry",
    count: () => send("POST", `jobs/${number}/retry`, { ...which, dry_run: true }),
    isNothing: (dry) => big(dry.touched) === 0n,
    text: (dry) => big(dry.touched) === 0n
      ? "There is no such failed task, or the job has not ended yet."
      : `${counted(dry.touched, "failed task")} of job ${number} will run again.`,
    act: async () => {
      const done = await send("POST", `jobs/${number}/retry`, which);
      after();
      return `${counted(done.touched, "task")} will run again`;
    },
  });
}

/** Cancels a job, or some of its tasks, or (tree) the job and all that depend on it. */
export function askToCancel(number, which, after) {
  const whose = which.tree
    ? `of job ${number} and of all jobs that depend on it, directly or through others,`
    : `of job ${number}`;
  return confirm({
    title: which.tasks ? "Cancel tasks" : which.tree ? "Cancel the job and what depends on it"
      : "Cancel the job",
    button: "Cancel", isHarmful: true,
    count: () => send("POST", `jobs/${number}/cancel`, { ...which, dry_run: true }),
    isNothing: (dry) => big(dry.touched) === 0n && Boolean(which.tasks),
    text: (dry) => `${counted(dry.touched, "task")} ${whose} that have not ended ` +
      "will be cancelled. This cannot be undone.",
    act: async () => {
      const done = await send("POST", `jobs/${number}/cancel`, which);
      after();
      return `${counted(done.touched, "task")} cancelled`;
    },
  });
}

async function change(job, what, after) {
  try {
    await send("POST", `jobs/${job.job}/${what}`, {});
    toast(what === "pause" ? "The job is paused" : "The job goes on", "good");
    after();
  } catch (problem) {
    toast(problem.message, "bad");
  }
}

/** The buttons at the head of a job. @param {function()} after when something was done */
export function jobActions(job, after) {
  if (!session.canChange(job)) return null;
  const isOver = FINAL.has(job.state);
  const word = job.paused ? "resume" : "pause";
  // Only who submitted a job may add to it, and nobody if its input comes from other jobs.
  const isFed = job.edges?.some((one) => one.pattern !== "after") || big(job.blocked) > 0n;
  const isOpen = !isOver && job.open && !isFed && session.canSubmit &&
    (job.owner === session.name || session.name === "anonymous");
  return [
    isOpen && h("button.primary", { key: "append", type: "button",
      onclick: () => askToAppend(job.job, after) }, icon("submit"), "Add items…"),
    isOpen && h("button", { key: "close", type: "button",
      onclick: () => askToClose(job.job, after) }, icon("done"), "Close…"),
    !isOver && h("button", { key: "pause", type: "button",
      onclick: () => change(job, word, after) }, icon(job.paused ? "running" : "paused"),
    job.paused ? "Resume" : "Pause"),
    isOver && big(job.failed) > 0n && h("button", { key: "retry", type: "button",
      onclick: () => askToRetry(job.job, {}, after) }, icon("retry"), "Retry failed…"),
    !isOver && h("button.harmful", { key: "cancel", type: "button",
      onclick: () => askToCancel(job.job, {}, after) }, icon("close"), "Cancel…"),
    // Also of a job that has ended: what depends on it may still run.
    job.consumers?.length > 0 && h("button.harmful", { key: "cancel-tree", type: "button",
      onclick: () => askToCancel(job.job, { tree: true }, after) }, icon("close"),
    isOver ? "Cancel dependants…" : "Cancel with dependants…"),
  ];
}
