// Search fields and choices above a list. Their values are in the address.
import { h, keep, lives } from "../base/dom.js";
import { icon } from "./icons.js";

const PAUSE_MS = 250;

/**
 * A text field that changes a parameter of the address while one types.
 * @param {import("./view.js").View} view
 * @param {{name: string, label: string, isMain?: boolean, changed: function()}} options
 */
export function searchField(view, { name, label, isMain, changed }) {
  let timer = 0;
  const input = h("input", { type: "search", value: view.param(name), placeholder: label,
    "aria-label": label, autocomplete: "off", spellcheck: "false", "data-search": isMain });
  input.oninput = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      view.setParams({ [name]: input.value.trim(), page: "" });
      changed();
    }, PAUSE_MS);
  };
  const field = lives(h(`label.search.${isMain ? "wide-field" : "side-field"}`, null,
    isMain && icon("search"), input, isMain && h("kbd", { "aria-hidden": "true" }, "/")));
  return () => keep(field);
}

/**
 * Buttons of which any number is pressed; the parameter lists them with commas.
 * @param {import("./view.js").View} view
 * @param {{name: string, label: string, choices: Array<[string, *]>, changed: function()}} options
 */
export function choices(view, { name, label, choices: all, changed }) {
  const chosen = new Set(view.param(name).split(",").filter(Boolean));
  const flip = (word) => () => {
    if (!chosen.delete(word)) chosen.add(word);
    view.setParams({ [name]: [...chosen].join(","), page: "" });
    changed();
  };
  return h("div.choices", { role: "group", "aria-label": label }, all.map(([word, text]) =>
    h("button.choice", { type: "button", "aria-pressed": String(chosen.has(word)),
      onclick: flip(word) }, text)));
}
