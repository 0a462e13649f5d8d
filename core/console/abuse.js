// What is challenged or blocked, why, and letting it go again.

import { badge, facts, h, renew, section, table } from "./dom.js";
import { KEPT, action, ask, tell } from "./dialog.js";
import * as api from "./api.js";
import { ago, number, share, time } from "./format.js";

const TONES = { challenge: "warn", block: "bad" };

export async function abuse({ main, signal }) {
  const list = h("div");
  const said = h("p", { class: "hint", role: "status" });
  const refresh = async () => {
    const reply = await api.get("abuse", signal);
    if (!signal.aborted) renew(list, parts(reply, done));
  };
  async function done(text) {
    said.textContent = text;
    await refresh();
  }
  await refresh();
  main.replaceChildren(h("h1", null, "Abuse"),
    h("p", { class: "hint" }, "Prefixes and countries whose codes are ordered and never entered are challenged, then blocked, until the figures mend. Prefixes are known by keyed hashes alone."),
    h("div", { class: "actions" }, network(done), unlock(done)), said, list);
  return { every_ms: 3_000, refresh };
}

function parts({ verdicts, watched }, done) {
  const release = (row) => () => ask({ title: `Let ${row.label} go`, verb: "Let it go",
    text: `What was learnt of it for ${row.tenant} is forgotten, and it may be ordered to at once. If it goes on as before, it is stopped again.`,
    act: async () => {
      const { released } = await api.post("abuse/release", { tenant: row.tenant, subject: row.subject });
      await done(released ? `${row.label} was let go. The edge follows within seconds.` : `${row.label} was not held any more.`);
    } });
  return [
    section("Challenged or blocked",
      verdicts.some(({ enforced }) => !enforced) && h("p", { class: "advice" }, "Verdicts marked \u201crecorded only\u201d are not acted on: guard.mode is record_only."),
      table("Verdicts in force", [
        ["What", (row) => row.label], ["Tenant", tenant],
        ["Verdict", (row) => h("span", { class: "badges" }, badge(row.verdict, TONES[row.verdict]), !row.enforced && badge("recorded only"))],
        ["Why", (row) => row.why ?? "what led to it is not known any more", { wide: true }],
        ["Since", (row) => time(row.since), { number: true }], ["Until", (row) => [time(row.until), h("small", null, ` ${ago(row.until)}`)], { number: true }],
        ["Actions", (row) => action("Let it go", { role: "operator", onclick: release(row) })],
      ], verdicts, "Nothing looks pumped: no prefix and no country is held.")),
    section("Watched most closely", table("Orders of the last ten minutes, unverified ones first", [
      ["What", (row) => row.label], ["Tenant", tenant],
      ["Orders", (row) => number(row.sent), { number: true }], ["Verified", (row) => number(row.verified), { number: true }],
      ["Unverified", (row) => share(row.unverified_permille), { number: true }], ["Usually", (row) => share(row.baseline_permille), { number: true }],
      ["Stands", (row) => (row.verdict ? badge(row.verdict, TONES[row.verdict]) : badge("open", "good"))],
    ], watched, "Nothing had enough orders in the last ten minutes to be judged by.")),
  ];
}

const tenant = (row) => h("a", { href: `#/tenants/${api.part(row.tenant)}` }, row.tenant);

// Networks are known at the edge, by a keyed hash alone: somebody has to say which.
function network(done) {
  return action("Look at a network", { role: "support", onclick: async () => {
    let found = null;
    await ask({ title: "A client's network", text: "It is looked up at the edge by a keyed hash. The address is kept nowhere.", verb: "Look",
      fields: [["ip", "Address", { required: true, hint: "IPv4 or IPv6" }]],
      act: async ({ ip }) => { found = { ip, ...(await api.post("abuse/network", { ip })) }; } });
    if (!found) return;
    const { ip, site } = found;
    tell({ title: `Network of ${ip}`, body: [standing(null, found), site && standing("The IPv6 site (/48) around it", site)],
      deed: action("Let it go", { role: "operator", onclick: async ({ target }) => {
        target.closest("dialog").close();
        await ask({ title: `Let the network of ${ip} go`, text: "It and its site start anew, with all they are entitled to.", verb: "Let it go",
          act: async () => {
            await api.post("abuse/network/release", { ip });
            await done(`The network of ${ip} starts anew.`);
          } });
      } }) });
  } });
}

function standing(title, { orders_left, challenge_until, blocked_until, guesses_left, guesses_challenge_until, guesses_blocked_until }) {
  const how = (challenged, blocked) => (blocked ? badge(`blocked until ${time(blocked)}`, "bad") : challenged ? badge(`challenged until ${time(challenged)}`, "warn") : badge("open", "good"));
  return [title && h("h3", null, title), facts([
    ["Orders", how(challenge_until, blocked_until)], ["Without a challenge", `${number(orders_left)} more`],
    ["Guesses", how(guesses_challenge_until, guesses_blocked_until)], ["Without a challenge", `${number(guesses_left)} more`]])];
}

function unlock(done) {
  return action("Unlock a phone", { role: "support", onclick: () => ask({ title: "Unlock a phone", verb: "Unlock",
    text: "Its wrong guesses in a row are forgotten, so that codes can be entered again. Do it for its owner only: guesses are what keeps others out.",
    fields: [["tenant", "Tenant", { required: true }], ["phone", "Phone", { required: true, type: "tel", hint: "+919876543210" }], ["reason", "Why", { required: true, hint: `Stands in the audit. ${KEPT}` }]],
    act: async (wish) => {
      const { unlocked, wrong_in_a_row, wrong_today } = await api.post("phones/unlock", wish);
      await done(unlocked ? `Unlocked: ${wrong_in_a_row} wrong guesses in a row were forgotten, ${wrong_today} of today.` : "Nothing was locked: it had no wrong guesses.");
    } }) });
}
