// Work for people: one task at a time, its form, and what was done in this session.
import { get, query } from "../base/api.js";
import { h, keep, lives } from "../base/dom.js";
import * as format from "../base/format.js";
import { isTyping } from "../base/keys.js";
import { link } from "../base/route.js";
import { session } from "../base/session.js";
import { labelled } from "../parts/field.js";
import { icon } from "../parts/icons.js";
import { card, empty, head, notice } from "../parts/page.js";
import { badge } from "../parts/state.js";
import { table } from "../parts/table.js";
import { Desk, history } from "../work/desk.js";
import { qualityOf } from "../work/quality.js";

/** Functions that have tasks, or that people serve, as suggestions. */
async function suggestions() {
  const names = new Set(session.functions.filter((name) => !/[*?]/.test(name)));
  if (session.canLook) {
    const [waiting, offered] = await Promise.all([
      get(`jobs${query({ state: "waiting,running", limit: 200 })}`), get("workers")]);
    for (const job of waiting.jobs) names.add(job.function);
    for (const worker of offered.workers) {
      for (const one of worker.functions) if (one.people) names.add(one.name);
    }
  }
  return [...names].sort();
}

function onKey(desk) {
  return (event) => {
    if (!desk.lease || desk.over) return false;
    const typing = isTyping(event);
    const inArea = event.target.nodeName === "TEXTAREA";
    const isNewLine = inArea && event.shiftKey;
    if (event.key === "Enter" && event.target.nodeName !== "BUTTON" && !isNewLine) {
      desk.send();
      return true;
    }
    if (typing) return false;
    if (/^[1-9]$/.test(event.key)) return desk.form.pick(Number(event.key) - 1);
    if (event.key.toLowerCase() === "s") {
      desk.skip();
      return true;
    }
    return false;
  };
}

function taskCard(desk) {
  const { lease } = desk;
  return h("section.card.task", { key: lease.token, "aria-label": "Task" },
    h("div.card-head", null, h("h2", null, `${lease.function}, task ${format.count(lease.task)}`),
      h("div.aside", null, `job ${lease.job}`, lease.attempt > 1 && `, attempt ${lease.attempt}`)),
    h("div.padded", null, keep(desk.form.element),
      desk.over && notice("warn", desk.over, " What you have written is still here."),
      desk.problem && notice("warn", desk.problem),
      h("div.buttons", null, desk.over ? [
        h("button", { type: "button", onclick: () => desk.copy() }, "Copy the answer"),
        h("button.primary", { type: "button", onclick: () => desk.next() }, "Next task"),
      ] : [
        h("button", { type: "button", disabled: desk.isBusy, onclick: () => desk.skip() },
          icon("skip"), "Skip", h("kbd", { "aria-hidden": "true" }, "S")),
        h("button.harmful", { type: "button", disabled: desk.isBusy, onclick: () => desk.report() },
          "Cannot be done"),
        h("button.primary", { type: "button", disabled: desk.isBusy, onclick: () => desk.send() },
          icon("done"), "Send", h("kbd", { "aria-hidden": "true" }, "Enter")),
      ])));
}

function waitingCard(desk) {
  return h("section.card.padded.waiting-card", { "aria-label": "Waiting", role: "status" },
    h("div.loading", { "aria-hidden": "true" }, h("i"), h("i"), h("i")),
    h("p.empty-title", null, desk.onlySkipped ? "Only tasks that you have skipped are left"
      : `Waiting for a task of ${desk.functions.join(", ")}`),
    h("p", null, "Other ones appear here by themselves."),
    h("div.buttons", null,
      desk.onlySkipped && h("button", { type: "button", onclick: () => desk.showSkipped() },
        "Show them again"),
      h("button", { type: "button", onclick: () => desk.stop() }, "Stop")));
}

function historyTable() {
  if (!history.length) return empty("Nothing yet", "Tasks that you answer or skip appear here.");
  return table("What you did in this session", [
    { name: "Time", cell: (one) => new Date(one.at).toLocaleTimeString() },
    { name: "Task", cell: (one) => session.canLook
      ? h("a", { href: link("jobs", one.job, "tasks", one.task) }, `${one.job}.${one.task}`)
      : `${one.job}.${one.task}` },
    { name: "Outcome", cell: (one) => badge(one.outcome) },
    { name: "Answer", kind: "main", cell: (one) => one.answer === undefined ? "–"
      : h("code", null, format.cut(typeof one.answer === "string" ? one.answer
        : JSON.stringify(one.answer), 120)) },
  ], history.slice(0, 100), { key: (one) => one.at });
}

/** @param {import("../parts/view.js").View} view */
export function workPage(view) {
  const quality = qualityOf(view);
  if (!session.canWork && session.isAdmin) {
    return view.draw(() => [head({ title: "Work", about: "How the work for people goes." }),
      quality()]);
  }
  if (!session.canWork) {
    return view.draw(() => [head({ title: "Work" }), empty("This key may not work",
      "An administrator can give it the role:", "quern keys token NAME --role work,read")]);
  }
  const desk = new Desk(view);
  const names = h("datalist", { id: "work-functions" });
  const field = h("input", { list: "work-functions", required: true, autocomplete: "off",
    spellcheck: "false", value: desk.functions.join(","), "data-search": true });
  const begin = (event) => {
    event.preventDefault();
    desk.functions = field.value.split(",").map((name) => name.trim()).filter(Boolean);
    view.setParams({ functions: desk.functions.join(",") });
    if (desk.functions.length) desk.next();
  };
  suggestions().then((list) => names.append(...list.map((value) => h("option", { value }))),
    () => {});
  const chooser = lives(h("form.card.padded.form", { onsubmit: begin, "aria-label": "Begin" },
    labelled("Function", "One name, or several with commas. You get one task at a time; it is " +
      "yours while it is on the screen.", field), names,
    h("div.buttons", null, h("button.primary", { type: "submit" }, icon("work"), "Begin"))));

  view.draw(() => [
    head({ title: "Work", about: desk.lease || desk.waiting ? null
      : "Tasks that wait for a person." }),
    desk.lease ? taskCard(desk) : desk.waiting ? waitingCard(desk) : [keep(chooser),
      desk.problem && notice("warn", desk.problem)],
    card("This session", history.length > 0 && format.counted(history.length, "task"),
      historyTable()),
    quality(),
  ]);
  view.keys(onKey(desk));
  const onHidden = () => {
    // Nobody is there: a task must not be given to an empty chair.
    if (document.visibilityState === "hidden") desk.pause();
    else desk.goOn();
  };
  document.addEventListener("visibilitychange", onHidden);
  const onUnload = () => desk.leave();
  window.addEventListener("pagehide", onUnload);
  desk.resume();
  view.onLeave(() => {
    document.removeEventListener("visibilitychange", onHidden);
    window.removeEventListener("pagehide", onUnload);
    desk.leave();
  });
}
