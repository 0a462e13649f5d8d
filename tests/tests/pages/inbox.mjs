// Drives the sandbox's inbox page. Run by main.rs beside it; prints what it checked, fails by an exception.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../../edge/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const { CHROMIUM, SANDBOX, API, KEY, PHONES } = process.env;
const [first, second] = PHONES.split(",");
const WAIT_MS = 20_000;

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
try {
  const page = await open();
  await live(page);
  await copies(page);
  await follows(page);
  await narrow(page);
  assert.deepEqual(page.complaints, []);
  console.log("inbox page: live, copies by mouse and keyboard, no overflow at 375 px, no console errors");
} finally {
  await browser.close();
}

async function open() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: SANDBOX });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  page.complaints = [];
  page.loads = 0;
  page.on("console", (line) => { if (["error", "warning"].includes(line.type())) page.complaints.push(line.text()); });
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("requestfailed", (request) => {
    if (request.resourceType() !== "eventsource") page.complaints.push(`failed: ${request.url()}`);
  });
  page.on("load", () => { page.loads += 1; });
  await page.goto(SANDBOX);
  await page.locator("#link[data-state=live]").waitFor();
  await page.locator("#empty-title").waitFor();
  return page;
}

// The conversation and the code come without a reload, and the message's status moves on to delivered.
async function live(page) {
  await order(first);
  const code = await page.locator("button.code b").textContent();
  assert.match(code, /^\d{6}$/);
  assert.equal(code, await sentTo(first));
  const talk = await page.locator("#talk-title").textContent();
  assert.equal(talk.replaceAll(" ", ""), first);
  assert.equal(await page.locator("#phones button").count(), 1);
  await page.locator(".tick[data-status=delivered]").waitFor();
  assert.equal(page.loads, 1);
}

async function copies(page) {
  const button = page.locator("button.code");
  const code = await button.locator("b").textContent();
  const ways = [["mouse", () => button.click()], ["keyboard", () => button.press("Enter")], ["space", () => button.press(" ")]];
  for (const [way, press] of ways) {
    await page.evaluate(() => navigator.clipboard.writeText("nothing yet"));
    await press();
    await page.locator("button.code[data-copied]").getByText("Copied").waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), code, way);
    await page.locator("button.code:not([data-copied])").getByText("Copy", { exact: true }).waitFor();
  }
  assert.match(await button.getAttribute("aria-label"), new RegExp([...code].join(" ")));
}

// A second phone's conversation joins the first, and can be reached by keyboard.
async function follows(page) {
  await order(second);
  await page.locator("#phones button").nth(1).waitFor();
  await page.locator("#phones button").first().focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForFunction((phone) => document.getElementById("talk-title").textContent.replaceAll(" ", "") === phone, first);
  assert.equal(await page.locator("button.code b").textContent(), await sentTo(first));
  assert.equal(page.loads, 1);
}

async function narrow(page) {
  await page.setViewportSize({ width: 375, height: 667 });
  for (const view of ["", `#${new URLSearchParams({ to: second })}`]) {
    await page.evaluate((hash) => { location.hash = hash; }, view);
    await page.locator(view ? "#messages button.code" : "#phones button >> nth=1").waitFor();
    const { wide, at } = await page.evaluate(() => ({
      wide: document.documentElement.scrollWidth,
      at: [...document.querySelectorAll("body *")]
        .filter((element) => element.checkVisibility() && !element.closest(".unseen, svg"))
        .filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5)
        .map((element) => `${element.tagName}.${element.className}`),
    }));
    assert.ok(wide <= 375, `${wide} px wide at "${view}": ${at}`);
    assert.deepEqual(at, [], `sticks out at "${view}"`);
  }
}

async function order(phone) {
  const reply = await fetch(`${API}/v1/orders`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json", "idempotency-key": `"page-${phone}"` },
    body: JSON.stringify({ to: { phone }, service: "login" }),
  });
  assert.equal(reply.status, 202, await reply.text());
}

async function sentTo(phone) {
  const { messages } = await (await fetch(`${SANDBOX}/inbox?to=${encodeURIComponent(phone)}`)).json();
  return messages[0].text.match(/\d{6}/)[0];
}
