// Makes elements. Text is always text: nothing here reads HTML.

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

// Says it to who does not see the page.
export function announce(text) {
  document.getElementById("announce").textContent = text;
}

// A table. A column: [title, cell of a row, {number, wide}?]. On narrow screens each row becomes a card.
export function table(caption, columns, rows, empty) {
  if (rows.length === 0) return h("p", { class: "empty" }, empty ?? "There is nothing here.");
  const head = columns.map(([title, , how]) => h("th", { scope: "col", class: how?.number && "number" }, title));
  const line = (row) =>
    h("tr", null, columns.map(([title, cell, how], at) => {
      const attributes = { "data-label": title, class: how?.number && "number" };
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
