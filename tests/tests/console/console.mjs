// An operator's day at the console. Run by pages.rs beside it; prints what it did, fails by an exception.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../../edge/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const { CHROMIUM, CORE, API, SANDBOX, KEY, TOKEN, SUPPORT, VIEWER, PHONES, DEAD, SHOTS } = process.env;
const [phone, other] = PHONES.split(",");
const WAIT_MS = 20_000;
const NARROW = { width: 380, height: 800 };
const WIDE = { width: 1280, height: 900 };

const heading = (page, name) => page.getByRole("heading", { level: 1, name });
const press = (page, name) => page.getByRole("button", { name, exact: true }).first().click();
const dialog = (page) => page.locator("dialog[open]");
const PAGES = [["overview", "Overview"], ["orders", "Orders"], ["routes", "Routes"], ["routes/twilio-sms", "twilio-sms"], ["abuse", "Abuse"], ["escalations", "Escalations"],
  ["escalations?state=resolved", "Escalations"], ["escalations/1", "Codes are late"], ["dead", "Dead letters"], ["tenants", "Tenants"], ["tenants/dev", "dev"], ["webhooks", "Webhooks"], ["webhooks/dev/main", "dev / main"],
  ["operators", "Operators"], ["audit", "Audit"]];

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
const did = [];
try {
  const order = await place(phone, "cart-4711");
  const page = await open();
  await refusesAStranger(page);
  await signsIn(page, "ann", TOKEN);
  await looksAtTheOverview(page);
  await findsAnOrder(page, order);
  await sendsAnotherWay(page, order);
  await holdsABreaker(page);
  await weighsABackup(page);
  await worksOnAnEscalation(page);
  await replaysADeadLetter(page);
  await addsAnOperator(page);
  await putsMoneyIn(page);
  await addsAnEndpoint(page);
  await letsAPumpedPrefixGo(page);
  await looksAtANetworkAndAPhone(page);
  await everyPage(page, order);
  await waitsForCore(page);
  await signsOut(page);
  await seesWhyNot(order);
  assert.deepEqual(page.complaints, []);
  console.log(did.join("\n"));
} catch (error) {
  for (const page of browser.contexts().flatMap((context) => context.pages())) {
    if (SHOTS) await page.screenshot({ path: `${SHOTS}/failed.png`, fullPage: true });
    console.error(`at ${page.url()} the page says: ${(await page.locator("main").innerText()).slice(0, 2000)}`);
  }
  throw error;
} finally {
  await browser.close();
}

async function open() {
  const context = await browser.newContext({ viewport: WIDE, bypassCSP: false });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  page.complaints = [];
  // Chromium itself says that a request was refused: where a refusal is what is tried, that is no complaint.
  page.refusals = 0;
  page.on("console", (line) => {
    const text = line.text();
    if (!["error", "warning"].includes(line.type())) return;
    if (page.refusals > 0 && text.includes("the server responded with a status of 4")) page.refusals -= 1;
    else page.complaints.push(text);
  });
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  await page.addInitScript(() => {
    globalThis.violations = [];
    addEventListener("securitypolicyviolation", (event) => globalThis.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
  });
  await page.goto(`${CORE}/console/`);
  return page;
}

async function place(to, client_ref) {
  const response = await fetch(`${API}/v1/orders`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json", "idempotency-key": `"${to}-${client_ref}"` },
    body: JSON.stringify({ to: { phone: to }, service: "login", client_ref }),
  });
  const body = await response.json();
  assert.equal(response.status, 202, JSON.stringify(body));
  return body.id;
}

async function go(page, hash, name) {
  await page.goto(`${CORE}/console/#/${hash}`);
  await heading(page, name).waitFor();
}

async function refusesAStranger(page) {
  await page.locator("#token").fill("op_of-nobody");
  page.refusals += 1;
  await page.keyboard.press("Enter");
  await page.getByText("No operator has this token.").waitFor();
  await check(page, "sign-in");
}

async function signsIn(page, name, token) {
  await page.locator("#name").fill(name);
  await page.locator("#token").fill(token);
  await page.keyboard.press("Enter");
  await page.locator("nav").waitFor();
  const cookies = await page.context().cookies();
  assert.ok(cookies.every((cookie) => cookie.httpOnly && cookie.sameSite === "Strict" && !cookie.value.includes(token)));
  assert.equal(await page.evaluate(() => localStorage.length + sessionStorage.length), 0, "nothing is kept in the browser");
  did.push("signed in, by keyboard; a wrong token was refused");
}

async function looksAtTheOverview(page) {
  await heading(page, "Overview").waitFor();
  await page.locator(".tile", { hasText: "Orders" }).locator("b", { hasText: /^[1-9]/ }).waitFor();
  await page.getByRole("img", { name: "Orders", exact: true }).waitFor();
  for (const span of ["Last day", "Last week", "Last hour"]) {
    await page.getByRole("link", { name: span }).click();
    await page.locator("[aria-current=true]", { hasText: span }).waitFor();
  }
  // Live: another order counts without a reload.
  const orders = page.locator(".tile", { hasText: "Orders" }).locator("b").first();
  const before = Number(await orders.textContent());
  await place(other, "live");
  await page.waitForFunction((before) => Number(document.querySelector(".tile b").textContent) > before, before);
  did.push("overview: three spans, live");
}

async function findsAnOrder(page, order) {
  await go(page, "orders", "Orders");
  const states = await page.getByLabel("State").locator("option").allTextContents();
  assert.deepEqual(states, ["any", "queued", "sending", "sent", "delivered", "verified", "failed", "expired", "cancelled"]);
  await page.locator(`a[href="#/orders/${order}"]`).waitFor();
  await page.getByLabel("Order id or client reference").fill("cart-4711");
  await press(page, "Find");
  await page.locator("tbody tr").nth(1).waitFor({ state: "detached" });
  await page.getByLabel("Order id or client reference").fill("");
  await page.getByLabel("Phone").fill(phone);
  await press(page, "Find");
  await page.locator(`a[href="#/orders/${order}"]`).waitFor();
  assert.ok(!page.url().includes(encodeURIComponent(phone).slice(3)), "the number stands in the address");
  await page.locator(`a[href="#/orders/${order}"]`).click();
  await page.getByText("delivered", { exact: true }).first().waitFor();
  await page.getByRole("img", { name: /Timeline: attempt 1 by/ }).waitFor();
  assert.ok((await page.locator(".story li").count()) >= 3);
  assert.ok(!(await page.content()).includes(phone), "the number stands in the page");
  await page.getByText("the message arrived").waitFor();
  const trace = await page.locator(".facts div", { hasText: "Trace" }).locator("code").textContent();
  assert.match(trace, /^[0-9a-f]{32}$/);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await press(page, "Copy the trace id");
  await page.getByText("the trace id: copied").waitFor({ state: "attached" });
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), trace);
  did.push("found an order by reference and by phone, read its timeline, and why it cannot be called off");
}

async function sendsAnotherWay(page, order) {
  await go(page, `orders/${order}`, order);
  await press(page, "Send another way");
  await dialog(page).getByLabel("Why").fill("says code 889464 does not work");
  await losesAnAnswer(page, "**/retry", () => dialog(page).getByRole("button", { name: "Send" }).click());
  await page.getByText(/says code 000000 does not work/).first().waitFor();
  await page.getByRole("img", { name: /Timeline: attempt 1 by .*attempt 2 by/ }).waitFor();
  const attempts = page.locator(".panel", { has: page.getByRole("heading", { name: "Attempts" }) }).locator("tbody tr");
  assert.equal(await attempts.count(), 2, "it was sent twice more");
  did.push("sent the code another way, once though the answer was lost");
}

async function holdsABreaker(page) {
  await go(page, "routes", "Routes");
  await page.getByRole("link", { name: "twilio-sms", exact: true }).click();
  await press(page, "Hold open");
  await dialog(page).getByRole("button", { name: "Hold open" }).click();
  await page.getByText("open, held").waitFor();
  await place(other, "another way");
  await go(page, "orders", "Orders");
  await page.locator("tbody tr").first().getByText(/^(twilio-sms-2|vonage-sms)/).waitFor();
  await go(page, "routes/twilio-sms", "twilio-sms");
  await press(page, "Release");
  await dialog(page).getByRole("button", { name: "Release" }).click();
  await page.getByText("closed", { exact: true }).first().waitFor();
  await page.getByRole("img", { name: /The breaker since .* open at .* closed at/ }).waitFor();
  await page.getByRole("row", { name: /open an operator holds it open/ }).waitFor();
  await page.getByRole("img", { name: "Call to receipt" }).waitFor();
  await page.getByRole("row", { name: /^IN / }).waitFor();
  did.push("held a breaker open: the next code went another way; released it");
}

// What is in force is what is offered: who sets a weight alone leaves the priority, and the file's say in it.
async function weighsABackup(page) {
  await go(page, "routes/twilio-sms-2", "twilio-sms-2");
  const stands = (name, text) => page.locator(".facts div", { hasText: name }).getByText(text, { exact: true }).waitFor();
  await press(page, "Change priority and weight");
  const [priority, weight] = ["Priority", "Weight, or nothing"].map((label) => dialog(page).getByLabel(label));
  assert.deepEqual([await priority.inputValue(), await weight.inputValue()], ["3", ""]);
  for (const input of [priority, weight]) {
    assert.deepEqual([await input.getAttribute("min"), await input.getAttribute("max")], ["0", "65535"]);
  }
  await weight.fill("5");
  if (SHOTS) await page.screenshot({ path: `${SHOTS}/dialog-weigh.png` });
  const asked = page.waitForRequest((request) => request.method() === "PUT");
  await dialog(page).getByRole("button", { name: "Change" }).click();
  assert.deepEqual((await asked).postDataJSON(), { weight: 5 });
  await stands("Weight", "5");
  await stands("Priority", "3");
  await press(page, "As the file says");
  await dialog(page).getByRole("button", { name: "Drop it" }).click();
  await stands("Weight", "none: figures decide");
  did.push("gave a backup gateway a weight: its priority stayed as it was");
}

// Core does what it is asked for, and its answer is lost: the same button asks by the same key, and it is done once.
async function losesAnAnswer(page, path, again) {
  const keys = [];
  await page.route(path, async (route) => {
    if (route.request().method() !== "POST") return route.continue();
    keys.push(route.request().headers()["idempotency-key"]);
    if (keys.length > 1) return route.continue();
    await route.fetch();
    return route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify({ detail: "The ledger does not answer." }) });
  });
  await again();
  await dialog(page).getByRole("alert").filter({ hasText: "it is done once at most" }).waitFor();
  if (SHOTS) await page.screenshot({ path: `${SHOTS}/dialog-lost-${keys[0].slice(0, 4)}.png` });
  await again();
  await dialog(page).waitFor({ state: "detached" });
  await page.unroute(path);
  assert.ok(keys.length === 2 && keys[0] === keys[1] && keys[0].length > 30, keys.join());
  page.complaints = page.complaints.filter((said) => !said.includes("the server responded with a status of 503"));
}

async function worksOnAnEscalation(page) {
  await go(page, "escalations", "Escalations");
  await press(page, "Open one");
  await dialog(page).getByLabel("In a line").fill("Codes are late in one city");
  await dialog(page).getByLabel("What is known").fill("Three callers since noon, one with 889464.");
  await losesAnAnswer(page, "**/ops/v1/escalations", () => dialog(page).getByRole("button", { name: "Open it" }).click());
  await page.getByRole("link", { name: /Codes are late/ }).waitFor();
  assert.equal(await page.getByRole("link", { name: /Codes are late/ }).count(), 1, "it was opened twice");
  await page.getByRole("link", { name: /Codes are late/ }).click();
  await page.getByText("Three callers since noon, one with 000000.").waitFor();
  await press(page, "Take it");
  await dialog(page).getByRole("button", { name: "Take it" }).click();
  await page.locator(".facts", { hasText: "Owner" }).getByText("ann").waitFor();
  await press(page, "Resolve");
  await dialog(page).getByLabel("How it was settled").fill("The provider has mended it.");
  await dialog(page).getByRole("button", { name: "Resolve" }).click();
  await page.getByText("resolved", { exact: true }).first().waitFor();
  did.push("opened an escalation, once though the answer was lost; took and resolved it");
}

async function replaysADeadLetter(page) {
  await go(page, "dead", "Dead letters");
  await page.getByText("delivered too often").waitFor();
  await press(page, "Replay");
  await dialog(page).getByRole("button", { name: "Replay" }).click();
  await page.getByText("1 replayed").waitFor();
  await page.getByText("No dead letters.").waitFor();
  await go(page, `orders/${DEAD}`, DEAD);
  await page.getByText("delivered", { exact: true }).first().waitFor();
  did.push("replayed a dead letter: its code arrived");
}

async function addsAnOperator(page) {
  await go(page, "operators", "Operators");
  await press(page, "Add an operator");
  await dialog(page).getByLabel("Name").fill("eve");
  await dialog(page).getByRole("button", { name: "Add" }).click();
  assert.match(await dialog(page).locator("input.secret").inputValue(), /^op_/);
  await page.keyboard.press("Escape");
  await page.getByRole("rowheader", { name: "eve" }).waitFor();
  await page.getByRole("row", { name: /^eve / }).getByRole("button", { name: "Remove" }).click();
  await dialog(page).getByRole("button", { name: "Remove" }).click();
  await page.getByRole("rowheader", { name: "eve" }).waitFor({ state: "detached" });
  await go(page, "audit", "Audit");
  await page.getByText("operator.remove eve").waitFor();
  did.push("added and removed an operator, and found it in the audit");
}

async function putsMoneyIn(page) {
  await go(page, "tenants/dev", "dev");
  await page.getByRole("row", { name: /^\d+ .*hold/ }).first().waitFor();
  await press(page, "Put money in");
  await dialog(page).getByLabel("Amount").fill("12.5");
  await dialog(page).getByLabel("Reference").fill("transfer-1");
  await dialog(page).getByRole("button", { name: "Put in" }).click();
  await page.getByRole("row", { name: /credit transfer-1 12\.5000 USD/ }).waitFor();
  await looksFurtherBack(page, "ledger", "tenants/dev", "dev");
  await looksFurtherBack(page, "audit", "audit", "Audit");
  did.push("put money in: the books say so");
}

// There is more, and it does not come: the page says so beside the button, which works when core is back.
async function looksFurtherBack(page, what, hash, name) {
  const path = new RegExp(`/ops/v1/.*${what}\\?newest_first`);
  await page.route(path, async (route) => {
    if (route.request().url().includes("before=")) return route.abort("connectionrefused");
    const response = await route.fetch();
    return route.fulfill({ response, json: { ...(await response.json()), next: 2 } });
  });
  await go(page, "overview", "Overview");
  await go(page, hash, name);
  const button = page.getByRole("button", { name: "Older ones" });
  const rows = await page.locator("table").last().locator("tbody tr").count();
  await button.click();
  await page.getByRole("alert").filter({ hasText: "Core does not answer." }).waitFor();
  await check(page, `older-${what}`);
  await page.unroute(path);
  await button.click();
  await button.waitFor({ state: "detached" });
  assert.ok((await page.locator("table").last().locator("tbody tr").count()) > rows, "no older rows came");
  page.complaints = page.complaints.filter((said) => !said.includes("net::ERR_CONNECTION_REFUSED"));
  did.push(`looked further back in the ${what}: why nothing came, then what came`);
}

// Nobody takes events there.
async function addsAnEndpoint(page) {
  await go(page, "webhooks", "Webhooks");
  await press(page, "Add an endpoint");
  await dialog(page).getByLabel("Tenant").fill("dev");
  await dialog(page).getByLabel("Address").fill(`${SANDBOX}/nowhere?token=s3cret`);
  await dialog(page).getByRole("button", { name: "Add" }).click();
  assert.ok((await dialog(page).locator("input.secret").inputValue()).startsWith("whsec_"));
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "dev / main" }).click();
  await press(page, "Send a test");
  await dialog(page).getByRole("button", { name: "Send" }).click();
  await page.getByRole("row", { name: /webhook\.test .* 404 / }).waitFor();
  await page.getByText(`${SANDBOX}/nowhere`, { exact: true }).waitFor();
  assert.ok(!(await page.content()).includes("s3cret"), "the query stands in the page");
  did.push("added a webhook endpoint; its test came to nothing, and why");
  await deliversAgain(page);
}

// The log is a long one here: a call looks through so many rows, and takes as many events as there is room for.
async function deliversAgain(page) {
  const answers = [{ replayed: 0, next: 65_536 }, { replayed: 7, next: 70_000 }, { replayed: 2 }];
  const asked = [];
  await page.route("**/dev/main/replay", (route) => {
    asked.push(route.request().postDataJSON());
    return route.fulfill({ json: answers[asked.length - 1] });
  });
  await press(page, "Deliver again");
  await dialog(page).getByLabel("Those of the last hours").fill("6");
  await dialog(page).getByRole("button", { name: "Deliver", exact: true }).click();
  await dialog(page).getByText("7 events will be delivered again. There are more").waitFor();
  await dialog(page).getByRole("button", { name: "Deliver the rest" }).click();
  await dialog(page).getByRole("button", { name: "Deliver", exact: true }).click();
  await dialog(page).getByText("2 events will be delivered again.", { exact: true }).waitFor();
  assert.equal(await dialog(page).count(), 1);
  await press(page, "Close");
  await page.unroute("**/dev/main/replay");
  assert.deepEqual(asked.map(({ from }) => from), [0, 65_536, 70_000]);
  assert.equal(new Set(asked.map(({ since_ms }) => since_ms)).size, 1);
  did.push("had events delivered again, as far as the log goes");
}

// A pump: orders to one prefix, and no code comes back.
async function letsAPumpedPrefixGo(page) {
  await go(page, "abuse", "Abuse");
  await page.getByText("Nothing looks pumped").waitFor();
  for (let n = 0; n < 12; n += 1) await place(`+91987654${String(n).padStart(4, "0")}`, `pump-${n}`);
  const verdict = page.getByRole("row", { name: /prefix .*challenge.* unverified/ });
  await verdict.waitFor();
  assert.ok(!(await page.content()).includes("987654"), "the prefix stands in the page");
  await check(page, "abuse-pumped");
  await verdict.getByRole("button", { name: "Let it go" }).click();
  await dialog(page).getByRole("button", { name: "Let it go" }).click();
  await page.getByText(/was let go\. The edge follows/).waitFor();
  await verdict.waitFor({ state: "detached" });
  await page.getByText("Nothing looks pumped").waitFor();
  await go(page, "audit", "Audit");
  await page.getByText(/abuse\.release dev\/IN\//).waitFor();
  did.push("saw a pumped prefix challenged, and why; let it go");
}

async function looksAtANetworkAndAPhone(page) {
  await go(page, "abuse", "Abuse");
  await press(page, "Look at a network");
  await dialog(page).getByLabel("Address").fill("2001:db8:1:2::7");
  await dialog(page).getByRole("button", { name: "Look" }).click();
  await page.getByRole("heading", { name: "Network of 2001:db8:1:2::7" }).waitFor();
  await dialog(page).getByText("30 more").waitFor();
  await dialog(page).getByRole("button", { name: "Let it go" }).click();
  await dialog(page).getByRole("button", { name: "Let it go" }).click();
  await page.getByText("starts anew.", { exact: false }).waitFor();
  await press(page, "Unlock a phone");
  await dialog(page).getByLabel("Tenant").fill("dev");
  await dialog(page).getByLabel("Phone").fill("12");
  await dialog(page).getByLabel("Why").fill("The owner calls, and is known.");
  page.refusals += 1;
  await dialog(page).getByRole("button", { name: "Unlock" }).click();
  await dialog(page).getByRole("alert").filter({ hasText: "phone:" }).waitFor();
  await dialog(page).getByLabel("Phone").fill(phone);
  await dialog(page).getByRole("button", { name: "Unlock" }).click();
  await page.getByText("Nothing was locked").waitFor();
  await go(page, "audit", "Audit");
  await page.getByText(/phone\.unlock /).waitFor();
  assert.ok(!(await page.content()).includes(phone.slice(1)), "the number stands in the audit");
  did.push("looked at a network and let it go; unlocked a phone; both are in the audit, by keyed hash");
}

// Core goes, and comes back: the page says so, and goes on by itself.
async function waitsForCore(page) {
  const away = async (scene) => {
    await page.route("**/ops/v1/**", (route) => route.abort("connectionrefused"));
    await scene();
    page.complaints = page.complaints.filter((said) => !said.includes("net::ERR_CONNECTION_REFUSED"));
    await page.unroute("**/ops/v1/**");
  };
  await go(page, "routes", "Routes");
  await away(() => page.getByText("Core does not answer. What is shown is not fresh.").waitFor());
  await page.getByRole("alert").waitFor({ state: "detached" });
  await away(async () => {
    await page.goto(`${CORE}/console/#/tenants`);
    await page.getByText("Core does not answer. Asking again…").waitFor();
    await check(page, "core-gone");
  });
  await page.getByRole("rowheader", { name: "dev" }).waitFor();
  page.complaints = page.complaints.filter((said) => !said.includes("net::ERR_CONNECTION_REFUSED"));
  did.push("core was away: two pages said so, and went on by themselves");
}

async function everyPage(page, order) {
  for (const size of [NARROW, WIDE]) {
    await page.setViewportSize(size);
    for (const [hash, name] of [...PAGES, [`orders/${order}`, order]]) {
      await go(page, hash, name);
      await check(page, hash, [size]);
    }
  }
  await page.setViewportSize(WIDE);
  did.push(`${PAGES.length + 1} pages at 380 and 1280 px, light and dark: axe 0, overflow 0, policy 0`);
}

// What axe finds, what is too wide, what the policy stopped.
async function check(page, name, sizes = [NARROW, WIDE]) {
  for (const [size, scheme] of sizes.flatMap((size) => [[size, "dark"], [size, "light"]])) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize(size);
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(wider, 0, `${name} is ${wider} px too wide at ${size.width}`);
    if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name.replace(/\W/g, "_").slice(0, 24)}-${size.width}-${scheme}.png`, fullPage: true });
    // Not by a script element, which the page's policy would rightly stop.
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    const said = violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(" | ")}`);
    assert.deepEqual(said, [], `${name} at ${size.width}, ${scheme}`);
  }
  assert.deepEqual(await page.evaluate(() => globalThis.violations), [], name);
}

async function signsOut(page) {
  await press(page, "Sign out");
  await heading(page, "Operators' console").waitFor();
  await page.goto(`${CORE}/console/#/routes`);
  await page.reload();
  await heading(page, "Operators' console").waitFor();
  did.push("signed out");
}

// Who looks sees what there is, and why it is not for him.
async function seesWhyNot(order) {
  for (const [token, role] of [[VIEWER, "viewer"], [SUPPORT, "support"]]) {
    const page = await open();
    await page.locator("#token").fill(token);
    await page.keyboard.press("Enter");
    await page.locator("nav").waitFor();
    assert.equal(await page.getByRole("link", { name: "Operators" }).count(), 0);
    await go(page, "routes/twilio-sms", "twilio-sms");
    await page.getByText("needs the role operator").first().waitFor();
    assert.ok(await page.getByRole("button", { name: "Hold open" }).isDisabled());
    await go(page, `orders/${order}`, order);
    assert.equal(await page.getByRole("button", { name: "Escalate" }).isDisabled(), role === "viewer");
    assert.equal(await page.getByText("Needs the role support.").count(), role === "viewer" ? 1 : 0);
    await check(page, `as ${role}`);
    await go(page, "webhooks/dev/main", "dev / main");
    assert.equal(await page.getByText("for the role support").count() > 0, role === "viewer", "what the receiver answered");
    await check(page, `webhook as ${role}`);
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  }
  did.push("viewer and support see why they may not");
}
