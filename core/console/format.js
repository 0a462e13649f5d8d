// How figures, times and money are written. Times are milliseconds since 1970, or RFC 3339.

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "2-digit", month: "short" });
const whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const parts = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 2, maximumFractionDigits: 4 });

const date = (at) => new Date(at);

export const number = (count) => (count === null || count === undefined ? "–" : whole.format(count));

// A share in thousandths.
export const share = (permille) => (permille === null || permille === undefined ? "–" : `${(permille / 10).toFixed(1)} %`);

// As whole units of two sizes; without the smaller one where there is none of it.
function pair(ms, large_ms, large, small_ms, small) {
  const all = Math.round(ms / small_ms);
  const each = large_ms / small_ms;
  return all % each === 0 ? `${all / each} ${large}` : `${Math.floor(all / each)} ${large} ${all % each} ${small}`;
}

export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  if (ms < 3_600_000) return pair(ms, 60_000, "min", 1000, "s");
  if (ms < 86_400_000) return pair(ms, 3_600_000, "h", 60_000, "min");
  return pair(ms, 86_400_000, "d", 3_600_000, "h");
}

export function time(at) {
  if (!at) return "–";
  const then = date(at);
  const today = then.toDateString() === new Date().toDateString();
  return today ? clock.format(then) : `${day.format(then)} ${clock.format(then)}`;
}

export const shortTime = (at, span) => (span === "week" ? day.format(date(at)) : clock.format(date(at)).slice(0, 5));

// How long ago, or until when.
export function ago(at) {
  if (!at) return "–";
  const ms = Date.now() - date(at).getTime();
  return ms >= 0 ? `${duration(ms)} ago` : `in ${duration(-ms)}`;
}

const fine = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 4, maximumFractionDigits: 4 });

// In a column, where points stand below each other.
export const exact = (amount, currency) => `${fine.format(amount / 1_000_000)} ${currency}`;
export const micros = (amount, currency) => `${parts.format(amount / 1_000_000)} ${currency}`;
export const money = (sum) => (sum ? micros(sum.amount_micros, sum.currency) : "–");
export const shortId = (id) => (id.length > 14 ? `${id.slice(0, 12)}…` : id);
export const words = (name) => String(name).replaceAll("_", " ");

// Which colour a state has.
const TONES = {
  delivered: "good", verified: "good", closed: "good", up: "good", resolved: "good", sent: "plain", accepted: "plain",
  queued: "plain", sending: "plain", failed: "bad", undeliverable: "bad", open: "bad", expired: "warn", cancelled: "plain", half_open: "warn",
  overdue: "bad", unknown: "warn", locked: "bad",
};
export const tone = (state) => TONES[state] ?? "plain";
