// The fault switches: one row of buttons for each gateway.

const MODES = ["ok", "reject", "timeout", "http_500"];
const box = document.getElementById("faults");
const note = document.getElementById("faults-note");
const reset = document.getElementById("faults-reset");
const rows = new Map();
let expiry;

reset.addEventListener("click", () => change("/faults", { method: "DELETE" }, "All gateways work again."));
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
    const { detail, buttons } = rows.get(fault.gateway);
    detail.textContent = describe(fault);
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.mode === fault.mode));
  }
  reset.hidden = faults.every((fault) => fault.mode === "ok" && fault.latency_ms === 0);
  const ends = faults.map((fault) => fault.left_ms).filter((left) => left !== null);
  clearTimeout(expiry);
  // Seconds count down by asking again; a fault that ends by itself is not announced.
  if (ends.length) expiry = setTimeout(load, Math.min(1000, Math.min(...ends) + 20));
}

function describe({ mode, rate, latency_ms: latency, left_ms: left }) {
  if (mode === "ok" && latency === 0) return "";
  const parts = [];
  if (rate < 1) parts.push(`${Number((rate * 100).toFixed(1))} %`);
  if (latency) parts.push(`+${latency} ms`);
  if (left !== null) parts.push(`${Math.ceil(left / 1000)} s left`);
  return parts.length ? ` · ${parts.join(" · ")}` : "";
}

function row(gateway) {
  const set = document.createElement("fieldset");
  set.className = "fault";
  const legend = document.createElement("legend");
  legend.textContent = gateway;
  const detail = document.createElement("span");
  legend.append(detail);
  const modes = document.createElement("div");
  modes.className = "modes";
  const buttons = MODES.map((mode) => {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.mode = mode;
    button.textContent = mode;
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      const path = `/faults/${encodeURIComponent(gateway)}`;
      const said = mode === "ok" ? `${gateway} works again.` : `${gateway} answers with ${mode} from now on.`;
      change(path, { method: "PUT", body: JSON.stringify({ mode }) }, said);
    });
    return button;
  });
  modes.append(...buttons);
  set.append(legend, modes);
  box.append(set);
  return { detail, buttons };
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
