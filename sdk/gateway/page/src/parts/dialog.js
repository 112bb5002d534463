// Questions before something is done, and short messages after it.
import { h, show } from "../base/dom.js";
import { icon } from "./icons.js";

/**
 * Opens a dialog; resolves to what close() was called with, or null when it was dismissed.
 * @param {string} title
 * @param {function(function(*)): *} content gets close()
 */
export function dialog(title, content) {
  return new Promise((resolve) => {
    const id = `dialog-${Date.now()}`;
    const box = h("dialog", { "aria-labelledby": id });
    let answer = null;
    const close = (value = null) => {
      answer = value;
      box.close();
    };
    box.append(h("div.dialog-head", null, h("h2", { id }, title),
      h("button.quiet", { type: "button", "aria-label": "Close", onclick: () => close() },
        icon("close"))), h("div.dialog-body", null, content(close)));
    box.onclose = () => {
      box.remove();
      resolve(answer);
    };
    box.onclick = (event) => { if (event.target === box) close(); };
    document.body.append(box);
    box.showModal();
  });
}

/**
 * Counts first, says what will happen to how many, and does it only then.
 * @param {{title: string, count: function(): Promise<*>, text: function(*): string,
 *   button: string, isNothing?: function(*): boolean, act: function(*, function(string)):
 *   Promise<string>, isHarmful?: boolean}} what act returns what has happened
 */
export function confirm({ title, count, text, button, isNothing = () => false, act, isHarmful }) {
  return dialog(title, (close) => {
    const body = h("div");
    const say = (message) => show(body, h("p", { role: "status" }, message));
    const failed = (problem) => show(body, h("p.problem", { role: "alert" }, problem.message),
      buttons(h("button", { type: "button", onclick: () => close() }, "Close")));
    const run = async (counted) => {
      say("Working…");
      try {
        toast(await act(counted, say), "good");
        close(true);
      } catch (problem) {
        failed(problem);
      }
    };
    say("Counting…");
    count().then((counted) => {
      const nothing = isNothing(counted);
      show(body, h("p", null, text(counted)), buttons(
        h("button", { type: "button", onclick: () => close() },
          nothing ? "Close" : "Keep as it is"),
        !nothing && h(`button.${isHarmful ? "danger" : "primary"}`,
          { type: "button", onclick: () => run(counted) }, button)));
      body.querySelector(".primary, .danger, button")?.focus();
    }, failed);
    return body;
  });
}

function buttons(...children) {
  return h("div.buttons", null, children);
}

let stack = null;

/** A message that goes away by itself. @param {"good"|"bad"|"info"} kind */
export function toast(text, kind = "info", address = null) {
  if (!stack?.isConnected) {
    stack = h("div.toasts", { role: "status", "aria-live": "polite" });
    document.body.append(stack);
  }
  const one = h(`div.toast.${kind}`, null, icon(kind === "bad" ? "errors" : "done"),
    h("span", null, text), address && h("a", { href: address }, "Show"));
  stack.append(one);
  setTimeout(() => one.remove(), kind === "bad" ? 10_000 : 5000);
}
