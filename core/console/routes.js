// Every gateway, and how it fares.

import { h, renew, table } from "./dom.js";
import { meter } from "./charts.js";
import * as api from "./api.js";
import { VERIFIED, breaker } from "./overview.js";
import { duration, number, time } from "./format.js";

export async function routes({ main, query, signal }) {
  const country = (query.get("country") ?? "").toUpperCase();
  const list = h("div");
  const refresh = async () => {
    const reply = await api.get(`routes${country ? `?country=${api.part(country)}` : ""}`, signal);
    if (!signal.aborted) renew(list, [rows(reply.routes, country)]);
  };
  const form = h("form", { class: "filters", onsubmit: (event) => {
    event.preventDefault();
    const wanted = new FormData(form).get("country").trim();
    location.hash = wanted ? `#/routes?country=${api.part(wanted)}` : "#/routes";
  } }, h("p", { class: "field" }, h("label", { for: "country" }, "To one country"), h("input", { id: "country", name: "country", maxlength: 2, placeholder: "IN", value: country, autocomplete: "off" })),
  h("p", { class: "field" }, h("button", { type: "submit" }, "Show")));
  await refresh();
  main.replaceChildren(h("h1", null, country ? `Routes to ${country}` : "Routes"), form, list,
    h("p", { class: "hint" }, "Calls are those of the last minute, messages those of the last half hour to hour."));
  return { every_ms: 3_000, refresh };
}

function rows(list, country) {
  return table("Routes", [
    ["Gateway", (row) => h("a", { href: `#/routes/${api.part(row.gateway)}` }, row.gateway)],
    ["Channel", (row) => row.channel],
    ["Breaker", breaker],
    ["Calls", (row) => number(row.made), { number: true }],
    ["Failed", (row) => number(row.failed), { number: true }],
    ["Slow", (row) => number(row.slow), { number: true }],
    ["Messages", (row) => number(row.fared.sent), { number: true }],
    ["Delivered", (row) => meter(row.fared.delivery)],
    ["Verified", (row) => meter(row.fared.conversion, VERIFIED)],
    country && ["95 % within", (row) => duration(row.fared.p95_ms), { number: true }],
    ["Since", (row) => time(row.since), { number: true }],
  ].filter(Boolean), list, "No gateway is configured.");
}
