// The options of a job that is submitted.
import { h } from "../base/dom.js";
import { labelled } from "../parts/field.js";
import { jobNumberIn } from "./inputs.js";
import { startForm } from "./schedule.js";

const TEXTS = [
  ["name", "Name", "shown in lists; can be searched"],
  ["reduce", "Combine the results with", "sum, min, max, count, concat, or a function"],
];
const NUMBERS = [
  ["attempts", "Attempts per task", "3 if empty", { min: 1, max: 1000, step: 1 }],
  ["timeout_s", "Time limit of a task, in seconds", "none if empty", { min: 0, step: "any" }],
  ["backoff_s", "Pause before another attempt, in seconds", "0.1 if empty", { min: 0, max: 3600,
    step: "any" }],
  ["deadline_s", "Time limit of the job, in seconds", "none if empty", { min: 0, step: "any" }],
  ["priority", "Priority", "higher runs first; 0 if empty", { step: 1 }],
  ["weight", "Weight", "share among jobs of one priority; 1 if empty", { min: 0.000001,
    step: "any" }],
  ["ttl_s", "Keep the ended job for, in seconds", "as the broker is set if empty", { min: 0,
    step: 1 }],
];
const FLAGS = [
  ["idempotent", "A task may run twice: a slow one gets a second copy"],
  ["at_most_once", "A task must never run twice, not even after its worker was lost"],
  ["intermediate", "Its results are only for other jobs, and are dropped when those have them"],
  ["nested", "Its tasks may submit jobs, which end with it"],
];

/** "site=north, gpu=2" as an object; convert() makes a value from its text, or null. */
function pairsIn(text, what, convert) {
  const pairs = {};
  for (const one of text.split(/[,\n]/).map((part) => part.trim()).filter(Boolean)) {
    const at = one.indexOf("=");
    const value = at > 0 ? convert(one.slice(at + 1).trim()) : null;
    if (value === null) throw new Error(`${what}: "${one}" is not of the form ${what === "Labels"
      ? "name=value" : "name=number"}.`);
    pairs[one.slice(0, at).trim()] = value;
  }
  return Object.keys(pairs).length ? pairs : undefined;
}

const amountOf = (text) => text !== "" && Number(text) > 0 ? Number(text) : null;

/** Where tasks may run, and what they share. */
function placeForm() {
  const text = (placeholder) => h("input", { autocomplete: "off", spellcheck: "false",
    placeholder });
  const require = text("site=north, os=linux");
  const resources = text("gpu=1");
  const common = h("textarea.mono", { rows: 3, spellcheck: "false" });
  const element = h("details.more-options", null, h("summary", null, "Where it runs, and with what"),
    h("div.field-grid", null,
      labelled("Labels", "that a worker must have; none if empty", require),
      labelled("Resources of a task", "that its worker must have free", resources)),
    labelled("Common input", "what all tasks share; a worker gets it once", common));
  return { element, values: () => ({
    require: pairsIn(require.value, "Labels", (value) => value || null),
    resources: pairsIn(resources.value, "Resources", amountOf),
    common: common.value === "" ? undefined : common.value }) };
}

/** What people who do the tasks are asked, and how many of them must agree. */
function peopleForm() {
  const number = (min, value) => h("input", { type: "number", min, max: 100, step: 1, value });
  const isFor = h("input", { type: "checkbox" });
  const answers = number(1, 1), agree = number(1, "");
  const title = h("input", { autocomplete: "off" });
  const instructions = h("textarea", { rows: 3 });
  const schema = h("textarea.mono", { rows: 5, spellcheck: "false",
    placeholder: '{"enum": ["rye", "wheat", "oat"]}' });
  const fields = h("div", { hidden: true },
    h("div.field-grid", null,
      labelled("Answers", "by different people, for each task", answers),
      labelled("How many must agree", "more than half if empty", agree)),
    labelled("Question", "the title of the form", title),
    labelled("Instructions", null, instructions),
    labelled("Form", "a JSON schema of an answer; a text if empty", schema));
  isFor.onchange = () => { fields.hidden = !isFor.checked; };
  const element = h("details.more-options", null, h("summary", null, "Work for people"),
    h("label.check", null, isFor, "People do the tasks, on the page Work"), fields);
  const values = () => {
    if (!isFor.checked) return {};
    const people = { answers: Number(answers.value || 1) };
    if (agree.value !== "") people.agree = Number(agree.value);
    if (title.value.trim()) people.title = title.value.trim();
    if (instructions.value.trim()) people.instructions = instructions.value.trim();
    try {
      if (schema.value.trim()) people.schema = JSON.parse(schema.value);
    } catch {
      throw new Error("The form is not JSON: write a JSON schema, e.g. {\"type\": \"boolean\"}.");
    }
    return { people };
  };
  return { element, values };
}

/** Which jobs have to end first. */
function orderForm() {
  const list = () => h("input.mono", { autocomplete: "off", placeholder: "12, 13" });
  const done = list(), ended = list();
  const start = startForm();
  const element = h("details.more-options", null, h("summary", null, "When it starts"),
    h("div.field-grid", null,
      labelled("Start after jobs", "when they are done; if one fails, this job fails", done),
      labelled("Start after the end of jobs", "also if they fail or are cancelled", ended),
      start.fields));
  const numbersIn = (control, what) => control.value.split(/[\s,]+/).filter(Boolean)
    .map((text) => jobNumberIn(text, what));
  return { element, values: () => {
    const after = [...numbersIn(done, "Start after jobs"),
      ...numbersIn(ended, "Start after the end of jobs").map((job) => ({ job, ended: true }))];
    return { ...(after.length ? { after } : {}), ...start.values() };
  } };
}

/** @returns {{element: Element, values: function(): Object<string, *>}} values() throws Error */
export function optionsForm() {
  const order = orderForm();
  const place = placeForm();
  const people = peopleForm();
  const controls = new Map();
  const make = (name, control) => {
    controls.set(name, control);
    return control;
  };
  const [name, reduce] = TEXTS.map(([id, label, hint]) => labelled(label, hint,
    make(id, h("input", { autocomplete: "off", spellcheck: "false" }))));
  const durability = labelled("Kept", "where accepted tasks and results are",
    make("durability", h("select", null, [["", "As the broker is set"],
      ["durable", "On the broker's disk"], ["memory", "In memory only"]].map(([value, text]) =>
      h("option", { value }, text)))));
  const numbers = NUMBERS.map(([id, label, hint, limits]) => labelled(label, hint,
    make(id, h("input", { type: "number", ...limits }))));
  const flags = FLAGS.map(([id, label]) => h("label.check", null,
    make(id, h("input", { type: "checkbox" })), label));
  const element = h("div", null, name, h("details.more-options", null,
    h("summary", null, "More options"),
    h("div.field-grid", null, reduce, durability, numbers), flags),
  order.element, place.element, people.element);
  const values = () => {
    const given = {};
    for (const [id, control] of controls) {
      if (control.type === "checkbox") {
        if (control.checked) given[id] = true;
      } else if (control.value.trim() !== "") {
        given[id] = control.type === "number" ? Number(control.value) : control.value.trim();
      }
    }
    return { ...given, ...order.values(), ...place.values(), ...people.values() };
  };
  return { element, values };
}
