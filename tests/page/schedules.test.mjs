// Schedules on the page: added with the form, looked at, paused, removed; and by whom.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { fullRig, heading } from "./rig.mjs";

let rig, visitor;

before(async () => {
  rig = await fullRig();
  visitor = await rig.visitor("admin");
});
afterEach(async () => {
  for (const page of visitor.pages()) await page.close();
});
after(async () => {
  await rig?.end();
});

const fill = (page, label, text) => page.getByLabel(label, { exact: true }).fill(text);

async function ask(method, path, body, name = "admin") {
  const answer = await fetch(`${rig.url}/v1/${path}`, { method, body: body && JSON.stringify(body),
    headers: { Authorization: `Bearer ${rig.tokens[name]}`, "Content-Type": "application/json" } });
  return { status: answer.status, json: await answer.json() };
}

const often = (function_) => ({ cron: "* * * * *", job: { function: function_, items: ["a"] } });

test("without a schedule, the page says how to add one", async () => {
  const page = await visitor.open("#/schedules");
  await heading(page, "Schedules");
  await page.getByText("quern schedule add").waitFor();
  await page.getByRole("link", { name: "Add a schedule" }).click();
  await heading(page, "Submit a job");
  await page.getByLabel("Name of the schedule").waitFor();
});

test("a schedule is added with the form, paused, resumed and removed", async () => {
  const page = await visitor.open("#/submit?repeat=1");
  await fill(page, "Function", "echo");
  await page.getByRole("button", { name: "Lines", exact: true }).click();
  await fill(page, "Lines", "rye\noat\n");
  await fill(page, "Name of the schedule", "nightly <b>");
  await page.getByRole("button", { name: "Submit", exact: true }).click();
  await page.getByRole("alert").getByText("when it is due").waitFor();
  await fill(page, "Due", "0 3 1 1 * *");
  await page.getByRole("button", { name: "Submit", exact: true }).click();
  await page.getByRole("alert").getByText("6 fields").waitFor();
  await fill(page, "Due", "0 3 1 1 *");
  await fill(page, "Time zone", "Europe/Zurich");
  await page.getByRole("button", { name: "Submit", exact: true }).click();
  await heading(page, "nightly <b>");
  await page.getByText("It has not been due yet").waitFor();
  const { json } = await ask("GET", `schedules/${encodeURIComponent("nightly <b>")}`);
  assert.equal(json.zone, "Europe/Zurich");
  assert.equal(json.function, "echo");
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("button", { name: "Remove" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await heading(page, "Schedules");
  assert.deepEqual((await ask("GET", "schedules")).json.schedules, []);
  assert.deepEqual(visitor.troubles, []);
});

test("what happened is shown, with the job", async () => {
  assert.equal((await ask("PUT", "schedules/often", often("echo"))).status, 200);
  const page = await visitor.open("#/schedules/often");
  // The longest wait is a minute; the page looks again by itself.
  await page.getByText("ran", { exact: true }).first().waitFor({ timeout: 120_000 });
  await page.getByRole("table", { name: "History" }).getByRole("link").first().click();
  await page.locator("h1", { hasText: "often" }).waitFor();
  await page.goto(`${rig.url}/#/schedules`);
  await page.getByRole("link", { name: "often" }).waitFor();
  await ask("DELETE", "schedules/often");
});

test("others see no button for a schedule that is not theirs, and cannot change it", async () => {
  assert.equal((await ask("PUT", "schedules/mine", often("nobody_offers_it"), "owner")).status, 200);
  const other = await rig.visitor("reader");
  const page = await other.open("#/schedules");
  await page.getByText("No schedule").waitFor();
  await other.close();
  for (const [method, path] of [["DELETE", "schedules/mine"], ["POST", "schedules/mine/pause"]]) {
    const { status } = await ask(method, `${path}?owner=owner`, method === "POST" ? {} : undefined,
      "reader");
    assert.equal(status, 403, path);
  }
  const admin = await visitor.open("#/schedules/mine?owner=owner");
  await admin.getByRole("button", { name: "Pause" }).click();
  await admin.getByRole("button", { name: "Resume" }).waitFor();
});

test("a job that starts later says so", async () => {
  const job = await rig.submit({ function: "echo", items: ["a"], start_in_s: 3600 });
  const page = await visitor.open(`#/jobs/${job}`);
  await page.getByText("it starts at").first().waitFor();
});
