// Light, dark, or as the system is set.

const KEY = "quern.theme";
export const THEMES = ["auto", "light", "dark"];

/** @returns {string} one of THEMES */
export function theme() {
  try {
    const chosen = localStorage.getItem(KEY);
    return THEMES.includes(chosen) ? chosen : "auto";
  } catch {
    return "auto";  // storage can be forbidden
  }
}

/** @param {string} chosen one of THEMES */
export function setTheme(chosen) {
  try {
    localStorage.setItem(KEY, chosen);
  } catch {
    // It then lasts as long as the page.
  }
  applyTheme(chosen);
}

export function applyTheme(chosen = theme()) {
  if (chosen === "auto") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.setAttribute("data-theme", chosen);
  window.dispatchEvent(new Event("quern-theme"));
}

/** A colour of the style sheet, for canvases. @param {string} name e.g. "--done" */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
