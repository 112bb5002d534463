// Starts the page: logs in, draws the frame, and shows what the address names.
import { whenLoggedOut } from "./base/api.js";
import { addPlace, listenToKeys, whenHelpIsAsked } from "./base/keys.js";
import { currentRoute, link } from "./base/route.js";
import { session } from "./base/session.js";
import { applyTheme } from "./base/theme.js";
import { show } from "./base/dom.js";
import { View } from "./parts/view.js";
import { auditPage } from "./pages/audit.js";
import { errorsPage } from "./pages/errors.js";
import { functionsPage } from "./pages/functions.js";
import { jobPage } from "./pages/job.js";
import { jobsPage } from "./pages/jobs.js";
import { showLogin, takeCode } from "./pages/login.js";
import { overviewPage } from "./pages/overview.js";
import { schedulePage } from "./pages/schedule.js";
import { schedulesPage } from "./pages/schedules.js";
import { submitPage } from "./pages/submit.js";
import { taskPage } from "./pages/task.js";
import { workPage } from "./pages/work.js";
import { workerPage } from "./pages/worker.js";
import { workersPage } from "./pages/workers.js";
import { showHelp } from "./parts/help.js";
import { empty, failure, head } from "./parts/page.js";
import { Shell } from "./shell.js";
import { listen, live, reconnect, startLive } from "./stream/live.js";

const PLACES = [
  { path: "", letter: "o", icon: "overview", title: "Overview", group: "Watch", may: "canLook" },
  { path: "jobs", letter: "j", icon: "jobs", title: "Jobs", group: "Watch", may: "canLook" },
  { path: "workers", letter: "w", icon: "workers", title: "Workers", group: "Watch",
    may: "canLook" },
  { path: "functions", letter: "f", icon: "functions", title: "Functions", group: "Watch",
    may: "canLook" },
  { path: "errors", letter: "e", icon: "errors", title: "Errors", group: "Watch", may: "canLook" },
  { path: "schedules", letter: "c", icon: "schedules", title: "Schedules", group: "Watch",
    may: "canLook" },
  { path: "submit", letter: "s", icon: "submit", title: "Submit", group: "Do", may: "canSubmit" },
  { path: "work", letter: "k", icon: "work", title: "Work", group: "Do", may: "canSeeWork" },
  { path: "audit", letter: "a", icon: "audit", title: "Audit", group: "Operate", may: "isAdmin" },
];

const PAGES = { "": overviewPage, jobs: jobsPage, workers: workersPage, functions: functionsPage,
  errors: errorsPage, schedules: schedulesPage, submit: submitPage, work: workPage,
  audit: auditPage };

const root = document.getElementById("app");
let shell = null;
let view = null;

/** @returns {?function(View)} */
function pageOf({ parts }) {
  if (parts[0] === "jobs" && parts.length === 2) return jobPage;
  if (parts[0] === "jobs" && parts.length === 4 && parts[2] === "tasks") {
    return /^\d+$/.test(parts[3]) ? taskPage : null;
  }
  if (parts[0] === "workers" && parts.length === 2) return workerPage;
  if (parts[0] === "schedules" && parts.length === 2) return schedulePage;
  return parts.length <= 1 ? PAGES[parts[0] ?? ""] ?? null : null;
}

function notFound(made) {
  made.draw(() => [head({ title: "No such page" }), empty("This address names nothing", "",
    location.hash.slice(0, 200))]);
}

function showRoute() {
  if (!shell) return;
  if (/^#login=/.test(location.hash)) return begin();
  const route = currentRoute();
  view?.leave();
  const place = document.createElement("div");
  place.className = "content";
  shell.main.replaceChildren(place);
  view = new View(place, route);
  const named = PLACES.find((one) => one.path === (route.parts[0] ?? ""));
  document.title = named ? `${named.title} · Quern` : "Quern";
  (pageOf(route) ?? notFound)(view);
  shell.draw();
  if (!route.params.has("focus")) window.scrollTo(0, 0);
}

function leave() {
  view?.leave();
  view = null;
  shell?.remove();
  shell = null;
  listen([], null);
}

function logIn(problem = "") {
  leave();
  session.forget();
  showLogin(root, { problem, done: enter });
}

function enter() {
  const places = PLACES.filter((one) => session[one.may]);
  for (const one of places) addPlace(one.letter, `#/${one.path}`);
  const logOut = async () => {
    await session.close();
    logIn();
  };
  const help = () => showHelp(places);
  whenHelpIsAsked(help);
  shell = new Shell(root, { places, logOut, help, freshAt: () => view?.freshAt ?? 0 });
  reconnect();
  // Who may only work has nothing to see on the overview.
  if (!session.canLook && session.canWork && currentRoute().parts.length === 0) {
    history.replaceState(null, "", link("work"));
  }
  showRoute();
}

async function begin() {
  const code = takeCode();
  try {
    if (code) await session.open({ code });
    else if (!await session.resume()) return logIn();
    enter();
  } catch (problem) {
    if (problem.status === 401) {
      // A link that was used before is no obstacle for who is logged in.
      if (await session.resume().catch(() => false)) return enter();
      return logIn(problem.message);
    }
    leave();
    show(root, failure(problem, begin));
    setTimeout(() => { if (!shell) begin(); }, 3000);
  }
}

applyTheme();
startLive();
listenToKeys();
const ended = () => { if (shell) logIn("Your session has ended: log in again."); };
whenLoggedOut(ended);
// The stream is shared by tabs, and this one may have logged in as somebody else since.
live.onLoggedOut = () => {
  const before = session.roles.join();
  session.resume().then((isValid) => {
    if (!isValid) ended();
    else if (shell && session.roles.join() !== before) enter();
  }, () => {});
};
window.addEventListener("hashchange", showRoute);
begin();
