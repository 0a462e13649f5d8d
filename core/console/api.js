// Asks core. A refusal is an Error whose message a person can read.

export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `core answered ${status}`);
    this.status = status;
    this.code = problem.code;
    this.retryAfter = problem.retryAfter;
    // Nothing is wrong with what was asked.
    this.passes = status === 0 || status === 429 || status >= 502;
    // It may have been done all the same.
    this.unknown = status === 0 || status >= 500;
  }
}

let signedIn = null;
let whenSignedOut = () => {};

export const who = () => signedIn;
export const onSignedOut = (listener) => { whenSignedOut = listener; };

const ROLES = ["viewer", "support", "operator"];
// Whether this role may do it.
export const may = (least) => ROLES.indexOf(signedIn?.role) >= ROLES.indexOf(least);

// The page asks again by itself. What it asks while nobody touches it keeps nobody signed in.
const TOUCHED_MS = 60_000;
let touchedAt = Date.now();
for (const touch of ["keydown", "pointerdown", "pointermove", "wheel"]) {
  addEventListener(touch, () => { touchedAt = Date.now(); }, { passive: true });
}

async function send(method, path, body, signal) {
  const headers = { accept: "application/json" };
  if (signedIn && method !== "GET") headers["x-csrf-token"] = signedIn.csrf;
  if (Date.now() - touchedAt > TOUCHED_MS) headers["x-unattended"] = "1";
  if (body?.version !== undefined) headers["if-match"] = `"${body.version}"`;
  if (body?.key !== undefined) headers["idempotency-key"] = body.key;
  if (body?.json !== undefined) headers["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method, headers, signal, body: body?.json === undefined ? body?.raw : JSON.stringify(body.json) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, { detail: "Core does not answer." });
  }
  const reply = await response.json().catch(() => ({}));
  if (response.ok) return reply;
  const refused = new Refused(response.status, { ...reply, retryAfter: response.headers.get("retry-after") });
  if (response.status === 401 && path !== "/console/session") {
    signedIn = null;
    whenSignedOut();
  }
  throw refused;
}

const under = (path) => `/ops/v1/${path}`;

export const get = (path, signal) => send("GET", under(path), undefined, signal);
export const post = (path, json, more, signal) => send("POST", under(path), { json, ...more }, signal);
export const put = (path, json, version) => send("PUT", under(path), { json, version });
export const remove = (path, version) => send("DELETE", under(path), { version });
export const upload = (path, raw) => send("POST", under(path), { raw });

export async function session() {
  const found = await send("GET", "/console/session");
  signedIn = found.role ? found : null;
  return signedIn;
}

export async function signIn(token, name) {
  signedIn = await send("POST", "/console/session", { json: name ? { token, name } : { token } });
}

export async function signOut() {
  await send("DELETE", "/console/session");
  signedIn = null;
}

// One part of a path.
export const part = encodeURIComponent;
