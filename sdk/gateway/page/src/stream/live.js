// What changes, as this tab sees it: through the shared worker where there is one, otherwise
// through a stream of its own.
import { api } from "../base/api.js";
import { Hub } from "./hub.js";

const REPORT_MS = 20_000;
const EVENTS = new URL("events", api).href;

let say = () => {};
let topics = [];
/** @type {?function(string, *)} */
let listener = null;

export const live = {
  /** "closed", "connecting", "live", "denied" or "logged-out" */
  state: "closed",
  /** When something came last, as Date.now(). */
  heard: 0,
  onChange: () => {},
  /** The server says that the login is not valid any more. */
  onLoggedOut: () => {},
};

function take(message) {
  const isNews = message.type === "status" && message.state !== live.state;
  if (message.type === "status") live.state = message.state;
  if (isNews && message.state === "logged-out") live.onLoggedOut();
  if (message.type === "sign" || message.state === "live") live.heard = Date.now();
  live.onChange();
  if (message.type === "resync") listener?.("resync", null);
  if (message.data !== undefined) listener?.(message.type, JSON.parse(message.data));
}

function connect() {
  const script = document.querySelector("meta[name=quern-stream]")?.content;
  try {
    const worker = new SharedWorker(new URL(script, document.baseURI), { name: "quern" });
    worker.port.onmessage = (event) => take(event.data);
    worker.port.start();
    return (message) => worker.port.postMessage(message);
  } catch {
    const hub = new Hub();
    const tab = hub.add(take);
    return (message) => hub.hear(tab, message);
  }
}

const isVisible = () => document.visibilityState === "visible";

export function startLive() {
  say = connect();
  say({ url: EVENTS, topics, visible: isVisible() });
  document.addEventListener("visibilitychange", () => say({ visible: isVisible(), topics }));
  window.addEventListener("pagehide", () => say({ gone: true, visible: false }));
  window.addEventListener("pageshow", () => say({ visible: isVisible(), topics }));
  setInterval(() => { if (isVisible()) say({ visible: true }); }, REPORT_MS);
}

/**
 * What the page that is shown wants to hear: told(type, data), where type is "job", "worker" or
 * "resync" (fetch everything again).
 * @param {string[]} wanted "jobs", "workers"
 * @param {?function(string, *)} told
 */
export function listen(wanted, told) {
  topics = wanted;
  listener = told;
  say({ topics, visible: isVisible() });
}

/** Begins anew as somebody else. */
export function reconnect() {
  say({ again: true, topics, visible: isVisible() });
}
