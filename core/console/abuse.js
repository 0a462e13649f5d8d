// What is challenged or blocked, why, and letting it go again.

import { badge, h, section, table } from "./dom.js";
import { action, ask } from "./dialog.js";
import * as api from "./api.js";
import { ago, number, share, time, words } from "./format.js";

export async function abuse({ main, signal, again }) {
  const list = h("div");
  const refresh = async () => {
    const reply = await api.get("abuse", signal);
    if (!signal.aborted) list.replaceChildren(...parts(reply, again));
  };
  await refresh();
  main.replaceChildren(h("h1", null, "Abuse"), h("p", { class: "actions" }, network(), unlock()), list);
  return { every_ms: 5_000, refresh };
}

function parts({ verdicts, watched }, again) {
  const release = (row) => async () => {
    if (await ask({ title: "Let it go", text: `${row.label}, of ${row.tenant}: what was learnt of it is forgotten, and it may be ordered to at once. If it goes on as before, it is stopped again.`, verb: "Let it go",
      act: () => api.post("abuse/release", { tenant: row.tenant, subject: row.subject }) })) again();
  };
  return [
    section("Challenged or blocked", table("Verdicts in force", [
      ["What", (row) => row.label], ["Tenant", (row) => row.tenant],
      ["Verdict", (row) => [badge(row.verdict, row.verdict === "block" ? "bad" : "warn"), !row.enforced && badge("recorded only", "plain")]],
      ["Why", (row) => row.why ?? "–"], ["Until", (row) => `${time(row.until)} (${ago(row.until)})`, { number: true }],
      ["Actions", (row) => action("Let it go", { role: "operator", onclick: release(row) })],
    ], verdicts, "Nothing looks pumped.")),
    section("Watched most closely", table("Unverified orders, most first", [
      ["What", (row) => row.label], ["Tenant", (row) => row.tenant], ["Orders", (row) => number(row.sent), { number: true }], ["Verified", (row) => number(row.verified), { number: true }],
      ["Unverified", (row) => share(row.unverified_permille), { number: true }], ["Usual", (row) => share(row.baseline_permille), { number: true }],
      ["Would be", (row) => (row.verdict ? badge(row.verdict, row.verdict === "block" ? "bad" : "warn") : badge("open", "good"))],
    ], watched, "Nothing was ordered lately.")),
  ];
}

// Networks are known at the edge, by a keyed hash alone: somebody has to say which.
function network() {
  return action("Look at a network", { role: "support", onclick: async () => {
    let found = null;
    await ask({ title: "A client's network", text: "It is looked up at the edge by a keyed hash. The address is kept nowhere.", verb: "Look", fields: [["ip", "Address", { required: true, hint: "IPv4 or IPv6" }]],
      act: async ({ ip }) => { found = { ip, ...(await api.post("abuse/network", { ip })) }; } });
    if (!found) return;
    const { ip, site, ...state } = found;
    await ask({ title: `Network of ${ip}`, text: `${lines(state)}${site ? ` Its site (/48): ${lines(site)}` : ""} Letting it go needs the role operator: both start anew.`, verb: "Let it go",
      act: async () => { await api.post("abuse/network/release", { ip }); } });
  } });
}

const lines = (state) => Object.entries(state).map(([name, value]) => `${words(name)}: ${name.endsWith("_until") ? time(value) : value}`).join(" · ");

function unlock() {
  return action("Unlock a phone", { role: "support", onclick: () => ask({ title: "Unlock a phone", verb: "Unlock",
    text: "Its wrong guesses in a row are forgotten, so that codes can be entered again. Do it for its owner only: guesses are what keeps others out.",
    fields: [["tenant", "Tenant", { required: true }], ["phone", "Phone", { required: true, type: "tel", hint: "+919876543210" }], ["reason", "Why", { required: true }]],
    act: (wish) => api.post("phones/unlock", wish) }) });
}

