// For administrators: which items wait for answers, and how well each person has answered.
import { h } from "../base/dom.js";
import { ratio } from "../base/exact.js";
import * as format from "../base/format.js";
import { link } from "../base/route.js";
import { session } from "../base/session.js";
import { card, empty, whenLoaded } from "../parts/page.js";
import { table } from "../parts/table.js";

const EVERY_S = 5;
const SHOWN = 100;

/** "9 of 10, 90 %" */
function share(part, whole) {
  if (!whole) return "–";
  return `${format.count(part)} of ${format.count(whole)}, ${format.percent(ratio(part, whole))}`;
}

function peopleTable(people) {
  if (!people.length) return empty("Nobody has answered yet");
  return table("People", [
    { name: "Name", kind: "main", cell: (one) => one.name },
    { name: "Answers", kind: "number", cell: (one) => format.count(one.answers) },
    { name: "Skipped", kind: "number", cell: (one) => format.count(one.skipped) },
    { name: "Known answers right", kind: "number", cell: (one) => share(one.gold_right, one.gold) },
    { name: "Agreed with others", kind: "number", cell: (one) => share(one.agreed, one.compared) },
  ], people, { key: (one) => one.name });
}

function openTable(open) {
  if (!open.length) return empty("No item waits for answers");
  return [table("Open items", [
    { name: "Item", kind: "main", cell: (one) =>
      h("a.title", { href: link("jobs", one.job, "tasks", one.task) }, `${one.job}.${one.task}`) },
    { name: "Function", cell: (one) => one.function },
    { name: "Answers", kind: "number", cell: (one) => `${one.answers} of ${one.wanted}` },
    { name: "Held by", kind: "number",
      cell: (one) => format.counted(one.holders, "person", "people") },
  ], open.slice(0, SHOWN), { key: (one) => `${one.job}.${one.task}` }),
  open.length > SHOWN && h("p.more", null, `The first ${SHOWN} of ${format.count(open.length)}`)];
}

/**
 * @param {import("../parts/view.js").View} view
 * @returns {function(): *} what to show; nothing for others, and where the gateway has no desk
 */
export function qualityOf(view) {
  if (!session.isAdmin) return () => null;
  const data = view.data("people");
  const load = () => data.busy ? null : view.load("people", "people");
  load();
  view.every(EVERY_S, load);
  return () => data.problem?.isUnsupported && !data.value ? null : [
    card("People", null, whenLoaded(data, ({ people }) => peopleTable(people), load)),
    card("Open items", null, whenLoaded(data, ({ open }) => openTable(open), load)),
  ];
}
