// A control with its label and a hint, tied together for screen readers.
import { h } from "../base/dom.js";

let serial = 0;

/**
 * @param {string} label
 * @param {*} hint a text, an element that changes, or null
 * @param {HTMLElement} control
 * @returns {Element}
 */
export function labelled(label, hint, control) {
  control.id ||= `field-${++serial}`;
  let shown = null;
  if (hint) {
    shown = hint instanceof Element ? hint : h("span.hint", null, hint);
    shown.id = `${control.id}-hint`;
    control.setAttribute("aria-describedby", shown.id);
  }
  return h("div.field", null, h("label.label", { for: control.id }, label), control, shown);
}
