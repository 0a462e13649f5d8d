// In front of the edge's own modules: takes the platform's randomness away for a request that asks for it.
//   x-random: worker    from where the request comes in
//   x-random: ledger    from when the ledger's object has it
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
import Edge, { DirectoryObject, FactorObject, LedgerObject as Ledger, VisitorObject } from "./index.js";

export { DirectoryObject, FactorObject, VisitorObject };

const broken = () => {
  throw new Error("no randomness");
};

const without = async (act) => {
  Object.defineProperty(crypto, "getRandomValues", { value: broken, configurable: true });
  try {
    return await act();
  } finally {
    delete crypto.getRandomValues;
  }
};

let breaksLedger = false;

export class LedgerObject extends DurableObject {
  constructor(state, env) {
    super(state, env);
    this.ledger = new Ledger(state, env);
  }

  alarm() {
    return this.ledger.alarm();
  }

  fetch(request) {
    const act = () => this.ledger.fetch(request);
    return breaksLedger ? without(act) : act();
  }
}

export default class extends WorkerEntrypoint {
  async fetch(request) {
    const act = () => new Edge(this.ctx, this.env).fetch(request);
    const place = request.headers.get("x-random");
    breaksLedger = place === "ledger";
    return place === "worker" ? without(act) : act();
  }
}
