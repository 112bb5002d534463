// What surrounds every page: the way to the others, who is logged in, and how old the data are.
import { h, show } from "./base/dom.js";
import { duration } from "./base/format.js";
import { currentRoute } from "./base/route.js";
import { session } from "./base/session.js";
import { setTheme, theme, THEMES } from "./base/theme.js";
import { icon, mark } from "./parts/icons.js";
import { live } from "./stream/live.js";

const THEME_ICONS = { auto: "auto", light: "sun", dark: "moon" };
const OLD_S = 30;

export class Shell {
  /**
   * @param {Element} root
   * @param {{places: Array<Object>, logOut: function(), help: function(), freshAt: function():
   *   number}} options
   */
  constructor(root, options) {
    this.options = options;
    this.nav = h("div.rail-in");
    this.status = h("div.status", { role: "status" });
    this.main = h("main", { id: "main", tabindex: -1 });
    this.bar = h("header.topbar");
    this.isOpen = false;
    root.replaceChildren(
      h("a.skip", { href: "#main", onclick: (event) => {
        event.preventDefault();
        this.main.focus();
      } }, "Skip to the content"),
      this.bar, h("div.frame", null, h("nav.rail", { "aria-label": "Pages" }, this.nav),
        h("div.page", null, this.main)));
    this.draw();
    this.timer = setInterval(() => this.drawStatus(), 1000);
    live.onChange = () => this.drawStatus();
  }

  draw() {
    const { places } = this.options;
    const at = currentRoute().parts[0] ?? "";
    const place = (one) => h("a.place", { href: `#/${one.path}`,
      "aria-current": one.path === at ? "page" : null, title: `g ${one.letter}`,
      onclick: () => this.toggle(false) }, icon(one.icon), h("span", null, one.title));
    const groups = [...new Set(places.map((one) => one.group))];
    show(this.nav,
      h("a.brand", { href: "#/" }, mark(), h("span", null, "Quern")),
      groups.map((group) => h("div.group", { role: "group", "aria-label": group },
        h("p.group-name", { "aria-hidden": "true" }, group),
        places.filter((one) => one.group === group).map(place))),
      h("div.rail-foot", null, this.who(), h("div.rail-buttons", null, this.themeButton(),
        h("button.quiet", { type: "button", "aria-label": "Keys", title: "Keys (?)",
          onclick: this.options.help }, icon("help")))));
    show(this.bar,
      h("button.quiet", { type: "button", "aria-label": "Menu",
        "aria-expanded": String(this.isOpen), onclick: () => this.toggle(!this.isOpen) },
      icon(this.isOpen ? "close" : "menu")),
      h("a.brand", { href: "#/" }, mark(), h("span", null, "Quern")));
    this.drawStatus();
  }

  who() {
    return h("div.who", null, icon("user"),
      h("div.who-name", null, h("b", null, session.name || "nobody"),
        h("span", null, session.roles.join(", ") || "no roles")),
      session.name !== "anonymous" && h("button.quiet", { type: "button", "aria-label": "Log out",
        title: "Log out", onclick: this.options.logOut }, icon("out")));
  }

  themeButton() {
    const now = theme();
    const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
    const names = { auto: "Auto", light: "Light", dark: "Dark" };
    return h("button.quiet", { type: "button", title: "Light, dark, or as the system",
      "aria-label": `${names[now]} colours; change to ${names[next]}`,
      onclick: () => { setTheme(next); this.draw(); } }, icon(THEME_ICONS[now]),
    h("span", null, names[now]));
  }

  toggle(isOpen) {
    this.isOpen = isOpen;
    document.documentElement.classList.toggle("menu-open", isOpen);
    this.draw();
  }

  /** How old what is shown is, and whether it changes by itself. */
  drawStatus() {
    const fresh = Math.max(this.options.freshAt(), live.state === "live" ? live.heard : 0);
    const age = fresh ? Math.round((Date.now() - fresh) / 1000) : null;
    const isOut = live.state === "logged-out";
    const kind = live.state === "live" ? "live" : live.state === "connecting" ? "trying"
      : isOut || (age !== null && age > OLD_S) ? "old" : "still";
    const words = { live: "Live", trying: "Reconnecting", old: isOut ? "Not logged in" : "Old",
      still: "Up to date" };
    if (age === null && kind === "still") return show(this.statusPlace(), "");
    const text = age === null ? "" : age < 2 ? "just now" : `${duration(age)} ago`;
    show(this.statusPlace(), h(`span.signal.${kind}`, null, h("i", { "aria-hidden": "true" }),
      h("b", null, words[kind]), h("span.when", { "aria-hidden": "true" }, text)));
  }

  /** In the head of the page, or on a phone in the bar above it. */
  statusPlace() {
    if (!this.status.isConnected) document.querySelector(".page")?.prepend(this.status);
    return this.status;
  }

  remove() {
    clearInterval(this.timer);
    live.onChange = () => {};
  }
}
