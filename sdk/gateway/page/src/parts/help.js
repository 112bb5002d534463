// The keys of the page, as a dialog.
import { h } from "../base/dom.js";
import { dialog } from "./dialog.js";

/** @param {Array<{letter: string, title: string}>} places */
export function showHelp(places) {
  const row = (keys, text) => h("div.key-row", null,
    h("span.keys", null, keys.map((key) => h("kbd", null, key))), h("span", null, text));
  dialog("Keys", () => h("div.key-columns", null,
    h("section", null, h("h3", null, "Go to"),
      places.map((place) => row(["g", place.letter], place.title))),
    h("section", null, h("h3", null, "Everywhere"),
      row(["/"], "Search"), row(["?"], "This list"), row(["Esc"], "Leave a field, close a dialog"),
      h("h3", null, "Timeline"), row(["+", "−"], "Zoom"), row(["←", "→"], "Move"),
      row(["0"], "Show all"),
      h("h3", null, "Work"), row(["1", "9"], "Choose an answer"), row(["Enter"], "Send"),
      row(["Shift", "Enter"], "New line"), row(["S"], "Skip"))));
}
