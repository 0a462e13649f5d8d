// The page that asks for an operator's token.

import { h } from "./dom.js";
import * as api from "./api.js";

export function signIn(main, then) {
  document.title = "Sign in – Tiffin console";
  const error = h("p", { class: "error", role: "alert" });
  const token = h("input", { id: "token", type: "password", autocomplete: "current-password", required: true, spellcheck: "false", "aria-describedby": "token-hint" });
  const name = h("input", { id: "name", autocomplete: "username", maxlength: 64, "aria-describedby": "name-hint" });
  const go = h("button", { type: "submit", class: "primary" }, "Sign in");
  const form = h("form", { class: "signin", onsubmit: submit },
    h("h1", null, "Operators' console"),
    h("p", { class: "field" }, h("label", { for: "name" }, "Your name"), name,
      h("small", { id: "name-hint" }, "Stands beside what you do, if your token is the installation's shared one.")),
    h("p", { class: "field" }, h("label", { for: "token" }, "Token"), token,
      h("small", { id: "token-hint" }, "Your own, from an operator, or TIFFIN_OPERATOR_TOKEN from core.env.")),
    error, go);

  async function submit(event) {
    event.preventDefault();
    go.disabled = true;
    error.textContent = "";
    try {
      await api.signIn(token.value.trim(), name.value.trim());
      then();
    } catch (refused) {
      error.textContent = refused.retryAfter ? `${refused.message} (${refused.retryAfter} s)` : refused.message;
      go.disabled = false;
      token.select();
    }
  }

  main.replaceChildren(form);
  name.focus();
}
