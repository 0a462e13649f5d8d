// The first page: how it goes, in pictures, for the last hour, day or week.

import { badge, h, renew, section, table } from "./dom.js";
import { bars, lines, meter } from "./charts.js";
import * as api from "./api.js";
import { ago, duration, micros, money, number, share, shortTime } from "./format.js";

const SPANS = [["hour", "Last hour"], ["day", "Last day"], ["week", "Last week"]];
// What of the codes is entered at the end, in thousandths, where all is well.
export const VERIFIED = { good: 700, fair: 400 };
const EVERY_MS = { hour: 2_000, day: 10_000, week: 30_000 };

export async function overview({ main, query, signal }) {
  const span = SPANS.some(([name]) => name === query.get("span")) ? query.get("span") : "hour";
  const body = h("div", { class: "overview" });
  const refresh = async () => {
    const figures = await api.get(`overview?span=${span}`, signal);
    if (!signal.aborted) renew(body, parts(figures, span));
  };
  await refresh();
  const choose = ([name, title]) => h("a", { href: `#/overview?span=${name}`, "aria-current": name === span ? "true" : null }, title);
  main.replaceChildren(h("div", { class: "head" }, h("h1", null, "Overview"), h("p", { class: "spans" }, SPANS.map(choose))), body);
  return { every_ms: EVERY_MS[span], refresh };
}

function tile(title, value, note, how) {
  return h(how?.href ? "a" : "div", { class: "tile", href: how?.href, "data-tone": how?.tone }, h("span", null, title), h("b", null, value), h("small", null, note ?? ""));
}

function parts({ totals, points, step_ms, queue, breakers, balances, escalations }, span) {
  const how = { at: (at) => shortTime(at, span), value: number };
  const minutes = step_ms / 60_000;
  const dead = queue?.dead ?? null;
  const low = balances.filter((balance) => balance.low);
  return [
    h("div", { class: "tiles" },
      tile("Orders", number(totals.accepted), `${(totals.accepted / (points.length * minutes)).toFixed(1)} a minute`),
      tile("Delivered", share(totals.delivery_permille), `${number(totals.delivered)} proven by receipt`, { tone: toneOf(totals.delivery_permille, 900, 700) }),
      tile("Verified", share(totals.verification_permille), `${number(totals.verified)} codes were entered`, { tone: toneOf(totals.verification_permille, VERIFIED.good, VERIFIED.fair) }),
      tile("Accepted to delivered", duration(totals.p50_ms), `95 %: ${duration(totals.p95_ms)}, 99 %: ${duration(totals.p99_ms)}`),
      tile("Spent", totals.spend.length ? totals.spend.map(money).join(", ") : "–", "captured"),
      tile("Queue", queue ? number(queue.depth) : "?", queue ? (queue.oldest_ms === null ? "nothing waits" : `oldest: ${duration(queue.oldest_ms)}`) : "RabbitMQ does not answer", { tone: queue ? null : "bad" }),
      tile("Dead letters", number(dead), dead ? "look at them" : "none", { href: "#/dead", tone: dead ? "bad" : null }),
      tile("Escalations", number(escalations.open), escalations.overdue ? `${escalations.overdue} overdue` : "none overdue", { href: "#/escalations", tone: escalations.overdue ? "bad" : null })),
    h("div", { class: "pictures" },
      bars("Orders", points, [
        { title: "accepted", tone: "faint", of: (point) => point.accepted },
        { title: "delivered", tone: "good", of: (point) => point.delivered },
        { title: "failed or expired", tone: "bad", of: (point) => point.failed + point.expired },
      ], how),
      lines("Accepted to delivered", points, [
        { title: "half within", tone: "good", of: (point) => point.p50_ms },
        { title: "95 %", tone: "warn", of: (point) => point.p95_ms },
        { title: "99 %", tone: "bad", of: (point) => point.p99_ms },
      ], { ...how, value: duration })),
    section("Routes, and what arrived in the last half hour to hour", map(breakers)),
    low.length > 0 && section("Low balances", table("Low balances", [
      ["Tenant", (row) => h("a", { href: `#/tenants/${api.part(row.tenant)}` }, row.tenant)],
      ["Available", (row) => micros(row.available_micros, row.currency), { number: true }],
    ], low)),
  ].filter(Boolean);
}

const toneOf = (permille, good, fair) =>
  permille === null || permille === undefined ? null : permille >= good ? "good" : permille >= fair ? "warn" : "bad";

export const phaseOf = (phase) => (typeof phase === "string" ? phase : Object.keys(phase)[0]);

export function breaker(route) {
  const phase = route.forced ?? phaseOf(route.phase);
  const held = route.forced ? ", held" : "";
  return badge(`${phase.replace("_", "-")}${held}`, { closed: "good", open: "bad", half_open: "warn" }[phase]);
}

// Gateways by countries: the breaker, and what arrives where.
function map(breakers) {
  const countries = [...new Set(breakers.flatMap((route) => route.countries.map(({ country }) => country)))].sort();
  const cell = (route, country) => {
    const found = route.countries.find((known) => known.country === country);
    return found ? meter(found.delivery_permille, { label: `${share(found.delivery_permille)} of ${number(found.sent)}` }) : "–";
  };
  return table("Breakers, by gateway and country", [
    ["Gateway", (row) => h("a", { href: `#/routes/${api.part(row.gateway)}` }, row.gateway)],
    ["Channel", (row) => row.channel],
    ["Breaker", (row) => [breaker(row), row.paused_until > Date.now() && badge(`paused, ${ago(row.paused_until)}`, "warn")]],
    ...countries.map((country) => [country ?? "no country", (row) => cell(row, country)]),
  ], breakers, "No gateway is configured.");
}

