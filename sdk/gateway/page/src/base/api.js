// Requests to the gateway. All addresses are relative to the page, so any path prefix works.

/** Where the API is. */
export const api = new URL("v1/", document.baseURI);

/** An answer that is an error, as the gateway's problem document describes it. */
export class Problem extends Error {
  constructor(status, code, detail) {
    super(detail);
    this.status = status;
    this.code = code;
  }

  /** Whether this gateway does not have what was asked for, rather than the thing itself. */
  get isUnsupported() {
    const isRoute = this.status === 404 && (this.code === "not_found" || this.code === "");
    return isRoute || this.status === 501 || this.status === 405;
  }
}

let onUnauthorized = () => {};

/** @param {function()} told what to do when nobody is logged in any more */
export function whenLoggedOut(told) {
  onUnauthorized = told;
}

async function problemOf(response) {
  let document = {};
  try {
    document = await response.json();
  } catch {
    // A proxy answers with a page of its own.
  }
  return new Problem(response.status, document.code ?? "",
    document.detail ?? `The server answered ${response.status} ${response.statusText}.`);
}

function noAnswer() {
  return new Problem(0, "unreachable", "The gateway does not answer. Is it still running?");
}

/**
 * A request whose answer is not read yet.
 * @param {string} path relative to v1/
 * @param {RequestInit & {quiet?: boolean}} [options] quiet: 401 does not end the session
 * @returns {Promise<Response>}
 */
export async function request(path, options = {}) {
  let response;
  try {
    response = await fetch(new URL(path, api), { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw noAnswer();
  }
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (response.status === 401 && !options.quiet) onUnauthorized();
  throw problem;
}

/** @returns {Promise<*>} the JSON of a GET */
export async function get(path, options) {
  const response = await request(path, options);
  try {
    return await response.json();
  } catch (error) {
    throw error.name === "AbortError" ? error : noAnswer();  // it broke off
  }
}

/**
 * Sends JSON, or a text that is JSON already.
 * @param {string} method
 * @param {string} path
 * @param {*} [body]
 * @param {RequestInit & {quiet?: boolean}} [options]
 */
export async function send(method, path, body, options = {}) {
  const headers = { ...options.headers };
  const init = { ...options, method, headers };
  if (body !== undefined) {
    headers["Content-Type"] ??= "application/json";
    init.body = typeof body === "string" || body instanceof Blob ? body : JSON.stringify(body);
  }
  const response = await request(path, init);
  const text = await response.text();
  return text ? JSON.parse(text) : {};
}

/** "a=1&b=2" of what is not empty. @param {Object<string, *>} values */
export function query(values) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== "" && value !== null && value !== undefined) parameters.set(name, value);
  }
  const text = parameters.toString();
  return text ? `?${text}` : "";
}

/**
 * The lines of an answer, as values, as they come.
 * @param {Response} response
 */
export async function* lines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      text += value ?? "";
      const whole = text.split("\n");
      text = done ? "" : whole.pop();
      for (const line of whole) if (line) yield JSON.parse(line);
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
