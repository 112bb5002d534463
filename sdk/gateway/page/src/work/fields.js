// A field of the form for each kind of value that a JSON schema describes.
import { h } from "../base/dom.js";
import { labelled } from "../parts/field.js";
import { boxField } from "./box.js";

/**
 * @typedef {{element: Element, value: function(): *, fill: function(*), pick?: function(number):
 *   boolean, draft?: function(): *}} Field value: undefined if nothing is given; throws Error if it
 *   does not fit; pick: chooses the n-th possibility; see draftOf()
 */

const typeOf = (schema) => Array.isArray(schema.type) ? schema.type[0] : schema.type;
const isBox = (schema) => schema.format === "box" || schema["x-box"] === true;

let serial = 0;

function group(schema, name, ...children) {
  return h("fieldset.answer", null, h("legend.label", null, schema.title ?? name),
    schema.description && h("p.hint", null, schema.description), children);
}

/** One of several: buttons with the keys 1 to 9. */
function choiceField(schema, name, values, changed, words = values.map(String)) {
  const id = `choice-${++serial}`;
  const boxes = values.map((value, n) => h("input", { type: "radio", name: id, value: n,
    onchange: changed }));
  const element = group(schema, name, h("div.options", null, boxes.map((box, n) =>
    h("label.option", null, box, n < 9 && h("kbd", { "aria-hidden": "true" }, n + 1),
      h("span", null, words[n])))));
  return { element,
    value: () => values[boxes.findIndex((box) => box.checked)],
    fill: (value) => boxes.forEach((box, n) => { box.checked = values[n] === value; }),
    pick: (n) => {
      if (!boxes[n]) return false;
      boxes[n].checked = true;
      changed();
      return true;
    } };
}

/** Any number of several. */
function severalField(schema, name, values, changed) {
  const boxes = values.map(() => h("input", { type: "checkbox", onchange: changed }));
  return { element: group(schema, name, h("div.options", null, boxes.map((box, n) =>
    h("label.option", null, box, n < 9 && h("kbd", { "aria-hidden": "true" }, n + 1),
      h("span", null, String(values[n])))))),
  value: () => values.filter((_, n) => boxes[n].checked),
  fill: (chosen) => boxes.forEach((box, n) => {
    box.checked = Array.isArray(chosen) && chosen.includes(values[n]);
  }),
  pick: (n) => {
    if (!boxes[n]) return false;
    boxes[n].checked = !boxes[n].checked;
    changed();
    return true;
  } };
}

function described(schema, name, control, hint = null) {
  return labelled(schema.title ?? name, schema.description ?? hint, control);
}

function numberField(schema, name, changed) {
  const isWhole = typeOf(schema) === "integer";
  const control = h("input", { type: "number", step: isWhole ? 1 : "any", min: schema.minimum,
    max: schema.maximum, oninput: changed });
  return { element: described(schema, name, control),
    fill: (value) => { control.value = value ?? ""; },
    value: () => {
      if (control.value === "" && !control.validity.badInput) return undefined;
      if (!control.checkValidity()) throw new Error(control.validationMessage);
      return Number(control.value);
    } };
}

/** A pattern that no browser understands restricts nothing: the person cannot mend it. */
function fitsPattern(pattern, text) {
  if (!pattern) return true;
  try {
    return new RegExp(pattern, "u").test(text);
  } catch {
    return true;
  }
}

function textField(schema, name, changed) {
  const isShort = schema.maxLength !== undefined && schema.maxLength <= 80;
  const limits = { maxlength: schema.maxLength, minlength: schema.minLength, oninput: changed };
  const control = isShort ? h("input", { autocomplete: "off", ...limits })
    : h("textarea", { rows: 4, ...limits });
  return { element: described(schema, name, control),
    fill: (value) => { control.value = value ?? ""; },
    value: () => {
      if (control.value === "") return undefined;
      if (!control.checkValidity()) throw new Error(control.validationMessage);
      if (!fitsPattern(schema.pattern, control.value)) {
        throw new Error(`${schema.title ?? name}: the text must fit ${schema.pattern}.`);
      }
      return control.value;
    } };
}

/** Any JSON, for what has no field of its own. */
function jsonField(schema, name, changed) {
  const control = h("textarea.mono", { rows: 4, spellcheck: "false", oninput: changed });
  return { element: described(schema, name, control, "JSON"),
    fill: (value) => { control.value = value === undefined ? "" : JSON.stringify(value, null, 2); },
    value: () => {
      if (!control.value.trim()) return undefined;
      try {
        return JSON.parse(control.value);
      } catch {
        throw new Error(`${schema.title ?? name}: this is not JSON.`);
      }
    } };
}

/** What is given so far, also where it does not fit or is not complete. */
export function draftOf(field) {
  if (field.draft) return field.draft();
  try {
    return field.value();
  } catch {
    return undefined;
  }
}

function objectField(schema, name, context) {
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  const fields = Object.entries(schema.properties).map(([key, one]) =>
    [key, fieldOf(one, required.has(key) ? `${key} *` : key, context), one]);
  const inside = fields.map(([, field]) => field.element);
  return { element: name === "" ? h("div", null, inside) : group(schema, name, inside),
    fill: (value) => fields.forEach(([key, field]) => field.fill(value?.[key])),
    value: () => {
      const object = {};
      for (const [key, field, one] of fields) {
        const value = field.value();
        if (value !== undefined) object[key] = value;
        else if (required.has(key)) throw new Error(`${one.title ?? key} is missing.`);
      }
      return object;
    },
    draft: () => Object.fromEntries(fields.map(([key, field]) => [key, draftOf(field)])),
    pick: (n) => {
      const open = fields.find(([, field]) => field.pick && draftOf(field) === undefined) ??
        fields.find(([, field]) => field.pick);
      return open ? open[1].pick(n) : false;
    } };
}

/**
 * @param {Object} schema
 * @param {string} name "" for the whole answer
 * @param {{changed: function(), picture: ?string}} context
 * @returns {Field}
 */
export function fieldOf(schema, name, context) {
  const { changed } = context;
  // Whoever submitted the job may have written anything.
  if (typeof schema !== "object" || schema === null) return jsonField({}, name, changed);
  if (isBox(schema) && context.picture) return boxField(schema, name, context);
  if (Array.isArray(schema.enum)) return choiceField(schema, name, schema.enum, changed);
  if (Array.isArray(schema.oneOf) && schema.oneOf.every((one) => "const" in one)) {
    return choiceField(schema, name, schema.oneOf.map((one) => one.const), changed,
      schema.oneOf.map((one) => String(one.title ?? one.const)));
  }
  switch (typeOf(schema)) {
    case "object":
      return schema.properties ? objectField(schema, name, context)
        : jsonField(schema, name, changed);
    case "array":
      return Array.isArray(schema.items?.enum)
        ? severalField(schema, name, schema.items.enum, changed) : jsonField(schema, name, changed);
    case "boolean": return choiceField(schema, name, [true, false], changed, ["Yes", "No"]);
    case "integer":
    case "number": return numberField(schema, name, changed);
    case "string": return textField(schema, name, changed);
    default: return jsonField(schema, name, changed);
  }
}
