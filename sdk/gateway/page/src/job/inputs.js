// The kinds of input of a job. Each makes its fields, and prepares what is sent: `json`, a member
// of the body as text, or `lines`, a body of one JSON value per line.
import { h, lives } from "../base/dom.js";
import { integerIn } from "../base/exact.js";
import * as format from "../base/format.js";
import { labelled } from "../parts/field.js";

const area = (placeholder) => h("textarea.mono", { rows: 8, spellcheck: "false", placeholder });

function rangeInput() {
  const begin = h("input.mono", { inputmode: "numeric", value: "1" });
  const end = h("input.mono", { inputmode: "numeric", value: "1000001" });
  const size = h("p.hint", { role: "status" });
  const parts = () => {
    const range = [integerIn(begin.value), integerIn(end.value)];
    if (range.includes(null)) throw new Error("The range needs two integers, e.g. 1 and 1e12.");
    if (range[0] > range[1]) throw new Error("The range ends before it begins.");
    return range;
  };
  const refresh = () => {
    try {
      const [first, last] = parts();
      size.textContent = `${format.counted(last - first, "task")}: ${format.count(first)} to ` +
        format.count(last - 1n);
    } catch (error) {
      size.textContent = error.message;
    }
  };
  begin.oninput = end.oninput = refresh;
  refresh();
  return { title: "Range", element: lives(h("div", null, h("div.field-row", null,
    labelled("From", null, begin), labelled("To, not included", null, end)), size)),
  prepare: async () => ({ json: `"range":[${parts().join(",")}]`, encoding: "raw" }) };
}

const asLines = (list) => new Blob(list.map((line) => `${JSON.stringify(line)}\n`));

function linesInput() {
  const text = area("one task per line");
  return { title: "Lines", element: lives(labelled("Lines", "Each line is the input of one task.",
    text)), prepare: async () => {
    const lines = text.value.split("\n");
    if (lines.at(-1) === "") lines.pop();
    if (!lines.length) throw new Error("There is no line: write at least one.");
    return { lines: asLines(lines), encoding: "raw" };
  } };
}

/** JSON values that are in a list, or one after the other on lines of their own. */
function valuesIn(text) {
  const trimmed = text.trim();
  if (!trimmed) throw new Error("There is no item: write a JSON list, or a JSON value per line.");
  if (trimmed.startsWith("[")) {
    try {
      const list = JSON.parse(trimmed);
      if (Array.isArray(list)) return list;
    } catch {
      // Perhaps there is a list on each line.
    }
  }
  return trimmed.split("\n").filter((line) => line.trim()).map((line, n) => {
    try {
      return JSON.parse(line);
    } catch {
      throw new Error(`Line ${n + 1} is not JSON.`);
    }
  });
}

function itemsInput() {
  const text = area('[{"depth": 3}, {"depth": 4}]');
  const typed = h("input", { type: "checkbox" });
  return { title: "JSON items", element: lives(h("div", null,
    labelled("Items", "A list, or a value per line. Each value is the input of one task.", text),
    h("label.check", null, typed, "Send them as typed values (for functions that take values)"))),
  prepare: async () => ({ encoding: typed.checked ? "value" : "raw",
    lines: new Blob(valuesIn(text.value).map((one) => `${JSON.stringify(one)}\n`)) }) };
}

function fileInput() {
  const file = h("input", { type: "file" });
  const whole = h("input", { type: "checkbox" });
  return { title: "File", element: lives(h("div", null,
    labelled("File", "A text file; each line is the input of one task.", file),
    h("label.check", null, whole, "The whole file is the input of one task"))),
  prepare: async () => {
    const chosen = file.files[0];
    if (!chosen) throw new Error("Choose a file.");
    if (whole.checked) {
      return { json: `"input":${JSON.stringify(await base64(chosen))}`, encoding: "raw" };
    }
    const lines = (await chosen.text()).split("\n");
    if (lines.at(-1) === "") lines.pop();
    if (!lines.length) throw new Error("The file is empty.");
    return { lines: asLines(lines.map((line) => line.replace(/\r$/, ""))), encoding: "raw" };
  } };
}

/** The bytes of a file as the API takes them. @param {File} file */
async function base64(file) {
  const url = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(new Error("The file cannot be read."));
    reader.readAsDataURL(file);
  });
  return { base64: url.slice(url.indexOf(",") + 1) };
}

function oneInput() {
  const text = area("");
  const typed = h("input", { type: "checkbox" });
  return { title: "One input", element: lives(h("div", null,
    labelled("Input", "The job is a single task with this input.", text),
    h("label.check", null, typed, "It is JSON, sent as a typed value"))),
  prepare: async () => {
    if (!typed.checked) return { json: `"input":${JSON.stringify(text.value)}`, encoding: "raw" };
    try {
      JSON.parse(text.value);
    } catch {
      throw new Error("The input is not JSON.");
    }
    return { json: `"input":${text.value.trim()}`, encoding: "value" };
  } };
}

function openInput() {
  const typed = h("input", { type: "checkbox" });
  return { title: "None yet", element: lives(h("div", null,
    h("p.hint", null, "Items are added on the page of the job, or over the API, until it is closed."),
    h("label.check", null, typed, "They will be typed values (for functions that take values)"))),
  prepare: async () => ({ json: '"open":true', encoding: typed.checked ? "value" : "raw" }) };
}

/** The number of a job in a text. Throws Error. */
export function jobNumberIn(text, what) {
  const number = integerIn(text.replace(/^\s*#/, ""));
  if (number === null || number < 1n || number > 2n ** 53n) {
    throw new Error(`${what}: "${text.trim()}" is not the number of a job, e.g. 12.`);
  }
  return Number(number);
}

const PATTERNS = [["each", "Each result is the input of a task"],
  ["group", "Groups of results are the input of a task"],
  ["all", "All results together are the input of one task"]];

function resultsInput() {
  const number = (value) => h("input", { type: "number", min: 1, step: 1, value });
  const job = h("input.mono", { inputmode: "numeric" });
  const pattern = h("select", null, PATTERNS.map(([value, text]) => h("option", { value }, text)));
  const width = number(2), step = number("");
  const join = h("input", { type: "checkbox" });
  const ended = h("input", { type: "checkbox" });
  const groups = h("div.field-grid", { hidden: true },
    labelled("Results of a task", "2 make pairs", width),
    labelled("Results from one task to the next", "as many as a task gets if empty", step));
  const array = h("label.check", { hidden: true }, join,
    "A task gets an array of values, also if the results are bytes");
  pattern.onchange = () => {
    groups.hidden = pattern.value !== "group";
    array.hidden = pattern.value === "each";
  };
  return { title: "Results of a job", element: lives(h("div", null, h("div.field-row", null,
    labelled("Job", "It may still run.", job),
    labelled("Pattern", "Which results a task gets.", pattern)), groups, array,
  h("label.check", null, ended,
    "Where a task has failed, its error takes the place of the result"))),
  prepare: async () => {
    const from = { job: jobNumberIn(job.value, "Job"), pattern: pattern.value };
    if (pattern.value === "group") {
      from.width = Number(width.value || 1);
      if (step.value !== "") from.step = Number(step.value);
    }
    if (pattern.value !== "each" && join.checked) from.join = "array";
    if (ended.checked) from.ended = true;
    return { json: `"from":${JSON.stringify(from)}`, encoding: "raw" };
  } };
}

/** @type {Object<string, function(): {title: string, element: Element,
 *   prepare: function(): Promise<{json?: string, lines?: Blob, encoding: string}>}>} */
export const INPUTS = { range: rangeInput, lines: linesInput, items: itemsInput, file: fileInput,
  one: oneInput, open: openInput, from: resultsInput };

/** Those that can be added to an open job. */
export const ITEMS = { lines: linesInput, items: itemsInput };
