// Every action of the page does what it says, and says to how many before.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
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

test("pause, resume and cancel a job", async () => {
  const job = await rig.submit({ function: "sleep", items: Array(500).fill(50_000),
    encoding: "value", name: "slow" });
  const page = await visitor.open(`#/jobs/${job}`);
  await page.getByRole("button", { name: "Pause" }).click();
  await until(async () => (await rig.api("GET", `jobs/${job}`)).paused, "the pause");
  await page.getByRole("button", { name: "Resume" }).click();
  await until(async () => !(await rig.api("GET", `jobs/${job}`)).paused, "the end of the pause");
  await page.getByRole("button", { name: "Cancel…" }).click();
  const dialog = page.getByRole("dialog", { name: "Cancel the job" });
  await dialog.getByText(/\d+ tasks of job \d+ that have not ended will be cancelled/).waitFor();
  assert.notEqual(await state(job), "cancelled");
  await dialog.getByRole("button", { name: "Keep as it is" }).click();
  assert.notEqual(await state(job), "cancelled");
  await page.getByRole("button", { name: "Cancel…" }).click();
  await dialog.getByRole("button", { name: "Cancel", exact: true }).click();
  await until(async () => await state(job) === "cancelled", "the cancellation");
  await page.locator("h1 ~ .badge", { hasText: "cancelled" }).waitFor();
});

test("retry one group of errors", async () => {
  const file = path.join(rig.folder, "now");
  const job = await rig.submit({ function: "needs_file", items: [file, file, "/nowhere/x"],
    attempts: 1 });
  await rig.ended(job);
  fs.writeFileSync(file, "");
  const page = await visitor.open(`#/jobs/${job}?tab=errors`);
  const group = page.locator("li.error-group", { hasText: path.basename(rig.folder) });
  await group.getByRole("button", { name: "Retry this group" }).click();
  const dialog = page.getByRole("dialog", { name: "Retry failed tasks" });
  await dialog.getByText(`2 failed tasks of job ${job} will run again.`).waitFor();
  await dialog.getByRole("button", { name: "Retry", exact: true }).click();
  await until(async () => (await rig.api("GET", `jobs/${job}`)).done === 2, "two results");
  assert.equal((await rig.ended(job)).failed, 1);
});

test("retry all failed tasks of a job, and of one task", async () => {
  const job = await rig.submit({ function: "needs_file", attempts: 1,
    items: ["a", "b"].map((name) => path.join(rig.folder, name)) });
  await rig.ended(job);
  fs.writeFileSync(path.join(rig.folder, "a"), "");
  const page = await visitor.open(`#/jobs/${job}/tasks/0`);
  await page.getByRole("button", { name: "Retry…" }).click();
  await page.getByText("1 failed task of").waitFor();
  await page.getByRole("button", { name: "Retry", exact: true }).click();
  await until(async () => (await rig.api("GET", `jobs/${job}`)).done === 1, "one result");
  fs.writeFileSync(path.join(rig.folder, "b"), "");
  await rig.ended(job);
  await page.goto(`${rig.url}/#/jobs/${job}`);
  await page.getByRole("button", { name: "Retry failed…" }).click();
  await page.getByRole("button", { name: "Retry", exact: true }).click();
  await until(async () => (await rig.api("GET", `jobs/${job}`)).state === "done", "the end");
});

test("act on all jobs that match, with their number shown before", async () => {
  for (let n = 0; n < 7; ++n) {
    await rig.submit({ function: "nobody_offers_it", items: ["a", "b"], name: `bulk ${n}` });
  }
  const other = await rig.submit({ function: "nobody_offers_it", items: ["a"], name: "stays" });
  const page = await visitor.open("#/jobs?q=bulk");
  await page.getByText("bulk 6").waitFor();
  const choose = async (action) => {
    await page.getByText("All that match").click();
    await page.getByRole("button", { name: action }).click();
  };
  await choose("Pause jobs…");
  await page.getByText("7 jobs will get no more leases").waitFor();
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await page.locator("tbody .badge", { hasText: "paused" }).nth(6).waitFor();
  await choose("Resume jobs…");
  await page.getByText("7 paused jobs will go on").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
  await page.locator("tbody .badge", { hasText: "waiting" }).nth(6).waitFor();
  await choose("Cancel jobs…");
  await page.getByText("7 jobs will be cancelled, with 14 tasks").waitFor();
  await page.getByRole("button", { name: "Cancel them" }).click();
  await page.locator("tbody .badge", { hasText: "cancelled" }).nth(6).waitFor();
  assert.equal(await state(other), "waiting");
  await choose("Cancel jobs…");
  await page.getByText("No job that matches the filters").waitFor();
});

test("drain a worker", async () => {
  await rig.startWorker("leaver");
  const page = await visitor.open("#/workers/leaver");
  await page.getByRole("button", { name: "Drain…" }).click();
  await page.getByText("gets no others, and leaves").waitFor();
  await page.getByRole("button", { name: "Drain", exact: true }).click();
  await until(async () => {
    const { workers } = await rig.api("GET", "workers");
    return !workers.some((one) => one.worker === "leaver" && one.state !== "lost");
  }, "the worker to leave");
});

async function submitForm(fill) {
  const page = await visitor.open("#/submit");
  await heading(page, "Submit a job");
  await fill(page);
  await page.getByRole("button", { name: "Submit", exact: true }).click();
  await page.waitForURL(/#\/jobs\/\d+/);
  const job = Number(/jobs\/(\d+)/.exec(page.url())[1]);
  await page.close();
  return rig.ended(job);
}

const results = async (job) => {
  const answer = await fetch(`${rig.url}/v1/jobs/${job.job}/results`,
    { headers: { Authorization: `Bearer ${rig.tokens.admin}` } });
  return (await answer.text()).trim().split("\n").map((line) => JSON.parse(line))
    .filter((line) => !line.end).map((line) => line.result);
};

test("submit a range", async () => {
  const job = await submitForm(async (page) => {
    await page.getByLabel("Function", { exact: true }).fill("sum");
    await page.getByLabel("From", { exact: true }).fill("1");
    await page.getByLabel("To, not included", { exact: true }).fill("101");
    await page.getByText("100 tasks: 1 to 100").waitFor();
    await page.getByLabel("Name", { exact: true }).fill("gauss");
  });
  assert.equal(job.name, "gauss");
  assert.deepEqual(await results(job), [5050]);
});

test("submit a range beyond 2^53, to the last digit", async () => {
  const job = await submitForm(async (page) => {
    await page.getByLabel("Function", { exact: true }).fill("noop");
    await page.getByRole("button", { name: "Range" }).click();
    await page.getByLabel("From", { exact: true }).fill("9007199254740993");
    await page.getByLabel("To, not included", { exact: true }).fill("9007199254740996");
  });
  assert.equal(job.total, 3);
});

test("submit lines, JSON items, one input", async () => {
  let job = await submitForm(async (page) => {
    await page.getByLabel("Function", { exact: true }).fill("echo");
    await page.getByRole("button", { name: "Lines", exact: true }).click();
    await page.getByLabel("Lines", { exact: true }).fill("rye\n\"wheat\"\n");
  });
  assert.equal(job.total, 2);
  assert.deepEqual(await results(job), ["rye", "\"wheat\""]);
  job = await submitForm(async (page) => {
    await page.getByLabel("Function", { exact: true }).fill("same");
    await page.getByRole("button", { name: "JSON items" }).click();
    await page.getByLabel("Items", { exact: true }).fill("[3, 5]");
    await page.getByLabel(/typed values/).check();
  });
  assert.deepEqual(await results(job), [3, 5]);
  job = await submitForm(async (page) => {
    await page.getByLabel("Function", { exact: true }).fill("echo");
    await page.getByRole("button", { name: "One input" }).click();
    await page.getByLabel("Input", { exact: true }).last().fill("all of it\n");
  });
  assert.deepEqual(await results(job), ["all of it\n"]);
});

test("submit a file with options", async () => {
  const file = path.join(rig.folder, "lines.txt");
  fs.writeFileSync(file, "a\r\nb\nc\n");
  const job = await submitForm(async (page) => {
    await page.getByLabel("Function", { exact: true }).fill("echo");
    await page.getByRole("button", { name: "File", exact: true }).click();
    await page.getByLabel("File", { exact: true }).setInputFiles(file);
    await page.getByText("More options").click();
    await page.getByLabel("Attempts per task", { exact: true }).fill("7");
    await page.getByLabel("Kept", { exact: true }).selectOption("memory");
  });
  assert.equal(job.attempts, 7);
  assert.equal(job.durability, "memory");
  assert.deepEqual(await results(job), ["a", "b", "c"]);
});

test("what cannot be submitted is said, and nothing that was written is lost", async () => {
  const owner = await rig.visitor("owner");
  const page = await owner.open("#/submit");
  await page.getByLabel("Function", { exact: true }).fill("sum");
  await page.getByLabel("From", { exact: true }).fill("twelve");
  await page.getByRole("button", { name: "Submit", exact: true }).click();
  await page.getByRole("alert").getByText("The range needs two integers").waitFor();
  assert.equal(await page.getByLabel("Function", { exact: true }).inputValue(), "sum");
  await page.getByLabel("From", { exact: true }).fill("1");
  await page.getByText("More options").click();
  await page.getByLabel("Priority", { exact: true }).fill("5");
  await page.getByRole("button", { name: "Submit", exact: true }).click();
  await page.getByRole("alert").getByText("owner may use priorities up to 0").waitFor();
  assert.equal(await page.getByLabel("Priority", { exact: true }).inputValue(), "5");
});

test("no page had an error, and none broke the policy", () => {
  assert.deepEqual(visitor.troubles, []);
});
