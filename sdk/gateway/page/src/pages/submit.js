// Submitting a job: a function, an input, and the options that are often needed.
import { h, keep, lives, show } from "../base/dom.js";
import { get, query, send } from "../base/api.js";
import * as format from "../base/format.js";
import { go, link } from "../base/route.js";
import { mayUse, session } from "../base/session.js";
import { toast } from "../parts/dialog.js";
import { labelled } from "../parts/field.js";
import { icon } from "../parts/icons.js";
import { empty, head } from "../parts/page.js";
import { INPUTS } from "../job/inputs.js";
import { optionsForm } from "../job/options.js";
import { scheduleForm } from "../job/schedule.js";

// What the gateway takes: a head of 8 KiB, and a body of 1 MiB that is not a stream.
const ADDRESS_MOST = 6000, BODY_MOST = 900_000;

/** The functions that workers offer and that the key may use, as suggestions. */
async function suggest(list, takes) {
  const { functions } = await get("functions");
  for (const one of functions) takes.set(one.function, one);
  list.append(...functions.filter((one) => mayUse(one.function)).map((one) =>
    h("option", { value: one.function }, `${one.takes}, ${format.rate(one.rate)}`)));
}

const listOf = async (lines) => (await lines.text()).trim().split("\n").join(",");

async function sendJob(prepared, options, schedule, key) {
  const headers = { "Idempotency-Key": key };
  let { json } = prepared;
  if (schedule) {
    const { name, ...when } = schedule;
    const items = prepared.lines ? `"items":[${await listOf(prepared.lines)}]` : json;
    const job = JSON.stringify({ ...options, encoding: prepared.encoding }).slice(1);
    const rest = JSON.stringify(when).slice(1);
    return send("PUT", `schedules/${encodeURIComponent(name)}`, `{"job":{${items},${job},${rest}`,
      { headers: { "If-None-Match": "*" } });
  }
  if (prepared.lines) {
    const inAddress = Object.fromEntries(Object.entries(options).map(([name, value]) =>
      [name, typeof value === "object" || name === "common" ? JSON.stringify(value) : value]));
    const parameters = query({ ...inAddress, encoding: prepared.encoding });
    if (parameters.length <= ADDRESS_MOST) {
      return send("POST", `jobs${parameters}`, prepared.lines,
        { headers: { ...headers, "Content-Type": "application/x-ndjson" } });
    }
    if (prepared.lines.size > BODY_MOST) {
      throw new Error("The common input, the instructions and the form are too long for a job " +
        "with so many items: submit it without items, and add them afterwards.");
    }
    json = `"items":[${await listOf(prepared.lines)}]`;
  }
  // Integers of 64 bits have no place in JavaScript's numbers, so the text is put together here.
  const rest = JSON.stringify({ ...options, encoding: prepared.encoding }).slice(1);
  return send("POST", "jobs", `{${json},${rest}`, { headers });
}

/** @param {import("../parts/view.js").View} view */
export function submitPage(view) {
  if (!session.canSubmit) {
    return view.draw(() => [head({ title: "Submit" }), empty("This key may not submit",
      "An administrator can give it the role:", "quern keys token NAME --role submit,read")]);
  }
  const takes = new Map();
  const names = h("datalist", { id: "functions" });
  const name = h("input", { id: "function", list: "functions", required: true, maxlength: 255,
    autocomplete: "off", spellcheck: "false", value: view.param("function") });
  const inputs = Object.fromEntries(Object.entries(INPUTS).map(([kind, make]) => [kind, make()]));
  const options = optionsForm();
  const repeat = scheduleForm(view.param("repeat") === "1");
  const problem = h("div");
  let kind = INPUTS[view.param("input")] ? view.param("input") : "range";
  let key = crypto.randomUUID();
  let isSending = false;

  const refreshHint = () => {
    const one = takes.get(name.value);
    if (!one) return `Offered by no worker yet: the job would wait for one.`;
    return `Takes ${one.takes}; offered by ${format.counted(one.workers.length, "worker")}` +
      (one.rate > 0 ? `, together ${format.rate(one.rate)}` : "") +
      (one.reduce ? `; combined with ${one.reduce}` : "");
  };
  const hint = h("span.hint", { role: "status" });
  name.oninput = () => {
    hint.textContent = name.value ? refreshHint() : "";
    const one = takes.get(name.value);
    const fitting = { range: "range", item: "lines", whole: "one" }[one?.takes];
    // Results of a job fit whatever takes items.
    if (fitting && fitting !== kind && !(kind === "from" && fitting !== "range")) choose(fitting);
  };
  suggest(names, takes).then(() => name.oninput(), () => {});

  const choose = (other) => {
    kind = other;
    view.setParams({ input: kind });
    view.redraw();
  };
  const say = (text) => show(problem, text && h("div.notice.warn", { role: "alert" },
    icon("errors"), h("span", null, text)));
  const submit = async (event) => {
    event.preventDefault();
    if (isSending) return;
    isSending = true;
    view.redraw();
    say("");
    try {
      const prepared = await inputs[kind].prepare();
      const given = { function: name.value.trim(), ...options.values() };
      const schedule = repeat.values();
      const made = await sendJob(prepared, given, schedule, key);
      toast(schedule ? `Schedule ${made.name} is added` : `Job ${made.job} is submitted`, "good");
      go(schedule ? link("schedules", made.name) : link("jobs", made.job));
    } catch (error) {
      say(error.message);
      // The same key would return the same refusal, or find the input changed.
      if (error.status !== 0) key = crypto.randomUUID();
    } finally {
      isSending = false;
      view.redraw();
    }
  };
  const functionField = lives(h("div", null, labelled("Function", hint, name), names));
  const optionFields = lives(options.element);
  const repeatFields = lives(repeat.element);
  const problemBox = lives(problem);

  view.draw(() => [
    head({ title: "Submit a job" }),
    h("form.card.padded.form", { onsubmit: submit, "aria-label": "Submit a job" },
      keep(functionField),
      h("fieldset", null, h("legend.label", null, "Input"),
        h("div.choices", null, Object.entries(inputs).map(([word, one]) =>
          h("button.choice", { type: "button", "aria-pressed": String(word === kind),
            onclick: () => choose(word) }, one.title))),
        h("div.input-kind", { key: kind }, keep(inputs[kind].element))),
      keep(optionFields), keep(repeatFields), keep(problemBox),
      h("div.buttons", null, h("button.primary", { type: "submit", disabled: isSending },
        icon("submit"), isSending ? "Submitting…" : "Submit"))),
  ]);
}
