// What a person works at: one task at a time is pulled, shown, kept, and answered or given back.
import { lives } from "../base/dom.js";
import { toast } from "../parts/dialog.js";
import { drafts, taskForm } from "./form.js";
import { complete, fail, held, keepLock, pull, release, releaseLater } from "./lease.js";

/** What was done since the page was loaded. */
export const history = [];
/** Tasks that were skipped, as "job.task". A task that nobody else wants comes back. */
const skipped = new Set();
const LOOK_AGAIN_MS = 10_000;
const nameOf = (lease) => `${lease.job}.${lease.task}`;

/** Choosing, waiting or answering. */
export class Desk {
  constructor(view) {
    this.view = view;
    this.functions = view.param("functions").split(",").filter(Boolean);
    this.lease = null;
    this.form = null;
    this.over = "";
    this.problem = "";
    this.isBusy = false;
    this.waiting = null;
    this.isPaused = false;
    this.onlySkipped = false;
    this.lookAgain = () => {};
    this.unlock = () => {};
  }

  async next() {
    this.drop();
    const abort = this.waiting = new AbortController();
    this.view.redraw();
    try {
      while (!abort.signal.aborted && !this.lease) {
        const lease = await pull(this.functions, abort.signal);
        if (!lease || abort.signal.aborted) continue;
        this.onlySkipped = skipped.has(nameOf(lease));
        if (!this.onlySkipped) this.take(lease);
        else await this.rest(lease, abort.signal);
      }
    } catch (problem) {
      if (problem.name !== "AbortError") this.problem = problem.message;
    } finally {
      if (this.waiting === abort) this.waiting = null;
      this.view.redraw();
    }
  }

  /** Leaves a skipped task to others for a while. */
  async rest(lease, signal) {
    await release(lease.token);
    this.view.redraw();
    await new Promise((resolve) => {
      this.lookAgain = resolve;
      signal.addEventListener("abort", resolve);
      setTimeout(resolve, LOOK_AGAIN_MS);
    });
  }

  take(lease) {
    this.lease = lease;
    held.write(lease);
    this.form = taskForm(lease);
    lives(this.form.element);
    this.unlock = keepLock(lease.token, {
      onOver: (why) => { this.over = why; this.view.redraw(); },
    });
    this.view.redraw();
    requestAnimationFrame(() => {
      const form = this.form?.element;
      // Where there are choices, the keys 1 to 9 are for them.
      if (!form?.querySelector(".option")) form?.querySelector("textarea, input")?.focus();
    });
  }

  drop() {
    this.unlock();
    held.write(null);
    Object.assign(this, { lease: null, form: null, over: "", problem: "" });
  }

  /** Who has begun to answer can come back while the lock lasts; an untouched task goes back. */
  leave() {
    this.waiting?.abort();
    this.unlock();
    if (!this.lease || drafts.read(this.lease.token) !== undefined) return;
    // The desk for people never offers again what was given back: there, the lock runs out.
    if (this.lease.instructions !== undefined) return;
    held.write(null);
    if (!this.over) releaseLater(this.lease.token);
  }

  async resume() {
    const lease = await held.resume();
    if (lease && !this.lease && !this.view.isLeft) this.take(lease);
    else held.write(this.lease);
  }

  stop() {
    this.waiting?.abort();
    this.waiting = null;
    this.onlySkipped = false;
    this.view.redraw();
  }

  pause() {
    this.isPaused = this.waiting !== null;
    this.stop();
  }

  goOn() {
    if (this.isPaused) this.next();
    this.isPaused = false;
  }

  async say(what, outcome, answer) {
    if (this.isBusy || !this.lease) return;
    this.isBusy = true;
    this.problem = "";
    this.view.redraw();
    const lease = this.lease;
    try {
      await what(lease.token);
      history.unshift({ at: Date.now(), job: lease.job, task: lease.task, outcome, answer });
      drafts.drop(lease.token);
      this.isBusy = false;
      return this.next();
    } catch (problem) {
      // The text stays on the screen and in the draft: nothing that was written is lost.
      if (problem.status === 409) this.over = problem.message;
      else this.problem = problem.message;
    }
    this.isBusy = false;
    this.view.redraw();
  }

  send() {
    let answer;
    try {
      answer = this.form.answer();
    } catch (error) {
      this.problem = error.message;
      return this.view.redraw();
    }
    return this.say((token) => complete(token, answer), "done", answer);
  }

  skip() {
    skipped.add(nameOf(this.lease));
    return this.say(release, "skipped");
  }

  showSkipped() {
    skipped.clear();
    this.onlySkipped = false;
    this.lookAgain();
  }

  report() {
    return this.say((token) => fail(token, "a person reported that the task cannot be done"),
      "failed");
  }

  copy() {
    let text = "";
    try {
      text = JSON.stringify(this.form.answer());
    } catch {
      // There is nothing to keep.
    }
    navigator.clipboard?.writeText(text).then(() => toast("The answer is copied", "good"),
      () => toast("The browser does not allow to copy", "bad"));
  }
}
