// Makes elements. Text is always text: nothing here reads HTML.

// As in the style sheets.
export const NARROW = matchMedia("(max-width: 46rem)");
const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// An element, its attributes (those that start with "on" are listeners) and children.
export const h = (name, attributes, ...children) => fill(document.createElement(name), attributes, children);

// The same of SVG.
export const s = (name, attributes, ...children) => fill(document.createElementNS(SVG, name), attributes, children);

// Shows what is new in place of what was shown. What is the same stays; what somebody has opened, pushed along or stands on
// stays as it was.
export function renew(element, parts) {
  const fresh = parts.flat().filter(Boolean);
  const stood = element.contains(document.activeElement) ? name(document.activeElement) : null;
  fresh.forEach((part, n) => {
    const old = element.children[n];
    if (!old) {
      element.append(part);
      return;
    }
    const opened = [...old.querySelectorAll("details")].map(({ open }) => open);
    part.querySelectorAll("details").forEach((details, at) => { details.open = opened[at] ?? details.open; });
    if (old.isEqualNode(part)) return;
    const pushed = [...old.querySelectorAll(PUSHED)].map(({ scrollLeft, scrollTop }) => [scrollLeft, scrollTop]);
    old.replaceWith(part);
    part.querySelectorAll(PUSHED).forEach((box, at) => { [box.scrollLeft, box.scrollTop] = pushed[at] ?? [0, 0]; });
  });
  while (element.children.length > fresh.length) element.lastElementChild.remove();
  if (stood !== null && !element.contains(document.activeElement)) {
    [...element.querySelectorAll("a, button, input, summary, [tabindex]")].find((found) => name(found) === stood)?.focus({ preventScroll: true });
  }
}

const PUSHED = ".scroll, .sheet";
// What an element is to who stands on it.
const name = (element) => [element.tagName, element.getAttribute("href"), element.getAttribute("aria-label"), element.textContent,
  element.closest("tr")?.querySelector("th")?.textContent].join("|");

// Says it to who does not see the page.
export function announce(text) {
  document.getElementById("announce").textContent = text;
}

// A table. A column: [title, cell of a row, {number, wide}?]. On narrow screens each row becomes a card.
export function table(caption, columns, rows, empty) {
  if (rows.length === 0) return h("p", { class: "empty" }, empty ?? "There is nothing here.");
  const kind = (how) => (how?.number ? "number" : how?.wide ? "wide" : null);
  const head = columns.map(([title, , how]) => h("th", { scope: "col", class: kind(how) }, title));
  const line = (row) =>
    h("tr", null, columns.map(([title, cell, how], at) => {
      const attributes = { "data-label": title, class: kind(how) };
      const content = h("div", null, cell(row));
      return at === 0 ? h("th", { scope: "row", ...attributes }, content) : h("td", attributes, content);
    }));
  return h("div", { class: "sheet" },
    h("table", null, h("caption", { class: "unseen" }, caption), h("thead", null, h("tr", null, head)),
      h("tbody", null, rows.map(line))));
}

// A heading with what belongs to it.
export const section = (title, ...children) =>
  h("section", { class: "panel" }, h("h2", null, title), children);

// A button that fetches more. Why it could not is said beside it, and it can be pressed again.
export function older(load) {
  const error = h("span", { class: "error", role: "alert" });
  const button = h("button", { type: "button", onclick: async () => {
    button.disabled = true;
    error.textContent = "";
    try {
      await load();
    } catch (refused) {
      // Who has left the page hears no more of it.
      if (refused.name !== "AbortError") error.textContent = refused.message;
    }
    button.disabled = false;
  } }, "Older ones");
  return h("p", { class: "actions" }, button, error);
}

// A labelled fact, for lists of them.
export const facts = (pairs) =>
  h("dl", { class: "facts" }, pairs.filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))));

// A button that copies the text of an element, or marks it where the browser lets nobody copy.
export function copier(of, what) {
  const button = h("button", { type: "button", class: "quiet", "aria-label": `Copy ${what}`, onclick: async () => {
    const element = of();
    try {
      await navigator.clipboard.writeText(element.value ?? element.textContent);
      button.textContent = "Copied";
      announce(`${what}: copied`);
    } catch {
      if (element.select) element.select();
      else getSelection().selectAllChildren(element);
      button.textContent = "Marked";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1600);
  } }, "Copy");
  return button;
}

// Something that is copied whole.
export function copyable(text, what) {
  const code = h("code", { class: "break" }, text);
  return h("span", { class: "copyable" }, code, copier(() => code, what));
}

// A state as a word with a colour and a shape: never by colour alone.
export const badge = (text, tone) => h("span", { class: "badge", "data-tone": tone ?? "plain" }, text);
