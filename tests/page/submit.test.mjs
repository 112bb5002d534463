// The page Submit in full, open jobs, and actions on many jobs at a time.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fullRig, heading, until } from "./rig.mjs";

let rig, visitor;

before(async () => {
  rig = await fullRig("--label", "site=north", "--resource", "gpu=2");
  visitor = await rig.visitor("admin");
});
after(async () => {
  await rig?.end();
});

/** Fills in the form and submits it; resolves to the job's page and what was sent. */
async function submitForm(fill) {
  const page = await visitor.open("#/submit");
  await heading(page, "Submit a job");
  await fill(page);
  const sending = page.waitForRequest((one) => one.method() === "POST" &&
    /v1\/jobs(\?|$)/.test(one.url()));
  await page.getByRole("button", { name: "Submit", exact: true }).click();
  const sent = await sending;
  await page.waitForURL(/#\/jobs\/\d+/);
  return { page, sent, job: Number(/jobs\/(\d+)/.exec(page.url())[1]) };
}

const fill = (page, label, text) => page.getByLabel(label, { exact: true }).fill(text);

async function lines(page, text) {
  await page.getByRole("button", { name: "Lines", exact: true }).click();
  await fill(page, "Lines", text);
}

async function results(job) {
  const answer = await fetch(`${rig.url}/v1/jobs/${job}/results`,
    { headers: { Authorization: `Bearer ${rig.tokens.admin}` } });
  return (await answer.text()).trim().split("\n").map((line) => JSON.parse(line))
    .filter((line) => !line.end).map((line) => line.result);
}

test("labels and resources: a job waits for a worker that has them", async () => {
  const { page, job } = await submitForm(async (form) => {
    await fill(form, "Function", "echo");
    await lines(form, "rye\n");
    await form.getByText("Where it runs, and with what").click();
    await fill(form, "Labels", "site=north, floor=2");
    await fill(form, "Resources of a task", "gpu=1.5");
  });
  await page.getByText("waiting", { exact: true }).first().waitFor();
  await rig.startWorker("upstairs", "--label", "site=north", "--label", "floor=2", "--resource",
    "gpu=2");
  assert.equal((await rig.ended(job)).done, 1);
  await page.close();
});

test("labels that are none are said", async () => {
  const page = await visitor.open("#/submit");
  await fill(page, "Function", "echo");
  await lines(page, "rye\n");
  await page.getByText("Where it runs, and with what").click();
  for (const [field, text, why] of [["Labels", "north", "Labels: \"north\""],
    ["Resources of a task", "gpu=many", "Resources: \"gpu=many\""]]) {
    await fill(page, field, text);
    await page.getByRole("button", { name: "Submit", exact: true }).click();
    await page.getByRole("alert").getByText(why).waitFor();
    await fill(page, field, "");
  }
  await page.close();
});

test("the common input reaches every task, however long it is", async () => {
  for (const common of ["{\"a\":  1.0}", "x".repeat(20_000)]) {
    const { job, page } = await submitForm(async (form) => {
      await fill(form, "Function", "common");
      await lines(form, "a\nb\n");
      await form.getByText("Where it runs, and with what").click();
      await fill(form, "Common input", common);
    });
    await rig.ended(job);
    assert.deepEqual(await results(job), [common, common]);
    await page.close();
  }
});

test("a job for people: answers, agreement, question and form", async () => {
  const form = { enum: ["rye", "oat"] };
  const { sent, page } = await submitForm(async (made) => {
    await fill(made, "Function", "label");
    await lines(made, "a picture\n");
    await made.getByText("Work for people").click();
    await made.getByLabel("People do the tasks, on the page Work").check();
    await fill(made, "Answers", "3");
    await fill(made, "How many must agree", "2");
    await fill(made, "Question", "Which grain?");
    await fill(made, "Form", JSON.stringify(form));
  });
  const people = JSON.parse(new URL(sent.url()).searchParams.get("people"));
  assert.deepEqual(people, { answers: 3, agree: 2, title: "Which grain?", schema: form });
  await page.close();
});

test("a form that cannot be used is refused before anybody sees it", async () => {
  const page = await visitor.open("#/submit");
  await fill(page, "Function", "label");
  await lines(page, "a\n");
  await page.getByText("Work for people").click();
  await page.getByLabel("People do the tasks, on the page Work").check();
  for (const [schema, why] of [["{", "The form is not JSON"],
    ["{\"enum\": []}", "\"schema.enum\" must be a list with at least one choice"]]) {
    await fill(page, "Form", schema);
    await page.getByRole("button", { name: "Submit", exact: true }).click();
    await page.getByRole("alert").getByText(why).waitFor();
  }
  await page.close();
});

test("an open job gets items on its page until it is closed", async () => {
  const { page, job } = await submitForm(async (form) => {
    await fill(form, "Function", "echo");
    await form.getByRole("button", { name: "None yet" }).click();
  });
  const dialog = page.getByRole("dialog", { name: "Add items" });
  const add = async (text) => {
    await page.getByRole("button", { name: "Add items…" }).click();
    await dialog.getByLabel("Lines", { exact: true }).fill(text);
    await dialog.getByRole("button", { name: "Add", exact: true }).click();
  };
  await add("rye\nwheat\n");
  await page.getByText("2 items added").waitFor();
  // An answer that is lost, and the same again: nothing is added twice.
  let isLost = false;
  await page.route(/\/items\?/, async (route) => {
    if (isLost) return route.continue();
    isLost = true;
    await route.fetch();
    return route.abort();
  });
  await add("oat\n");
  await dialog.getByRole("alert").getByText("The gateway does not answer").waitFor();
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await dialog.getByRole("alert").getByText("has 3 items").waitFor();
  await dialog.getByRole("button", { name: "Close", exact: true }).last().click();
  await page.getByRole("button", { name: "Close…" }).click();
  await page.getByText("has 3 items and will take no more").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Close the job" }).click();
  assert.equal((await rig.ended(job)).state, "done");
  assert.deepEqual(await results(job), ["rye", "wheat", "oat"]);
  await until(async () => !(await page.getByRole("button", { name: "Add items…" }).count()),
    "the buttons of an open job to go");
  await page.close();
});

test("who may not add to an open job sees no button for it", async () => {
  const job = await rig.submit({ function: "echo", open: true, name: "theirs" }, "owner");
  const page = await visitor.open(`#/jobs/${job}`);
  await page.getByRole("button", { name: "Cancel…" }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Add items…" }).count(), 0);
  assert.equal(await page.getByRole("button", { name: "Close…" }).count(), 0);
  await page.close();
});

test("an action on many jobs sends four requests at once, and collects the errors", async () => {
  const count = 25;
  for (let n = 0; n < count; ++n) {
    await rig.submit({ function: "nobody_offers_it", items: ["a"], name: `many ${n}` });
  }
  const page = await visitor.open("#/jobs?q=many");
  await page.getByText("many 24").waitFor();
  let open = 0, most = 0, sent = 0;
  await page.route(/\/cancel$/, async (route) => {
    most = Math.max(most, ++open);
    const isRefused = ++sent % 10 === 0;
    const answer = isRefused ? null : await route.fetch();
    await new Promise((resolve) => setTimeout(resolve, 50));  // so that they overlap
    --open;
    if (answer) return route.fulfill({ response: answer });
    return route.fulfill({ status: 503, json: { code: "queue_full", detail: "Not now." } });
  });
  await page.getByText("All that match").click();
  await page.getByRole("button", { name: "Cancel jobs…" }).click();
  await page.getByRole("button", { name: "Cancel them" }).click();
  await page.getByText(/^\d+ of 25 jobs…$/).first().waitFor();
  await page.getByText("2 jobs of 25 could not be changed, the first because: Not now.").waitFor();
  assert.equal(sent, count);
  assert.equal(most, 4);
  await page.close();
});

test("no page had an error, and none broke the policy", () => {
  assert.deepEqual(visitor.troubles, []);
});
