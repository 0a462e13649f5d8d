// Jobs that could not be worked on.

import { badge, h, renew, table } from "./dom.js";
import { action, ask } from "./dialog.js";
import * as api from "./api.js";
import { number, shortId, time, words } from "./format.js";

export async function dead({ main, signal }) {
  const list = h("div");
  const said = h("p", { class: "hint", role: "status" });
  const refresh = async () => {
    const { letters } = await api.get("dead?limit=200", signal);
    if (!signal.aborted) renew(list, [rows(letters, done)]);
  };
  async function done(report) {
    said.textContent = Object.entries(report).filter(([, count]) => count > 0).map(([name, count]) => `${count} ${name}`).join(", ") || "Nothing was left to do.";
    await refresh();
  }
  const all = action("Replay the oldest hundred", { role: "operator", onclick: () => ask({ title: "Replay dead letters", verb: "Replay",
    text: "Each goes into the queue again. What is past its code's life stays here; a message that was sent is known, and not sent twice.",
    act: async () => done(await api.post("dead/replay", { max: 100 })) }) });
  await refresh();
  main.replaceChildren(h("h1", null, "Dead letters"), h("p", { class: "hint" }, "Jobs that no worker could work on: forged, unreadable, or given up. Nothing here is sent until you replay it."),
    h("p", { class: "actions" }, all), said, list);
  return { every_ms: 10_000, refresh };
}

function rows(letters, done) {
  const act = (letter, verb, title, text, danger) => () => ask({ title, text, verb: title, danger,
    act: async () => done(await api.post(`dead/${api.part(letter.id)}/${verb}`)) });
  return table("Dead letters, oldest first", [
    ["Order", (row) => (row.job ? h("a", { href: `#/orders/${row.job.order}`, title: row.job.order }, h("code", null, shortId(row.job.order))) : h("code", { title: row.id }, shortId(row.id)))],
    ["Why", (row) => words(row.reason)],
    ["Since", (row) => time(row.dead_at), { number: true }],
    ["Of", (row) => (row.job ? `${row.job.tenant} / ${row.job.service}` : "unreadable")],
    ["Code", (row) => (row.stale ? badge("its life is over", "warn") : badge("could still be used", "good"))],
    ["Size", (row) => `${number(row.bytes)} B`, { number: true }],
    ["Actions", (row) => h("span", { class: "actions" },
      action("Replay", { role: "operator", why: row.stale ? "its code is over" : row.job ? null : "it cannot be read", onclick: act(row, "replay", "Replay", "It goes into the queue again.") }),
      action("Discard", { role: "operator", danger: true, onclick: act(row, "discard", "Discard", "It is gone for good. The order's record stays.", true) }))],
  ], letters, "No dead letters. That is how it should be.");
}
