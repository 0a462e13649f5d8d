// Around the edge's own classes: counts what the platform bills. GET /bill answers the counts.
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
import Edge, { DirectoryObject as Directory, FactorObject as Factor, LedgerObject as Ledger, VisitorObject as Visitor } from "./index.js";

const bill = {};
const add = (what, count) => {
  bill[what] = (bill[what] ?? 0) + count;
};

const but = (target, replaced) =>
  new Proxy(target, {
    get(_, name) {
      if (Object.hasOwn(replaced, name)) return replaced[name];
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });

// Counted when the object's turn is over: a cursor knows its rows once it was read.
class Meter {
  constructor(state, name) {
    this.name = name;
    this.cursors = [];
    const storage = state.storage;
    const exec = (...given) => {
      const cursor = storage.sql.exec(...given);
      this.cursors.push([given[0].split(" ")[0].toLowerCase(), cursor]);
      return cursor;
    };
    const setAlarm = (...given) => {
      add("alarms_set", 1);
      return storage.setAlarm(...given);
    };
    const own = but(storage, { sql: but(storage.sql, { exec }), setAlarm });
    this.state = but(state, { storage: own, waitUntil: (work) => state.waitUntil(this.timed(work)) });
  }

  async timed(work) {
    const began = Date.now();
    try {
      return await work;
    } finally {
      add("object_ms", Date.now() - began);
      for (const [kind, cursor] of this.cursors.splice(0)) {
        add("rows_read", cursor.rowsRead);
        add(`rows_written_by_${kind}`, cursor.rowsWritten);
      }
    }
  }
}

const metered = (Class, name) =>
  class extends DurableObject {
    constructor(state, env) {
      super(state, env);
      this.meter = new Meter(state, name);
      this.object = new Class(this.meter.state, env);
    }

    fetch(request) {
      add(`requests_to_${name}`, 1);
      return this.meter.timed(this.object.fetch(request));
    }

    alarm() {
      add(`alarms_of_${name}`, 1);
      return this.meter.timed(this.object.alarm());
    }
  };

export const DirectoryObject = metered(Directory, "directory");
export const FactorObject = metered(Factor, "factor");
export const LedgerObject = metered(Ledger, "ledger");
export const VisitorObject = metered(Visitor, "visitor");

export default class extends WorkerEntrypoint {
  fetch(request) {
    const path = new URL(request.url).pathname;
    if (path === "/bill") return Response.json(bill);
    const from = path.startsWith("/v1/") ? "callers" : path.startsWith("/internal/") ? "core" : "health";
    add(`worker_requests_by_${from}`, 1);
    return new Edge(this.ctx, this.env).fetch(request);
  }
}
