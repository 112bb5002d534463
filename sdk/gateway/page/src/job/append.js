// Adding items to an open job, and closing it.
import { h, keep, show } from "../base/dom.js";
import { get, query, send } from "../base/api.js";
import { counted } from "../base/format.js";
import { confirm, dialog, toast } from "../parts/dialog.js";
import { ITEMS } from "./inputs.js";

/**
 * Asks for items until they are added or the dialog is closed.
 * @param {number} number of the job
 * @param {function()} after
 */
export function askToAppend(number, after) {
  return dialog("Add items", (close) => {
    const inputs = Object.fromEntries(Object.entries(ITEMS).map(([kind, make]) => [kind, make()]));
    const body = h("form.form", { "aria-label": "Add items" });
    const isLast = h("input", { type: "checkbox" });
    const problem = h("div");
    const last = h("label.check", null, isLast, "They are the last: close the job");
    let kind = "lines";
    let first = null;  ///< where they belong: who tries again must not add them twice
    let isBusy = false;

    const draw = () => show(body,
      h("div.choices", null, Object.entries(inputs).map(([word, one]) =>
        h("button.choice", { type: "button", "aria-pressed": String(word === kind),
          onclick: () => { kind = word; draw(); } }, one.title))),
      h("div.input-kind", { key: kind }, keep(inputs[kind].element)), keep(last), keep(problem),
      h("div.buttons", null, h("button", { type: "button", onclick: () => close() }, "Close"),
        h("button.primary", { type: "submit", disabled: isBusy }, isBusy ? "Adding…" : "Add")));
    body.onsubmit = async (event) => {
      event.preventDefault();
      if (isBusy) return;
      isBusy = true;
      draw();
      try {
        const { lines, encoding } = await inputs[kind].prepare();
        first ??= (await get(`jobs/${number}`)).total;
        const done = await send("POST",
          `jobs/${number}/items${query({ first, encoding, close: isLast.checked || "" })}`, lines,
          { headers: { "Content-Type": "application/x-ndjson" } });
        after();
        toast(`${counted(done.appended, "item")} added` +
          (done.open ? "" : "; the job is closed"), "good");
        close(true);
      } catch (error) {
        show(problem, h("p.problem", { role: "alert" }, error.message));
        // A conflict says that others have added some meanwhile, or that ours have arrived.
        if (error.status !== 0) first = null;
      }
      isBusy = false;
      draw();
    };
    draw();
    return body;
  });
}

/** Ends the input of an open job. */
export function askToClose(number, after) {
  return confirm({
    title: "Close the job", button: "Close the job",
    count: () => get(`jobs/${number}`),
    isNothing: (job) => !job.open,
    text: (job) => job.open
      ? `Job ${number} has ${counted(job.total, "item")} and will take no more. It ends when they ` +
        "have ended."
      : `Job ${number} is closed already.`,
    act: async () => {
      const job = await send("POST", `jobs/${number}/close`, {});
      after();
      return `The job is closed with ${counted(job.total, "item")}`;
    },
  });
}
