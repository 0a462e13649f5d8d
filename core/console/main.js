// Starts the console: who is signed in, which page the address names, and when to ask core again.

import { announce, h } from "./dom.js";
import * as api from "./api.js";
import { signIn } from "./signin.js";
import { overview } from "./overview.js";
import { order } from "./order.js";
import { orders } from "./orders.js";
import { route } from "./route.js";
import { routes } from "./routes.js";
import { abuse } from "./abuse.js";
import { escalation, escalations } from "./escalations.js";
import { dead } from "./dead.js";
import { tenants } from "./tenants.js";
import { webhooks } from "./webhooks.js";
import { operators } from "./operators.js";
import { audit } from "./audit.js";

// Name in the address, title, page of the list, page of one thing.
const PAGES = [
  ["overview", "Overview", overview],
  ["orders", "Orders", orders, order],
  ["routes", "Routes", routes, route],
  ["abuse", "Abuse", abuse],
  ["escalations", "Escalations", escalations, escalation],
  ["dead", "Dead letters", dead],
  ["tenants", "Tenants", tenants],
  ["webhooks", "Webhooks", webhooks],
  ["operators", "Operators", operators, null, "operator"],
  ["audit", "Audit", audit],
];

// How soon what did not answer is asked again.
const RETRY_MS = 2_000;

let leave = () => {};

// An address that somebody typed may be none.
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function address() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/");
  return { name: name || "overview", id: rest.map(decoded).join("/"), query: new URLSearchParams(query) };
}

function bar(current) {
  const link = ([name, title]) =>
    h("a", { href: `#/${name}`, "aria-current": name === current ? "page" : null }, title);
  const shown = PAGES.filter(([, , , , least]) => !least || api.may(least));
  const leaveButton = h("button", { type: "button", class: "quiet", onclick: signOut }, "Sign out");
  document.getElementById("bar").replaceChildren(
    h("img", { src: "icon.svg", alt: "", width: 28, height: 28 }),
    h("p", { class: "brand" }, "Tiffin"),
    ...(api.who() ? [
      h("nav", { "aria-label": "Pages" }, shown.map(link)),
      h("p", { class: "who" }, api.who().name, h("small", null, api.who().role), leaveButton),
    ] : []));
  document.querySelector("#bar [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
}

// Until core has heard of it he is signed in: it is tried again.
async function signOut() {
  leave();
  try {
    await api.signOut();
  } catch (error) {
    failed(document.getElementById("main"), error, { title: "You are still signed in", again: signOut, attempt: signOut });
    return;
  }
  start();
}

// Shows the page that the address names. A page fills `main`, and may return {every_ms, refresh}: it is asked again then.
async function show() {
  leave();
  const { name, id, query } = address();
  const page = PAGES.find(([known]) => known === name) ?? PAGES[0];
  const [known, title, list, one] = page;
  bar(known);
  document.title = `${id ? `${id.slice(0, 16)} – ` : ""}${title} – Tiffin console`;
  const main = document.getElementById("main");
  const gone = new AbortController();
  leave = () => gone.abort();
  main.replaceChildren(h("p", { class: "loading", role: "status" }, "Asking core…"));
  const context = { main, id, query, signal: gone.signal, again: show };
  const attempt = async () => {
    try {
      const more = await (id && one ? one : list)(context);
      if (gone.signal.aborted) return;
      performance.mark("tiffin:data", { detail: known });
      announce(title);
      if (more) keepFresh(more, gone.signal, main);
    } catch (error) {
      if (!gone.signal.aborted) failed(main, error, { title, again: show, attempt, signal: gone.signal });
    }
  };
  await attempt();
}

// What passes by itself is tried again until it has passed.
function failed(main, error, { title, again, attempt, signal }) {
  const text = error.passes ? `${error.message} Asking again…` : error.message;
  const shown = main.querySelector(":scope > .notice p");
  if (shown) shown.textContent = text;
  else main.replaceChildren(h("h1", null, title), h("div", { class: "notice", role: "alert" }, h("p", null, text), h("button", { type: "button", onclick: again }, "Try again")));
  if (error.passes) setTimeout(() => { if (!signal?.aborted) attempt(); }, RETRY_MS);
}

function keepFresh({ every_ms, refresh }, signal, main) {
  let notice = null;
  const tick = async () => {
    if (signal.aborted) return;
    // A page that nobody sees asks for nothing.
    if (!document.hidden) {
      try {
        await refresh(signal);
        notice?.remove();
        notice = null;
      } catch (error) {
        if (signal.aborted) return;
        notice ??= main.insertBefore(h("p", { class: "notice", role: "alert" }), main.firstChild);
        notice.textContent = `${error.message} What is shown is not fresh. Asking again…`;
      }
    }
    setTimeout(tick, notice ? RETRY_MS : every_ms);
  };
  setTimeout(tick, every_ms);
}

async function start() {
  leave();
  const main = document.getElementById("main");
  try {
    await api.session();
  } catch (error) {
    failed(main, error, { title: "Operators' console", again: start, attempt: start });
    return;
  }
  if (api.who()) {
    show();
  } else {
    bar(null);
    signIn(main, start);
  }
}

addEventListener("hashchange", () => {
  // What was asked on another page is not answered here.
  document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
  if (api.who()) show();
});
api.onSignedOut(start);
start();
