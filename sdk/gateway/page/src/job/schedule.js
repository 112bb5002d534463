// When a job that is submitted starts, and whether it comes again and again.
import { h } from "../base/dom.js";
import { labelled } from "../parts/field.js";

const text = (attributes) => h("input", { autocomplete: "off", spellcheck: "false",
  ...attributes });
const choice = (words) => h("select", null, words.map(([value, shown]) =>
  h("option", { value }, shown)));

/** @returns {{element: Element, values: function(): ?Object}} values(): null, or a schedule */
export function scheduleForm(isOpen) {
  const name = text({ maxlength: 100 });
  const cron = text({ placeholder: "30 2 * * *" });
  const zone = text({ value: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC" });
  const missed = choice([["run-once", "One run for all of them"], ["skip", "No run"]]);
  const overlap = choice([["skip", "No run"], ["queue", "A run after it"]]);
  const element = h("details.more-options", { open: isOpen || null },
    h("summary", null, "Again and again"),
    h("div.field-grid", null,
      labelled("Name of the schedule", "one run only if empty", name),
      labelled("Due", "minute, hour, day, month, weekday; or @daily", cron),
      labelled("Time zone", "such as Europe/Zurich", zone),
      labelled("If due times were missed", "because the broker did not run", missed),
      labelled("While an earlier job runs", null, overlap)));
  const values = () => {
    if (!name.value.trim() && !cron.value.trim()) return null;
    if (!name.value.trim()) throw new Error("A schedule needs a name.");
    if (!cron.value.trim()) {
      throw new Error("Write when it is due, for example 30 2 * * * for 02:30 every day.");
    }
    return { name: name.value.trim(), cron: cron.value.trim(), zone: zone.value.trim() || "UTC",
      missed: missed.value, overlap: overlap.value };
  };
  return { element, values };
}

/** @returns {{fields: Element[], values: function(): Object}} */
export function startForm() {
  const at = h("input", { type: "datetime-local" });
  const later = h("input", { type: "number", min: 0, step: "any" });
  return { fields: [labelled("Start at", "at once if empty", at),
    labelled("Start after, in seconds", "at once if empty", later)],
  values: () => {
    if (at.value) return { start_at: `${new Date(at.value).toISOString().slice(0, 19)}Z` };
    return later.value === "" ? {} : { start_in_s: Number(later.value) };
  } };
}
