// The faults: for each gateway what goes wrong, and the one detail that the mode may have.

const GROUPS = {
  Refused: {
    reject: "The provider refuses, with this code.",
    http_500: "The provider fails.",
    http_429: "Too many requests; come back after these seconds.",
  },
  "No answer": {
    timeout: "No answer; the message is not taken.",
    timeout_taken: "No answer, but the message is taken.",
    reset: "The connection is cut; the message is not taken.",
    reset_taken: "The connection is cut, but the message is taken.",
  },
  "Taken, then": {
    queued: "In the provider's queue for a minute: there it can be stopped. Then it arrives.",
    accept_no_receipt: "Never arrives, and nothing is heard of it.",
    failed_receipt: "Never arrives; the receipt has this code.",
    late_receipt: "Arrives; the receipts are this many ms late.",
    duplicate_receipt: "Every receipt comes twice.",
    out_of_order: "The receipt of delivered comes before the one of sent.",
    receipt_first: "The receipts come before the answer.",
  },
  "For benchmarks": { null: "Delivered at once; the inbox does not keep it." },
};
const HINTS = Object.assign({ ok: "" }, ...Object.values(GROUPS));
const DETAILS = ["code", "retry_after_s", "receipt_after_ms"];
const box = document.getElementById("faults");
const note = document.getElementById("faults-note");
const chip = document.getElementById("faults-on");
const reset = document.getElementById("faults-reset");
const rows = new Map();
let expiry;

reset.addEventListener("click", () => change("/faults", { method: "DELETE" }, "All gateways work again."));
chip.addEventListener("click", () => {
  const select = rows.get(chip.dataset.gateway)?.select;
  if (select?.checkVisibility()) return select.focus();
  // A narrow page shows a conversation in place of the faults; the inbox has drawn the list when this is called.
  addEventListener("hashchange", () => select?.focus(), { once: true });
  location.hash = "";
});
document.addEventListener("tiffin:faults", load);

async function load() {
  try {
    const response = await fetch("/faults");
    if (!response.ok) return;
    show((await response.json()).faults);
  } catch {
    // The page shows that it is reconnecting, and asks again when it is back.
  }
}

function show(faults) {
  for (const fault of faults) {
    if (!rows.has(fault.gateway)) rows.set(fault.gateway, row(fault.gateway));
    draw(rows.get(fault.gateway), fault);
  }
  const on = faults.filter(isOn);
  reset.hidden = chip.hidden = on.length === 0;
  if (on.length) {
    chip.dataset.gateway = on[0].gateway;
    chip.title = on.map(({ gateway, mode, latency_ms: latency }) => `${gateway}: ${latency ? `${mode}, +${latency} ms` : mode}`).join("\n");
    chip.textContent = on.length > 1 ? `${on.length} faults on` : "1 fault on";
  }
  const ends = faults.map((fault) => fault.left_ms).filter((left) => left !== null);
  clearTimeout(expiry);
  // Seconds count down by asking again; a fault that ends by itself is not announced.
  if (ends.length) expiry = setTimeout(load, Math.min(1000, Math.min(...ends) + 20));
}

const isOn = ({ mode, latency_ms: latency }) => mode !== "ok" || latency > 0;

function draw({ item, select, input, hint, limits }, fault) {
  item.toggleAttribute("data-on", isOn(fault));
  // Not under the hand of whoever is choosing.
  if (document.activeElement !== select) select.value = fault.mode;
  const detail = DETAILS.find((name) => name in fault);
  input.hidden = !detail;
  if (detail) {
    input.name = detail;
    input.setAttribute("aria-label", `${detail} of ${fault.gateway}`);
    if (document.activeElement !== input) input.value = fault[detail];
  }
  hint.textContent = HINTS[fault.mode] ?? "";
  limits.textContent = describe(fault);
}

function describe({ rate, latency_ms: latency, left_ms: left }) {
  const parts = [];
  if (rate < 1) parts.push(`${Number((rate * 100).toFixed(1))} % of the calls`);
  if (latency) parts.push(`+${latency} ms`);
  if (left !== null) parts.push(`${Math.ceil(left / 1000)} s left`);
  return parts.join(" · ");
}

function row(gateway) {
  const select = make("select", { id: `fault-${gateway}` });
  select.append(make("option", { value: "ok", textContent: "ok" }));
  for (const [label, modes] of Object.entries(GROUPS)) {
    const group = make("optgroup", { label });
    group.append(...Object.keys(modes).map((mode) => make("option", { value: mode, textContent: mode })));
    select.append(group);
  }
  const input = make("input", { type: "number", hidden: true });
  const hint = make("p", { className: "hint" });
  const limits = make("p", { className: "hint" });
  const choose = (details) => {
    const mode = select.value;
    const said = mode === "ok" ? `${gateway} works again.` : `${gateway}: ${mode} from now on.`;
    select.blur();
    const body = JSON.stringify({ mode, ...details });
    return change(`/faults/${encodeURIComponent(gateway)}`, { method: "PUT", body }, said);
  };
  select.addEventListener("change", async () => {
    await choose({});
    select.focus();
  });
  input.addEventListener("change", () => choose({ [input.name]: Number(input.value) }));
  const controls = make("div", { className: "controls" });
  controls.append(select, input);
  const item = make("div", { className: "fault" });
  item.append(make("label", { htmlFor: select.id, textContent: gateway }), controls, hint, limits);
  box.append(item);
  return { item, select, input, hint, limits };
}

async function change(path, request, said) {
  try {
    const response = await fetch(path, request);
    note.textContent = response.ok ? said : (await response.json()).detail;
  } catch {
    note.textContent = "The sandbox does not answer.";
  }
  await load();
}

function make(name, properties) {
  return Object.assign(document.createElement(name), properties);
}
