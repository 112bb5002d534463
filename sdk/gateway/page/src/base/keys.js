// The keyboard: / searches, ? helps, g and a letter goes somewhere. Pages add keys of their own.
import { go } from "./route.js";

const PLACES = new Map();
let isGoing = 0;  ///< until when a letter after g counts
let onHelp = () => {};
let own = null;

/** @param {string} letter @param {string} address */
export function addPlace(letter, address) {
  PLACES.set(letter, address);
}

/** @param {function()} told */
export function whenHelpIsAsked(told) {
  onHelp = told;
}

/** Keys of the page that is shown; returns true if it used the key. */
export function setPageKeys(handler) {
  own = handler;
}

/** Whether a key press is part of a text that is being written. */
export function isTyping(event) {
  const at = event.target;
  if (!(at instanceof HTMLElement)) return false;
  if (at.isContentEditable || at.nodeName === "TEXTAREA" || at.nodeName === "SELECT") return true;
  return at.nodeName === "INPUT" && !["checkbox", "radio", "button"].includes(at.type);
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return;
  const going = Date.now() < isGoing && !isTyping(event);
  isGoing = 0;
  if (going && PLACES.has(event.key)) {
    event.preventDefault();
    return go(PLACES.get(event.key));
  }
  if (own?.(event)) return event.preventDefault();
  if (isTyping(event)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === "g") isGoing = Date.now() + 1500;
  if (event.key === "?") onHelp();
  if (event.key === "/") {
    const field = document.querySelector("main [data-search]");
    if (!field) return go("#/jobs?focus=1");
    event.preventDefault();
    field.focus();
    field.select();
  }
}

export function listenToKeys() {
  document.addEventListener("keydown", onKey);
}
