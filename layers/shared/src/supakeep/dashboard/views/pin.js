// Pins: the mark of a pinned backup, and the button that pins and unpins it.

import { put, remove } from "../api.js";
import { badge, h, notice } from "../dom.js";

/** Nothing for a backup without a pin. */
export function pinMark(pins) {
  return pins.length > 0 && [" ", badge("pinned")];
}

/** The button, and what it has brought about so far, in words. */
export function pinControl(backup, work, signal) {
  const path = `backups/${encodeURIComponent(backup.name)}/pin`;
  const words = h("span", {});
  const button = h("button", { type: "button" });
  let { pins } = backup;

  function draw() {
    button.textContent = pins.length ? "Unpin" : "Pin …";
    words.textContent = pinWords(pins, backup.locations);
  }

  async function change(call) {
    button.disabled = true;
    try {
      const report = await call();
      pins = pinsAfter(pins, report);
      work.replaceChildren(...pinReport(report));
      draw();
    } catch (error) {
      if (!signal.aborted) work.replaceChildren(notice("fail", error.message, error.hint));
    }
    button.disabled = false;
  }

  button.addEventListener("click", () => {
    if (pins.length) change(() => remove(path, signal));
    else askForDay((until) => change(() => put(path, until ? { until } : {}, signal)));
  });
  draw();
  return { button, words };
}

function pinsAfter(pins, report) {
  const failed = report.stores.filter((store) => store.state === "failed").map((store) => store.store);
  const written = report.stores.filter((store) => store.state === "pinned").map((store) => ({ store: store.store, until: report.until, problem: null }));
  return [...pins.filter((pin) => failed.includes(pin.store)), ...written];
}

function pinReport(report) {
  const problems = report.stores.filter((store) => store.problem);
  if (problems.length) return problems.map((store) => notice("fail", `${store.store}: ${store.problem.message}`, store.problem.hint));
  const pinned = report.stores.some((store) => store.state === "pinned");
  return [notice("ok", pinned ? "The backup is pinned: no rule removes it." : "The backup is no longer pinned.")];
}

function pinWords(pins, locations) {
  if (!pins.length) return "no";
  const each = pins.map((pin) => [pin.problem ?? (pin.until ? `until ${pin.until}` : "until it is unpinned"), pin.store]);
  const same = each.every(([text]) => text === each[0][0]) && each.length === locations.length;
  return same ? each[0][0] : each.map(([text, store]) => `${text} (in ${store})`).join(", ");
}

/** A day is optional; `done` gets it as text, or an empty text. */
function askForDay(done) {
  const today = new Date().toISOString().slice(0, 10);
  const day = h("input", { id: "pin-day", type: "date", min: today, "aria-describedby": "pin-help" });
  const dialog = h(
    "dialog",
    { "aria-labelledby": "pin-title", onclose: () => dialog.remove() },
    h("form", { method: "dialog", onsubmit: () => done(day.value) },
      h("h2", { id: "pin-title" }, "Pin this backup?"),
      h("p", { id: "pin-help" }, "No retention rule removes it through this day (UTC). Without a day, it stays until you unpin it."),
      h("label", { for: "pin-day" }, "Last day (optional)"),
      " ",
      day,
      h("div", { class: "buttons" },
        h("button", { type: "submit", class: "primary" }, "Pin"),
        h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"))),
  );
  document.body.append(dialog);
  dialog.showModal();
}
