// The modules of the page that need no browser.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { big, integerIn, near, ratio } from "../../sdk/gateway/page/src/base/exact.js";
import * as format from "../../sdk/gateway/page/src/base/format.js";
import { around, edgesBetween, hasOtherNeighbours, layoutOf }
  from "../../sdk/gateway/page/src/job/neighbourhood.js";
import { Hub } from "../../sdk/gateway/page/src/stream/hub.js";
import { EventParser } from "../../sdk/gateway/page/src/stream/reader.js";
import { itemOf } from "../../sdk/gateway/page/src/work/item.js";

test("integers beyond 2^53 stay exact", () => {
  assert.equal(big("9007199254740993"), 9007199254740993n);
  assert.equal(format.count("9007199254740993"), "9,007,199,254,740,993");
  assert.equal(big(12), 12n);
  assert.equal(big(undefined), 0n);
  assert.equal(big("<img>"), 0n);
  assert.equal(ratio("4611686018427387904", "9223372036854775808"), 0.5);
  assert.equal(ratio(1, 0), 0);
  assert.equal(near("1e3"), 1000);
});

test("integers are read as people write them", () => {
  for (const [text, value] of [["1e12", 10n ** 12n], ["10^6", null], ["2*10^6", 2n * 10n ** 6n],
    ["1,000", 1000n], [" -5 ", -5n], ["1.5", null], ["", null], ["x", null]]) {
    assert.equal(integerIn(text), value, text);
  }
});

test("figures have units and few digits", () => {
  for (const [made, wanted] of [
    [format.short(999_999_999_999), "1.00 T"], [format.short(1234), "1,234"],
    [format.short(12_345), "12.3 k"], [format.rate(0), "–"], [format.rate(1.5e6), "1.50 M/s"],
    [format.percent(0.9999), "99.9 %"], [format.percent(1), "100 %"],
    [format.percent(0.0001), "< 0.1 %"], [format.percent(0), "0.0 %"],
    [format.duration(0.0005), "500 µs"], [format.duration(59.6), "60 s"],
    [format.duration(200), "3 min 20 s"], [format.duration(3600), "1 h"],
    [format.duration(90_000), "1 d 1 h"], [format.duration(null), "–"],
    [format.estimate(10, 2), "10 s ± 2.0 s"], [format.estimate(null, null), "–"],
    [format.bytes(1500), "1.50 kB"], [format.bytes(12), "12 B"],
    [format.interval(5, 1), "5"], [format.interval("1000", "24"), "1,000 to 1,023"],
    [format.grouped("of 2999999999999 done, 1234 wait"), "of 2,999,999,999,999 done, 1234 wait"],
    [format.cut("abcdef", 3), "abc… (6 characters)"], [format.clockIn(1e11), ""],
  ]) assert.equal(made, wanted);
});

test("events are read however they are cut", () => {
  const text = "retry: 2000\n\n: still here\n\nid: e.1\nevent: job\ndata: {\"a\":\ndata: 1}\n\n" +
    "id: e.2\nevent: resync\ndata: {}\n\n";
  for (let size = 1; size <= text.length; ++size) {
    const parser = new EventParser();
    const events = [];
    for (let at = 0; at < text.length; at += size) {
      events.push(...parser.feed(text.slice(at, at + size)));
    }
    assert.deepEqual(events, [{ type: "job", id: "e.1", data: "{\"a\":\n1}" },
      { type: "resync", id: "e.2", data: "{}" }], `cut every ${size}`);
  }
});

test("the input of a task for people is text, a picture, or asks by a schema", () => {
  const picture = "data:image/png;base64,AAAA";
  assert.equal(itemOf({ input: "plain" }).text, "plain");
  assert.equal(itemOf({ input: picture }).picture, picture);
  assert.equal(itemOf({ input: { image: picture, question: "What?" } }).title, "What?");
  assert.equal(itemOf({ input: JSON.stringify({ image: picture }) }).picture, picture);
  const asked = itemOf({ input: { schema: { type: "boolean", title: "Spam?" }, input: "text" } });
  assert.deepEqual([asked.title, asked.text, asked.schema.type], ["Spam?", "text", "boolean"]);
  const job = itemOf({ input: "a lemon", title: "Colour?", schema: { enum: ["red"] },
    instructions: "Look closely." });
  assert.deepEqual([job.title, job.about, job.text, job.schema],
    ["Colour?", "Look closely.", "a lemon", { enum: ["red"] }]);
  // A picture from elsewhere would tell its server who works here, and the policy forbids it.
  assert.equal(itemOf({ input: { image: "https://example.org/x.png" } }).picture, null);
  assert.equal(itemOf({ input: "data:text/html,<script>" }).picture, null);
});

/** A hub with one visible tab, whose streams end only when they are aborted. */
function hubWithTab(t) {
  t.after(() => {
    mock.timers.reset();
    mock.restoreAll();
  });
  mock.timers.enable({ apis: ["setInterval", "setTimeout", "Date"], now: 1e12 });
  const streams = [];
  mock.method(globalThis, "fetch", async (url, { signal }) => {
    const stream = { signal, send: null };
    streams.push(stream);
    const body = new ReadableStream({ start: (to) => {
      stream.send = (text) => to.enqueue(new TextEncoder().encode(text));
      stream.end = () => to.close();
      signal.addEventListener("abort", () => to.error(signal.reason));
    } });
    return { ok: true, status: 200, body };
  });
  const hub = new Hub();
  const said = [];
  const tab = hub.add((message) => said.push(message));
  hub.hear(tab, { url: "http://x/events", topics: ["jobs"], visible: true });
  return { hub, tab, said, streams };
}

const settled = () => new Promise((resolve) => { setImmediate(resolve); });

for (const [what, jump] of [["a sleep", 3600_000], ["a clock that was set back", -3600_000]]) {
  test(`after ${what} the stream is opened anew at once, and no tab is forgotten`, async (t) => {
    const { hub, said, streams } = hubWithTab(t);
    await settled();
    streams[0].send("id: e.7\nevent: job\ndata: {}\n\n");
    await settled();
    assert.equal(hub.state, "live");
    said.length = 0;
    // Timers of the mock do not run after their clock was set back.
    if (jump > 0) mock.timers.setTime(Date.now() + jump);
    else hub.checked -= jump;
    mock.timers.tick(5000);
    await settled();
    assert.equal(streams.filter((one) => !one.signal.aborted).length, 1);
    assert.ok(streams.length > 1, "the old one may be dead without anybody knowing");
    assert.equal(fetch.mock.calls.at(-1).arguments[1].headers["Last-Event-ID"], "e.7");
    assert.equal(hub.tabs.size, 1);
    assert.ok(!said.some((one) => one.state === "closed"));
  });
}

test("a tab that has crashed keeps no stream open", async (t) => {
  const { hub, streams } = hubWithTab(t);
  await settled();
  for (let n = 0; n < 16; ++n) mock.timers.tick(5000);
  await settled();
  assert.equal(hub.tabs.size, 0);
  assert.ok(streams.every((one) => one.signal.aborted));
});

test("the last event of a revoked key ends the stream for good", async (t) => {
  const { hub, said, streams } = hubWithTab(t);
  await settled();
  streams[0].send("event: end\ndata: {\"code\": \"denied\"}\n\n");
  streams[0].end();
  await settled();
  await settled();
  assert.equal(hub.state, "logged-out");
  assert.equal(said.at(-1).state, "logged-out");
  mock.timers.tick(1000);
  assert.equal(streams.length, 1, "it is not tried again at once");
});

/** Jobs from a list of [number, ...numbers that it needs]. */
function jobsOf(...list) {
  const jobs = new Map(list.map(([job, ...needs]) =>
    [job, { job, edges: needs.map((need) => ({ job: need, pattern: "each" })), consumers: [] }]));
  for (const [job, ...needs] of list) {
    for (const need of needs) jobs.get(need)?.consumers.push(job);
  }
  return { jobs, fetchJob: async (number) => jobs.get(number) ?? null };
}

const columnsIn = ({ places }) => Object.fromEntries(places.filter((one) => one.job)
  .map((one) => [one.job.job, one.column]));

test("a job stands right of everything that it needs", async () => {
  // 5 needs 1 directly, and through 3: its column counts the longer way.
  const { jobs, fetchJob } = jobsOf([1], [2], [3, 1, 2], [4, 3], [5, 4, 1], [6, 3], [7, 6, 5]);
  const layout = layoutOf(await around(jobs.get(3), fetchJob));
  assert.deepEqual(columnsIn(layout), { 1: 0, 2: 0, 3: 1, 4: 2, 5: 3, 6: 2, 7: 4 });
  const columns = columnsIn(layout);
  assert.equal(layout.edges.length, 8);
  for (const edge of layout.edges) assert.ok(columns[edge.from] < columns[edge.to]);
  const cells = layout.places.map((one) => `${one.column} ${one.row}`);
  assert.equal(new Set(cells).size, cells.length, "no two in one place");
});

test("siblings of a job are not around it", async () => {
  const { jobs, fetchJob } = jobsOf([1], [2, 1], [3, 1], [4, 2], [5, 3]);
  const { jobs: found } = await around(jobs.get(2), fetchJob);
  assert.deepEqual([...found.keys()].sort(), [1, 2, 4]);
});

test("a large graph is cut, and what is missing is counted", async () => {
  const wide = jobsOf([1], ...Array.from({ length: 40 }, (_, n) => [n + 2, 1]));
  let found = await around(wide.jobs.get(1), wide.fetchJob);
  assert.equal(found.jobs.size, 11);
  assert.deepEqual(found.rests, [{ level: 1, count: 30, isMore: false }]);
  const bushy = [[1]];
  for (let n = 2; n < 2000; ++n) bushy.push([n, Math.floor(n / 12) || 1]);
  const tree = jobsOf(...bushy);
  found = await around(tree.jobs.get(1), tree.fetchJob);
  assert.ok(found.jobs.size <= 60, String(found.jobs.size));
  const layout = layoutOf(found);
  assert.equal(layout.places.length, found.jobs.size + found.rests.length);
  const long = jobsOf([1], ...Array.from({ length: 30 }, (_, n) => [n + 2, n + 1]));
  found = await around(long.jobs.get(15), long.fetchJob);
  assert.deepEqual([...found.jobs.keys()].sort((a, b) => a - b),
    [11, 12, 13, 14, 15, 16, 17, 18, 19]);
  assert.deepEqual(found.rests, [{ level: -5, count: 1, isMore: false },
    { level: 5, count: 1, isMore: false }]);
});

test("a list that the API has cut says that there may be more", async () => {
  const centre = { job: 1, edges: [], consumers: Array.from({ length: 100 }, (_, n) => n + 2) };
  const found = await around(centre,
    async (job) => ({ job, edges: [{ job: 1, pattern: "each" }] }));
  assert.deepEqual(found.rests, [{ level: 1, count: 90, isMore: true }]);
});

test("jobs that are gone keep their place, and their edges", async () => {
  const { jobs, fetchJob } = jobsOf([2, 1], [3, 2]);
  const found = await around(jobs.get(2), async (job) => job === 3 ? null : fetchJob(job));
  assert.deepEqual([...found.jobs.values()].filter((job) => job.isGone).map((job) => job.job),
    [1, 3]);
  assert.deepEqual(edgesBetween(found.jobs).map((edge) => [edge.from, edge.to, edge.pattern]),
    [[1, 2, "each"], [2, 3, "unknown"]]);
  assert.deepEqual(columnsIn(layoutOf(found)), { 1: 0, 2: 1, 3: 2 });
});

test("only other neighbours make the graph load again", () => {
  const { jobs } = jobsOf([1], [2, 1], [3, 2]);
  const job = jobs.get(2);
  assert.equal(hasOtherNeighbours(job, { ...job, done: 5, state: "done" }), false);
  assert.equal(hasOtherNeighbours(job, { ...job, consumers: [3, 4] }), true);
});
