// What the page costs a browser at scale; a measurement, not a test.
//
//   node scale.mjs [MINUTES] [WORKERS] [JOBS] [TASKS]     10 1000 10000 1000000 if nothing is said
//
// It prints: how long each page takes to open and how many elements it has; the heap over the
// minutes, after forced garbage collections, while events come at many times their usual rate and
// pages are changed all the time; what a hidden tab asks; how long the page takes to be live again
// after the broker was killed, and after a sleep. Needs python3-zmq for the workers.
import { spawn } from "node:child_process";
import path from "node:path";
import readline from "node:readline";
import { fileURLToPath } from "node:url";
import { Rig, until } from "./rig.mjs";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const [MINUTES = 10, WORKERS = 1000, JOBS = 10_000, TASKS = 1_000_000] =
  process.argv.slice(2).map(Number);
const FASTER = 50;  // events for one that came
const PAGE_S = 3;  // how long a page is shown before the next one
const say = (...words) => console.log(...words);
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class OpenRig extends Rig {
  async startOpenBroker(bind = "tcp://127.0.0.1:0") {
    const { child, line } = await this.start("quern-broker", "--bind", bind, "--insecure",
      "--store", path.join(this.folder, "store"));
    [, this.endpoint] = line.split(" ");
    this.env.QUERN_BROKER = this.endpoint;
    this.broker = child;
  }

  async startIdlers() {
    this.idlers = spawn("/usr/bin/python3", ["-B", path.join(HERE, "../bench/idle_workers.py"),
      "--connect", this.endpoint, String(WORKERS)], { stdio: ["pipe", "pipe", "inherit"] });
    await new Promise((resolve) =>
      readline.createInterface({ input: this.idlers.stdout }).once("line", resolve));
  }

  async post(where, body) {
    const response = await fetch(`${this.url}/v1/${where}`, { method: "POST",
      headers: { "Content-Type": typeof body === "string" ? "application/x-ndjson"
        : "application/json" }, body: typeof body === "string" ? body : JSON.stringify(body) });
    if (!response.ok) throw new Error(`${where}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  async ended(job) {
    return until(async () => {
      const now = await (await fetch(`${this.url}/v1/jobs/${job}?wait=20`)).json();
      return ["done", "failed"].includes(now.state) && now;
    }, `job ${job}`);
  }

  async endAll() {
    this.idlers?.stdin.end();
    await this.end();
  }
}

async function fillIn(rig) {
  const begin = Date.now();
  let numbers = "";
  for (let n = 0; n < TASKS; ++n) numbers += `${n}\n`;
  // Every second task fails: as many intervals as a job can have.
  const { job } = await rig.post("jobs?function=even&encoding=value&attempts=1&name=striped",
    numbers);
  const queue = Array.from({ length: JOBS }, (_, n) => n);
  await Promise.all(Array.from({ length: 16 }, async () => {
    for (let n = queue.pop(); n !== undefined; n = queue.pop()) {
      await rig.post("jobs", { function: n % 100 ? "echo" : "nobody_offers_it", input: "x",
        name: `job ${n}` });
    }
  }));
  await rig.post("jobs", { function: "primes", range: [1, 1e12], name: "census" });
  say(`${JOBS} jobs and one of ${TASKS} tasks after ${((Date.now() - begin) / 1000).toFixed(1)} s`);
  return job;
}

async function openTimes(page, striped) {
  const places = [["#/", ".chart"], ["#/jobs", "table tbody tr"], [`#/jobs/${striped}`,
    ".legend button"], [`#/jobs/${striped}?tab=timeline`, "canvas.timeline, .empty"],
  [`#/jobs/${striped}?tab=errors`, ".error-count"], [`#/jobs/${striped}?tab=results`, "table"],
  [`#/jobs/${striped}/tasks/${TASKS - 1}`, "h1"], ["#/workers", "table tbody tr"],
  ["#/functions", "table"], ["#/errors", ".error-count, .empty"]];
  for (const [address, content] of places) {
    await page.evaluate(() => { location.hash = "#/nothing"; });
    await page.getByText("This address names nothing").waitFor();
    const took = await page.evaluate(([hash, what]) => new Promise((resolve) => {
      const begin = performance.now();
      let longest = 0;
      const observer = new PerformanceObserver((list) => {
        for (const one of list.getEntries()) longest = Math.max(longest, one.duration);
      });
      observer.observe({ type: "longtask" });
      location.hash = hash;
      const look = () => {
        if (!document.querySelector(`main ${what.split(", ").join(", main ")}`)) {
          return requestAnimationFrame(look);
        }
        const ms = performance.now() - begin;
        setTimeout(() => {
          observer.disconnect();
          resolve({ ms, longest, elements: document.querySelectorAll("*").length });
        }, 500);
      };
      look();
    }), [address, content]);
    say(`${address.replace(striped, "N")}: ${Math.round(took.ms)} ms, longest task ` +
      `${Math.round(took.longest)} ms, ${took.elements} elements`);
  }
}

/** Repeats each event of the stream, as if many more had come. */
function acceleration(factor) {
  delete window.SharedWorker;
  const real = window.fetch;
  window.fetch = async (url, options) => {
    const answer = await real(url, options);
    if (!String(url).includes("/events") || !answer.ok) return answer;
    const decoder = new TextDecoder(), encoder = new TextEncoder();
    let text = "";
    const repeat = new TransformStream({ transform(block, to) {
      text += decoder.decode(block, { stream: true });
      const end = text.lastIndexOf("\n\n") + 2;
      if (end < 2) return;
      const whole = text.slice(0, end);
      text = text.slice(end);
      const times = whole.includes("event: job") || whole.includes("event: worker") ? factor : 1;
      window.quernEvents = (window.quernEvents ?? 0) +
        times * (whole.match(/^event: (job|worker)/gm) ?? []).length;
      for (let n = 0; n < times; ++n) to.enqueue(encoder.encode(whole));
    } });
    return new Response(answer.body.pipeThrough(repeat), { status: 200, headers: answer.headers });
  };
}

async function heapOf(session) {
  for (let n = 0; n < 3; ++n) await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  const { nodes, jsEventListeners } = await session.send("Memory.getDOMCounters");
  return { heap: usedSize / 1e6, nodes, listeners: jsEventListeners };
}

async function memory(rig, striped) {
  const context = await rig.visitor(null);
  await context.addInitScript(acceleration, FASTER);
  const page = await context.open("#/");
  await page.locator(".stats").waitFor();
  const session = await context.newCDPSession(page);
  const places = ["#/", "#/jobs", `#/jobs/${striped}`, "#/jobs/{census}", "#/workers",
    "#/functions", `#/jobs/${striped}?tab=errors`];
  const census = (await (await fetch(`${rig.url}/v1/jobs?name=census`)).json()).jobs[0].job;
  const begin = Date.now();
  let at = 0, next = 0;
  const heaps = [];
  while (Date.now() - begin < MINUTES * 60_000) {
    await page.evaluate((hash) => { location.hash = hash; },
      places[at++ % places.length].replace("{census}", census));
    await wait(PAGE_S * 1000);
    if (Date.now() < next) continue;
    next = Date.now() + 60_000;
    await page.evaluate(() => { location.hash = "#/"; });  // always the same page
    await page.locator("[aria-label=Now]").waitFor().catch(async (problem) => {
      say(await page.evaluate(() => `${location.hash} ${document.body.innerText.slice(0, 500)}`));
      throw problem;
    });
    await wait(1000);
    const now = await heapOf(session);
    heaps.push(now.heap);
    say(`after ${Math.round((Date.now() - begin) / 1000)} s: heap ${now.heap.toFixed(2)} MB, ` +
      `${now.nodes} nodes, ${now.listeners} listeners, ` +
      `${await page.evaluate(() => window.quernEvents ?? 0)} events`);
  }
  say(`heap: ${(heaps.at(-1) - heaps[0]).toFixed(2)} MB more at the end than after the first ` +
    `pages; ${context.troubles.length} errors`);
  await context.close();
}

async function hidden(rig) {
  const context = await rig.visitor(null);
  const page = await context.open("#/jobs");
  await page.locator(".signal.live").waitFor();
  const setVisible = (state) => page.evaluate((to) => {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => to });
    document.dispatchEvent(new Event("visibilitychange"));
  }, state);
  await setVisible("hidden");
  await wait(2000);
  let asked = 0;
  page.on("request", () => { ++asked; });
  await wait(30_000);
  say(`a hidden tab: ${asked} requests in 30 s`);
  const begin = Date.now();
  await setVisible("visible");
  await page.locator(".signal.live").waitFor();
  say(`live again ${Date.now() - begin} ms after it was looked at`);
  await context.close();
}

async function restart(rig) {
  const context = await rig.visitor(null);
  const page = await context.open("#/");
  await page.locator(".signal.live").waitFor();
  await rig.stop(rig.broker, "SIGKILL");
  await page.getByText(/old: |does not answer/).first().waitFor();
  await rig.startOpenBroker(rig.endpoint);
  const begin = Date.now();
  await until(async () => !(await page.getByText(/ old: |does not answer/).count()), "news");
  say(`after the broker was killed and started: the page is up to date after ` +
    `${Date.now() - begin} ms; ${context.troubles.length} errors`);
  await context.close();
}

async function sleep(rig, hours) {
  const context = await rig.visitor(null);
  await context.addInitScript(() => {
    delete window.SharedWorker;  // so that its clock is the page's
    const real = Date.now;
    window.quernJump = 0;
    Date.now = () => real() + window.quernJump;
  });
  const page = await context.open("#/");
  await page.locator(".signal.live").waitFor();
  let streams = 0;
  page.on("request", (one) => { streams += one.url().includes("/events"); });
  const begin = Date.now();
  await page.evaluate((ms) => { window.quernJump = ms; }, hours * 3600_000);
  await until(() => streams > 0, "a new stream");
  await page.locator(".signal.live").waitFor();
  await page.getByText(/just now|\d s ago/).first().waitFor();
  say(`after the clock jumped by ${hours} h: a new stream after ${Date.now() - begin} ms; ` +
    `${context.troubles.length} errors`);
  await context.close();
}

const rig = new OpenRig();
try {
  await rig.startOpenBroker();
  await rig.start("quern-worker", "--insecure", "--name", "mill", "--slots", "2", "--cpu-share",
    "0.2", "--load", process.env.QUERN_PLUGIN ??
      path.join(HERE, "../../build/release/tests/libquern_test_functions.so"));
  await rig.startGateway("--insecure");
  await rig.startIdlers();
  await rig.startBrowser();
  const striped = await fillIn(rig);
  await rig.ended(striped);
  const context = await rig.visitor(null);
  const page = await context.open("#/");
  await page.locator(".stats").waitFor();
  await openTimes(page, striped);
  await context.close();
  await hidden(rig);
  await sleep(rig, 8);
  await sleep(rig, -8);
  await memory(rig, striped);
  await restart(rig);
} finally {
  await rig.endAll();
}
