// The least that keeps something: a worker and an object that reads one row and writes one, per request. Below /alike/ it
// makes the same calls of the platform as an order does: an alarm, a hand-over to core, and both noted afterwards.
import { DurableObject } from "cloudflare:workers";

const LEASE_MS = 5_000;
const DAY_MS = 86_400_000;

class Bare extends DurableObject {
  constructor(state, env) {
    super(state, env);
    this.sql = state.storage.sql;
    this.sql.exec("CREATE TABLE IF NOT EXISTS cell (id INTEGER PRIMARY KEY CHECK (id = 0), body TEXT NOT NULL, alarm_at INTEGER NOT NULL)");
  }

  keep(body) {
    const rows = this.sql.exec("SELECT body, alarm_at FROM cell WHERE id = 0").toArray();
    this.sql.exec("INSERT OR REPLACE INTO cell (id, body, alarm_at) VALUES (0, ?, ?)", body, rows.length);
  }

  async fetch(request) {
    const body = await request.text();
    this.keep(body);
    if (new URL(request.url).pathname.startsWith("/alike/")) {
      await this.ctx.storage.setAlarm(Date.now() + LEASE_MS);
      this.ctx.waitUntil(this.handOver(body));
    }
    return new Response(body);
  }

  async handOver(body) {
    await fetch(`${this.env.TIFFIN_CORE_URL}/`, { method: "POST", body });
    this.keep(body);
    await this.ctx.storage.setAlarm(Date.now() + DAY_MS);
  }

  alarm() {}
}

export class DirectoryObject extends Bare {}
export class FactorObject extends Bare {}
export class LedgerObject extends Bare {}
export class VisitorObject extends Bare {}

export default {
  async fetch(request, env) {
    if (request.method === "GET") return new Response("ok");
    const body = await request.text();
    const path = new URL(request.url).pathname;
    const answer = await env.LEDGERS.getByName(path).fetch(`https://object${path}`, { method: "POST", body });
    return new Response(await answer.text());
  },
};
