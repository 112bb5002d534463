// What each key sees: no button that would fail, and the call fails too.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fullRig, heading, until } from "./rig.mjs";

let rig, mine, theirs;

before(async () => {
  rig = await fullRig();
  mine = await rig.submit({ function: "fail", items: ["x"], attempts: 1, name: "of owner" },
    "owner");
  theirs = await rig.submit({ function: "nobody_offers_it", items: ["x"], name: "of admin" });
  await rig.ended(mine);
});
after(async () => {
  await rig?.end();
});

const places = async (page) =>
  (await page.getByRole("navigation", { name: "Pages" }).getByRole("link").allTextContents())
    .filter((text) => text !== "Quern");

test("without a login there is only the login, and a wrong token is refused", async () => {
  const visitor = await rig.visitor(null);
  const page = await visitor.open("#/jobs");
  await page.getByLabel("Token").fill("qk1-wrong");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("alert").getByText(/token/i).waitFor();
  assert.equal(await page.getByRole("navigation").count(), 0);
});

test("submit: acts on its own jobs and on no others", async () => {
  const visitor = await rig.visitor("owner");
  let page = await visitor.open(`#/jobs/${mine}`);
  await page.getByRole("button", { name: "Retry failed…" }).waitFor();
  assert.deepEqual(await places(page),
    ["Overview", "Jobs", "Workers", "Functions", "Errors", "Schedules", "Submit"]);
  page = await visitor.open("#/workers/mill");
  await heading(page, "mill");
  assert.equal(await page.getByRole("button", { name: "Drain" }).count(), 0);
  page = await visitor.open("#/work");
  await page.getByText("This key may not work").waitFor();
});

test("read: no action anywhere, and the calls fail", async () => {
  const visitor = await rig.visitor("reader");
  const page = await visitor.open("#/jobs");
  await heading(page, "Jobs");
  await page.getByText(/no job|job/i).first().waitFor();
  assert.deepEqual(await places(page), ["Overview", "Jobs", "Workers", "Functions", "Errors",
    "Schedules"]);
  assert.equal(await page.getByText("All that match").count(), 0);
  assert.equal(await page.getByRole("link", { name: "Submit" }).count(), 0);
  const statuses = await page.evaluate(async (job) => {
    const post = async (where, body) => (await fetch(new URL(`v1/${where}`, document.baseURI),
      { method: "POST", body: JSON.stringify(body),
        headers: { "Content-Type": "application/json" } })).status;
    return [await post("jobs", { function: "echo", input: "x" }),
      await post(`jobs/${job}/cancel`, {}), await post(`jobs/${job}/retry`, {}),
      await post("workers/mill/drain", {}),
      await post("leases", { functions: ["echo"] })];
  }, mine);
  assert.ok(statuses.every((status) => [403, 404].includes(status)), String(statuses));
  for (const address of ["#/submit", "#/work", "#/audit"]) {
    const other = await visitor.open(address);
    await other.getByText(/may not|Only administrators/).first().waitFor();
  }
});

test("work: only work", async () => {
  const visitor = await rig.visitor("hand");
  const page = await visitor.open("");
  await heading(page, "Work");
  assert.deepEqual(await places(page), ["Work"]);
});

test("admin: acts on all jobs", async () => {
  const visitor = await rig.visitor("admin");
  const page = await visitor.open(`#/jobs/${mine}?tab=errors`);
  await page.getByRole("button", { name: "Retry this group" }).waitFor();
  assert.ok((await places(page)).includes("Audit"));
  const other = await visitor.open(`#/jobs/${theirs}`);
  await other.getByRole("button", { name: "Cancel…" }).waitFor();
});

test("logging out ends it, in the cookie too", async () => {
  const visitor = await rig.visitor("owner");
  const page = await visitor.open("#/jobs");
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByLabel("Token").waitFor();
  await page.reload();
  await page.getByLabel("Token").waitFor();
  assert.deepEqual((await visitor.cookies()).filter((one) => one.value), []);
});

test("the cookie is out of reach for scripts", async () => {
  const visitor = await rig.visitor("owner");
  const page = await visitor.open("#/jobs");
  const [cookie] = await visitor.cookies();
  assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, "Strict"]);
  assert.equal(await page.evaluate(() => document.cookie), "");
});

test("a revoked key is sent to the login", async () => {
  rig.token("leaver", "submit,read");
  const visitor = await rig.visitor("leaver");
  const page = await visitor.open("#/jobs");
  await heading(page, "Jobs");
  rig.quern("keys", "revoke", "leaver");
  await page.getByLabel("Token").waitFor();
});

test("a page that asks nothing learns from its stream that its key was revoked", async () => {
  rig.token("sleeper", "submit,read");
  const visitor = await rig.visitor("sleeper");
  const page = await visitor.newPage();
  // Whatever the page asks by itself is answered as if nothing had happened.
  await page.route(/v1\/jobs\?/, (route) => route.fulfill({ json: { jobs: [], next: null } }));
  await page.goto(`${rig.url}/#/jobs`);
  await page.locator(".signal.live").waitFor();
  rig.quern("keys", "revoke", "sleeper");
  await page.getByText("Your session has ended").waitFor();
  await page.getByLabel("Token").waitFor();
});

test("the link of quern up logs in, once, and leaves the address bar", async () => {
  const file = `${rig.folder}/login.token`;
  (await import("node:fs")).writeFileSync(file, rig.tokens.owner, { mode: 0o600 });
  await rig.stop(rig.gateway);
  await rig.startGateway("--login-token", file);
  const visitor = await rig.visitor(null);
  const page = await visitor.newPage();
  await page.goto(rig.loginUrl);
  await heading(page, "Overview");
  await until(() => !page.url().includes("login"), "the code to leave the address bar");
  const other = await rig.visitor(null);
  const late = await other.newPage();
  await late.goto(rig.loginUrl);
  await late.getByRole("alert").getByText(/used before/).waitFor();
});
