// Who may sign in here, and as what.

import { badge, h, table } from "./dom.js";
import { action, ask, reveal } from "./dialog.js";
import * as api from "./api.js";

const ROLES = [["viewer", "viewer: looks"], ["support", "support: helps customers"], ["operator", "operator: runs the installation"]];

export async function operators({ main, signal, again }) {
  const { operators } = await api.get("operators", signal);
  const shown = (made) => {
    if (made?.token) reveal(`The token of ${made.name}`, "It is shown this once. Hand it over by a way that you trust.", made.token);
    again();
  };
  const add = async () => {
    let made = null;
    await ask({ title: "Add an operator", verb: "Add", fields: [["name", "Name", { required: true, hint: "a-z, 0-9, '-' and '_'" }], ["role", "Role", { options: ROLES }]],
      act: async (wish) => { made = await api.post("operators", wish); } });
    if (made) shown(made);
  };
  const change = (row) => async () => {
    if (await ask({ title: `Role of ${row.name}`, text: "It counts from the next request on.", verb: "Change", fields: [["role", "Role", { options: ROLES, value: row.role }]],
      act: ({ role }) => api.put(`operators/${row.name}`, { role }) })) again();
  };
  const renew = (row) => async () => {
    let made = null;
    await ask({ title: `New token for ${row.name}`, text: "The old one, and every sign-in with it, opens nothing any more.", verb: "Make it",
      act: async () => { made = await api.put(`operators/${row.name}`, { new_token: true }); } });
    if (made) shown(made);
  };
  const drop = (row) => async () => {
    if (await ask({ title: `Remove ${row.name}`, text: "The token, and every sign-in with it, opens nothing any more.", verb: "Remove", danger: true, act: () => api.remove(`operators/${row.name}`) })) again();
  };
  main.replaceChildren(h("h1", null, "Operators"),
    h("p", { class: "hint" }, "Each has a token of his own. Whoever holds TIFFIN_OPERATOR_TOKEN may do everything besides."),
    h("p", { class: "actions" }, action("Add an operator", { role: "operator", onclick: add })),
    table("Operators", [
      ["Name", (row) => row.name], ["Role", (row) => badge(row.role)], ["Token", (row) => h("code", null, row.token_id)],
      ["Actions", (row) => h("span", { class: "actions" }, action("Role", { role: "operator", onclick: change(row) }), action("New token", { role: "operator", onclick: renew(row) }), action("Remove", { role: "operator", danger: true, onclick: drop(row) }))],
    ], operators, "Nobody has a token of his own yet."));
}
