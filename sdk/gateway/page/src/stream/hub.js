// One stream of events for all tabs of a browser. It is open while a tab that wants something is
// visible; when it opens again, it continues after the last event, or the server says `resync`.
import { readEvents } from "./reader.js";

const RETRY_MS = [500, 1000, 2000, 4000, 8000];
// The server sends a comment every 15 s. A stream without one for this long is dead, e.g. after the
// laptop slept.
const SILENT_MS = 40_000;
// A visible tab reports every 20 s; one that does not has crashed.
const TAB_GONE_MS = 70_000;
const CHECK_MS = 5000;
// Timers that are this late, or early, tell that the machine slept or that its clock was set.
const JUMP_MS = 3 * CHECK_MS;

/** @typedef {{tell: function(Object), topics: string[], visible: boolean, missed: boolean,
 *   seen: number}} Tab */

export class Hub {
  constructor() {
    /** @type {Set<Tab>} */
    this.tabs = new Set();
    this.url = "";
    this.lastId = "";
    this.isEnded = false;  // by the server, for good
    this.topics = "";  // of the stream that is open
    this.abort = null;
    this.failures = 0;
    this.timer = 0;
    this.heard = 0;
    this.state = "closed";
    this.checked = Date.now();
    setInterval(() => this.check(), CHECK_MS);
  }

  /** @param {function(Object)} tell @returns {Tab} */
  add(tell) {
    const tab = { tell, topics: [], visible: false, missed: false, seen: Date.now() };
    this.tabs.add(tab);
    tell({ type: "status", state: this.state });
    return tab;
  }

  /** A tab says what it wants; @param {{url, topics, visible, gone, again}} said */
  hear(tab, said) {
    tab.seen = Date.now();
    if (said.gone) this.tabs.delete(tab);
    else this.tabs.add(tab);
    if (said.url) this.url = said.url;
    if (said.topics) tab.topics = said.topics;
    if (said.visible !== undefined) tab.visible = said.visible;
    if (said.again) this.lastId = "";  // somebody else is logged in now
    if (said.again) this.close();
    if (tab.visible && tab.missed) {
      tab.missed = false;
      tab.tell({ type: "resync" });
    }
    this.settle();
  }

  wanted() {
    const topics = new Set();
    for (const tab of this.tabs) if (tab.visible) tab.topics.forEach((one) => topics.add(one));
    return [...topics].sort().join(",");
  }

  settle() {
    const wanted = this.wanted();
    if (wanted === this.topics && (this.abort || this.timer || !wanted)) return;
    this.close();
    this.topics = wanted;
    if (wanted) this.open();
    else this.say("closed");
  }

  close() {
    this.abort?.abort();
    this.abort = null;
    clearTimeout(this.timer);
    this.timer = 0;
    this.topics = "";
  }

  async open() {
    const abort = new AbortController();
    this.abort = abort;
    this.timer = 0;
    this.heard = Date.now();
    if (this.state !== "live") this.say("connecting");
    let status = 0;
    this.isEnded = false;
    try {
      status = await readEvents(`${this.url}?topics=${this.topics}`, {
        lastId: this.lastId,
        signal: abort.signal,
        onOpen: () => { this.failures = 0; this.say("live"); },
        onSign: () => { this.heard = Date.now(); this.forAll({ type: "sign" }); },
        onEvent: (event) => this.take(event),
      });
    } catch {
      // The network is gone, or close() was called.
    }
    if (this.abort !== abort) return;
    this.abort = null;
    if (this.isEnded) status = 401;
    if (status === 401 || status === 403) {
      this.topics = "";
      return this.say(status === 401 ? "logged-out" : "denied");
    }
    this.say("connecting");
    const wait = RETRY_MS[Math.min(this.failures++, RETRY_MS.length - 1)];
    this.timer = setTimeout(() => this.open(), wait * (0.75 + Math.random() / 2));
  }

  take(event) {
    if (event.id) this.lastId = event.id;
    // The key was revoked, or may not look any more.
    if (event.type === "end") this.isEnded = true;
    else if (event.type === "resync") this.forAll({ type: "resync" });
    else this.forAll({ type: event.type, data: event.data }, event.type);
  }

  /** Tells visible tabs; hidden ones catch up when they are looked at. */
  forAll(message, topic) {
    for (const tab of this.tabs) {
      if (topic && !tab.topics.includes(`${topic}s`)) continue;
      if (tab.visible) tab.tell(message);
      else if (message.type !== "sign" && message.type !== "status") tab.missed = true;
    }
  }

  say(state) {
    if (this.state === state) return;
    this.state = state;
    for (const tab of this.tabs) tab.tell({ type: "status", state });
  }

  check() {
    const now = Date.now();
    const hasJumped = Math.abs(now - this.checked - CHECK_MS) > JUMP_MS;
    this.checked = now;
    for (const tab of this.tabs) {
      // The timers of tabs were as late as this one.
      if (hasJumped) tab.seen = now;
      else if (tab.visible && now - tab.seen > TAB_GONE_MS) this.tabs.delete(tab);
    }
    // While the machine slept, the other side may have given up.
    if (this.abort && (hasJumped || now - this.heard > SILENT_MS)) {
      const topics = this.topics;
      this.close();
      this.topics = topics;
      this.open();
    }
    this.settle();
  }
}
