// Actions on all jobs that match the filters: how many is said before anything is done.
import { h } from "../base/dom.js";
import { send } from "../base/api.js";
import { big } from "../base/exact.js";
import { count, counted } from "../base/format.js";
import { session } from "../base/session.js";
import { confirm } from "../parts/dialog.js";
import { FINAL } from "../parts/state.js";

const AT_ONCE = 4;
const isOpen = (job) => !FINAL.has(job.state);
const sum = (jobs, name) => jobs.reduce((all, job) => all + big(job[name]), 0n);

const ACTIONS = {
  pause: { title: "Pause jobs", button: "Pause", fits: (job) => isOpen(job) && !job.paused,
    text: (jobs) => `${counted(jobs.length, "job")} will get no more leases. What runs goes on.` },
  resume: { title: "Resume jobs", button: "Resume", fits: (job) => isOpen(job) && job.paused,
    text: (jobs) => `${counted(jobs.length, "paused job")} will go on.` },
  cancel: { title: "Cancel jobs", button: "Cancel them", fits: isOpen, isHarmful: true,
    text: (jobs) => `${counted(jobs.length, "job")} will be cancelled, with ` +
      `${counted(sum(jobs, "pending") + sum(jobs, "leased"), "task")} that have not ended. ` +
      "This cannot be undone." },
  retry: { title: "Retry failed tasks", button: "Retry",
    fits: (job) => !isOpen(job) && big(job.failed) > 0n,
    text: (jobs) => `${counted(sum(jobs, "failed"), "failed task")} of ` +
      `${counted(jobs.length, "job")} will run again.` },
};

/** Does something to each job, a few at a time; says how far it is. */
async function forEach(jobs, act, say) {
  let done = 0;
  const failures = [];
  const queue = [...jobs];
  const run = async () => {
    for (let job = queue.shift(); job; job = queue.shift()) {
      await act(job).catch((problem) => failures.push(problem));
      say(`${count(++done)} of ${count(jobs.length)} jobs…`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, run));
  if (failures.length) {
    throw new Error(`${counted(failures.length, "job")} of ${count(jobs.length)} could not be ` +
      `changed, the first because: ${failures[0].message}`);
  }
}

function ask(name, collect, after) {
  const action = ACTIONS[name];
  return confirm({
    title: action.title, button: action.button, isHarmful: action.isHarmful,
    count: async () => (await collect())
      .filter((job) => action.fits(job) && session.canChange(job)),
    isNothing: (jobs) => jobs.length === 0,
    text: (jobs) => jobs.length ? action.text(jobs)
      : "No job that matches the filters, and that you may change, is in a state for this.",
    act: async (jobs, say) => {
      await forEach(jobs, (job) => send("POST", `jobs/${job.job}/${name}`, {}), say);
      after();
      return `${action.title}: ${counted(jobs.length, "job")}`;
    },
  });
}

/**
 * The menu above the list; nothing without the right to change jobs.
 * @param {function(): Promise<Array<*>>} collect all jobs that match
 * @param {function()} after when something was done
 */
export function bulkMenu(collect, after) {
  if (!session.isAdmin && !session.canSubmit) return null;
  const choose = (name) => (event) => {
    event.currentTarget.closest("details").open = false;
    ask(name, collect, after);
  };
  return h("details.menu", { key: "bulk" }, h("summary.button", null, "All that match"),
    h("div.menu-list", null, Object.entries(ACTIONS).map(([name, action]) =>
      h(`button.${action.isHarmful ? "harmful" : "plain"}`,
        { type: "button", onclick: choose(name) }, `${action.title}…`))));
}
