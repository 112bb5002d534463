// Several people answer the same items; the administrator sees how well.
import assert from "node:assert/strict";
import fs from "node:fs";
import { after, before, test } from "node:test";
import { fullRig } from "./rig.mjs";

let rig;

before(async () => {
  rig = await fullRig();
  rig.token("people", "work,read,admin");
  rig.token("ann", "work");
  rig.token("bob", "work");
  const file = `${rig.folder}/people.token`;
  fs.writeFileSync(file, rig.tokens.people, { mode: 0o600 });
  await rig.stop(rig.gateway);
  await rig.startGateway("--people-token", file);
});
after(async () => {
  await rig?.end();
});

/** The page of a person who has begun to work. */
async function worker(name, visitors) {
  const visitor = await rig.visitor(name);
  visitors.push(visitor);
  const page = await visitor.open("#/work?functions=colour");
  await page.getByRole("button", { name: "Begin" }).click();
  return page;
}

test("two agree: the item is done, and the record says who was right", async () => {
  const visitors = [];
  const job = await rig.submit({ function: "colour", items: [{ input: "a lemon", gold: "yellow" }],
    people: { answers: 3, agree: 2, title: "Which colour?", instructions: "The usual one.",
      schema: { enum: ["yellow", "red"] } } });
  for (const name of ["ann", "bob"]) {
    const page = await worker(name, visitors);
    await page.getByRole("heading", { name: "Which colour?" }).waitFor();
    await page.getByText("The usual one.").waitFor();
    await page.getByText("a lemon").waitFor();
    await page.keyboard.press("1");
    await page.keyboard.press("Enter");
    // Nobody answers an item twice.
    await page.getByText("Waiting for a task of colour").waitFor();
  }
  await rig.ended(job);
  const boss = await rig.visitor("admin");
  const page = await boss.open("#/work");
  const row = page.getByRole("table", { name: "People" }).getByRole("row", { name: /ann/ });
  await row.getByText("1 of 1, 100 %").first().waitFor();
  const result = await boss.open(`#/jobs/${job}/tasks/0`);
  await result.getByText(/"agreed": true/).waitFor();
  assert.deepEqual(visitors.flatMap((one) => one.troubles), []);
  for (const one of [...visitors, boss]) await one.close();
});

test("a skipped item goes to somebody else and never comes back", async () => {
  const visitors = [];
  await rig.submit({ function: "colour", items: ["a cherry"], people: { answers: 1 } });
  const ann = await worker("ann", visitors);
  await ann.getByText("a cherry").waitFor();
  await ann.getByRole("button", { name: "Skip" }).click();
  await ann.getByText("Waiting for a task of colour").waitFor();
  const bob = await worker("bob", visitors);
  await bob.getByText("a cherry").waitFor();
  for (const one of visitors) await one.close();
});

test("people without the role admin see no record of others", async () => {
  const visitor = await rig.visitor("ann");
  const page = await visitor.open("#/work");
  await page.getByRole("button", { name: "Begin" }).waitFor();
  assert.equal(await page.getByRole("region", { name: "People" }).count(), 0);
  const status = await page.evaluate(async () =>
    (await fetch(new URL("v1/people", document.baseURI))).status);
  assert.equal(status, 403);
});
