// One order: what happened to it, drawn and told; its money; and what may be done about it.

import { NARROW, badge, copyable, facts, h, renew, section, table } from "./dom.js";
import { KEPT, action, ask } from "./dialog.js";
import * as api from "./api.js";
import { story, timeline } from "./timeline.js";
import { ago, duration, exact, micros, time, tone, words } from "./format.js";

const CHANNELS = [["auto", "the best other way"], ["sms", "SMS"], ["whatsapp", "WhatsApp"], ["telegram", "Telegram"], ["voice", "voice call"], ["email", "email"]];

export async function order({ main, id, signal, again }) {
  const body = h("div");
  let last = null;
  const refresh = async () => {
    const shown = await api.get(`orders/${api.part(id)}`, signal);
    const text = JSON.stringify([shown, NARROW.matches]);
    // An order that stands still is left alone: whoever reads it is not disturbed.
    if (text === last || signal.aborted) return;
    last = text;
    renew(body, parts(id, shown, again));
  };
  await refresh();
  main.replaceChildren(body);
  return { every_ms: 2_000, refresh };
}

function parts(id, order, again) {
  const { job } = order;
  return [
    h("p", { class: "crumbs" }, h("a", { href: "#/orders" }, "Orders")),
    h("div", { class: "head" }, h("h1", null, copyable(id, "the order's id")), badge(words(order.state), tone(order.state))),
    order.advice && h("p", { class: "advice", "data-do": order.advice.do }, h("b", null, words(order.advice.do)), ` – ${order.advice.because}`,
      order.advice.until && `: ${time(order.advice.until)}`),
    h("div", { class: "actions" }, actions(id, order, again)),
    section("Timeline", timeline(order), story(order)),
    section("Attempts", attempts(order)),
    job && section("Order", h("div", { class: "broad" }, facts([
      ["Tenant and service", h("a", { href: `#/tenants/${api.part(job.tenant)}` }, `${job.tenant} / ${job.service}`)],
      ["To", job.to_masked], ["Country", job.country], ["Channel", [job.channel, ...(job.then ?? [])].join(", then ")],
      ["Client reference", job.client_ref],
      ["Accepted", time(job.created_at)], ["Code's life ends", `${time(job.expires_at)} (${ago(job.expires_at)})`],
      ["Segments", job.sms_segments], ["Risk", job.risk], ["Factors", (job.factors ?? []).map(words).join(", ")],
      ["Request", job.request && copyable(job.request, "the request's id")],
      ["Trace", job.trace && copyable(job.trace.id, "the trace id")],
    ]))),
    h("div", { class: "columns" }, section("Money", bill(order)), section("Evidence", evidence(id, order))),
  ].filter(Boolean);
}

function attempts({ attempts = [] }) {
  return table("Attempts", [
    ["#", (row) => row.n, { number: true }],
    ["By", (row) => [h("a", { href: `#/routes/${api.part(row.gateway)}` }, row.gateway), row.sender && h("small", null, ` as ${row.sender}`)]],
    ["State", (row) => [badge(words(row.state), tone(row.state)), row.reason && h("small", null, ` ${words(row.reason)}`)]],
    ["What changed", (row) => row.changed ?? "–"],
    ["Why this way", (row) => row.route ?? "–"],
    ["Called", (row) => time(row.called_at ?? row.at), { number: true }],
    ["Usual time", (row) => duration(row.window_ms), { number: true }],
    ["Message at the provider", (row) => (row.provider_id ? h("code", null, row.provider_id) : "–")],
  ], attempts, "Nothing was sent yet.");
}

function bill({ bill }) {
  if (!bill) return h("p", { class: "empty" }, "Its tenant has no account: nobody is charged.");
  const sum = (micro) => micros(micro ?? 0, bill.currency);
  return [
    facts([["At most", bill.max_price_micros && sum(bill.max_price_micros)], ["Held", sum(bill.held_micros)], ["Charged", sum(bill.captured_micros)],
      ["Given back", sum((bill.released_micros ?? 0) + (bill.refunded_micros ?? 0))],
      ["Booked", badge(bill.is_posted ? "yes" : "not yet", bill.is_posted ? "good" : "plain")]]),
    (bill.charges ?? []).length > 0 && table("Charges by attempt", [
      ["Attempt", (row) => row.n, { number: true }], ["Charge", (row) => exact(row.micros, bill.currency), { number: true }], ["State", ({ state }) => (typeof state === "string" ? words(state) : Object.entries(state).map(([what, why]) => `${words(what)}: ${words(why)}`).join())],
    ], bill.charges),
  ];
}

function evidence(id, order) {
  const may = api.may("support");
  return [
    h("p", null, "What was said to the providers and by them, linked and signed, for a dispute."),
    may
      ? h("p", { class: "actions" }, h("a", { class: "button", href: `/ops/v1/orders/${api.part(id)}/evidence`, target: "_blank", rel: "noopener" }, "Open the packet"),
        h("button", { type: "button", onclick: () => add(id) }, "Add a picture or a message"))
      : h("p", { class: "hint" }, "Needs the role support."),
    order.story?.head && h("p", { class: "hint" }, "Head of its story: ", h("code", null, order.story.head)),
  ];
}

function add(id) {
  const picker = h("input", { type: "file", accept: "image/png,image/jpeg,image/webp,text/plain", onchange: async () => {
    const [file] = picker.files;
    if (!file) return;
    ask({ title: "Add to the evidence", text: `${file.name}, ${Math.ceil(file.size / 1024)} KiB. Numbers and codes in texts are taken out; a picture is kept as it is.`,
      verb: "Add", fields: [["note", "What it shows"]],
      act: ({ note }) => api.upload(`orders/${api.part(id)}/uploads?note=${api.part(note)}`, file) });
  } });
  picker.click();
}

// What may be done now, each with the reason where it may not.
function actions(id, order, again) {
  const path = `orders/${api.part(id)}`;
  const why = (wanted) => {
    const found = (order.moves ?? []).find(({ move }) => move === wanted);
    if (!found) return "core does not know the order well enough";
    return found.from ? `${found.why_not}: from ${time(found.from)}` : found.why_not;
  };
  const done = (was) => { if (was) again(); };
  return [
    action("Send another way", { role: "support", why: why("retry"), onclick: async () => done(await ask({
      title: "Send the code another way", text: "The same code, by a way that this order has not taken. Its guesses are not counted anew.", verb: "Send",
      fields: [["channel", "By", { options: CHANNELS }], ["reason", "Why", { required: true, hint: `Stands in the order's story. ${KEPT}` }]],
      once: true, act: (wish, key) => api.post(`${path}/retry`, wish, { key }) })) }),
    action("Call it off", { role: "support", danger: true, why: why("cancel"), onclick: async () => done(await ask({
      title: "Call this order off", text: "Its code opens nothing any more. What has not left does not leave, and what it holds of the tenant's money is given back.",
      verb: "Call it off", danger: true, act: () => api.post(`${path}/cancel`) })) }),
    action("Escalate", { role: "support", onclick: async () => done(await ask({
      title: "Hand it to a person", verb: "Open an escalation",
      fields: [["kind", "About", { options: [["refund", "a refund"], ["supplier_fallback", "a supplier"], ["abuse", "abuse"]] }],
        ["subject", "In a line", { required: true, value: `Order ${id.slice(0, 12)}` }], ["text", "What is known", { required: true, rows: 3, hint: KEPT }]],
      once: true, act: (wish, key) => api.post("escalations", { ...wish, orders: [id], ...(order.job && { tenant: order.job.tenant }) }, { key }) })) }),
  ];
}
