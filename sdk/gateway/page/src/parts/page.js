// The pieces that every page is made of: its head, cards, and what it says when there is nothing.
import { h } from "../base/dom.js";
import { duration, grouped } from "../base/format.js";
import { icon } from "./icons.js";

/**
 * @param {{title: *, about?: *, trail?: Array<[string, string]>, actions?: *, badge?: *}} what
 */
export function head({ title, about, trail, actions, badge }) {
  return h("header.head", null,
    trail && h("nav.trail", { "aria-label": "Where this is" }, trail.map(([text, address]) =>
      [h("a", { href: address }, text), h("span", { "aria-hidden": "true" }, "/")])),
    h("div.head-row", null,
      h("h1", null, title), badge,
      actions && h("div.actions", null, actions)),
    about && h("p.about", null, about));
}

/** A card with a heading. @param {string} title @param {*} [aside] right of the heading */
export function card(title, aside, ...children) {
  return h("section.card", { "aria-label": title },
    h("div.card-head", null, h("h2", null, title), aside && h("div.aside", null, aside)),
    children);
}

/** Nothing is there: what that means, and the command that changes it. */
export function empty(title, text, command) {
  return h("div.empty", null,
    h("p.empty-title", null, title),
    text && h("p", null, text),
    command && h("code.command", null, command));
}

/** What went wrong, instead of the content. */
export function failure(problem, again) {
  return h("div.failure", { role: "alert" }, icon("errors"),
    h("div", null,
      h("p.empty-title", null, titleOf(problem)),
      h("p", null, problem.message),
      again && h("button", { type: "button", onclick: again }, icon("retry"), "Try again")));
}

function titleOf(problem) {
  if (problem.status === 0) return "No connection";
  if (problem.status === 403) return "Not allowed";
  if (problem.status === 404) return "Not there";
  if (problem.status === 503) return "The broker does not answer";
  return "That did not work";
}

/**
 * The content once it is there; before that, that it is loading; an error otherwise. Data that
 * could not be renewed is still shown, and its age said.
 * @param {import("./view.js").Loaded} loaded
 * @param {function(*): *} content
 * @param {function()} [again]
 */
export function whenLoaded(loaded, content, again) {
  if (loaded.value !== undefined) {
    return [loaded.problem && stale(loaded, again), content(loaded.value)];
  }
  if (loaded.problem) return failure(loaded.problem, again);
  // With a key, so that no part of the content is made from it: that would count as moved.
  return h("div.loading", { key: "loading", role: "status" }, h("span.sr", null, "Loading"),
    h("i"), h("i"), h("i"));
}

function stale(loaded, again) {
  const seconds = Math.round((Date.now() - loaded.at) / 1000);
  return h("div.notice.warn", { role: "status" }, icon("errors"),
    h("span", null, `This is ${duration(seconds)} old: ${loaded.problem.message}`),
    again && h("button.small", { type: "button", onclick: again }, "Try again"));
}

/** A message in the page. @param {"info"|"warn"|"good"} kind */
export function notice(kind, ...children) {
  return h(`div.notice.${kind}`, { role: "status" },
    icon(kind === "good" ? "done" : kind === "warn" ? "errors" : "help"),
    h("span", null, children));
}

/** A sentence of the broker: what stands between backquotes is code. @param {string} text */
export function prose(text) {
  return text.split("`").map((part, n) => n % 2 ? h("code", null, part) : grouped(part));
}

/** A figure in a row of some: what it is, its value, what belongs to it. */
export function stat(label, value, note, picture) {
  return h("div.stat", null, h("span.stat-label", null, label),
    h("div.stat-row", null, h("strong", null, value), picture), h("span.stat-note", null, note));
}

/** Terms and what they are. @param {Array<[string, *]>} pairs */
export function facts(pairs) {
  return h("dl.facts", null, pairs.filter(([, value]) => value !== null && value !== undefined)
    .map(([term, value]) => h("div", null, h("dt", null, term), h("dd", null, value))));
}

/**
 * What a picture shows, as a table that is made when somebody opens it.
 * @param {import("./view.js").View} view remembers what is open
 */
export function asTable(view, title, makeTable) {
  const toggle = (event) => {
    const isOpen = event.currentTarget.open;
    if (isOpen === view.open.has(title)) return;
    if (isOpen) view.open.add(title);
    else view.open.delete(title);
    view.redraw();
  };
  return h("details.as-table", { key: `table ${title}`, ontoggle: toggle,
    open: view.open.has(title) }, h("summary", null, title), view.open.has(title) && makeTable());
}
