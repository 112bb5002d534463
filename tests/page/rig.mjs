// Real processes for the tests of the page: a broker, workers, a gateway, a browser. Everything
// that a test starts ends with it. QUERN_BIN is the folder of the programs, QUERN_PLUGIN the
// library of test functions (tests/e2e/functions.cpp).
import { spawn, execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import readline from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const TOP = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const BIN = process.env.QUERN_BIN ?? path.join(TOP, "build/release/bin");
const PLUGIN = process.env.QUERN_PLUGIN ??
  path.join(BIN, "../tests/libquern_test_functions.so");
export const PATIENCE_MS = 30_000 * Number(process.env.QUERN_SLOWNESS ?? 1);

export const CHROMIUM = process.env.QUERN_CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** Resolves to the first true value of condition(). */
export async function until(condition, what) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${PATIENCE_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export class Rig {
  constructor() {
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), "quern-page-"));
    this.running = [];
    this.tokens = {};
    this.env = { LC_ALL: "C.UTF-8", XDG_CONFIG_HOME: this.folder, XDG_STATE_HOME: this.folder };
    for (const [name, text] of Object.entries(process.env)) {
      if (!name.startsWith("QUERN_") && !(name in this.env)) this.env[name] = text;
    }
  }

  /** Starts a program; resolves to its first line of output. */
  async start(program, ...words) {
    const log = fs.openSync(path.join(this.folder, `${this.running.length}-${program}.log`), "w");
    const command = ["--pdeathsig", "KILL", path.join(BIN, program), ...words.map(String)];
    const child = spawn("setpriv", command,
      { env: this.env, cwd: this.folder, stdio: ["ignore", "pipe", log] });
    this.running.push(child);
    const lines = readline.createInterface({ input: child.stdout });
    if (program === "quern-worker") return { child, line: "" };
    const line = await new Promise((resolve, fail) => {
      lines.once("line", resolve);
      child.once("exit", (code) => fail(new Error(`${program} ended with ${code}`)));
    });
    return { child, line };
  }

  async stop(child, signal = "SIGTERM") {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await ended;
  }

  quern(...words) {
    return execFileSync(path.join(BIN, "quern"), words.map(String), { env: this.env,
      cwd: this.folder, encoding: "utf8" }).trim();
  }

  async startBroker() {
    const { line } = await this.start("quern-broker", "--bind", "tcp://127.0.0.1:0", "--store",
      path.join(this.folder, "store"));
    this.env.QUERN_BROKER = line.split(" ")[1];
  }

  async startWorker(name, ...options) {
    const { child } = await this.start("quern-worker", "--name", name, "--load", PLUGIN,
      ...options);
    await until(() => this.quern("workers", "--json").includes(JSON.stringify(name).slice(1, -1)),
      `worker ${name}`);
    return child;
  }

  /** A token of a key with these roles. */
  token(name, roles) {
    this.tokens[name] ??= this.quern("keys", "token", name, "--role", roles);
    return this.tokens[name];
  }

  async startGateway(...options) {
    const { child, line } = await this.start("quern-gateway", "--listen",
      this.address ?? "127.0.0.1:0", ...options);
    [, this.url, this.loginUrl] = line.split(" ");
    this.address = new URL(this.url).host;
    this.gateway = child;
    return this.url;
  }

  async restartGateway() {
    await this.stop(this.gateway);
    await this.startGateway();
  }

  /** A request past the page, with the token of a key. */
  async api(method, where, body, name = "admin") {
    const response = await fetch(`${this.url}/v1/${where}`, { method,
      headers: { Authorization: `Bearer ${this.tokens[name]}`, "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${where}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : {};
  }

  /** Submits a job; resolves to its number. */
  async submit(body, name = "admin") {
    return (await this.api("POST", "jobs", body, name)).job;
  }

  async schedule(name, body, as = "admin") {
    return this.api("PUT", `schedules/${encodeURIComponent(name)}`, body, as);
  }

  /** Waits for the end of a job. */
  async ended(job) {
    return until(async () => {
      const now = await this.api("GET", `jobs/${job}?wait=10`);
      return ["done", "failed", "cancelled"].includes(now.state) && now;
    }, `the end of job ${job}`);
  }

  async startBrowser() {
    this.browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS });
  }

  /**
   * A browser of its own, logged in as a key; what went wrong in its pages is in `troubles`.
   * @returns the context, with open(address) and troubles
   */
  async visitor(name, options = {}, url = this.url) {
    const context = await this.browser.newContext({ viewport: { width: 1360, height: 900 },
      ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    context.troubles = [];
    context.on("page", (page) => {
      page.on("pageerror", (error) => context.troubles.push(error.stack));
      page.on("console", (message) => {
        // What the server refuses is part of many tests; what the policy refuses is not.
        const isNetwork = message.text().startsWith("Failed to load resource");
        if (message.type() === "error" && !isNetwork) context.troubles.push(message.text());
      });
      page.on("dialog", (dialog) => {
        context.troubles.push(`a script opened a dialog: ${dialog.message()}`);
        dialog.dismiss();
      });
    });
    if (name) {
      const page = await context.newPage();
      await page.goto(`${url}/`);
      await page.getByLabel("Token").fill(this.tokens[name]);
      await page.getByRole("button", { name: "Log in" }).click();
      await page.locator("nav.rail").waitFor({ state: "attached" });
      await page.close();
    }
    context.open = async (address) => {
      const page = await context.newPage();
      await page.goto(`${url}/${address}`);
      return page;
    };
    return context;
  }

  async end() {
    await this.browser?.close();
    for (const child of this.running.reverse()) await this.stop(child, "SIGKILL");
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A rig with a broker, a worker, a gateway, keys of every kind, and a browser. */
export async function fullRig(...workerOptions) {
  const rig = new Rig();
  try {
    await rig.startBroker();
    rig.token("admin", "submit,read,work,admin");
    rig.token("owner", "submit,read");
    rig.token("reader", "read");
    rig.token("hand", "work");
    await rig.startWorker("mill", "--slots", "2", "--cpu-share", "0.2", ...workerOptions);
    await rig.startGateway();
    await rig.startBrowser();
  } catch (error) {
    await rig.end();
    throw error;
  }
  return rig;
}

/** The heading of the page, once it is there. */
export function heading(page, text) {
  return page.getByRole("heading", { level: 1, name: text }).waitFor();
}
