// Who is not logged in: a token, or the link that `quern up` prints.
import { h, show } from "../base/dom.js";
import { session } from "../base/session.js";
import { labelled } from "../parts/field.js";
import { icon, mark } from "../parts/icons.js";

/**
 * @param {Element} root
 * @param {{problem: string, done: function()}} options
 */
export function showLogin(root, { problem, done }) {
  const token = h("input.mono", { type: "password", name: "token", required: true,
    autocomplete: "current-password", spellcheck: "false", placeholder: "qk1-…" });
  const said = h("div", { role: "alert" });
  const say = (text) => show(said, text && h("div.notice.warn", null, icon("errors"),
    h("span", null, text)));
  const open = async (event) => {
    event.preventDefault();
    const button = event.currentTarget.querySelector("button");
    button.disabled = true;
    say("");
    try {
      await session.open({ token: token.value.trim() });
      done();
    } catch (error) {
      say(error.message);
      token.focus();
    } finally {
      button.disabled = false;
    }
  };
  root.replaceChildren(h("main.login", null,
    h("form.login-card", { onsubmit: open, "aria-label": "Log in" },
      mark(), h("h1", null, "Quern"),
      h("p.about", null, "Log in with a token. It stays with the server: this browser only keeps " +
        "a cookie that no script can read."),
      labelled("Token", "On the broker's machine, this makes one:", token),
      h("code.command", null, "quern keys token NAME --role submit,read"),
      said, h("button.primary", { type: "submit" }, "Log in"),
      h("p.hint", null, "quern up prints a link that logs in by itself."))));
  say(problem);
  token.focus();
}

/**
 * The one-time code of "#login=CODE". It leaves the address bar at once.
 * @returns {?string}
 */
export function takeCode() {
  const found = /^#login=(.+)$/.exec(location.hash);
  if (!found) return null;
  history.replaceState(null, "", location.pathname + location.search);
  return decodeURIComponent(found[1]);
}
