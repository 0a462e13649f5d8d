// Where tenants are told what happens, and how that goes.

import { badge, facts, h, renew, section, table } from "./dom.js";
import { action, ask, reveal, tell } from "./dialog.js";
import * as api from "./api.js";
import { ago, duration, number, shortId, time, words } from "./format.js";

const state = (row) => (row.disabled ? badge("disabled", "bad") : row.failures > 0 ? badge(`${row.failures} failures in a row`, "warn") : badge("delivering", "good"));

export async function webhooks(context) {
  if (context.id) return endpoint(context);
  const { main, signal, again } = context;
  const list = h("div");
  const refresh = async () => {
    const { endpoints } = await api.get("webhooks", signal);
    if (!signal.aborted) renew(list, [table("Webhook endpoints", [
      ["Endpoint", (row) => h("a", { href: `#/webhooks/${api.part(row.tenant)}/${api.part(row.name)}` }, `${row.tenant} / ${row.name}`)],
      ["State", state], ["Address", (row) => h("code", { class: "break" }, row.url), { wide: true }],
      ["Waiting", (row) => `${number(row.waiting)}${row.more ? "+" : ""}`, { number: true }], ["Delivered", (row) => number(row.delivered), { number: true }],
      ["Given up", (row) => number(row.given_up), { number: true }], ["Next try", (row) => ago(row.next_at), { number: true }],
    ], endpoints, "No tenant has a webhook. Add an endpoint, and it is told what becomes of its orders.")]);
  };
  await refresh();
  const add = action("Add an endpoint", { role: "operator", onclick: async () => {
    let made = null;
    await ask({ title: "Add a webhook endpoint", verb: "Add", fields: [["tenant", "Tenant", { required: true }], ["name", "Name", { required: true, value: "main" }], ["url", "Address", { required: true, type: "url", hint: "https, and public" }]],
      act: async ({ tenant, name, url }) => { made = await api.post(`webhooks/${api.part(tenant)}`, { name, url }); } });
    if (!made) return;
    reveal("Its key", "The receiver checks signatures with it. It is shown this once.", made.key);
    again();
  } });
  main.replaceChildren(h("h1", null, "Webhooks"), h("p", { class: "actions" }, add), list);
  return { every_ms: 5_000, refresh };
}

async function endpoint({ main, id, signal, again }) {
  const [tenant, name] = id.split("/");
  const path = `webhooks/${api.part(tenant)}/${api.part(name)}`;
  const body = h("div");
  const refresh = async () => {
    const [{ endpoints }, { deliveries }] = await Promise.all([api.get("webhooks", signal), api.get(`${path}/deliveries?limit=100`, signal)]);
    const row = endpoints.find((known) => known.tenant === tenant && known.name === name);
    if (!row) throw new Error("No endpoint has this name.");
    if (!signal.aborted) renew(body, parts({ row, deliveries, path, again }));
  };
  await refresh();
  main.replaceChildren(body);
  return { every_ms: 3_000, refresh };
}

async function deliverAgain(path, again) {
  let said = null;
  const since = (hours) => Math.round(Date.now() - Number(hours) * 3_600_000);
  const was = await ask({ title: "Deliver events again", text: "Each with the id it had: a receiver that keeps ids takes it once.", verb: "Deliver",
    fields: [["hours", "Those of the last hours", { type: "number", value: 1, required: true }]], act: async ({ hours }) => { said = await replay(path, since(hours), 0); } });
  if (!was) return;
  again();
  rest(path, again, said);
}

// A call looks through so many rows and no more: it goes on until something is found.
async function replay(path, since_ms, from) {
  const { replayed, next } = await api.post(`${path}/replay`, { since_ms, from });
  return replayed === 0 && next !== undefined ? replay(path, since_ms, next) : { since_ms, replayed, next };
}

// There is room for so many at once.
function rest(path, again, { since_ms, replayed, next }) {
  const deed = next !== undefined && h("button", { type: "button", onclick: async (event) => {
    const dialog = event.target.closest("dialog");
    let said = null;
    if (!(await ask({ title: "Deliver the rest", verb: "Deliver", act: async () => { said = await replay(path, since_ms, next); } }))) return;
    dialog.close();
    again();
    rest(path, again, said);
  } }, "Deliver the rest");
  const more = deed ? " There are more, and no room for them yet: deliver the rest when these are through." : "";
  tell({ title: "Delivered again", body: h("p", null, `${number(replayed)} events will be delivered again.${more}`), deed });
}

function parts({ row, deliveries, path, again }) {
  const { tenant, name } = row;
  const done = (was) => { if (was) again(); };
  const fixed = row.fixed ? "it stands in tiffin.toml" : null;
  return [
    h("p", { class: "crumbs" }, h("a", { href: "#/webhooks" }, "Webhooks")),
    h("div", { class: "head" }, h("h1", null, `${tenant} / ${name}`), state(row)),
    h("p", { class: "actions" },
      action("Send a test", { role: "support", onclick: async () => done(await ask({ title: "Send a test event", verb: "Send", act: () => api.post(`${path}/test`) })) }),
      action("Deliver again", { role: "support", onclick: () => deliverAgain(path, again) }),
      action("Enable", { role: "operator", why: row.disabled ? null : "it is enabled", onclick: async () => done(await ask({ title: "Enable it again", verb: "Enable", act: () => api.post(`${path}/enable`) })) }),
      action("New key", { role: "operator", why: fixed, onclick: async () => {
        let made = null;
        await ask({ title: "New key", text: "The old one signs too for as long as you say.", verb: "Make it", fields: [["hours", "Both sign for hours", { type: "number", value: 24, required: true }]],
          act: async ({ hours }) => { made = await api.post(`${path}/rotate`, { overlap_hours: Number(hours) }); } });
        if (made) reveal("The new key", "It is shown this once.", made.key);
      } }),
      action("Remove", { role: "operator", danger: true, why: fixed, onclick: async () => { if (await ask({ title: `Remove ${tenant} / ${name}`, text: "What waits for it is dropped.", verb: "Remove", danger: true, act: () => api.remove(path) })) location.hash = "#/webhooks"; } })),
    section("How it goes", facts([["Address", row.url], ["Events", row.events.length ? row.events.join(", ") : "all"], ["Signed by", row.signs.join(", ")], ["Waiting", `${number(row.waiting)}${row.more ? "+" : ""}`],
      ["Delivered", number(row.delivered)], ["Last", time(row.delivered_at)], ["Given up", number(row.given_up)], ["Next try", ago(row.next_at)], ["Disabled", row.disabled && `${words(row.disabled.why)} since ${time(row.disabled.at)}`]])),
    section("Deliveries", table("Deliveries, newest first", [
      ["Sent", (one) => time(one.sent_at)], ["Type", (one) => one.type], ["Event", (one) => h("code", { title: one.event }, shortId(one.event))],
      ["Try", (one) => one.attempt, { number: true }], ["Took", (one) => duration(one.duration_ms), { number: true }],
      ["Outcome", (one) => badge(one.status ?? "no answer", one.status >= 200 && one.status < 300 ? "good" : "bad")],
      ["Answer", (one) => one.error ?? one.response ?? (api.may("support") ? "–" : "for the role support"), { wide: true }],
    ], deliveries.toReversed(), "Nothing was delivered yet.")),
  ];
}
