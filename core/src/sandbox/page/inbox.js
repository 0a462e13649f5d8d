// The inbox: conversations by address, newest first, kept live by server-sent events.
// What a message says is only ever set as text.

const $ = (id) => document.getElementById(id);
const KEPT = 2000; // messages: what a page holds in memory under a load test
const PHONES_SHOWN = 100;
const MESSAGES_SHOWN = 50;
const RETRY_MS = 2000;
const CHANNELS = { email: "Email", sms: "SMS", telegram: "Telegram", voice: "Call", whatsapp: "WhatsApp" };
const narrow = matchMedia("(max-width: 47.5rem)");

const messages = new Map(); // id → message, oldest first
const statuses = new Map();
const unread = new Map();
const phones = new Map(); // address → its button in the list
const bubbles = new Map(); // id → its item in the conversation
let shown = null;
let loaded = false;
let drawing = false;

connect();
addEventListener("hashchange", () => {
  draw();
  if (chosen()) $("talk-title").focus({ preventScroll: true });
  scrollTo(0, 0);
});
narrow.addEventListener("change", later);
document.addEventListener("visibilitychange", later);
$("back").addEventListener("click", () => { location.hash = ""; });
$("clear").addEventListener("click", () => fetch("/inbox", { method: "DELETE" }).catch(() => {}));
$("phones").addEventListener("keydown", walk);
$("curl").textContent = `curl http://${location.hostname}:8787/v1/orders \\
  -H "Authorization: Bearer $KEY" \\
  -H "Idempotency-Key: \\"$(date +%s)\\"" \\
  -H "Content-Type: application/json" \\
  -d '{"to": {"phone": "+919876543210"}, "service": "login"}'`;
$("curl-copy").addEventListener("click", async ({ currentTarget }) => {
  currentTarget.textContent = (await copy($("curl").textContent)) ? "Copied" : "Select it";
  setTimeout(() => { currentTarget.textContent = "Copy"; }, 1600);
});

function connect() {
  const source = new EventSource("/inbox/events");
  source.addEventListener("open", () => {
    link("live");
    refresh();
    document.dispatchEvent(new Event("tiffin:faults"));
  });
  source.addEventListener("error", () => {
    link("reconnecting");
    // The browser gives up for good on an answer that is no stream, such as a 503.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS);
  });
  source.addEventListener("message", ({ data }) => arrive(JSON.parse(data)));
  source.addEventListener("status", ({ data }) => {
    const { id, status } = JSON.parse(data);
    if (messages.has(id)) statuses.set(id, status);
    later();
  });
  source.addEventListener("cleared", forget);
  source.addEventListener("resync", refresh);
  source.addEventListener("faults", () => document.dispatchEvent(new Event("tiffin:faults")));
}

function link(state) {
  $("link").dataset.state = state;
  $("link-text").textContent = state;
}

// Whatever was missed while the stream was down.
async function refresh() {
  try {
    const [inbox, states] = await Promise.all(["/inbox", "/inbox/statuses"].map(async (path) => (await fetch(path)).json()));
    const live = [...messages.values()];
    messages.clear();
    for (const message of inbox.messages.reverse()) keep(message);
    const newest = inbox.messages.at(-1)?.at ?? "";
    for (const message of live) if (message.at > newest) keep(message);
    for (const [id, status] of Object.entries(states.statuses)) if (messages.has(id)) statuses.set(id, status);
    loaded = true;
    later();
  } catch {
    link("reconnecting");
    setTimeout(refresh, RETRY_MS);
  }
}

function arrive(message) {
  if (messages.has(message.id)) return;
  keep(message);
  if (message.to !== current() || document.hidden) unread.set(message.to, (unread.get(message.to) ?? 0) + 1);
  const code = codeOf(message.text);
  $("announce").textContent = `New message for ${message.to}${code ? `, code ${[...code].join(" ")}` : ""}`;
  later();
}

function keep(message) {
  messages.set(message.id, message);
  if (messages.size <= KEPT) return;
  const [oldest] = messages.keys();
  messages.delete(oldest);
  statuses.delete(oldest);
}

function forget() {
  for (const map of [messages, statuses, unread]) map.clear();
  $("announce").textContent = "The inbox is empty";
  if (location.hash) history.replaceState(null, "", location.pathname);
  later();
}

// The address in the URL; without one, a wide page follows the newest message.
const chosen = () => new URLSearchParams(location.hash.slice(1)).get("to") ?? "";
const current = () => chosen() || (narrow.matches ? "" : shown ?? "");

function later() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => { drawing = false; draw(); });
}

function draw() {
  if (!loaded) return;
  const talks = new Map();
  for (const message of [...messages.values()].reverse()) {
    if (!talks.has(message.to)) talks.set(message.to, []);
    talks.get(message.to).push(message);
  }
  const [newest = null] = talks.keys();
  shown = chosen() || newest;
  if (!document.hidden) unread.delete(current());
  const view = talks.size === 0 ? "empty" : chosen() ? "talk" : "list";
  $("main").dataset.view = view;
  $("empty").hidden = view !== "empty";
  $("talk").hidden = view === "empty";
  $("clear").hidden = view === "empty";
  $("phones-none").hidden = view !== "empty";
  const waiting = [...unread.values()].reduce((sum, count) => sum + count, 0);
  document.title = waiting ? `(${waiting}) Tiffin sandbox` : "Tiffin sandbox";
  drawPhones(talks);
  drawTalk(shown, talks.get(shown) ?? []);
}

function drawPhones(talks) {
  const items = [...talks].slice(0, PHONES_SHOWN).map(([to, [newest]]) => {
    if (!phones.has(to)) phones.set(to, phone(to));
    const { item, button, at, text, badge } = phones.get(to);
    button.setAttribute("aria-current", String(to === current()));
    at.textContent = clock(newest.at);
    text.textContent = newest.text;
    badge.hidden = !unread.has(to);
    badge.textContent = unread.get(to) ?? "";
    badge.setAttribute("aria-label", `${unread.get(to) ?? 0} unread`);
    return item;
  });
  arrange($("phones"), items);
  for (const to of phones.keys()) if (!talks.has(to)) phones.delete(to);
}

function phone(to) {
  const button = make("button", "phone", { type: "button" });
  const at = make("time", "phone-at");
  const text = make("span", "phone-text");
  const badge = make("span", "phone-unread");
  button.append(make("span", "phone-to", { textContent: to }), at, text, badge);
  button.addEventListener("click", () => { location.hash = new URLSearchParams({ to }); });
  const item = make("li");
  item.append(button);
  return { item, button, at, text, badge };
}

function drawTalk(to, talk) {
  $("talk-title").textContent = to ?? "";
  const gateways = [...new Set(talk.map((message) => message.gateway))].join(", ");
  $("talk-sub").textContent = talk.length ? `${talk.length} ${talk.length === 1 ? "message" : "messages"} by ${gateways}` : "No messages";
  const visible = talk.slice(0, MESSAGES_SHOWN);
  const items = visible.map((message) => {
    if (!bubbles.has(message.id)) bubbles.set(message.id, bubble(message));
    const { item, tick, word, use } = bubbles.get(message.id);
    const status = statuses.get(message.id) ?? "queued";
    if (tick.dataset.status !== status) {
      tick.dataset.status = status;
      word.textContent = status;
      use.setAttribute("href", `#${status}`);
    }
    return item;
  });
  arrange($("messages"), items);
  const ids = new Set(visible.map((message) => message.id));
  for (const id of bubbles.keys()) if (!ids.has(id)) bubbles.delete(id);
  $("talk-more").textContent = talk.length > visible.length ? `The newest ${visible.length} of ${talk.length} are shown.` : "";
}

function bubble(message) {
  const age = Date.now() - Date.parse(message.at);
  const box = make("article", age < 5000 ? "bubble fresh" : "bubble");
  const code = codeOf(message.text);
  if (code) box.append(codeButton(code));
  const tick = make("span", "tick");
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.append(use);
  const word = make("span");
  tick.append(svg, word);
  const meta = make("p", "meta");
  const time = make("time", "", { dateTime: message.at, title: message.at, textContent: clock(message.at, true) });
  const channel = make("span", "channel", { textContent: CHANNELS[message.channel] ?? message.channel });
  meta.append(time, channel, make("span", "by", { textContent: `by ${message.gateway}` }), tick);
  box.dataset.channel = message.channel;
  box.append(make("p", "text", { textContent: message.text }), meta);
  const item = make("li");
  item.append(box);
  return { item, tick, word, use };
}

function codeButton(code) {
  const button = make("button", "code", { type: "button" });
  const hint = make("span", "", { textContent: "Copy" });
  hint.setAttribute("role", "status");
  button.setAttribute("aria-label", `Copy the code ${[...code].join(" ")}`);
  button.append(make("b", "", { textContent: code }), hint);
  let undo;
  button.addEventListener("click", async () => {
    const copied = await copy(code);
    hint.textContent = copied ? "Copied" : "Not allowed; select it";
    button.toggleAttribute("data-copied", copied);
    $("announce").textContent = copied ? "Code copied" : "The browser does not allow copying";
    clearTimeout(undo);
    undo = setTimeout(() => { hint.textContent = "Copy"; button.removeAttribute("data-copied"); }, 1600);
  });
  return button;
}

// The code of a last line "@host #123456" (Web OTP), else digits one by one as a call says them, else the first number of 4
// to 10 digits that is no amount.
function codeOf(text) {
  const bound = /^@\S+ #(\d{4,10})\b/m.exec(text);
  const said = /(?<!\d ?)\b\d(?: \d){3,9}\b(?! ?\d)/.exec(text)?.[0].replaceAll(" ", "");
  return bound?.[1] ?? said ?? /(?<![\d.,+])\b\d{4,10}\b(?![.,]\d)/.exec(text)?.[0] ?? null;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Outside localhost and https there is no clipboard, only the old way.
    const area = make("textarea", "unseen", { value: text });
    const before = document.activeElement;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    before?.focus();
    return copied;
  }
}

// Moves only what is out of place, and keeps the focus where it was.
function arrange(list, items) {
  const focused = document.activeElement;
  items.forEach((item, place) => {
    if (list.children[place] !== item) list.insertBefore(item, list.children[place] ?? null);
  });
  while (list.children.length > items.length) list.lastElementChild.remove();
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
}

function walk(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const buttons = [...$("phones").querySelectorAll("button")];
  buttons[buttons.indexOf(document.activeElement) + step]?.focus();
  event.preventDefault();
}

function make(name, className = "", properties = {}) {
  const element = Object.assign(document.createElement(name), properties);
  if (className) element.className = className;
  return element;
}

function clock(at, seconds = false) {
  const date = new Date(at);
  const time = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", ...(seconds && { second: "2-digit" }) });
  if (date.toDateString() === new Date().toDateString()) return time;
  const day = date.toLocaleDateString([], { day: "numeric", month: "short" });
  return seconds ? `${day}, ${time}` : day;
}
