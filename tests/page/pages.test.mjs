// Every page shows what is there, by its address alone.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fullRig, heading, until } from "./rig.mjs";

let rig, visitor, jobs;

before(async () => {
  rig = await fullRig();
  jobs = {
    huge: await rig.submit({ function: "primes", range: [1, 1_000_000_000_000], name: "census" }),
    odd: await rig.submit({ function: "even", items: [...Array(60).keys()], encoding: "value",
      attempts: 1, name: "parity" }),
    grain: await rig.submit({ function: "echo", items: ["rye", "wheat", "oat"], name: "grain" }),
    lost: await rig.submit({ function: "offered_by_nobody", items: ["a"], name: "lonely" }),
  };
  await rig.ended(jobs.odd);
  await rig.ended(jobs.grain);
  visitor = await rig.visitor("admin");
});
after(async () => {
  await rig?.end();
});

async function see(address, ...texts) {
  const page = await visitor.open(address);
  for (const text of texts) await page.getByText(text).first().waitFor();
  return page;
}

test("overview: throughput, backlog, end, reasons, age", async () => {
  const page = await see("#/", "Throughput", "Estimated end", "Why things wait");
  await page.getByText("no worker offers").waitFor();
  await page.getByText(/^± /).first().waitFor();
  await page.getByText("Live", { exact: true }).waitFor();
  await page.getByText(/just now|\d s ago/).first().waitFor();
  const speed = page.locator(".stat", { hasText: "Throughput" }).locator("strong");
  await until(async () => /[\d.]+ ?[kMGT]?\/s/.test(await speed.textContent()), "a throughput");
  await page.locator(".chart canvas").first().waitFor();
  await page.getByText("Both charts as a table").click();
  await page.getByRole("table", { name: "Throughput and backlog" }).waitFor();
});

test("jobs: filters and search are in the address", async () => {
  const page = await see("#/jobs", "census", "parity", "grain", "lonely");
  await page.getByRole("button", { name: "failed", exact: true }).click();
  await until(async () => !(await page.getByText("grain").count()), "only failed jobs");
  assert.match(page.url(), /state=failed/);
  await page.getByRole("button", { name: "failed", exact: true }).click();
  await page.keyboard.press("/");
  await page.keyboard.type("grain");
  await until(async () => !(await page.getByText("parity").count()), "the search");
  assert.match(page.url(), /q=grain/);
  const copy = await visitor.open(page.url().split("/").slice(3).join("/"));
  await copy.getByText("grain").first().waitFor();
  assert.equal(await copy.getByText("parity").count(), 0);
});

test("jobs: older ones are on further pages", async () => {
  for (let n = 0; n < 55; ++n) {
    await rig.submit({ function: "echo", input: "x", name: `many ${n}` });
  }
  const page = await see("#/jobs?q=many", "many 54");
  assert.equal(await page.getByText("many 0", { exact: true }).count(), 0);
  await page.getByRole("button", { name: "Older" }).click();
  await page.getByText("many 0", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Newer" }).click();
  await page.getByText("many 54", { exact: true }).waitFor();
});

test("job: progress, shares, explanation; it moves by itself", async () => {
  const page = await see(`#/jobs/${jobs.huge}`, "census", "Why it is where it is");
  await page.getByText("is divisible").or(page.getByText("It is divisible")).first().waitFor();
  await page.getByRole("link", { name: "mill" }).waitFor();
  const ended = page.locator(".stat").first().locator(".stat-note");
  const first = await ended.textContent();
  await until(async () => (await ended.textContent()) !== first, "progress");
});

test("job: timeline with a table behind it", async () => {
  const page = await see(`#/jobs/${jobs.odd}?tab=timeline`, "Leases as a table");
  await page.locator("canvas.timeline").waitFor();
  await page.getByText("Leases as a table").click();
  const table = page.getByRole("table", { name: "Leases" });
  await table.getByText("mill · ").first().waitFor();
});

test("job: errors in groups", async () => {
  const page = await see(`#/jobs/${jobs.odd}?tab=errors`, "<n> is odd");
  await page.locator(".error-count", { hasText: "30" }).waitFor();
});

test("job: results are paged and can be downloaded", async () => {
  const page = await see(`#/jobs/${jobs.odd}?tab=results`, "1 is odd");
  await page.getByRole("button", { name: "Next" }).click();
  await page.getByText("59 is odd").waitFor();
  assert.match(page.url(), /from=50/);
  const saving = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download all" }).click();
  const saved = await (await saving).createReadStream();
  let text = "";
  for await (const block of saved) text += block;
  assert.equal(text.trim().split("\n").length, 61);
});

test("task: its result and the way to its neighbours", async () => {
  const page = await see(`#/jobs/${jobs.grain}/tasks/1`, "wheat");
  await page.getByRole("link", { name: "Next task" }).click();
  await heading(page, "Task 2");
  await page.getByText("oat").waitFor();
});

test("workers, a worker, functions", async () => {
  let page = await see("#/workers", "mill");
  await page.getByRole("link", { name: "mill" }).click();
  await heading(page, "mill");
  await page.getByRole("table", { name: "Measured speeds" }).getByText("primes").waitFor();
  page = await see("#/functions", "Speed of a slot");
  const row = page.getByRole("row", { name: /primes/ });
  await row.getByText(/± \d/).waitFor();
});

test("errors across jobs lead to the job", async () => {
  const page = await see("#/errors", "<n> is odd");
  await page.getByRole("link", { name: `#${jobs.odd} parity` }).click();
  await heading(page, "parity");
});

test("an address that names nothing says so", async () => {
  await see("#/nonsense/place", "No such page");
  await see("#/jobs/999999", "Not there");
  await see("#/workers/nobody", "Not there");
});

test("keys go places", async () => {
  const page = await see("#/", "Throughput");
  await page.keyboard.press("g");
  await page.keyboard.press("w");
  await heading(page, "Workers");
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("g");
  await page.keyboard.press("s");
  await heading(page, "Submit a job");
});

test("no page had an error, and none broke the policy", () => {
  assert.deepEqual(visitor.troubles, []);
});
