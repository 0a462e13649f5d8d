// One gateway: its breaker and what moved it, how messages fare by country, its settings.

import { badge, facts, h, section, table } from "./dom.js";
import { action, ask } from "./dialog.js";
import { meter } from "./charts.js";
import * as api from "./api.js";
import { breaker, phaseOf } from "./overview.js";
import { duration, micros, number, time, words } from "./format.js";

export async function route({ main, id, signal, again }) {
  const path = `routes/${api.part(id)}`;
  const body = h("div");
  const refresh = async () => {
    const [{ routes }, settings, overview] = await Promise.all([api.get("routes", signal), api.get(`${path}/settings`, signal), api.get("overview?span=hour", signal)]);
    const route = routes.find(({ gateway }) => gateway === id);
    if (signal.aborted) return;
    if (!route) throw new Error("No gateway has this name.");
    const countries = (overview.breakers.find(({ gateway }) => gateway === id)?.countries ?? []).filter(({ country }) => country);
    const details = await Promise.all(countries.map(({ country }) => api.get(`routes?country=${country}`, signal)
      .then((reply) => ({ country, ...reply.routes.find(({ gateway }) => gateway === id) }))));
    if (!signal.aborted) body.replaceChildren(...parts({ route, settings, details, path, again }));
  };
  await refresh();
  main.replaceChildren(body);
  return { every_ms: 3_000, refresh };
}

function parts({ route, settings, details, path, again }) {
  return [
    h("p", { class: "crumbs" }, h("a", { href: "#/routes" }, "Routes")),
    h("div", { class: "head" }, h("h1", null, route.gateway), badge(route.channel), breaker(route)),
    h("div", { class: "actions" }, holds(route, path, again)),
    h("div", { class: "columns" },
      section("Breaker", facts([["Now", words(route.forced ?? phaseOf(route.phase))], ["Since", time(route.since)],
        ["Held by hand", route.forced ? words(route.forced) : "no"], ["Paused until", route.paused_until > Date.now() ? time(route.paused_until) : null],
        ["Calls of the last minute", `${number(route.made)} made, ${number(route.failed)} failed, ${number(route.slow)} slow, ${number(route.hung)} hung`]])),
      section("Settings", facts([["Priority", settings.settings?.priority ?? route.priority], ["Countries", (settings.settings?.countries ?? ["as the file says"]).toString()],
        ["Price", settings.settings?.price_micros === undefined || settings.settings?.price_micros === null ? "as the file says" : `${settings.settings.price_micros} micros`],
        ["Version", settings.version ?? "the file's"]]), h("p", { class: "actions" }, weigh(settings, path, again)))),
    section("By country", table("By country, last half hour to hour", [
      ["Country", (row) => row.country], ["Messages", (row) => number(row.fared.sent), { number: true }],
      ["Delivered", (row) => meter(row.fared.delivery)], ["Verified", (row) => meter(row.fared.conversion)],
      ["Half within", (row) => duration(row.fared.p50_ms), { number: true }], ["95 % within", (row) => duration(row.fared.p95_ms), { number: true }],
      ["Price", (row) => (row.prices ?? []).map((price) => micros(price.amount_micros, price.currency)).join(", ") || "–", { number: true }],
    ], details, "No message of the last hour.")),
    section("What moved the breaker", table("Changes, newest first", [
      ["When", (row) => time(row.at)], ["To", (row) => words(phaseOf(row.phase ?? row.to ?? row.what ?? "–"))], ["Why", (row) => words(row.why ?? row.because ?? "")],
    ], (route.changes ?? []).toReversed(), "It has not moved.")),
  ];
}

function holds(route, path, again) {
  const hold = (verb, title, text, danger) => async () => {
    if (await ask({ title: `${title}: ${route.gateway}`, text, verb: title, danger, act: () => api.post(`${path}/${verb}`) })) again();
  };
  return [
    action("Hold open", { role: "operator", danger: true, why: route.forced === "open" ? "it is held open" : null,
      onclick: hold("open", "Hold open", "Nothing is sent through it, on any worker, within a second. Orders go other ways; where there is none, they fail.", true) }),
    action("Hold closed", { role: "operator", why: route.forced === "closed" ? "it is held closed" : null,
      onclick: hold("close", "Hold closed", "Messages go through it whatever its calls come to. Its failures no longer take it out of use.") }),
    action("Release", { role: "operator", why: route.forced ? null : "nobody holds it",
      onclick: hold("release", "Release", "The breaker goes by what it finds again.") }),
  ];
}

function weigh(settings, path, again) {
  const version = settings.version ?? undefined;
  return [
    action("Change priority", { role: "operator", onclick: async () => {
      const done = await ask({ title: "Priority", text: "Lower goes first, whatever the figures say. The same for all: the figures decide.", verb: "Change",
        fields: [["priority", "Priority", { type: "number", required: true, value: settings.settings?.priority ?? 0 }]],
        act: ({ priority }) => api.put(`${path}/settings`, { ...settings.settings, priority: Number(priority) }, version) });
      if (done) again();
    } }),
    action("As the file says", { role: "operator", why: settings.version ? null : "nothing is set", onclick: async () => {
      if (await ask({ title: "As the file says", text: "What operators set for this gateway is dropped.", verb: "Drop it", danger: true, act: () => api.remove(`${path}/settings`, version) })) again();
    } }),
  ];
}
