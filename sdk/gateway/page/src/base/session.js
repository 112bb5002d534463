// Who uses the page, and what they may do. The server decides; this only avoids buttons that fail.
import { get, send } from "./api.js";

/** @type {?{name: string, roles: string[], functions: ?string[]}} */
let current = null;

export const session = {
  get name() { return current?.name ?? ""; },
  get roles() { return current?.roles ?? []; },
  /** Names or patterns of the functions that the key may use; empty: all. */
  get functions() { return current?.functions ?? []; },
  get isOpen() { return current !== null; },
  /** Jobs and workers can be seen. */
  get canLook() { return ["submit", "read", "admin"].some((role) => this.roles.includes(role)); },
  get canSubmit() { return this.roles.includes("submit"); },
  get canWork() { return this.roles.includes("work"); },
  /** Answers tasks, or sees how others do. */
  get canSeeWork() { return this.canWork || this.isAdmin; },
  get isAdmin() { return this.roles.includes("admin"); },

  /** Cancel, retry, pause: the owner, and administrators. */
  canChange(job) { return this.isAdmin || (this.canSubmit && job.owner === this.name); },
  /** Results and texts of errors. */
  canRead(job) { return this.isAdmin || job.owner === this.name; },

  /** Asks who is logged in. @returns {Promise<boolean>} */
  async resume() {
    try {
      current = await get("session", { quiet: true });
    } catch (problem) {
      if (problem.status !== 401) throw problem;
      current = null;
    }
    return current !== null;
  },

  /** @param {{code: string}|{token: string}} secret */
  async open(secret) {
    current = await send("POST", "session", secret, { quiet: true });
  },

  async close() {
    await send("DELETE", "session", undefined, { quiet: true }).catch(() => {});
    current = null;
  },

  forget() { current = null; },
};

/** Whether a name fits a pattern with * and ?. */
export function fits(pattern, name) {
  const plain = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  const text = plain.replace(/\*/g, ".*").replace(/\?/g, ".");
  return new RegExp(`^${text}$`, "s").test(name);
}

/** Whether the key may submit or serve a function. */
export function mayUse(name) {
  return session.functions.length === 0 || session.functions.some((one) => fits(one, name));
}
