// Who did what.

import { h, older, table } from "./dom.js";
import * as api from "./api.js";
import { time, words } from "./format.js";

// What was set, by name; whatever is deeper as it is kept.
function value(of) {
  if (of === null || of === undefined) return "–";
  if (typeof of !== "object" || Array.isArray(of)) return h("span", { class: "break" }, typeof of === "string" ? words(of) : JSON.stringify(of));
  const text = (part) => (part !== null && typeof part === "object" ? JSON.stringify(part) : String(part));
  return h("ul", { class: "break" }, Object.entries(of).map(([name, part]) => h("li", null, h("span", { class: "faint" }, `${words(name)} `), text(part))));
}

export async function audit({ main, signal }) {
  const rows = [];
  const list = h("div");
  const more = h("div");
  const load = async (before) => {
    const page = await api.get(`audit?newest_first=true${before === undefined ? "" : `&before=${before}`}`, signal);
    rows.push(...page.rows);
    list.replaceChildren(table("Audit, newest first", [
      ["When", (row) => time(row.body.at ?? row.at)], ["Who", (row) => row.body.by?.name ?? "–"], ["What", (row) => h("span", { class: "break" }, row.body.what), { wide: true }],
      ["Before", (row) => value(row.body.before), { wide: true }], ["After", (row) => value(row.body.after), { wide: true }], ["Token", (row) => (row.body.by?.token ? h("code", null, row.body.by.token) : "–")],
    ], rows, "Nobody has changed anything yet."));
    more.replaceChildren(...(page.next ? [older(() => load(page.next))] : []));
  };
  await load();
  main.replaceChildren(h("h1", null, "Audit"), list, more);
}
