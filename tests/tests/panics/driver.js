// In front of the edge's own modules, so that the product needs no route that panics. The platform is broken for a
// request that asks for it, in ways that the worker crate unwraps:
//   x-panic: worker    a header that is no text
//   x-panic: before    the ledger's request has a body that is no text
//   x-panic: after     the ledger has written, and may begin no hand-over before it answers
// `x-slow: worker` lets a body come in two halves, `x-slow: ledger` lets the ledger wait for its request.
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
import Edge, { LedgerObject as Ledger } from "./index.js";

// The other objects as they are: a directory that nobody can read is no directory.
export { DirectoryObject, FactorObject, VisitorObject } from "./index.js";

const SLOW_MS = 600;
const PASSED_ON = ["x-panic", "x-slow"];

const but = (target, replaced) =>
  new Proxy(target, {
    get(_, name) {
      if (name in replaced) return replaced[name];
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });

const halves = (bytes) =>
  new ReadableStream({
    async start(controller) {
      controller.enqueue(bytes.slice(0, bytes.length / 2));
      await scheduler.wait(SLOW_MS);
      controller.enqueue(bytes.slice(bytes.length / 2));
      controller.close();
    },
  });

// The worker crate looks at the name of a binding's class.
class DurableObjectNamespace {
  constructor(ledgers, headers) {
    this.getByName = (name) => {
      const stub = ledgers.getByName(name);
      const fetch = (request) => {
        const marked = new Request(request);
        for (const header of PASSED_ON) if (headers.has(header)) marked.headers.set(header, headers.get(header));
        return stub.fetch(marked);
      };
      return but(stub, { fetch });
    };
  }
}

export class LedgerObject extends DurableObject {
  constructor(state, env) {
    super(state, env);
    this.ledger = new Ledger(state, env);
  }

  alarm() {
    return this.ledger.alarm();
  }

  fetch(request) {
    const text = async () => {
      if (request.headers.get("x-slow") === "ledger") await scheduler.wait(SLOW_MS);
      return request.headers.get("x-panic") === "before" ? 7 : request.text();
    };
    const own = but(request, { text });
    return request.headers.get("x-panic") === "after" ? this.forgetful().fetch(own) : this.ledger.fetch(own);
  }

  // A hand-over begins after the write, and before the answer.
  forgetful() {
    const state = this.ctx;
    const waitUntil = () => {
      throw new Error("nothing may run on");
    };
    return new Ledger({ storage: state.storage, waitUntil }, this.env);
  }
}

export default class extends WorkerEntrypoint {
  async fetch(request) {
    const env = { ...this.env, LEDGERS: new DurableObjectNamespace(this.env.LEDGERS, request.headers) };
    let own = request;
    if (request.headers.get("x-panic") === "worker") {
      own = but(request, { headers: { entries: () => [[1, 2]].values() } });
    } else if (request.headers.get("x-slow") === "worker") {
      const bytes = await request.bytes();
      own = but(request, { arrayBuffer: () => new Response(halves(bytes)).arrayBuffer() });
    }
    return new Edge(this.ctx, env).fetch(own);
  }
}
