// What a browser sees of a console with many orders: time to the first paint, and to the page's data. A line of JSON.

import { createRequire } from "node:module";

const require = createRequire(new URL("../../../../edge/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const { CHROMIUM, CORE, TOKEN, ROUNDS } = process.env;
const PAGES = [["overview", "overview"], ["overview_week", "overview?span=week"], ["newest", "orders"], ["failed", "orders?state=failed"],
  ["rare_country", "orders?country=IS"], ["client_ref", "orders?what=signup-100000"]];

const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"] });
const first = await browser.newContext();
const made = await first.request.post(`${CORE}/console/session`, { data: { token: TOKEN } });
if (!made.ok()) throw new Error(`not signed in: ${made.status()} ${await made.text()}`);
const storageState = await first.storageState();
const seen = {};
for (const [name, hash] of PAGES) {
  seen[name] = [];
  for (let round = 0; round < Number(ROUNDS); round += 1) seen[name].push(await open(hash));
}
await browser.close();
console.log(JSON.stringify(seen));

// In a browser that knows nothing yet, but for who is signed in.
async function open(hash) {
  const context = await browser.newContext({ storageState, viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  await page.goto(`${CORE}/console/#/${hash}`);
  await page.waitForFunction(() => performance.getEntriesByName("tiffin:data").length > 0 && performance.getEntriesByName("first-contentful-paint").length > 0);
  const figures = await page.evaluate(() => ({
    first_paint_ms: performance.getEntriesByName("first-contentful-paint")[0].startTime,
    data_ms: performance.getEntriesByName("tiffin:data")[0].startTime,
    asked_ms: performance.getEntriesByType("resource").filter(({ name }) => name.includes("/ops/v1/")).reduce((most, { requestStart, responseEnd }) => Math.max(most, responseEnd - requestStart), 0),
    rows: document.querySelectorAll("tbody tr").length,
  }));
  await context.close();
  return figures;
}
