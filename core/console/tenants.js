// Who orders here: services, keys, money.

import { badge, facts, h, older, section, table } from "./dom.js";
import { action, ask, reveal } from "./dialog.js";
import * as api from "./api.js";
import { duration, exact, micros, number, shortId, time, words } from "./format.js";

export async function tenants(context) {
  if (context.id) return tenant(context);
  const { main, signal } = context;
  const [{ tenants }, { balances }] = await Promise.all([api.get("tenants", signal), api.get("balances", signal)]);
  const of = (id) => balances.find(({ tenant }) => tenant === id);
  main.replaceChildren(h("h1", null, "Tenants"), table("Tenants", [
    ["Tenant", (row) => h("a", { href: `#/tenants/${api.part(row.id)}` }, row.id)],
    ["Services", (row) => row.services.join(", ") || "–"],
    ["Managed by", (row) => (row.managed_by === "file" ? "tiffin.toml" : "operators")],
    ["Served", (row) => badge(row.served ? "yes" : "no", row.served ? "good" : "bad")],
    ["Available", (row) => (of(row.id) ? micros(of(row.id).available_micros, of(row.id).currency) : "no account"), { number: true }],
    ["Balance", (row) => (of(row.id) ? badge(of(row.id).is_low ? "low" : "enough", of(row.id).is_low ? "bad" : "good") : "–")],
  ], tenants, "No tenant: name one in tiffin.toml, or with `tiffin tenant put`."));
  return null;
}

async function tenant({ main, id, signal, again }) {
  const path = `tenants/${api.part(id)}`;
  const [shown, { keys }, { balances }] = await Promise.all([api.get(path, signal), api.get("keys", signal), api.get("balances", signal)]);
  const account = balances.find(({ tenant }) => tenant === id);
  const mine = keys.filter((key) => key.tenant === id);
  main.replaceChildren(
    h("p", { class: "crumbs" }, h("a", { href: "#/tenants" }, "Tenants")),
    h("div", { class: "head" }, h("h1", null, id), badge(shown.managed_by === "file" ? "in tiffin.toml" : `set by operators, version ${shown.version}`)),
    h("p", { class: "actions" }, h("a", { class: "button", href: `#/orders?tenant=${api.part(id)}` }, "Its orders"), credit(path, account, again), newKey(id, again)),
    h("div", { class: "columns" }, section("Money", money(account)), section("API keys", keyList(mine, again))),
    section("Services", table("Services", [
      ["Service", ([name]) => name], ["Brand", ([, service]) => service.brand], ["Risk", ([, service]) => badge(service.risk ?? "normal", service.risk === "high" ? "warn" : "plain")],
      ["Channels", ([, service]) => (service.channels ?? []).join(", ") || "all that have a gateway"],
      ["Digits", ([, service]) => service.digits, { number: true }], ["Code's life", ([, service]) => duration(service.ttl_ms), { number: true }],
      ["Usual time", ([, service]) => duration(service.waiting_ms), { number: true }],
    ], Object.entries(shown.tenant.services ?? {}), "It has no service: nothing can be ordered.")),
    ...(account ? [section("Money moved", await moved(path, account, signal))] : []));
  return null;
}

// Entries, newest first, page by page.
async function moved(path, { currency }, signal) {
  const list = h("div");
  const entries = [];
  const load = async (before) => {
    const page = await api.get(`${path}/ledger?newest_first=true${before ? `&before=${before}` : ""}`, signal);
    entries.push(...page.entries);
    const sum = (micro) => exact(micro, currency);
    list.replaceChildren(table("Entries, newest first", [
      ["#", (row) => row.seq, { number: true }], ["When", (row) => time(row.at)], ["What", (row) => words(row.kind)],
      ["For", (row) => (row.order ? h("a", { href: `#/orders/${row.order}`, title: row.order }, h("code", null, shortId(row.order))) : row.reference ?? "–")],
      ["Moved", (row) => (row.lines?.length ? sum(Math.max(...row.lines.map((line) => line.micros))) : "–"), { number: true }],
      ["Available after", (row) => sum(row.available_micros), { number: true }], ["Held after", (row) => sum(row.held_micros), { number: true }],
    ], entries, "Nothing has moved yet."), ...(page.next ? [older(() => load(page.next))] : []));
  };
  await load();
  return list;
}

function money(account) {
  if (!account) return h("p", { class: "empty" }, "No account: this tenant is not charged.");
  const sum = (micro) => micros(micro, account.currency);
  return facts([["Available", [sum(account.available_micros), account.is_low && badge("low", "bad")]], ["Held by orders", sum(account.held_micros)], ["Charged", sum(account.charged_micros)],
    ["Put in", sum(account.funded_micros)], ["Spent today", sum(account.spent_today_micros)], ["Open orders", number(account.open_orders)]]);
}

function credit(path, account, again) {
  return action("Put money in", { role: "operator", why: account ? null : "it has no account", onclick: async () => {
    const done = await ask({ title: "Put money in", text: `In ${account.currency}. The same reference again changes nothing.`, verb: "Put in", fields: [
      ["amount", "Amount", { type: "number", required: true, hint: "Below zero takes money out." }], ["reference", "Reference", { required: true, hint: "Of the transfer, say." }], ["note", "Note"]],
    act: ({ amount, reference, note }) => api.post(`${path}/balance/credit`, { amount_micros: Math.round(Number(amount) * 1_000_000), reference, ...(note && { note }) }) });
    if (done) again();
  } });
}

function newKey(tenant, again) {
  return action("New API key", { role: "operator", onclick: async () => {
    let made = null;
    await ask({ title: `New API key for ${tenant}`, verb: "Make it", fields: [["kind", "For", { options: [["secret", "a server (secret)"], ["publishable", "an app or a page (publishable)"]] }]],
      act: async ({ kind }) => { made = await api.post("keys", { tenant, kind }); } });
    if (!made) return;
    reveal("The new key", "It is shown this once, and is in use everywhere within a minute.", made.key);
    again();
  } });
}

function keyList(keys, again) {
  const revoke = (key) => async () => {
    if (await ask({ title: `Revoke ${key.id}`, text: "Requests with it are refused everywhere within a minute. It cannot be taken back.", verb: "Revoke", danger: true, act: () => api.post(`keys/${api.part(key.id)}/revoke`) })) again();
  };
  return table("API keys", [
    ["Name", (key) => h("code", null, key.id)], ["Kind", (key) => key.kind], ["State", (key) => badge(key.revoked ? "revoked" : "in use", key.revoked ? "plain" : "good")],
    ["Actions", (key) => action("Revoke", { role: "operator", danger: true, why: key.revoked ? "it is revoked" : key.managed_by === "file" ? "it stands in TIFFIN_API_KEYS" : null, onclick: revoke(key) })],
  ], keys, "No key: nobody can order for it.");
}
