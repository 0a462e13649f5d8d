// Solves our challenges with ALTCHA's own library under Node and with its stock widget in a browser. Run by challenge.rs.
// Reads {"key": hex, "challenges": […]} and prints {"library": [answer, …], "widget": [answer, …], "notes": […]}.

import assert from "node:assert/strict";
import { hkdfSync } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const tools = createRequire(new URL("../../../edge/package.json", import.meta.url));
const { chromium } = tools("playwright-core");
const { solveChallenge, verifySolution } = tools("altcha-lib");
const { deriveKey } = tools("altcha-lib/algorithms/pbkdf2");
const widget = new URL("../../../edge/node_modules/altcha/dist/main/altcha.js", import.meta.url);
const WAIT_MS = 60_000;

const { key, challenges } = JSON.parse(await text(process.stdin));
const notes = [];
const library = [];
for (const challenge of challenges) library.push(await byLibrary(challenge));
console.log(JSON.stringify({ library, widget: await byWidget(), notes }));

// The library makes the same keys, accepts our challenge and its own solution, and refuses what our verifier refuses.
async function byLibrary(challenge) {
  const start = performance.now();
  const solution = await solveChallenge({ challenge, deriveKey, timeout: WAIT_MS });
  notes.push(`library: ${solution.counter} tries in ${Math.round(performance.now() - start)} ms`);
  const secret = (use) => Buffer.from(hkdfSync("sha256", Buffer.from(key, "hex"), "", `tiffin/v1/challenge/${use}`, 32)).toString("hex");
  const judge = (challenge, solution) => verifySolution({
    challenge, solution, deriveKey, hmacSignatureSecret: secret("parameters"), hmacKeySignatureSecret: secret("derived-key"),
  });
  assert.equal((await judge(challenge, solution)).verified, true);
  const cheap = { ...challenge, parameters: { ...challenge.parameters, cost: 1 } };
  assert.equal((await judge(cheap, solution)).invalidSignature, true);
  const guessed = { ...solution, derivedKey: challenge.parameters.keyPrefix.padEnd(64, "0") };
  assert.equal((await judge(challenge, guessed)).invalidSolution, true);
  return btoa(JSON.stringify({ challenge: { parameters: challenge.parameters, signature: challenge.signature }, solution }));
}

// A page as a shop would write it: the member `challenge` of our reply goes to the widget unchanged, and the form carries the answer.
async function byWidget() {
  const page = `<!doctype html><title>Shop</title><link rel="icon" href="data:,"><script type="module" src="/altcha.js"></script>
<form><altcha-widget name="challenge"></altcha-widget></form>`;
  const server = createServer((request, response) => {
    const isScript = request.url === "/altcha.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? readFileSync(fileURLToPath(widget)) : page);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    timeout: WAIT_MS,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
  try {
    return await drive(await browser.newPage(), `http://127.0.0.1:${server.address().port}/`);
  } finally {
    await browser.close();
    server.close();
  }
}

async function drive(page, url) {
  page.setDefaultTimeout(WAIT_MS);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (line) => { if (line.type() === "error") complaints.push(line.text()); });
  const answers = [];
  for (const challenge of challenges) {
    await page.goto(url);
    await page.waitForFunction(() => document.querySelector("altcha-widget")?.configure);
    await page.evaluate((challenge) => document.querySelector("altcha-widget").configure({ challenge, minDuration: 0 }), challenge);
    const start = performance.now();
    await page.locator("altcha-widget input[type=checkbox]").press("Space");
    await page.waitForFunction(() => new FormData(document.forms[0]).get("challenge"));
    const took = performance.now() - start;
    const answer = await page.evaluate(() => new FormData(document.forms[0]).get("challenge"));
    notes.push(`widget: ${JSON.parse(atob(answer)).solution.counter} tries in ${Math.round(took)} ms`);
    answers.push(answer);
  }
  assert.deepEqual(complaints, []);
  return answers;
}
