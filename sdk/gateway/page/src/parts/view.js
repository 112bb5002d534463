// What a page stands on: it loads answers, draws itself again when something has changed, hears
// events, and lets go of everything when it is left. Nothing is asked while the tab is hidden.
import { get } from "../base/api.js";
import { show } from "../base/dom.js";
import { link, replaceRoute } from "../base/route.js";
import { setPageKeys } from "../base/keys.js";
import { listen } from "../stream/live.js";

const ANSWER_MS = 30_000;

/** @typedef {{value: *, problem: ?Error, at: number, busy: boolean}} Loaded */

export class View {
  /** @param {Element} root @param {import("../base/route.js").Route} route */
  constructor(root, route) {
    this.root = root;
    this.parts = route.parts;
    this.params = route.params;
    this.loaded = new Map();
    this.leaving = new AbortController();
    this.intervals = [];
    this.missed = new Set();
    this.open = new Set();  // what the user has unfolded
    this.cleanups = [];
    this.frame = 0;
    this.content = () => [];
    this.onVisible = () => this.catchUp();
    document.addEventListener("visibilitychange", this.onVisible);
  }

  get signal() { return this.leaving.signal; }
  get isLeft() { return this.leaving.signal.aborted; }

  /** @param {function(): *} content what the page shows, as children of h() */
  draw(content) {
    this.content = content;
    this.drawNow();
  }

  drawNow() {
    if (!this.isLeft) show(this.root, this.content());
  }

  /** Draws again soon, once, however often it is called. */
  redraw() {
    if (this.frame || this.isLeft) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.drawNow();
    });
  }

  /** @returns {Loaded} what load() has got under that name */
  data(name) {
    if (!this.loaded.has(name)) {
      this.loaded.set(name, { value: undefined, problem: null, at: 0, busy: false });
    }
    return this.loaded.get(name);
  }

  /**
   * Fetches an answer and draws again. One question per name is open at a time.
   * @param {string} name
   * @param {string|function(): Promise<*>} source path below v1/, or who gets the value
   * @returns {Promise<*>} the value; undefined after an error, which is in data(name).problem
   */
  async load(name, source) {
    const one = this.data(name);
    const turn = one.turn = (one.turn ?? 0) + 1;
    one.busy = true;
    this.redraw();
    try {
      const value = typeof source === "string"
        ? await get(source, { signal: this.patience() }) : await source();
      if (one.turn !== turn) return value;
      Object.assign(one, { value, problem: null, at: Date.now(), busy: false });
      return value;
    } catch (problem) {
      if (problem.name === "AbortError" || one.turn !== turn) return undefined;
      Object.assign(one, { problem, busy: false });
      return undefined;
    } finally {
      this.redraw();
    }
  }

  /**
   * Loads again because of an event. While a question is open, it is not asked anew for each event,
   * but once more afterwards: otherwise, when events come faster than answers, each answer would be
   * out of date, and nothing would ever be shown.
   * @param {string} name
   * @param {function(): Promise<*>} load calls load() with that name
   */
  async refresh(name, load) {
    const one = this.data(name);
    if (one.busy) {
      one.isDue = true;
      return undefined;
    }
    const value = await load();
    if (!one.isDue || one.busy || this.isLeft) return value;
    one.isDue = false;
    return await this.refresh(name, load) ?? value;
  }

  /** Ends a request that is not wanted any more, or whose answer was lost, e.g. during a sleep. */
  patience() {
    return AbortSignal.any([this.signal, AbortSignal.timeout(ANSWER_MS)]);
  }

  /** Calls `what` every so many seconds, but not while nobody looks. */
  every(seconds, what) {
    const tick = () => {
      if (document.visibilityState === "visible") what();
      else this.missed.add(what);
    };
    this.intervals.push(setInterval(tick, seconds * 1000));
  }

  catchUp() {
    if (document.visibilityState !== "visible") return;
    const missed = [...this.missed];
    this.missed.clear();
    for (const what of missed) what();
    this.redraw();
  }

  /** @param {string[]} topics @param {function(string, *)} told see listen() */
  live(topics, told) {
    listen(topics, (type, data) => { if (!this.isLeft) told(type, data); });
  }

  keys(handler) { setPageKeys(handler); }

  onLeave(what) { this.cleanups.push(what); }

  /** Changes parameters of the address; empty ones are left out. */
  setParams(changes) {
    for (const [name, value] of Object.entries(changes)) {
      if (value === "" || value === null || value === undefined) this.params.delete(name);
      else this.params.set(name, value);
    }
    replaceRoute(link(...this.parts, Object.fromEntries(this.params)));
  }

  param(name) { return this.params.get(name) ?? ""; }

  /** When the oldest of what is shown was fetched, or 0. */
  get freshAt() {
    const times = [...this.loaded.values()].filter((one) => one.at).map((one) => one.at);
    return times.length ? Math.max(...times) : 0;
  }

  leave() {
    this.leaving.abort();
    this.intervals.forEach(clearInterval);
    cancelAnimationFrame(this.frame);
    document.removeEventListener("visibilitychange", this.onVisible);
    setPageKeys(null);
    listen([], null);
    for (const what of this.cleanups) what();
  }
}
