// The one stream: shared by tabs, closed while nobody looks, back after the gateway was gone; and
// the page under a path prefix.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { fullRig, heading, until } from "./rig.mjs";
import { startProxy } from "./proxy.mjs";

let rig, proxy, visitor;

before(async () => {
  rig = await fullRig();
  proxy = await startProxy(rig);
  visitor = await rig.visitor("admin", {}, proxy.url);
});
after(async () => {
  proxy?.close();
  await rig?.end();
});

// A test that fails leaves no tab to the next one.
afterEach(async () => {
  for (const page of visitor.pages()) await page.close();
});

/** Makes a tab think that it is hidden, or visible again. */
async function setVisible(page, isVisible) {
  await page.evaluate((state) => {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
    document.dispatchEvent(new Event("visibilitychange"));
  }, isVisible ? "visible" : "hidden");
}

const live = (page) => page.locator(".signal.live").waitFor();

test("under a prefix: two tabs share one stream, and both are live", async () => {
  const [one, two] = [await visitor.open("#/jobs"), await visitor.open("#/jobs")];
  await live(one);
  await live(two);
  // A stream that was replaced ends a moment after its successor has begun.
  await until(() => proxy.streams === 1, "one stream for both");
  await rig.submit({ function: "echo", input: "x", name: "news" });
  await one.getByText("news").waitFor();
  await two.getByText("news").waitFor();
  assert.equal(proxy.streams, 1);
  await one.close();
  await live(two);
  await two.close();
  await until(() => proxy.streams === 0, "the stream to close with its last tab");
});

test("hidden tabs ask nothing; the last one closes the stream; they catch up", async () => {
  const page = await visitor.open("#/jobs");
  let asked = 0;
  const open = new Set();
  page.on("request", (one) => { asked += 1; open.add(one); });
  page.on("requestfinished", (one) => open.delete(one));
  page.on("requestfailed", (one) => open.delete(one));
  await live(page);
  await setVisible(page, false);
  await until(() => proxy.streams === 0 && open.size === 0, "the stream and requests to end");
  asked = 0;
  await rig.submit({ function: "echo", input: "x", name: "meanwhile" });
  // A page that asks every two and every twenty seconds would have done so by now.
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 5000)));
  assert.equal(asked, 0);
  assert.equal(await page.getByText("meanwhile").count(), 0);
  const before = proxy.opened;
  await setVisible(page, true);
  await page.getByText("meanwhile").waitFor();
  assert.ok(proxy.opened > before);
  assert.notEqual(proxy.lastIds.at(-1), "", "it continues after the last event");
  await page.close();
});

test("after the gateway has restarted, the page goes on by itself", async () => {
  const page = await visitor.open("#/jobs");
  await live(page);
  await rig.stop(rig.gateway);
  await page.locator(".signal.trying").waitFor();
  await rig.startGateway();
  await live(page);
  await rig.submit({ function: "echo", input: "x", name: "afterwards" });
  await page.getByText("afterwards").waitFor();
  await page.close();
});

test("an event wins over what was fetched before; a job ends on the page", async () => {
  const job = await rig.submit({ function: "sleep", items: Array(20).fill(50_000),
    encoding: "value", name: "short" });
  const page = await visitor.open(`#/jobs/${job}`);
  await page.locator("h1 ~ .badge", { hasText: "done" }).waitFor();
  await page.getByText("Ran for").waitFor();
  await page.close();
});

test("when events come faster than answers, the page still shows something", async () => {
  const alone = await rig.visitor("admin", {}, proxy.url);
  await alone.addInitScript(() => {
    delete window.SharedWorker;
    const real = window.fetch;
    const event = `event: job\ndata: ${JSON.stringify({ job: 1, state: "running", done: 1,
      failed: 0, cancelled: 0, leased: 1, pending: 1, total: 3 })}\n\n`;
    window.fetch = async (url, options) => {
      if (!String(url).includes("/events")) return real(url, options);
      const body = new ReadableStream({ start: (to) => {
        const timer = setInterval(() => to.enqueue(new TextEncoder().encode(event)), 10);
        options.signal.addEventListener("abort", () => {
          clearInterval(timer);
          to.error(options.signal.reason);
        });
      } });
      return new Response(body, { status: 200 });
    };
  });
  for (const [address, shown] of [["#/", ".stats"], ["#/jobs", "table"]]) {
    const page = await alone.newPage();
    let asked = 0;
    await page.route(/v1\/jobs\?/, async (route) => {
      ++asked;
      await new Promise((resolve) => setTimeout(resolve, 500));
      await route.continue().catch(() => {});
    });
    await page.goto(`${proxy.url}/${address}`);
    await page.locator(shown).first().waitFor();
    assert.ok(asked < 5, `${asked} requests for one list`);
    await page.close();
  }
  await alone.close();
});

test("without a shared worker, a tab has a stream of its own", async () => {
  const alone = await rig.visitor("admin", {}, proxy.url);
  await alone.addInitScript(() => { delete window.SharedWorker; });
  const page = await alone.open("#/workers");
  await live(page);
  await rig.startWorker("newcomer");
  await page.getByText("newcomer").waitFor();
  await alone.close();
});

test("every page works under the prefix", async () => {
  for (const [address, title] of [["#/", "Overview"], ["#/jobs", "Jobs"], ["#/workers", "Workers"],
    ["#/functions", "Functions"], ["#/errors", "Errors"], ["#/submit", "Submit a job"],
    ["#/work", "Work"], ["#/audit", "Audit"], ["#/schedules", "Schedules"]]) {
    const page = await visitor.open(address);
    await heading(page, title);
    assert.equal(await page.locator(".failure").count(), 0, address);
    await page.close();
  }
  assert.deepEqual(visitor.troubles, []);
});
