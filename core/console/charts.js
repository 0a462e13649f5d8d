// Pictures of figures, as SVG. Each has a name, and its figures as a table for who cannot see it.

import { h, s } from "./dom.js";

const WIDTH = 640;
const HEIGHT = 168;
const LEFT = 48;
const BOTTOM = 20;

// 1, 2 or 5 times a power of ten: the least that is not below the largest figure.
function ceiling(most) {
  if (most <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= most);
}

function frame(name, points, top, { value, at }, shapes) {
  const y = (figure) => HEIGHT - BOTTOM - (figure / top) * (HEIGHT - BOTTOM - 8);
  const lines = [0, 0.5, 1].map((part) => [
    s("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: y(top * part), y2: y(top * part) }),
    s("text", { class: "tick", x: LEFT - 6, y: y(top * part) + 4, "text-anchor": "end" }, value(top * part)),
  ]);
  const every = Math.max(1, Math.floor(points.length / 6));
  const x = (n) => LEFT + ((n + 0.5) * (WIDTH - LEFT)) / points.length;
  const ticks = points.map((point, n) => n % every === 0
    && s("text", { class: "tick", x: x(n), y: HEIGHT - 4, "text-anchor": "middle" }, at(point.at)));
  return s("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": name },
    lines, ticks.filter(Boolean), shapes(x, y));
}

const legend = (series) => h("ul", { class: "legend", "aria-hidden": "true" },
  series.map(({ title, tone }) => h("li", { "data-tone": tone }, title)));

function figures(name, points, series, { value, at }) {
  const head = ["Time", ...series.map(({ title }) => title)];
  const row = (point) => h("tr", null, h("th", { scope: "row" }, at(point.at)),
    series.map(({ of }) => h("td", { class: "number" }, of(point) === null ? "–" : value(of(point)))));
  return h("details", { class: "figures" }, h("summary", null, "Figures"),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `${name}: figures` },
      h("table", { class: "plain" }, h("thead", null, h("tr", null, head.map((title) => h("th", { scope: "col" }, title)))),
        h("tbody", null, points.toReversed().map(row)))));
}

// Bars: the first series behind, the others, parts of it, one upon the other in front.
export function bars(name, points, series, how) {
  const [whole, ...rest] = series;
  const top = ceiling(Math.max(...points.map((point) => Math.max(whole.of(point) ?? 0, rest.reduce((sum, { of }) => sum + (of(point) ?? 0), 0)))));
  const broad = Math.max(1, ((WIDTH - LEFT) / points.length) * 0.78);
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
  return h("figure", null, h("figcaption", null, name, legend(series)), picture, figures(name, points, series, how));
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
  return h("figure", null, h("figcaption", null, name, legend(series)), picture, figures(name, points, series, how));
}

// A part of a whole, as a bar.
export function meter(permille, label) {
  if (permille === null || permille === undefined) return h("span", { class: "faint" }, "–");
  const tone = permille >= 900 ? "good" : permille >= 700 ? "warn" : "bad";
  return h("span", { class: "meter" },
    s("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" },
      s("rect", { class: "rail", width: 100, height: 8, rx: 2 }),
      s("rect", { class: "bar", "data-tone": tone, width: permille / 10, height: 8, rx: 2 })),
    label ?? `${(permille / 10).toFixed(1)} %`);
}
