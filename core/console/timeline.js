// An order's life, drawn: a lane for each attempt with its call, waiting window and receipt; what else happened below it.

import { NARROW, h, s } from "./dom.js";
import { duration, micros, time, tone, words } from "./format.js";

// Drawn in about the size it is shown in; a narrow screen scrolls.
const wide = () => (NARROW.matches ? 640 : 1080);
const LEFT = 132;
const LANE = 34;

// What says by itself what it is.
const PLAIN = ["what", "micros", "state"];

// What an entry of a story says, in words. An entry: {at, what: {kind: fields}}.
export function said({ what }, currency) {
  const [kind, of] = Object.entries(typeof what === "string" ? { [what]: {} } : what)[0];
  const fields = of && typeof of === "object" ? of : { value: of };
  const shown = Object.entries(fields)
    .filter(([name, value]) => name !== "n" && value !== null && value !== "" && typeof value !== "object")
    .map(([name, value]) => `${PLAIN.includes(name) ? "" : `${words(name)} `}${name.endsWith("_ms") ? duration(value) : name === "micros" ? micros(value, currency ?? "") : name === "until" || name.endsWith("_at") ? time(value) : value}`);
  return { kind: words(kind), n: fields.n ?? null, text: shown.join(", "), raw: fields };
}

// When an attempt is over, as far as is known.
function ends(attempt, entries) {
  const last = entries.filter((entry) => said(entry).n === attempt.n).at(-1);
  return Math.max(attempt.at ?? 0, last?.at ?? 0, attempt.called_at ?? 0);
}

export function timeline(order) {
  const attempts = order.attempts ?? [];
  const entries = order.story?.entries ?? [];
  const from = order.job?.created_at ?? entries[0]?.at;
  if (!from || attempts.length === 0) return h("p", { class: "empty" }, "Nothing was sent yet.");
  const expires = order.job?.expires_at;
  const windows = attempts.map((attempt) => (attempt.called_at ?? attempt.at) + (attempt.window_ms ?? 0));
  const until = Math.max(...windows, ...attempts.map((attempt) => ends(attempt, entries)), ...entries.map(({ at }) => at), from + 1000);
  const shownUntil = from + (until - from) * 1.06;
  const WIDTH = wide();
  const x = (at) => LEFT + ((Math.min(at, shownUntil) - from) / (shownUntil - from)) * (WIDTH - LEFT - 12);
  const height = attempts.length * LANE + 34;
  const lanes = attempts.map((attempt, n) => lane(attempt, 10 + n * LANE, { x, entries, height }));
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const at = from + (shownUntil - from) * part;
    return [s("line", { class: "grid", x1: x(at), x2: x(at), y1: 4, y2: height - 22 }),
      s("text", { class: "tick", x: x(at), y: height - 6, "text-anchor": part === 1 ? "end" : "middle" }, part === 0 ? "accepted" : `+${duration(at - from)}`)];
  });
  const end = expires && expires <= shownUntil
    ? s("line", { class: "deadline", x1: x(expires), x2: x(expires), y1: 4, y2: height - 22 }, s("title", null, "the code expires"))
    : null;
  const name = `Timeline: ${attempts.map((attempt) => `attempt ${attempt.n} by ${attempt.gateway}, ${words(attempt.state)}`).join("; ")}`;
  return h("figure", { class: "timeline" },
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Timeline" },
      s("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": name }, ticks, end && [end], lanes)),
    h("ul", { class: "legend", "aria-hidden": "true" },
      h("li", { "data-tone": "accent" }, "calling"), h("li", { "data-tone": "window" }, "usual time of a receipt"),
      h("li", { "data-tone": "good" }, "delivered"), h("li", { "data-tone": "bad" }, "failed")));
}

function lane(attempt, y, { x, entries }) {
  const mine = entries.filter((entry) => said(entry).n === attempt.n);
  const began = attempt.called_at ?? attempt.at;
  const answered = mine.find((entry) => said(entry).kind === "answered")?.at;
  const over = ends(attempt, entries);
  const middle = y + LANE / 2 - 4;
  const shapes = [
    s("text", { class: "lane", x: 0, y: middle + 1 }, `${attempt.n} · ${attempt.gateway}`),
    s("text", { class: "tick", x: 0, y: middle + 14 }, words(attempt.state)),
  ];
  if (attempt.window_ms) {
    shapes.push(s("rect", { class: "window", x: x(began), y: y + 4, width: Math.max(2, x(began + attempt.window_ms) - x(began)), height: LANE - 14, rx: 3 },
      s("title", null, `receipts usually come within ${duration(attempt.window_ms)}`)));
  }
  shapes.push(s("rect", { class: "bar", "data-tone": "accent", x: x(began), y: y + 9, width: Math.max(3, x(answered ?? over) - x(began)), height: LANE - 24, rx: 2 },
    s("title", null, `called ${time(began)}`)));
  for (const entry of mine) {
    const { kind, text, raw } = said(entry);
    if (kind === "attempt") continue;
    shapes.push(s("circle", { class: "dot", "data-tone": tone(raw.state), cx: x(entry.at), cy: middle, r: 5 },
      s("title", null, `${time(entry.at)}: ${kind} ${text}`)));
  }
  return s("g", null, shapes);
}

// The same as a list to read, with each decision.
export function story(order) {
  const entries = order.story?.entries ?? [];
  const notes = (order.notes ?? []).map((note) => ({ at: note.at, what: { note } }));
  const all = [...entries, ...notes].sort((one, other) => one.at - other.at);
  const from = order.job?.created_at;
  return h("ol", { class: "story" }, all.map((entry) => {
    const { kind, n, text, raw } = said(entry, order.bill?.currency);
    return h("li", { "data-tone": tone(raw.state) }, h("time", { datetime: new Date(entry.at).toISOString() }, time(entry.at)),
      h("span", { class: "faint" }, from ? `+${duration(entry.at - from)}` : ""),
      h("span", null, h("b", null, n ? `${kind} ${n}` : kind), text && ` · ${text}`));
  }));
}
