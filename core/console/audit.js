// Who did what.

import { h, table } from "./dom.js";
import * as api from "./api.js";
import { time } from "./format.js";

const value = (of) => (of === null || of === undefined ? "–" : h("code", { class: "break" }, typeof of === "string" ? of : JSON.stringify(of)));

export async function audit({ main, signal }) {
  const rows = [];
  const list = h("div");
  const more = h("p");
  const load = async (before) => {
    const page = await api.get(`audit?newest_first=true${before === undefined ? "" : `&before=${before}`}`, signal);
    rows.push(...page.rows);
    list.replaceChildren(table("Audit, newest first", [
      ["When", (row) => time(row.body.at ?? row.at)], ["Who", (row) => row.body.by?.name ?? "–"], ["What", (row) => row.body.what],
      ["Before", (row) => value(row.body.before)], ["After", (row) => value(row.body.after)], ["Token", (row) => (row.body.by?.token ? h("code", null, row.body.by.token) : "–")],
    ], rows, "Nobody has changed anything yet."));
    more.replaceChildren(...(page.next ? [h("button", { type: "button", onclick: () => load(page.next) }, "Older ones")] : []));
  };
  await load();
  main.replaceChildren(h("h1", null, "Audit"), list, more);
}
