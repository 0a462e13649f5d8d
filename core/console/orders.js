// Looks for orders.

import { NARROW, badge, h, renew, table } from "./dom.js";
import * as api from "./api.js";
import { duration, exact, shortId, time, tone, words } from "./format.js";

const STATES = ["queued", "sending", "sent", "delivered", "verified", "failed", "expired", "cancelled"];
const CHANNELS = ["sms", "whatsapp", "telegram", "voice", "email"];
const SINCE = [["", "whenever"], ["1h", "last hour"], ["24h", "last day"], ["168h", "last week"]];
const ORDER = /^ord_[\w-]+$/;

export async function orders({ main, query, signal }) {
  const found = h("div", { id: "found" });
  // Looked for while the choices are asked for.
  const early = api.post("orders/search", wanted(Object.fromEntries(query)), {}, signal);
  early.catch(() => {});
  const [routes, tenants] = await Promise.all([api.get("routes", signal), api.get("tenants", signal)]);
  const choice = (name, label, values) => h("p", { class: "field" }, h("label", { for: name }, label),
    h("select", { id: name, name }, [["", "any"], ...values].map(([value, text]) =>
      h("option", { value, selected: query.get(name) === value }, text))));
  const text = (name, label, more) => h("p", { class: "field" }, h("label", { for: name }, label),
    h("input", { id: name, name, value: query.get(name) ?? "", autocomplete: "off", spellcheck: "false", ...more }));
  const same = (value) => [value, words(value)];
  const form = h("form", { class: "filters", role: "search", onsubmit: submit },
    text("what", "Order id or client reference"),
    api.may("support")
      ? text("phone", "Phone", { type: "tel", placeholder: "+919876543210" })
      : h("p", { class: "field" }, h("label", { for: "phone" }, "Phone"), h("input", { id: "phone", disabled: true, placeholder: "needs the role support" })),
    choice("state", "State", STATES.map(same)),
    h("p", { class: "field" }, h("button", { type: "submit", class: "primary" }, "Find")),
    h("details", { class: "more", open: !NARROW.matches || query.size > 0 }, h("summary", null, "More filters"),
      h("div", { class: "more-fields" },
    choice("tenant", "Tenant", tenants.tenants.map(({ id }) => [id, id])),
    text("service", "Service"), text("country", "Country", { maxlength: 2, placeholder: "IN" }),
    choice("gateway", "Gateway", routes.routes.map(({ gateway }) => [gateway, gateway])),
    choice("channel", "Channel", CHANNELS.map(same)),
    h("p", { class: "field" }, h("label", { for: "since" }, "Since"), h("select", { id: "since", name: "since" },
      SINCE.map(([value, text]) => h("option", { value, selected: query.get("since") === value }, text)))))));

  // The address keeps what was asked, so that it can be sent to a colleague; never a phone number.
  function submit(event) {
    event.preventDefault();
    const asked = Object.fromEntries(new FormData(form));
    if (ORDER.test(asked.what.trim())) {
      location.hash = `#/orders/${asked.what.trim()}`;
      return;
    }
    const kept = new URLSearchParams(Object.entries(asked).filter(([name, value]) => name !== "phone" && value));
    history.replaceState(null, "", `#/orders?${kept}`);
    find(asked);
  }

  // What was asked last; nothing once somebody looks further back: his list stays as it is.
  let fresh = null;

  async function find(asked, cursor, before = [], answer = null) {
    fresh = cursor ? null : asked;
    found.setAttribute("aria-busy", "true");
    try {
      const reply = await (answer ?? api.post("orders/search", wanted(asked, cursor), {}, signal));
      const rows = [...before, ...reply.orders];
      renew(found, [list(rows, asked), more(reply, () => find(asked, reply.next, rows))]);
    } catch (error) {
      if (!signal.aborted) found.replaceChildren(h("p", { class: "error", role: "alert" }, error.message));
    } finally {
      found.removeAttribute("aria-busy");
    }
  }

  main.replaceChildren(h("h1", null, "Orders"), form, found);
  await find(Object.fromEntries(new FormData(form)), undefined, [], early);
  const refresh = async () => {
    const asked = fresh;
    if (!asked) return;
    const reply = await api.post("orders/search", wanted(asked), {}, signal);
    if (fresh === asked && !signal.aborted) renew(found, [list(reply.orders, asked), more(reply, () => find(asked, reply.next, reply.orders))]);
  };
  return { every_ms: 5_000, refresh };
}

function wanted(asked, cursor) {
  const hours = Number.parseInt(asked.since, 10);
  const wish = {
    client_ref: asked.what?.trim(), phone: asked.phone?.trim(), state: asked.state, tenant: asked.tenant, service: asked.service?.trim(),
    country: asked.country?.trim().toUpperCase(), gateway: asked.gateway, channel: asked.channel,
    from: hours ? Date.now() - hours * 3_600_000 : undefined, cursor,
  };
  return Object.fromEntries(Object.entries(wish).filter(([, value]) => value));
}

function list(rows, asked) {
  return table("Orders, newest first", [
    ["Order", (row) => h("a", { href: `#/orders/${row.id}`, title: row.id }, h("code", null, shortId(row.id)))],
    ["State", (row) => [badge(words(row.state), tone(row.state)), row.verified && row.state !== "verified" && badge("verified", "good")]],
    ["To", (row) => row.to_masked ?? "–"],
    ["Service", (row) => `${row.tenant} / ${row.service}`],
    ["By", (row) => (row.gateway ? `${row.gateway}${row.attempts > 1 ? ` (${row.attempts} attempts)` : ""}` : "–")],
    ["Ordered", (row) => time(row.created_at), { number: true }],
    ["Delivered after", (row) => duration(row.delivered_ms), { number: true }],
    ["Cost", (row) => (row.cost?.amount_micros === undefined ? "–" : exact(row.cost.amount_micros, row.cost.currency)), { number: true }],
  ], rows, Object.values(asked).some((value) => value) ? "No order is like that. Fewer filters find more." : "No orders yet. The first one shows here by itself.");
}

function more({ next, complete, scanned }, again) {
  if (!next) return h("p", { class: "hint" }, `That is all. Looked through ${scanned}.`);
  const text = complete ? "Older ones" : "Look further back";
  return h("p", { class: "hint" }, h("button", { type: "button", onclick: again }, text), ` Looked through ${scanned}.`);
}
