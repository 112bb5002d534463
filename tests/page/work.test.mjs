// Work for people: forms, keys, drafts, locks.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fullRig, until } from "./rig.mjs";

// A picture of 400 x 200 pixels with a disc, and with a script that must not run.
const PICTURE = "data:image/svg+xml," + encodeURIComponent(
  "<svg xmlns='http://www.w3.org/2000/svg' width='400' height='200'>" +
  "<script>window.pwned=1</script><circle cx='100' cy='100' r='50'/></svg>");
const GRAIN = { type: "object", required: ["grain"], properties: {
  grain: { type: "string", title: "Grain", enum: ["rye", "wheat", "oat"] },
  sure: { type: "integer", title: "Percent", minimum: 0, maximum: 100 } } };
let rig, visitor;

before(async () => {
  rig = await fullRig();
  visitor = await rig.visitor("admin");
});
after(async () => {
  await rig?.end();
});

let serial = 0;
/** A job with these items, and a page that has pulled the first one. */
async function task(...items) {
  const name = `people_${++serial}`;
  const job = await rig.submit({ function: name, items });
  const page = await visitor.open(`#/work?functions=${name}`);
  await page.getByRole("button", { name: "Begin" }).click();
  await page.getByRole("region", { name: "Task" }).waitFor();
  return { page, job };
}

async function answers(job) {
  await rig.ended(job);
  const answer = await fetch(`${rig.url}/v1/jobs/${job}/results`,
    { headers: { Authorization: `Bearer ${rig.tokens.admin}` } });
  return (await answer.text()).trim().split("\n").map((line) => JSON.parse(line))
    .filter((line) => !line.end).map((line) => line.result ?? line.error);
}

test("a text is answered with a text; Enter sends, Shift and Enter begin a line", async () => {
  const { page, job } = await task("Translate: the early bird");
  await page.getByText("Translate: the early bird").waitFor();
  await page.getByLabel("Answer").pressSequentially("der frühe");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("Vogel");
  await page.keyboard.press("Enter");
  assert.deepEqual(await answers(job), ["der frühe\nVogel"]);
  await page.getByRole("table", { name: "What you did" }).getByText("done").waitFor();
  await page.close();
});

test("a form from a schema: choice by key, number with limits, what is required", async () => {
  const { page, job } = await task({ schema: GRAIN, input: { image: PICTURE } });
  await page.getByRole("img", { name: "Picture of the task" }).waitFor();
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByText("Grain is missing.").waitFor();
  await page.getByLabel("Percent").fill("101");
  await page.getByLabel("wheat").check();
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByText(/100/).first().waitFor();
  assert.equal((await rig.api("GET", `jobs/${job}`)).state, "running");
  await page.getByLabel("Percent").fill("90");
  await page.getByRole("heading", { name: "Work" }).click();
  await page.keyboard.press("3");
  await page.keyboard.press("Enter");
  assert.deepEqual((await answers(job)).map(parsed), [{ grain: "oat", sure: 90 }]);
  assert.equal(await page.evaluate(() => window.pwned), undefined);
  await page.close();
});

const parsed = (text) => typeof text === "string" ? JSON.parse(text) : text;

test("a box is drawn on the picture, in its pixels", async () => {
  const { page, job } = await task({ input: PICTURE, schema: { type: "object", required: ["disc"],
    properties: { disc: { title: "Disc", format: "box" } } } });
  const picture = page.getByRole("img", { name: "Picture of the task" });
  await picture.waitFor();
  const frame = await picture.boundingBox();
  const scale = frame.width / 400;
  await page.mouse.move(frame.x + 50 * scale, frame.y + 50 * scale);
  await page.mouse.down();
  await page.mouse.move(frame.x + 150 * scale, frame.y + 150 * scale, { steps: 4 });
  await page.mouse.up();
  await page.getByRole("button", { name: "Send" }).click();
  const [{ disc }] = (await answers(job)).map(parsed);
  for (const [n, wanted] of [50, 50, 100, 100].entries()) {
    assert.ok(Math.abs(disc[n] - wanted) <= 2, String(disc));
  }
  await page.close();
});

test("a draft survives a reload", async () => {
  const { page, job } = await task("long text");
  await page.getByLabel("Answer").fill("half an answer");
  const kept = await page.evaluate(() => Object.entries(localStorage)
    .filter(([key]) => key.startsWith("quern.draft.")).map(([, text]) => text));
  assert.equal(kept.length, 1);
  assert.match(kept[0], /half an answer/);
  await page.reload();
  await page.getByRole("region", { name: "Task" }).waitFor();
  assert.equal(await page.getByLabel("Answer").inputValue(), "half an answer");
  await page.getByRole("button", { name: "Send" }).click();
  assert.deepEqual(await answers(job), ["half an answer"]);
  await page.close();
});

test("S skips: the task goes to somebody else", async () => {
  const { page, job } = await task({ schema: { type: "boolean", title: "Spam?" }, input: "hm" });
  await page.keyboard.press("s");
  await page.getByText("Only tasks that you have skipped are left").waitFor();
  await page.getByRole("table", { name: "What you did" }).getByText("skipped").waitFor();
  const { leases } = await rig.api("POST", "leases",
    { functions: [`people_${serial}`], wait_s: 20, worker: "other" }, "hand");
  assert.equal(leases.length, 1);
  await rig.api("POST", `leases/${leases[0].token}/complete`, { result: "true" }, "hand");
  assert.deepEqual(await answers(job), ["true"]);
  await page.getByRole("button", { name: "Stop" }).click();
  await page.close();
});

test("a task that cannot be done fails with a word about it", async () => {
  const { page, job } = await task("unreadable");
  await page.getByRole("button", { name: "Cannot be done" }).click();
  assert.match((await answers(job))[0], /a person reported/);
  await page.close();
});

test("a late answer is refused, and the text is kept", async () => {
  const { page, job } = await task("slow");
  await page.getByLabel("Answer").fill("much work");
  await rig.api("POST", `jobs/${job}/cancel`, {});
  await rig.ended(job);
  await until(async () => {
    await page.getByRole("button", { name: "Send" }).click({ timeout: 1000 }).catch(() => {});
    return await page.getByText("What you have written is still here").count();
  }, "the refusal");
  assert.equal(await page.getByLabel("Answer").inputValue(), "much work");
  await page.getByRole("button", { name: "Copy the answer" }).waitFor();
  await page.close();
});

test("leaving the page gives the task back", async () => {
  const { page, job } = await task("given back");
  await page.goto(`${rig.url}/#/jobs`);
  const { leases } = await rig.api("POST", "leases",
    { functions: [`people_${serial}`], wait_s: 20, worker: "other" }, "hand");
  assert.equal(leases.length, 1);
  await rig.api("POST", `leases/${leases[0].token}/complete`, { result: "ok" }, "hand");
  assert.deepEqual(await answers(job), ["ok"]);
  await page.close();
});

test("no page had an error, and none broke the policy", () => {
  // The policy stops the script inside the picture even before it runs.
  assert.deepEqual(visitor.troubles, []);
});
