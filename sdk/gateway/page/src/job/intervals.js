// The states of a job's tasks as intervals, however many tasks there are.
import { get, query } from "../base/api.js";
import { big } from "../base/exact.js";

const PAGE = 1000;
const PAGES_MOST = 4;  // what a bar of some thousand pixels can show

/**
 * @typedef {{first: bigint, count: bigint, state: string, worker?: string}} Interval
 */

/**
 * Fetches the intervals from `after` on.
 * @param {number} job
 * @param {{state?: string, after?: bigint}} which
 * @param {AbortSignal} signal
 * @returns {Promise<{intervals: Interval[], next: *}>} next: null if that is all
 */
export async function intervalsOf(job, { state = "", after = null }, signal) {
  const intervals = [];
  // The API does not select blocked tasks.
  const isAsked = state !== "blocked";
  let next = after;
  for (let page = 0; page < PAGES_MOST; ++page) {
    const answer = await get(`jobs/${job}/tasks${query({ state: isAsked ? state : "",
      after: next, limit: PAGE })}`,
      { signal });
    for (const one of answer.intervals) {
      if (!isAsked && one.state !== state) continue;
      intervals.push({ ...one, first: big(one.first), count: big(one.count) });
    }
    next = answer.next;
    if (next === null || next === undefined) break;
  }
  return { intervals, next: next ?? null };
}

/** What the counters of a job say: how many of each state, but not which. @returns {Interval[]} */
export function countsOf(job) {
  let first = 0n;
  const intervals = [];
  const add = (state, count) => {
    if (count > 0n) intervals.push({ first, count, state });
    first += count;
  };
  add("done", big(job.done));
  add("failed", big(job.failed));
  add("cancelled", big(job.cancelled));
  add("leased", big(job.leased));
  add("waiting", big(job.pending));
  add("blocked", big(job.blocked));
  return intervals;
}

/** The interval that has a task, or undefined. */
export function intervalAt(intervals, task) {
  return intervals.find((one) => task >= one.first && task < one.first + one.count);
}
