// axe-core finds nothing on any page, in both themes, wide and narrow; the layout holds.
import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { fullRig } from "./rig.mjs";

const AXE = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let rig, addresses;

before(async () => {
  rig = await fullRig();
  const odd = await rig.submit({ function: "even", items: [...Array(60).keys()],
    encoding: "value", attempts: 1, name: "parity" });
  const huge = await rig.submit({ function: "primes", range: [1, 1e12], name: "census" });
  await rig.submit({ function: "label", items: [{ input: "text", schema: { type: "object",
    properties: { grain: { title: "Grain", enum: ["rye", "oat"] }, n: { type: "integer" } } } }] });
  await rig.ended(odd);
  const waiting = await rig.submit({ function: "nobody_offers_it", items: ["a", "b"] });
  const fed = await rig.submit({ function: "echo", from: { job: waiting }, name: "fed" });
  for (let n = 0; n < 12; ++n) {
    await rig.submit({ function: "echo", items: ["x"], after: [fed, odd], name: `after ${n}` });
  }
  await rig.schedule("nightly", { cron: "30 2 * * *", job: { function: "echo", input: "x" } });
  addresses = ["#/", "#/jobs", `#/jobs/${huge}`, `#/jobs/${odd}?tab=timeline`,
    `#/jobs/${odd}?tab=errors`, `#/jobs/${odd}?tab=results`, `#/jobs/${odd}/tasks/1`, "#/workers",
    "#/workers/mill", "#/functions", "#/errors", "#/submit", "#/work", "#/work?functions=label",
    `#/jobs/${fed}`, `#/jobs/${fed}?tab=graph`, `#/jobs/${fed}/tasks/0`, "#/submit?input=from",
    "#/schedules", "#/schedules/nightly", "#/submit?repeat=1", "#/audit", "#/nothing"];
});
after(async () => {
  await rig?.end();
});

async function findings(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  return violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" | ")}`);
}

// Colours do not depend on the width, so the dark theme is looked at in one width only.
for (const [colorScheme, width] of [["light", 1360], ["light", 390], ["dark", 1360]]) {
  test(`${colorScheme}, ${width} wide`, async (t) => {
    const look = { colorScheme, viewport: { width, height: 844 }, bypassCSP: true };
    const stranger = await rig.visitor(null, look);
    await t.test("login", async () => {
      const page = await stranger.open("");
      await page.getByLabel("Token").waitFor();
      assert.deepEqual(await findings(page), []);
    });
    const visitor = await rig.visitor("admin", look);
    for (const address of addresses) {
      await t.test(address, async () => {
        const page = await visitor.open(address);
        await page.locator("main h1").waitFor();
        const begin = page.getByRole("button", { name: "Begin" });
        if (address.includes("=label")) {
          await begin.click();
          await page.getByRole("region", { name: "Task" }).waitFor();
        }
        await page.locator(".loading").first().waitFor({ state: "detached" });
        if (address.endsWith("tab=graph")) await page.getByText("Jobs as a table").click();
        assert.deepEqual(await findings(page), []);
        assert.equal(await page.evaluate(() =>
          document.documentElement.scrollWidth - window.innerWidth), 0, "no scrolling sideways");
        await page.goto("about:blank");  // gives a pulled task back
        await page.close();
      });
    }
    await t.test("dialogs", async () => {
      const page = await visitor.open("#/workers/mill");
      await page.getByRole("button", { name: "Drain…" }).click();
      await page.getByRole("dialog").waitFor();
      await page.getByText("gets no others").waitFor();
      assert.deepEqual(await findings(page), []);
    });
    await visitor.close();
    await stranger.close();
  });
}

test("the switch of colours works against the system's setting, and stays", async () => {
  const visitor = await rig.visitor("reader", { colorScheme: "dark" });
  const page = await visitor.open("#/jobs");
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await ground();
  await page.getByRole("button", { name: /colours; change to/ }).click();
  const light = await ground();
  assert.notEqual(light, dark);
  await page.reload();
  await page.locator("main h1").waitFor();
  assert.equal(await ground(), light);
});
