// Runs one test file: node run.mjs pages. Without a browser or the packages it says so and ends.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const missing = [
  [process.env.QUERN_CHROMIUM ?? "/usr/bin/chromium", "chromium is not installed"],
  [path.join(here, "node_modules/playwright-core"), "the packages of tests/page are not installed"],
].find(([file]) => !fs.existsSync(file));
const needsNone = process.argv[2] === "modules";
if (missing && !needsNone) {
  console.log(`skipped: ${missing[1]} (scripts/setup.sh --tests)`);
  process.exit(0);
}
// What it starts ends with it, also when it is killed because it takes too long.
const done = spawnSync("setpriv", ["--pdeathsig", "KILL", process.execPath,
  path.join(here, `${process.argv[2]}.test.mjs`)], { stdio: "inherit" });
process.exit(done.status ?? 1);
