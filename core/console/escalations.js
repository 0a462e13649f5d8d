// What people have to see to.

import { badge, facts, h, renew, section, table } from "./dom.js";
import { KEPT, action, ask } from "./dialog.js";
import * as api from "./api.js";
import { ago, shortId, time, tone, words } from "./format.js";

export async function escalations({ main, query, signal, again }) {
  const resolved = query.get("state") === "resolved";
  const list = h("div");
  const refresh = async () => {
    const reply = await api.get(`escalations${resolved ? "?state=resolved" : ""}`, signal);
    // Core tells of those that were resolved of late too.
    if (!signal.aborted) renew(list, [rows(reply.escalations.filter(({ state }) => (state === "resolved") === resolved), resolved)]);
  };
  await refresh();
  const spans = [["", "Open"], ["resolved", "Resolved"]].map(([state, title]) =>
    h("a", { href: state ? `#/escalations?state=${state}` : "#/escalations", "aria-current": (state === "resolved") === resolved ? "true" : null }, title));
  const open = action("Open one", { role: "support", onclick: async () => {
    const done = await ask({ title: "Open an escalation", verb: "Open it", fields: [
      ["kind", "About", { options: [["refund", "a refund"], ["supplier_fallback", "a supplier"], ["abuse", "abuse"]] }],
      ["subject", "In a line", { required: true }], ["text", "What is known", { required: true, rows: 4, hint: KEPT }]],
    once: true, act: (wish, key) => api.post("escalations", wish, { key }) });
    if (done) again();
  } });
  main.replaceChildren(h("div", { class: "head" }, h("h1", null, "Escalations"), h("p", { class: "spans" }, spans)), h("p", { class: "actions" }, open), list);
  return { every_ms: 5_000, refresh };
}

function due(row) {
  if (row.state === "resolved") return "–";
  return row.overdue ? badge(`overdue since ${time(row.due_at)}`, "bad") : ago(row.due_at);
}

function rows(list, resolved) {
  return table("Escalations, oldest first", [
    ["Subject", (row) => h("a", { href: `#/escalations/${row.id}` }, `${row.id} · ${row.subject}`), { wide: true }],
    ["State", (row) => badge(words(row.state), row.state === "acknowledged" ? "plain" : tone(row.state))],
    ["About", (row) => words(row.kind)],
    ["Owner", (row) => row.owner ?? "nobody"],
    ["Due", due],
    ["Opened", (row) => time(row.opened_at), { number: true }],
  ], list, resolved ? "None was resolved yet." : "Nobody has to see to anything. What goes wrong opens one by itself; so can you.");
}

export async function escalation({ main, id, signal, again }) {
  const path = `escalations/${api.part(id)}`;
  const row = await api.get(path, signal);
  const does = (title, verb, act, fields, known) => async () => {
    if (await ask({ title, verb, fields, act: (wish) => api.post(`${path}/${act}`, { ...known, ...wish }) })) again();
  };
  main.replaceChildren(
    h("p", { class: "crumbs" }, h("a", { href: "#/escalations" }, "Escalations")),
    h("div", { class: "head" }, h("h1", null, row.subject), badge(words(row.state), tone(row.state))),
    row.state === "resolved" ? h("p", { class: "hint" }, "It is resolved: nothing more is done to it.") : h("div", { class: "actions" },
      action("Take it", { role: "support", why: row.owner === api.who().name ? "it is yours" : null, onclick: does(`Take it on, as ${api.who().name}`, "Take it", "assign", [], { owner: api.who().name }) }),
      action("Assign", { role: "support", onclick: does("Who sees to it", "Assign", "assign", [["owner", "Owner", { required: true, value: row.owner ?? "" }]]) }),
      action("Note", { role: "support", onclick: does("Add a note", "Add", "note", [["text", "Note", { required: true, rows: 4, hint: KEPT }]]) }),
      action("Resolve", { role: "support", onclick: does("It is done", "Resolve", "resolve", [["text", "How it was settled", { required: true, rows: 4, hint: KEPT }]]) })),
    h("div", { class: "columns" },
      section("Matter", facts([["About", words(row.kind)], ["Opened by", row.rule ? `the rule ${words(row.rule)}` : "a person"], ["Owner", row.owner ?? "nobody"], ["Opened", time(row.opened_at)],
        ["Due", due(row)], ["Resolved", row.resolved_at && time(row.resolved_at)], ["Tenant", row.tenant], ["Gateway", row.gateway && h("a", { href: `#/routes/${api.part(row.gateway)}` }, row.gateway)]])),
      section("Orders", row.orders.length === 0 ? h("p", { class: "empty" }, "It is about no order.")
        : h("ul", { class: "plain" }, row.orders.map((order) => h("li", null, h("a", { href: `#/orders/${order}`, title: order }, h("code", null, shortId(order))))), row.has_more_orders && h("li", null, "and more")))),
    section("Notes", h("ol", { class: "story" }, row.notes.map((note) => h("li", null, h("time", null, time(note.at)), h("span", { class: "faint" }, note.by), h("span", null, note.text))))));
}
