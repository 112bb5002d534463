// One task at a time, locked for this person: pulled, kept, and given back or answered.
import { send } from "../base/api.js";

const LOCK_S = 180;
const WAIT_S = 25;

/** Whether this gateway joins the answers of several people; otherwise one answer is the result. */
let hasDesk = true;

const path = (token, what) => `leases/${encodeURIComponent(token)}/${what}`;

/** A name for this tab's pulls, so that a task that it has skipped goes to others first. */
export function workerName() {
  try {
    const key = "quern.worker";
    const name = localStorage.getItem(key) ?? `page-${crypto.randomUUID().slice(0, 8)}`;
    localStorage.setItem(key, name);
    return name;
  } catch {
    return "page";
  }
}

/**
 * Waits for a task.
 * @param {string[]} functions
 * @param {AbortSignal} signal a pull that is given up hands its task to the next one
 * @returns {Promise<?Object>} the lease; null if there was none in time
 */
export async function pull(functions, signal) {
  const wanted = { functions, max: 1, wait_s: WAIT_S, lock_s: LOCK_S, worker: workerName() };
  const ask = async (more) =>
    (await send("POST", "leases", { ...wanted, ...more }, { signal })).leases[0] ?? null;
  if (!hasDesk) return ask({});
  try {
    return await ask({ people: true });
  } catch (problem) {
    if (problem.status !== 501) throw problem;
    hasDesk = false;
    return ask({});
  }
}

export const complete = (token, result) => send("POST", path(token, "complete"), { result });
export const release = (token) => send("POST", path(token, "release"), {});
/** The same while the page is being left: the browser sends it even so. */
export const releaseLater = (token) =>
  send("POST", path(token, "release"), {}, { keepalive: true }).catch(() => {});
const extend = (token) => send("POST", path(token, "extend"), { lock_s: LOCK_S });
export const fail = (token, error) => send("POST", path(token, "fail"), { error, permanent: true });

/** The task of this tab, so that a reload does not lose it. */
export const held = {
  KEY: "quern.lease",
  write(lease) {
    try {
      if (lease) sessionStorage.setItem(this.KEY, JSON.stringify(lease));
      else sessionStorage.removeItem(this.KEY);
    } catch {
      // Without storage, a reload pulls another task.
    }
  },
  /** The task that was held, if its lock still lasts; else null. */
  async resume() {
    try {
      const lease = JSON.parse(sessionStorage.getItem(this.KEY));
      if (!lease) return null;
      const { cancelled } = await extend(lease.token);
      return cancelled ? null : lease;
    } catch {
      return null;
    }
  },
};

/**
 * Keeps a lock as long as the task is on the screen.
 * @param {string} token
 * @param {{onOver: function(string)}} told onOver: why the task is not wanted any more
 * @returns {function()} ends it
 */
export function keepLock(token, { onOver }) {
  let timer = 0;
  let isEnded = false;
  const beat = async () => {
    try {
      const said = await extend(token);
      if (isEnded) return;
      if (said.cancelled) return onOver("The task is not wanted any more: its job was cancelled.");
    } catch (problem) {
      if (isEnded) return;
      if (problem.status === 409) return onOver("The lock on this task is over.");
    }
    timer = setTimeout(beat, LOCK_S * 1000 / 5);
  };
  timer = setTimeout(beat, LOCK_S * 1000 / 5);
  return () => {
    isEnded = true;
    clearTimeout(timer);
  };
}
