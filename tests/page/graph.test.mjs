// Jobs that depend on jobs: the picture of them, blocked tasks, submitting and cancelling them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fullRig, heading, until } from "./rig.mjs";

let rig, visitor;

before(async () => {
  rig = await fullRig();
  visitor = await rig.visitor("admin");
});
after(async () => {
  await rig?.end();
});

const state = async (job) => (await rig.api("GET", `jobs/${job}`)).state;
const box = (page, job) => page.locator(`.graph-job[href="#/jobs/${job}"]`);

/** A job that never runs, with two others behind it and one more that only waits for the last. */
async function chain(name) {
  const first = await rig.submit({ function: "nobody_offers_it", items: ["a", "b", "c"],
    name: `${name} first` });
  const second = await rig.submit({ function: "echo", from: { job: first }, name: `${name} second`,
  });
  const third = await rig.submit({ function: "echo", from: { job: second, pattern: "group",
    width: 2, step: 1 }, name: `${name} third` });
  const last = await rig.submit({ function: "echo", items: ["x"], name: `${name} last`,
    after: [{ job: third, ended: true }, first] });
  return { first, second, third, last };
}

test("the graph shows ancestors and descendants, left to right, each a link", async () => {
  const jobs = await chain("grind");
  const page = await visitor.open(`#/jobs/${jobs.second}`);
  await page.getByRole("link", { name: "Graph" }).click();
  await page.waitForURL(/tab=graph/);
  await box(page, jobs.last).waitFor();
  const left = async (job) => (await box(page, job).boundingBox()).x;
  const places = await Promise.all([jobs.first, jobs.second, jobs.third, jobs.last].map(left));
  for (let n = 1; n < places.length; ++n) assert.ok(places[n] > places[n - 1], places.join());
  assert.equal(await box(page, jobs.second).getAttribute("aria-current"), "page");
  assert.equal(await box(page, jobs.first).getAttribute("aria-current"), null);
  await box(page, jobs.third).getByText("waiting").waitFor();
  assert.equal(await page.locator(".graph svg .flow").count(), 2);
  assert.equal(await page.locator(".graph svg .order").count(), 2);
  await box(page, jobs.last).click();
  await heading(page, "grind last");
  await page.close();
});

test("the graph is reached with the keyboard, and a table says the same", async () => {
  const jobs = await chain("keys");
  const page = await visitor.open(`#/jobs/${jobs.second}?tab=graph`);
  await box(page, jobs.last).waitFor();
  await page.locator(".graph-frame").focus();
  const reached = [];
  for (let n = 0; n < 4; ++n) {
    await page.keyboard.press("Tab");
    reached.push(await page.evaluate(() => document.activeElement.getAttribute("href")));
  }
  assert.deepEqual(reached, [jobs.first, jobs.second, jobs.third, jobs.last]
    .map((job) => `#/jobs/${job}`));
  await page.getByText("Jobs as a table").click();
  const table = page.getByRole("table", { name: "Jobs around this one" });
  const row = (job) => table.locator("tbody tr").filter({
    has: page.locator(`.main a[href="#/jobs/${job}"]`) });
  assert.match(await row(jobs.second).textContent(),
    new RegExp(`#${jobs.first}: each result.*#${jobs.third}`));
  assert.match(await row(jobs.third).textContent(), /groups of 2 results, 1 apart/);
  assert.match(await row(jobs.last).textContent(),
    new RegExp(`#${jobs.third}: starts after it, however it ends.*` +
      `#${jobs.first}: starts after it`));
  await box(page, jobs.third).focus();
  await page.keyboard.press("Enter");
  await heading(page, "keys third");
  await page.close();
});

test("the graph changes as its jobs do, and new ones appear", async () => {
  const first = await rig.submit({ function: "echo", open: true, name: "grows" });
  const second = await rig.submit({ function: "echo", from: { job: first }, name: "follows" });
  const page = await visitor.open(`#/jobs/${second}?tab=graph`);
  await box(page, first).getByText("waiting").waitFor();
  const third = await rig.submit({ function: "echo", from: { job: second, pattern: "all" } });
  await box(page, third).waitFor();
  await rig.api("POST", `jobs/${first}/items`, { items: ["a"] });
  await rig.api("POST", `jobs/${first}/close`, {});
  for (const job of [first, second, third]) await box(page, job).getByText("done").waitFor();
  await page.close();
});

test("of very many jobs the graph shows some, and says how many more there are", async () => {
  const first = await rig.submit({ function: "nobody_offers_it", items: ["a"], name: "wide" });
  for (let n = 0; n < 25; ++n) {
    await rig.submit({ function: "echo", from: { job: first }, name: `wide ${n}` });
  }
  let job = first;
  for (let n = 0; n < 8; ++n) {
    job = await rig.submit({ function: "echo", items: ["x"], after: [job], name: `long ${n}` });
  }
  const page = await visitor.open(`#/jobs/${first}?tab=graph`);
  await page.locator(".graph-rest").getByText("and 16 more").waitFor();
  assert.equal(await page.locator(".graph-job").count(), 11);
  await page.goto(`${rig.url}/#/jobs/${job}?tab=graph`);
  await heading(page, "long 7");
  await page.locator(".graph-rest").getByText("and 1 more").waitFor();
  assert.equal(await page.locator(".graph-job").count(), 5);
  await page.getByText("Jobs as a table").click();
  await page.getByText("Not shown: 1 job or more before these.").waitFor();
  await page.close();
});

test("a job without edges has no graph, and one that is gone is shown as such", async () => {
  const alone = await rig.submit({ function: "echo", items: ["x"], name: "alone" });
  const page = await visitor.open(`#/jobs/${alone}`);
  await heading(page, "alone");
  assert.equal(await page.getByRole("link", { name: "Graph" }).count(), 0);
  await page.goto(`${rig.url}/#/jobs/${alone}?tab=graph`);
  await page.getByText("It stands alone").waitFor();
  const short = await rig.submit({ function: "echo", items: ["x"], ttl_s: 1 });
  await rig.ended(short);
  const next = await rig.submit({ function: "echo", items: ["y"], after: [short], name: "stays" });
  await rig.ended(next);
  await until(async () => {
    const answer = await fetch(`${rig.url}/v1/jobs/${short}`,
      { headers: { Authorization: `Bearer ${rig.tokens.admin}` } });
    return answer.status !== 200;
  }, "the end of the short job's time");
  await page.goto(`${rig.url}/#/jobs/${next}?tab=graph`);
  await box(page, short).getByText("Not kept any more").waitFor();
  await page.close();
});

test("blocked tasks are a state of their own: bar, legend, table, task", async () => {
  const { second } = await chain("block");
  const page = await visitor.open(`#/jobs/${second}`);
  const legend = page.getByRole("group", { name: "Tasks by state" }).first();
  await until(async () => (await rig.api("GET", `jobs/${second}`)).blocked >= 0, "the job");
  const { blocked } = await rig.api("GET", `jobs/${second}`);
  await legend.getByRole("button", { name: `waiting for results ${blocked}` }).click();
  const table = page.getByRole("table", { name: "Tasks by state" });
  await table.getByText("waiting for results").waitFor();
  assert.equal(await table.locator("tbody tr").count(), 1);
  await table.getByText(`0 to ${blocked - 1}`).click();
  await heading(page, "Task 0");
  await page.locator("h1 ~ .badge.blocked").waitFor();
  await page.getByText("It waits for results").waitFor();
  await page.close();
});

test("a failure reaches what depends on it, and the page names the culprit", async () => {
  const first = await rig.submit({ function: "fail", items: ["x"], attempts: 1 });
  const second = await rig.submit({ function: "echo", from: { job: first } });
  await rig.ended(second);
  const page = await visitor.open(`#/jobs/${second}?tab=errors`);
  await page.getByText("upstream_failed").waitFor();
  await page.getByText(/task <n> of job <n> failed|task 0 of job \d+ failed/).first().waitFor();
  await page.close();
});

test("cancel a job with what depends on it, with the number of tasks shown first", async () => {
  const jobs = await chain("fell");
  const page = await visitor.open(`#/jobs/${jobs.first}`);
  await page.getByRole("button", { name: "Cancel with dependants…" }).click();
  const dialog = page.getByRole("dialog", { name: "Cancel the job and what depends on it" });
  const { touched } = await rig.api("POST", `jobs/${jobs.first}/cancel`,
    { tree: true, dry_run: true });
  assert.ok(touched > 3, String(touched));
  await dialog.getByText(`${touched} tasks of job ${jobs.first} and of all jobs that depend on it`)
    .waitFor();
  await dialog.getByRole("button", { name: "Keep as it is" }).click();
  assert.equal(await state(jobs.second), "waiting");
  await page.getByRole("button", { name: "Cancel with dependants…" }).click();
  await dialog.getByRole("button", { name: "Cancel", exact: true }).click();
  await page.getByText(`${touched} tasks cancelled`).waitFor();
  for (const job of Object.values(jobs)) {
    await until(async () => await state(job) === "cancelled", `the end of job ${job}`);
  }
  await page.close();
});

test("a job on which none depends has no such button; one that has ended has", async () => {
  const { last } = await chain("other");
  const page = await visitor.open(`#/jobs/${last}`);
  await page.getByRole("button", { name: "Cancel…" }).waitFor();
  assert.equal(await page.getByRole("button", { name: /dependants/ }).count(), 0);
  const first = await rig.submit({ function: "echo", items: ["a"] });
  const next = await rig.submit({ function: "nobody_offers_it", from: { job: first } });
  await rig.ended(first);
  await page.goto(`${rig.url}/#/jobs/${first}`);
  await page.getByRole("button", { name: "Cancel dependants…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel", exact: true }).click();
  await until(async () => await state(next) === "cancelled", "the end of the other job");
  assert.equal(await state(first), "done");
  await page.close();
});

test("nobody adds items to a job whose input comes from others", async () => {
  const { second } = await chain("closed");
  const page = await visitor.open(`#/jobs/${second}`);
  await page.getByRole("button", { name: "Cancel…" }).waitFor();
  assert.equal((await rig.api("GET", `jobs/${second}`)).open, true);
  assert.equal(await page.getByRole("button", { name: "Add items…" }).count(), 0);
  assert.equal(await page.getByRole("button", { name: "Close…" }).count(), 0);
  await page.close();
});

/** Fills in the form and submits it; resolves to the job. */
async function submitForm(fill) {
  const page = await visitor.open("#/submit");
  await heading(page, "Submit a job");
  await fill(page);
  await page.getByRole("button", { name: "Submit", exact: true }).click();
  await page.waitForURL(/#\/jobs\/\d+/);
  const job = Number(/jobs\/(\d+)/.exec(page.url())[1]);
  await page.close();
  return job;
}

const fill = (page, label, text) => page.getByLabel(label, { exact: true }).fill(text);

async function results(job) {
  const answer = await fetch(`${rig.url}/v1/jobs/${job}/results`,
    { headers: { Authorization: `Bearer ${rig.tokens.admin}` } });
  return (await answer.text()).trim().split("\n").map((line) => JSON.parse(line))
    .filter((line) => !line.end).map((line) => line.result);
}

test("submit a job that takes the results of another, each, in groups or all", async () => {
  const first = await rig.submit({ function: "echo", items: ["a", "b", "c"] });
  const take = (pattern, more = async () => {}) => submitForm(async (page) => {
    await page.getByRole("button", { name: "Results of a job" }).click();
    await fill(page, "Function", "echo");
    await fill(page, "Job", `#${first}`);
    await page.getByLabel("Pattern", { exact: true }).selectOption(pattern);
    await more(page);
  });
  const each = await take("each");
  const group = await take("group", async (page) => {
    await fill(page, "Results of a task", "2");
    await fill(page, "Results from one task to the next", "1");
  });
  const all = await take("all");
  for (const job of [each, group, all]) await rig.ended(job);
  assert.deepEqual((await results(each)).sort(), ["a", "b", "c"]);
  assert.deepEqual((await results(group)).sort(), ["ab", "bc"]);
  assert.deepEqual(await results(all), ["abc"]);
  const { edges } = await rig.api("GET", `jobs/${group}`);
  assert.deepEqual(edges, [{ job: first, pattern: "group", width: 2, step: 1 }]);
});

test("submit a job that starts after others, and that is only for others", async () => {
  const { first, third } = await chain("order");
  for (const input of ["Range", "Lines"]) {
    const job = await submitForm(async (page) => {
      await fill(page, "Function", input === "Range" ? "noop" : "echo");
      await page.getByRole("button", { name: input, exact: true }).click();
      if (input === "Lines") await fill(page, "Lines", "x\n");
      await page.getByText("When it starts").click();
      await fill(page, "Start after jobs", `${first}`);
      await fill(page, "Start after the end of jobs", `#${third}`);
      await page.getByText("More options").click();
      await page.getByLabel(/Its results are only for other jobs/).check();
    });
    const now = await rig.api("GET", `jobs/${job}`);
    assert.deepEqual(now.edges, [{ job: first, pattern: "after" },
      { job: third, pattern: "after", ended: true }]);
    assert.equal(now.state, "waiting");
  }
});

test("what is no number of a job is said, and what the broker refuses too", async () => {
  const page = await visitor.open("#/submit?input=from");
  await fill(page, "Function", "echo");
  await fill(page, "Job", "twelve");
  const submit = () => page.getByRole("button", { name: "Submit", exact: true }).click();
  await submit();
  await page.getByRole("alert").getByText('Job: "twelve" is not the number of a job').waitFor();
  await fill(page, "Job", "987654");
  await submit();
  await page.getByRole("alert").getByText("job 987654 is unknown").waitFor();
  await page.getByText("When it starts").click();
  await fill(page, "Start after jobs", "1, x");
  await submit();
  await page.getByRole("alert").getByText('Start after jobs: "x"').waitFor();
  await page.close();
});

test("no page had an error, and none broke the policy", () => {
  assert.deepEqual(visitor.troubles, []);
});
