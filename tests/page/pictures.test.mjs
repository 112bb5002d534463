// What can be done with the pictures of a job, and what the audit table says.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fullRig, heading, until } from "./rig.mjs";

let rig, visitor, job;

before(async () => {
  rig = await fullRig();
  job = await rig.submit({ function: "even", items: [...Array(60).keys()], encoding: "value",
    attempts: 1, name: "parity" });
  await rig.ended(job);
  visitor = await rig.visitor("admin");
});
after(async () => {
  await rig?.end();
});

const picture = (canvas) => canvas.evaluate((element) => element.toDataURL());

/** Where a part of the canvas is on the screen. */
async function point(canvas, part, down = 0.5) {
  const box = await canvas.boundingBox();
  return [box.x + box.width * part, box.y + box.height * down];
}

async function openBar() {
  const page = await visitor.open(`#/jobs/${job}`);
  await page.getByText("Drag to zoom, click for a task").waitFor();
  return { page, canvas: page.locator(".bar-frame canvas") };
}

test("a click on the bar opens the task that is there", async () => {
  for (const [part, task] of [[0.01, 0], [0.508, 30], [0.99, 59]]) {
    const { page, canvas } = await openBar();
    await page.mouse.click(...await point(canvas, part));
    await page.waitForURL(new RegExp(`#/jobs/${job}/tasks/${task}$`));
    await heading(page, new RegExp(`Task ${task}\\b`));
    await page.close();
  }
});

test("the bar says what is under the pointer, and its legend filters", async () => {
  const { page, canvas } = await openBar();
  await page.mouse.move(...await point(canvas, 0.025));
  await page.getByText("Task 1: failed").waitFor();
  const before = await picture(canvas);
  await page.getByRole("group", { name: "Tasks by state" }).getByRole("button", { name: "failed" })
    .click();
  assert.match(page.url(), /tasks=failed/);
  const table = page.getByRole("table", { name: "Tasks by state" });
  await until(async () => await table.locator("tbody tr").count() === 30, "30 failed tasks");
  assert.equal(await table.getByText("done").count(), 0);
  await until(async () => await picture(canvas) !== before, "the bar to show only them");
  await page.close();
});

test("dragging on the bar zooms in, and all is shown again", async () => {
  const { page, canvas } = await openBar();
  const before = await picture(canvas);
  await page.mouse.move(...await point(canvas, 0.252));
  await page.mouse.down();
  await page.mouse.move(...await point(canvas, 0.4));
  await page.mouse.move(...await point(canvas, 0.498));
  await page.mouse.up();
  await page.getByText("15 to 29").waitFor();
  await until(async () => await picture(canvas) !== before, "the part");
  await page.mouse.move(...await point(canvas, 0.01));
  await page.getByText("Task 15: failed").waitFor();
  await page.getByRole("button", { name: "Show all" }).click();
  await page.mouse.move(1, 1);
  await until(async () => await picture(canvas) === before, "the whole");
  await page.close();
});

test("the timeline is zoomed by buttons, keys and the wheel, and moved by dragging", async () => {
  const page = await visitor.open(`#/jobs/${job}?tab=timeline`);
  const canvas = page.locator("canvas.timeline");
  await canvas.waitFor();
  let before = "";
  await until(async () => {
    const now = await picture(canvas);
    const isStill = now === before && now.length > 500;
    before = now;
    return isStill;
  }, "the picture");
  const all = () => until(async () => await picture(canvas) === before, "the whole timeline");
  const other = (than, what) => until(async () => await picture(canvas) !== than, what);

  await page.getByRole("button", { name: "Zoom in" }).click();
  await other(before, "the zoom by the button");
  const half = await picture(canvas);
  await page.getByRole("button", { name: "Zoom in" }).click();
  await other(half, "a second zoom");
  await page.getByRole("button", { name: "Zoom out" }).click();
  await until(async () => await picture(canvas) === half, "the first zoom again");
  await page.mouse.move(...await point(canvas, 0.5, 0.1));
  await page.mouse.down();
  await page.mouse.move(...await point(canvas, 0.6, 0.1));
  await page.mouse.move(...await point(canvas, 0.7, 0.1));
  await page.mouse.up();
  await other(half, "the move");
  await page.getByRole("button", { name: "Show all" }).click();
  await all();

  await canvas.focus();
  await page.keyboard.press("+");
  await other(before, "the zoom by the key");
  await page.keyboard.press("0");
  await all();

  await page.mouse.move(...await point(canvas, 0.5, 0.1));
  await page.keyboard.down("Control");
  await page.mouse.wheel(0, -200);
  await page.keyboard.up("Control");
  await other(before, "the zoom by the wheel");
  await page.close();
});

test("a click on a lease of the timeline opens its first task", async () => {
  const page = await visitor.open(`#/jobs/${job}?tab=timeline`);
  const canvas = page.locator("canvas.timeline");
  await canvas.waitFor();
  const readout = page.locator(".readout");
  let first = null;
  await until(async () => {
    for (let part = 0.01; part < 1; part += 0.02) {
      const at = await point(canvas, part, 0.1);
      await page.mouse.move(...at);
      const found = /: tasks ([\d,]+).*, (done|failed),/.exec(await readout.textContent());
      if (!found) continue;
      first = found[1];
      await page.mouse.click(...at);
      return true;
    }
    return false;
  }, "a lease under the pointer");
  await page.waitForURL(new RegExp(`#/jobs/${job}/tasks/${first}$`));
  await page.close();
});

test("the audit table says who did what to what, with which outcome, and why", async () => {
  await rig.submit({ function: "echo", input: "x", name: "for the record" }, "owner");
  await assert.rejects(rig.api("POST", `jobs/${job}/cancel`, {}, "owner"), /403/);
  rig.quern("keys", "revoke", "hand");
  const page = await visitor.open("#/audit");
  const table = page.getByRole("table", { name: "Records" });
  await table.waitFor();
  const cells = async (...texts) => {
    let row = table.locator("tbody tr");
    for (const text of texts) row = row.filter({ hasText: text });
    await until(async () => {
      if (await row.count()) return true;
      await page.reload();
      await table.waitFor();
      return false;
    }, `a record with ${texts.join(", ")}`);
    return row.first().locator("th, td").allTextContents();
  };
  const denied = await cells("owner", "cancel", `job ${job}`);
  assert.match(denied[0], /\d/);
  assert.equal(denied[1], "owner");
  assert.match(denied[2], new RegExp(`^cancel job ${job}$`));
  assert.match(denied[3], /^deny$/);
  assert.match(denied[4], /needs the role admin/);
  const allowed = await cells("owner", "submit function echo");
  assert.match(allowed[3], /^allow$/);
  await cells("revoke key", "hand");

  await page.getByLabel("Search who, action or detail").fill("needs the role admin");
  await until(async () => (await table.locator("tbody tr").allTextContents())
    .every((text) => text.includes("needs the role admin")), "the search");
  assert.match(page.url(), /q=needs/);
  await page.getByLabel("Search who, action or detail").fill("nothing has this in it");
  await page.getByText("No record matches").waitFor();
  await page.close();
});

test("no page had an error, and none broke the policy", () => {
  assert.deepEqual(visitor.troubles, []);
});
