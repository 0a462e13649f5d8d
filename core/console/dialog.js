// Asks before something is done, and says what became of it.

import { announce, copier, h } from "./dom.js";
import { may } from "./api.js";

// What becomes of what a person writes.
export const KEPT = "It is kept, and everybody here reads it. Codes become zeros.";

// A form in a dialog. Fields: [name, label, {hint, value, options, required, rows, type, min, max, step}?]. `act` gets their values, and
// a key that stays the same while the dialog is open: what takes it is done once, however often it is sent (`once`). What `act`
// throws is shown, and the dialog stays. Resolves to true when it was done.
export function ask({ title, text, fields = [], verb, danger, once, act }) {
  return new Promise((resolve) => {
    const key = crypto.randomUUID();
    const error = h("p", { class: "error", role: "alert" });
    const inputs = fields.map(([name, label, how = {}]) => [name, field(name, label, how), how]);
    const go = h("button", { type: "submit", class: danger ? "danger" : "primary" }, verb);
    const cancel = h("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
    const form = h("form", { method: "dialog", onsubmit: submit },
      h("h2", { id: "dialog-title" }, title), text && h("p", null, text),
      inputs.map(([, { row }]) => row), error, h("div", { class: "actions" }, cancel, go));
    const dialog = h("dialog", { "aria-labelledby": "dialog-title" }, form);
    let done = false;

    async function submit(event) {
      event.preventDefault();
      go.disabled = true;
      error.textContent = "";
      try {
        await act(Object.fromEntries(inputs.map(([name, { input }]) => [name, input.value.trim()])), key);
        done = true;
        announce(`${title}: done`);
        dialog.close();
      } catch (refused) {
        // Who has left the page hears no more of it.
        if (refused.name === "AbortError") {
          dialog.close();
          return;
        }
        error.textContent = once && refused.unknown ? `${refused.message} Press “${verb}” again: from this dialog it is done once at most.` : refused.message;
        go.disabled = false;
      }
    }

    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(done);
    });
    document.body.append(dialog);
    dialog.showModal();
    (inputs[0]?.[1].input ?? cancel).focus();
  });
}

function field(name, label, { hint, value, options, required, rows, type, min, max, step }) {
  const attributes = { id: `field-${name}`, name, required, "aria-describedby": hint && `hint-${name}`, autocomplete: "off" };
  const input = options
    ? h("select", attributes, options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)))
    : rows ? h("textarea", { ...attributes, rows }) : h("input", { ...attributes, type: type ?? "text", step: type === "number" && (step ?? "any"), min, max, value });
  const row = h("p", { class: "field" }, h("label", { for: `field-${name}` }, label), input,
    hint && h("small", { id: `hint-${name}` }, hint));
  return { input, row };
}

// A button for something that a role may do. Who may not sees why.
export function action(label, { role, why, danger, onclick }) {
  const refusal = may(role) ? why : `needs the role ${role}`;
  if (!refusal) return h("button", { type: "button", class: danger ? "danger" : null, onclick }, label);
  return h("span", { class: "refused" }, h("button", { type: "button", disabled: true }, label), h("small", null, refusal));
}

// Shows something, and what may be done about it.
export function tell({ title, body, deed }) {
  const close = h("button", { class: "primary" }, "Close");
  const dialog = h("dialog", { "aria-labelledby": "dialog-title" },
    h("form", { method: "dialog" }, h("h2", { id: "dialog-title" }, title), body, h("div", { class: "actions" }, deed, close)));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  close.focus();
}

// Shows something once that will not be shown again.
export function reveal(title, text, secret) {
  const value = h("input", { readonly: true, value: secret, "aria-label": title, class: "secret" });
  const dialog = h("dialog", { "aria-labelledby": "dialog-title" },
    h("form", { method: "dialog" }, h("h2", { id: "dialog-title" }, title), h("p", null, text), value,
      h("div", { class: "actions" },
        copier(() => value, title),
        h("button", { class: "primary" }, "I have kept it"))));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  value.select();
}
