// Pictures of figures, as SVG. Each has a name, and its figures as a table for who cannot see it.

import { NARROW, h, s } from "./dom.js";

const HEIGHT = 168;
const LEFT = 48;
const BOTTOM = 20;
// Half of the widest time below a picture.
const EDGE = 20;
// Drawn in about the size it is shown in, so that its letters are as large as others.
const wide = () => (NARROW.matches ? 340 : 640);

// 1, 2 or 5 times a power of ten: the least that is not below the largest figure.
function ceiling(most) {
  if (most <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= most);
}

function frame(name, points, top, { value, at, marks = [] }, shapes) {
  const WIDTH = wide();
  const y = (figure) => HEIGHT - BOTTOM - (figure / top) * (HEIGHT - BOTTOM - 8);
  const lines = [0, 0.5, 1].map((part) => [
    s("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: y(top * part), y2: y(top * part) }),
    s("text", { class: "tick", x: LEFT - 6, y: y(top * part) + 4, "text-anchor": "end" }, value(top * part)),
  ]);
  const every = Math.max(1, Math.ceil(points.length / (WIDTH / 100)));
  const x = (n) => LEFT + ((n + 0.5) * (WIDTH - LEFT)) / points.length;
  const ticks = points.map((point, n) => n % every === 0
    && s("text", { class: "tick", x: Math.min(x(n), WIDTH - EDGE), y: HEIGHT - 4, "text-anchor": "middle" }, at(point.at)));
  const marked = marks.map(({ n, title, tone }) => s("line", { class: "mark", "data-tone": tone, x1: x(n), x2: x(n), y1: 4, y2: HEIGHT - BOTTOM }, s("title", null, title)));
  return s("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": name },
    lines, ticks.filter(Boolean), shapes(x, y), marked);
}

const legend = (series, marks = []) => h("ul", { class: "legend", "aria-hidden": "true" },
  [...series, ...marks].map(({ title, tone }) => h("li", { "data-tone": tone }, title)));

function figures(name, points, series, { value, at, first }) {
  const head = [first ?? "Time", ...series.map(({ title }) => title)];
  const row = (point) => h("tr", null, h("th", { scope: "row" }, at(point.at)),
    series.map(({ of }) => h("td", { class: "number" }, of(point) === null ? "–" : value(of(point)))));
  return h("details", { class: "figures" }, h("summary", null, "Figures"),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `${name}: figures` },
      h("table", { class: "plain" }, h("thead", null, h("tr", null, head.map((title) => h("th", { scope: "col" }, title)))),
        h("tbody", null, (first ? points : points.toReversed()).map(row)))));
}

// Bars: the first series behind, the others, parts of it, one upon the other in front.
export function bars(name, points, series, how) {
  const [whole, ...rest] = series;
  const top = ceiling(Math.max(...points.map((point) => Math.max(whole.of(point) ?? 0, rest.reduce((sum, { of }) => sum + (of(point) ?? 0), 0)))));
  const broad = Math.max(1, ((wide() - LEFT) / points.length) * 0.78);
  const picture = frame(name, points, top, how, (x, y) => points.map((point, n) => {
    let below = 0;
    const bar = ({ title, tone, of }, wide, from) => {
      const figure = of(point) ?? 0;
      return figure > 0 && s("rect", { class: "bar", "data-tone": tone, x: x(n) - wide / 2, y: y(from + figure), width: wide,
        height: y(from) - y(from + figure) }, s("title", null, `${how.at(point.at)}: ${how.value(figure)} ${title}`));
    };
    const front = rest.map((part) => {
      const shape = bar(part, broad * 0.72, below);
      below += part.of(point) ?? 0;
      return shape;
    });
    return [bar(whole, broad, 0), ...front].filter(Boolean);
  }));
  return h("figure", null, h("figcaption", null, name, legend(series, how.marks)), picture, figures(name, points, series, how));
}

// Lines; a gap where there is no figure.
export function lines(name, points, series, how) {
  const top = ceiling(Math.max(...points.flatMap((point) => series.map(({ of }) => of(point) ?? 0))));
  const picture = frame(name, points, top, how, (x, y) => series.map(({ tone, of }) => {
    const path = [];
    let pen = "M";
    points.forEach((point, n) => {
      const figure = of(point);
      if (figure === null || figure === undefined) { pen = "M"; return; }
      path.push(`${pen}${x(n).toFixed(1)} ${y(figure).toFixed(1)}`);
      pen = "L";
    });
    const dots = points.map((point, n) => of(point) !== null && of(point) !== undefined
      && s("circle", { class: "dot", "data-tone": tone, cx: x(n), cy: y(of(point)), r: 2 }, s("title", null, `${how.at(point.at)}: ${how.value(of(point))}`)));
    return [s("path", { class: "line", "data-tone": tone, d: path.join(" ") }), dots.filter(Boolean)];
  }));
  return h("figure", null, h("figcaption", null, name, legend(series, how.marks)), picture, figures(name, points, series, how));
}

// What something was from when to when, as one strip. A part: {from, to, tone, title}.
export function strip(name, parts, at) {
  const [begin, end] = [parts[0].from, parts.at(-1).to];
  const x = (time) => ((time - begin) / Math.max(1, end - begin)) * 1000;
  const seen = parts.map((part) => s("rect", { class: "bar", "data-tone": part.tone, x: x(part.from), width: Math.max(3, x(part.to) - x(part.from)), height: 10 }, s("title", null, part.title)));
  return h("div", { class: "strip" }, s("svg", { viewBox: "0 0 1000 10", preserveAspectRatio: "none", role: "img", "aria-label": name }, seen),
    h("p", { "aria-hidden": "true" }, h("span", null, at(begin)), h("span", null, "now")));
}

// A count, and how it compares with the largest.
export function tally(count, most) {
  return h("span", { class: "meter" }, rail((count / Math.max(1, most)) * 100, "bad"), String(count));
}

const rail = (percent, tone) => s("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" },
  s("rect", { class: "rail", width: 100, height: 8, rx: 2 }),
  s("rect", { class: "bar", "data-tone": tone, width: percent, height: 8, rx: 2 }));

// A part of a whole, as a bar; from how many thousandths on it is good, or fair.
export function meter(permille, { label, good = 900, fair = 700 } = {}) {
  if (permille === null || permille === undefined) return h("span", { class: "faint" }, "–");
  const tone = permille >= good ? "good" : permille >= fair ? "warn" : "bad";
  return h("span", { class: "meter" }, rail(permille / 10, tone), label ?? `${(permille / 10).toFixed(1)} %`);
}
