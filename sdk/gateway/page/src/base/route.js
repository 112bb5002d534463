// Addresses behind the #: "#/jobs/12?tab=errors". They can be shared and bookmarked.

/** @typedef {{parts: string[], params: URLSearchParams, text: string}} Route */

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** @returns {Route} */
export function currentRoute() {
  const text = location.hash.replace(/^#\/?/, "");
  const [path, ...rest] = text.split("?");
  return { text, parts: path.split("/").filter(Boolean).map(decoded),
    params: new URLSearchParams(rest.join("?")) };
}

/**
 * An address: link("jobs", 12, {tab: "errors"}).
 * @param {...*} parts the last one may be an object of parameters
 * @returns {string}
 */
export function link(...parts) {
  const last = parts[parts.length - 1];
  const given = typeof last === "object" && last !== null ? parts.pop() : {};
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(given)) {
    if (value !== "" && value !== null && value !== undefined) params.set(name, String(value));
  }
  const query = params.toString();
  return `#/${parts.map((part) => encodeURIComponent(String(part))).join("/")}` +
    (query ? `?${query}` : "");
}

/** Goes to an address of link(). */
export function go(address) {
  location.hash = address;
}

/** Changes the address without a step in the history, and without leaving the page. */
export function replaceRoute(address) {
  history.replaceState(history.state, "", address);
}
