// The least that keeps something: a worker and an object that reads one row and writes one, per request.
import { DurableObject } from "cloudflare:workers";

class Bare extends DurableObject {
  constructor(state, env) {
    super(state, env);
    this.sql = state.storage.sql;
    this.sql.exec("CREATE TABLE IF NOT EXISTS cell (id INTEGER PRIMARY KEY CHECK (id = 0), body TEXT NOT NULL, alarm_at INTEGER NOT NULL)");
  }

  async fetch(request) {
    const body = await request.text();
    const rows = this.sql.exec("SELECT body, alarm_at FROM cell WHERE id = 0").toArray();
    this.sql.exec("INSERT OR REPLACE INTO cell (id, body, alarm_at) VALUES (0, ?, ?)", body, rows.length);
    return new Response(body);
  }
}

export class DirectoryObject extends Bare {}
export class FactorObject extends Bare {}
export class LedgerObject extends Bare {}
export class VisitorObject extends Bare {}

export default {
  async fetch(request, env) {
    if (request.method === "GET") return new Response("ok");
    const body = await request.text();
    const ledger = env.LEDGERS.getByName(new URL(request.url).pathname);
    const answer = await ledger.fetch("https://object/", { method: "POST", body });
    return new Response(await answer.text());
  },
};
