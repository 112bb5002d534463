// Names and errors that are markup or very long run no script and do not break the layout.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fullRig } from "./rig.mjs";

const MARKUP = "<img src=x onerror=window.pwned=1>";
const LONG = `${"looooong".repeat(24)}`;
const BIDI = "\u202Ecod.exe\u202C \u0007";
let rig, visitor, job, fed, addresses;

before(async () => {
  rig = await fullRig();
  await rig.startWorker("<svg onload=window.pwned=2>");
  job = await rig.submit({ function: "fail", attempts: 1, name: MARKUP,
    items: [MARKUP, "<script>window.pwned=3</script>", "javascript:window.pwned=4", LONG, BIDI] });
  await rig.submit({ function: `<b onmouseover=window.pwned=5>`, items: ["x"], name: LONG });
  await rig.submit({ function: "echo", items: [MARKUP, LONG, BIDI], name: BIDI });
  fed = await rig.submit({ function: MARKUP, from: { job, ended: true }, name: MARKUP });
  await rig.submit({ function: "echo", items: ["x"], after: [fed], name: LONG });
  await rig.submit({ function: LONG, items: ["x"], after: [fed, job + 2], name: BIDI });
  await rig.ended(job);
  visitor = await rig.visitor("admin");
  addresses = ["#/", "#/jobs", `#/jobs/${job}`, `#/jobs/${job}?tab=errors`,
    `#/jobs/${job}?tab=results`, `#/jobs/${job}?tab=timeline`, `#/jobs/${job}/tasks/0`,
    `#/jobs/${job + 2}?tab=results`, `#/jobs/${job + 1}`, `#/jobs/${fed}`,
    `#/jobs/${fed}?tab=graph`, `#/jobs/${fed + 2}?tab=graph`, "#/workers", "#/functions", "#/errors",
    "#/workers/%3Csvg%20onload%3Dwindow.pwned%3D2%3E", "#/submit",
    `#/${encodeURIComponent(MARKUP)}`, `#/jobs?q=${encodeURIComponent(MARKUP)}`];
});
after(async () => {
  await rig?.end();
});

for (const width of [1360, 390]) {
  test(`at a width of ${width}`, async (t) => {
    for (const address of addresses) {
      await t.test(address, async () => {
        const page = await visitor.open(address);
        await page.setViewportSize({ width, height: 844 });
        await page.locator("main h1").waitFor();
        await page.locator(".loading").first().waitFor({ state: "detached" });
        const state = await page.evaluate(() => ({ pwned: window.pwned,
          over: document.documentElement.scrollWidth - window.innerWidth,
          images: document.querySelectorAll("main img").length,
          scripts: document.querySelectorAll("main script, main b[onmouseover]").length }));
        assert.deepEqual(state, { pwned: undefined, over: 0, images: 0, scripts: 0 });
        await page.close();
      });
    }
  });
}

test("the texts are there as they are", async () => {
  const page = await visitor.open(`#/jobs/${job}?tab=errors`);
  await page.getByRole("heading", { level: 1, name: MARKUP }).waitFor();
  await page.getByText("cannot grind <script>window.pwned=3</script>").first().waitFor();
});

test("no page had an error, and none broke the policy", () => {
  assert.deepEqual(visitor.troubles, []);
});
