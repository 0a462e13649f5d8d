// One gateway: its breaker and what moved it, how long receipts take, what goes wrong, how messages fare by country, its settings.

import { badge, facts, h, renew, section, table } from "./dom.js";
import { action, ask } from "./dialog.js";
import { bars, meter, strip, tally } from "./charts.js";
import * as api from "./api.js";
import { VERIFIED, breaker, phaseOf } from "./overview.js";
import { ago, duration, exact, number, time, words } from "./format.js";

// Receipts are shown up to this time, and further where they took longer: pictures of gateways compare.
const SHOWN_MS = 60_000;
const TONES = { closed: "good", open: "bad", half_open: "warn" };

export async function route({ main, id, signal, again }) {
  const path = `routes/${api.part(id)}`;
  const body = h("div");
  const refresh = async () => {
    const [route, settings] = await Promise.all([api.get(path, signal), api.get(`${path}/settings`, signal)]);
    if (!signal.aborted) renew(body, parts({ route, settings, path, again }));
  };
  await refresh();
  main.replaceChildren(body);
  return { every_ms: 3_000, refresh };
}

function parts({ route, settings, path, again }) {
  const { fared } = route;
  const set = settings.settings ?? {};
  return [
    h("p", { class: "crumbs" }, h("a", { href: "#/routes" }, "Routes")),
    h("div", { class: "head" }, h("h1", null, route.gateway), badge(route.channel), breaker(route)),
    h("div", { class: "actions" }, holds(route, path, again)),
    h("div", { class: "columns" },
      section("Now", facts([["Breaker", words(route.forced ?? phaseOf(route.phase))], ["Since", route.since ? `${time(route.since)} (${ago(route.since)})` : "it was first asked"],
        ["Held by hand", route.forced ? words(route.forced) : "no"], ["Paused until", route.paused_until > Date.now() ? time(route.paused_until) : null],
        ["Calls, last minute", number(route.made)], ["Failed", number(route.failed)], ["Slow, over 3 s", `${number(route.slow)}, of them ${number(route.hung)} for nothing`]])),
      section("Messages", facts([["Taken", number(fared.sent)], ["Delivered", meter(fared.delivery)], ["Verified", meter(fared.conversion, VERIFIED)],
        ["Half within", duration(fared.p50_ms)], ["95 % within", duration(fared.p95_ms)]]), h("p", { class: "hint" }, "Of the last half hour to hour, all countries; times once there are 20 receipts.")),
      section("Settings", facts([["Priority", route.priority], ["Weight", route.weight ?? "none: figures decide"], ["Countries", set.countries ? [set.countries].flat().join(", ") : "as the file says"],
        ["Price", set.price_micros === undefined || set.price_micros === null ? "as the file says" : exact(set.price_micros, "of a tenant’s own currency")],
        ["Pace", route.per_second ? `${number(route.per_second)} a second` : "as fast as it comes"], ["Version", settings.version ?? "the file's"]]), h("p", { class: "actions" }, weigh(route, settings, path, again)))),
    h("div", { class: "pictures" }, receipts(route), section("What went wrong", errors(route))),
    section("Breaker", moves(route)),
    section("By country", table("By country, last half hour to hour", [
      ["Country", (row) => row.country ?? "none"], ["Messages", (row) => number(row.fared.sent), { number: true }],
      ["Delivered", (row) => meter(row.fared.delivery)], ["Verified", (row) => meter(row.fared.conversion, VERIFIED)],
      ["Half within", (row) => duration(row.fared.p50_ms), { number: true }], ["95 % within", (row) => duration(row.fared.p95_ms), { number: true }],
      ["Waited for", (row) => duration(row.window_ms), { number: true }],
      ["Price", (row) => row.prices.map((price) => exact(price.amount_micros, price.currency)).join(", ") || "–", { number: true }],
    ], route.countries, "Nothing was sent in the last hour.")),
  ];
}

// Every move of the breaker that is remembered: drawn, and told with its reason.
function moves({ changes }) {
  if (changes.length === 0) return h("p", { class: "empty" }, "It has not moved: closed ever since it was first asked.");
  const parts = changes.map(({ at, to, because }, n) => ({ from: at, to: changes[n + 1]?.at ?? Date.now(), tone: TONES[to], title: `${words(to)} from ${time(at)}: ${because}` }));
  return [
    strip(`The breaker since ${time(changes[0].at)}: ${changes.map(({ at, to }) => `${words(to)} at ${time(at)}`).join(", ")}`, parts, time),
    table("Moves, newest first", [
      ["When", (row) => time(row.at), { number: true }], ["To", (row) => badge(words(row.to), TONES[row.to])], ["Why", (row) => row.because, { wide: true }],
    ], changes.toReversed()),
  ];
}

// How long receipts took, in steps that grow by a quarter, and how long they are waited for.
function receipts({ receipts, fared, countries }) {
  if (receipts.every(({ count }) => count === 0)) return section("Call to receipt", h("p", { class: "empty" }, "No receipt came in the last hour."));
  const last = receipts.findLastIndex(({ count }) => count > 0);
  const steps = receipts.filter(({ within_ms }, n) => n <= last || within_ms <= SHOWN_MS).map(({ within_ms, count }) => ({ at: within_ms, count }));
  const mark = (ms, title, tone) => {
    const n = steps.findIndex(({ at }) => at >= ms);
    return ms && n >= 0 ? [{ n, title: `${title}: ${duration(ms)}`, tone }] : [];
  };
  const waited = Math.max(...countries.map(({ window_ms }) => window_ms ?? 0));
  return bars("Call to receipt", steps, [{ title: "receipts", tone: "good", of: ({ count }) => count }],
    { at: duration, value: number, first: "Within", marks: [...mark(fared.p50_ms, "half within", "faint"), ...mark(fared.p95_ms, "95 % within", "accent"), ...mark(waited, "waited for, at most", "bad")] });
}

function errors({ errors, silent }) {
  const rows = [...errors, ...(silent > 0 ? [{ reason: "no receipt", class: "silence", count: silent }] : [])];
  const most = Math.max(...rows.map(({ count }) => count));
  return table("Messages not taken or not delivered, of the last half hour to hour", [
    ["Reason", (row) => words(row.reason)], ["Class", (row) => words(row.class)],
    ["Messages", (row) => tally(row.count, most), { number: true }],
  ], rows, "Nothing failed in the last hour.");
}

function holds(route, path, again) {
  const hold = (verb, title, text, danger) => async () => {
    if (await ask({ title: `${title}: ${route.gateway}`, text, verb: title, danger, act: () => api.post(`${path}/${verb}`) })) again();
  };
  return [
    action("Hold open", { role: "operator", danger: true, why: route.forced === "open" ? "it is held open" : null,
      onclick: hold("open", "Hold open", "It drains: nothing more is sent through it, on any worker, within a second, and what was sent is still followed. Orders go other ways; where there is none, they fail.", true) }),
    action("Hold closed", { role: "operator", why: route.forced === "closed" ? "it is held closed" : null,
      onclick: hold("close", "Hold closed", "Messages go through it whatever its calls come to. Its failures no longer take it out of use.") }),
    action("Release", { role: "operator", why: route.forced ? null : "nobody holds it",
      onclick: hold("release", "Release", "The breaker goes by what it finds again.") }),
  ];
}

function weigh(route, settings, path, again) {
  const version = settings.version ?? undefined;
  const set = settings.settings ?? {};
  // What is left as it is in force stays the file's, where the file says it.
  const wanted = (name, typed) => (typed === "" || (set[name] === undefined && Number(typed) === route[name]) ? {} : { [name]: Number(typed) });
  const whole = { type: "number", min: 0, max: 65535, step: 1 };
  return [
    action("Change priority and weight", { role: "operator", onclick: async () => {
      const done = await ask({ title: "Priority and weight", verb: "Change",
        text: "The lower priority goes first, whatever the figures say. Gateways of one priority share their orders by weight; without weights the figures decide. One of weight 5 beside one without gets 5 of 105; one of 0 begins none.",
        fields: [["priority", "Priority", { ...whole, required: true, value: route.priority }],
          ["weight", "Weight, or nothing", { ...whole, value: route.weight ?? "", hint: "With nothing: as the file says." }]],
        act: (typed) => {
          const { priority, weight, ...others } = set;
          return api.put(`${path}/settings`, { ...others, ...wanted("priority", typed.priority), ...wanted("weight", typed.weight) }, version);
        } });
      if (done) again();
    } }),
    action("As the file says", { role: "operator", why: settings.version ? null : "nothing is set", onclick: async () => {
      if (await ask({ title: "As the file says", text: "What operators set for this gateway is dropped.", verb: "Drop it", danger: true, act: () => api.remove(`${path}/settings`, version) })) again();
    } }),
  ];
}
