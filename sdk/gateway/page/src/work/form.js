// The form of one task: what is shown, the fields of the answer, and the draft of it.
import { h } from "../base/dom.js";
import { draftOf, fieldOf } from "./fields.js";
import { itemOf } from "./item.js";

const ANY = { type: "string" };
const DRAFTS_MOST = 50;
const PREFIX = "quern.draft.";

/** Drafts survive a reload; the oldest go when there are many. */
export const drafts = {
  read(token) {
    try {
      return JSON.parse(localStorage.getItem(PREFIX + token))?.answer;
    } catch {
      return undefined;
    }
  },
  write(token, answer) {
    try {
      localStorage.setItem(PREFIX + token, JSON.stringify({ at: Date.now(), answer }));
      const all = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
      if (all.length <= DRAFTS_MOST) return;
      const age = (key) => JSON.parse(localStorage.getItem(key))?.at ?? 0;
      localStorage.removeItem(all.reduce((a, b) => (age(a) <= age(b) ? a : b)));
    } catch {
      // Storage is full or forbidden: the draft is only on the screen then.
    }
  },
  drop(token) {
    try {
      localStorage.removeItem(PREFIX + token);
    } catch {
      // It was not stored either.
    }
  },
};

/**
 * @param {{token: string, input: *, common?: *}} lease
 * @returns {{element: Element, answer: function(): *, pick: function(number): boolean}} answer()
 *   throws Error with a text for the person
 */
export function taskForm(lease) {
  const item = itemOf(lease);
  const hasForm = item.schema !== null;
  // A form that is one field: its title is the question above.
  const isOneField = hasForm && !item.schema.properties;
  const usesBox = hasForm && JSON.stringify(item.schema).includes('"box"');
  const save = () => {
    drafts.write(lease.token, draftOf(field));
  };
  const field = fieldOf(item.schema ?? ANY, hasForm && !isOneField ? "" : "Answer",
    { changed: save, picture: item.picture });
  const draft = drafts.read(lease.token);
  if (draft !== undefined && draft !== null) field.fill(draft);
  const element = h("div.task-form", null,
    h("div.task-input", null,
      item.title && h("h2.question", null, item.title),
      item.about && h("p", null, item.about),
      item.picture && !usesBox && h("img.task-picture", { src: item.picture,
        alt: "Picture of the task" }),
      item.text !== null && h("pre.task-text", null, item.text)),
    h("div.task-answer", null, field.element));
  const answer = () => {
    const given = field.value();
    if (given === undefined) throw new Error("There is no answer yet.");
    return given;
  };
  return { element, answer, pick: (n) => field.pick?.(n) ?? false };
}
