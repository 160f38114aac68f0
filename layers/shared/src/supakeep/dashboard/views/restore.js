// The restore wizard. Nothing is written before a diff was shown and the destination was typed.

import { get, post } from "../api.js";
import { h, notice } from "../dom.js";
import { plural } from "../format.js";
import { follow } from "../progress.js";
import { reportOf, restoreReport } from "../reports.js";
import { undoOf } from "./run.js";

export async function restoreView({ signal, argument }) {
  const [settings, list] = await Promise.all([get("settings", signal), get("backups?limit=500", signal)]);
  const usable = list.backups.filter((backup) => backup.tables.some((table) => table.status === "complete"));
  if (!usable.length) return [h("p", { class: "empty" }, "There is no backup to restore yet.")];
  const wizard = new Wizard(settings, signal);
  const chosen = argument && argument !== "latest" ? argument : usable[0].name;
  return [chooseBackup(usable, chosen, wizard), undoHint(settings.engine), wizard.place];
}

function chooseBackup(backups, chosen, wizard) {
  const select = h("select", { id: "backup", onchange: () => wizard.load(select.value) },
    backups.map((backup) => h("option", { value: backup.name }, `${backup.name} · ${plural(backup.rows, "row")} · ${backup.status}`)));
  if (!backups.some((backup) => backup.name === chosen)) select.prepend(h("option", { value: chosen }, chosen));
  select.value = chosen;
  wizard.load(chosen);
  return h("section", { class: "step" }, h("h2", {}, "1. Choose a backup"), h("label", { for: "backup" }, "Backup"), select);
}

function undoHint(engine) {
  if (engine.undo.possible) return notice("note", "A restore can be undone: the tables are backed up before they are written.");
  return notice("warn", "A restore with this engine cannot be undone.", engine.undo.reason);
}

class Wizard {
  constructor(settings, signal) {
    this.settings = settings;
    this.signal = signal;
    this.place = h("div", {});
  }

  async load(name) {
    this.name = name;
    this.place.replaceChildren(h("p", { class: "waiting", role: "status" }, "Reading the backup …"));
    try {
      const backup = await get(`backups/${encodeURIComponent(name)}`, this.signal);
      if (this.name === name) this.place.replaceChildren(...this.options(backup));
    } catch (error) {
      this.fail(this.place, error);
    }
  }

  fail(place, error) {
    if (!this.signal.aborted) place.replaceChildren(notice("fail", error.message, error.hint));
  }

  options(backup) {
    const diff = h("div", { class: "work" });
    const button = h("button", { type: "submit", class: "primary" }, "Show what would change");
    const form = h(
      "form",
      { class: "step", onsubmit: (event) => { event.preventDefault(); this.compare(form, diff, button); }, oninput: () => diff.replaceChildren() },
      h("h2", {}, "2. Choose what comes back"),
      tablesField(backup),
      whereField(backup),
      modesField(this.settings.engine),
      schemaField(this.settings.engine),
      h("div", { class: "checks" },
        checkbox("ignore_dropped_columns", "Leave out the values of columns that the database no longer has"),
        this.settings.engine.undo.possible && checkbox("skip_undo", "Do not keep an undo copy")),
      button,
    );
    return [form, diff];
  }

  request(form) {
    const fields = new FormData(form);
    const tables = fields.getAll("tables");
    const request = { name: this.name, mode: fields.get("mode") };
    if (tables.length < form.querySelectorAll("[name=tables]").length) request.tables = tables;
    if (fields.get("column")) request.where = { [fields.get("column")]: fields.get("value") };
    if (fields.get("schema")) request.into_schema = fields.get("schema");
    if (fields.get("ignore_dropped_columns")) request.ignore_dropped_columns = true;
    if (fields.get("skip_undo")) request.keep_undo = false;
    return request;
  }

  async compare(form, diff, button) {
    const request = this.request(form);
    if (request.tables?.length === 0) {
      diff.replaceChildren(notice("warn", "No table is chosen.", "Choose one at least."));
      return;
    }
    button.disabled = true;
    try {
      const run = await this.carryOut("restore", { ...request, dry_run: true }, diff);
      if (run) diff.replaceChildren(...diffSteps(run, diff, (done) => this.confirmation(request, done)));
    } catch (error) {
      this.fail(diff, error);
    }
    button.disabled = false;
  }

  async carryOut(path, request, place) {
    const accepted = await post(path, request, this.signal);
    const progress = h("div", {});
    place.replaceChildren(h("p", {}, request.dry_run ? "Comparing. Nothing is written." : "Restoring. You may close this page; the run goes on."), progress);
    return follow(accepted.run_id, progress, this.signal);
  }

  confirmation(request, diff) {
    const schema = request.into_schema ? `/${request.into_schema}` : "";
    return confirmStep(`${this.settings.project.destination}${schema}`, "Restore now", async (confirm) => {
      const run = await this.carryOut("restore", { ...request, confirm }, diff);
      if (run) diff.replaceChildren(h("h2", {}, "5. Report"), ...reportOf(run), ...undoOf(run));
    }, (error) => this.fail(diff, error));
  }
}

/** The diff and, where something would change, the question for the confirmation. */
export function diffSteps(run, place, confirmation) {
  if (!run.result) return [h("h2", {}, "3. What would change"), ...reportOf(run)];
  const changes = run.result.tables.some((table) => table.inserted + table.updated + table.deleted > 0);
  return [h("h2", {}, "3. What would change"), ...restoreReport(run.result), ...(changes ? [confirmation(place)] : [])];
}

/** Asks for the destination to be typed; the button works when it was. */
export function confirmStep(destination, title, action, fail) {
  const button = h("button", { type: "submit", class: "danger", disabled: true }, title);
  const input = h("input", {
    id: "confirm", type: "text", autocomplete: "off", autocapitalize: "none", spellcheck: "false", required: true,
    oninput: () => { button.disabled = input.value !== destination; },
  });
  async function submit(event) {
    event.preventDefault();
    if (input.value !== destination) return;
    button.disabled = true;
    try {
      await action(input.value);
    } catch (error) {
      fail(error);
    }
  }
  return h("form", { class: "step", onsubmit: submit },
    h("h2", {}, "4. Confirm"),
    h("label", { for: "confirm" }, "This overwrites live data. Type ", h("code", {}, destination), " to go on"),
    input,
    button);
}

function tablesField(backup) {
  return h("fieldset", {}, h("legend", {}, "Tables"), h("div", { class: "checks" },
    backup.tables.map((table) => {
      const whole = table.status === "complete";
      return h("label", {},
        h("input", { type: "checkbox", name: "tables", value: table.name, checked: whole, disabled: !whole }),
        ` ${table.name} `, h("span", { class: "quiet-text" }, whole ? plural(table.rows, "row") : "is not in this backup"));
    })));
}

function whereField(backup) {
  const columns = [...new Set(backup.tables.flatMap((table) => table.columns.map((column) => column.name)))].sort();
  return h("fieldset", {}, h("legend", {}, "Rows"),
    h("label", { for: "column" }, "Only rows where"),
    h("div", { class: "row" },
      h("select", { id: "column", name: "column" }, h("option", { value: "" }, "all rows"), columns.map((name) => h("option", { value: name }, name))),
      h("label", { for: "value", class: "unseen" }, "has the value"),
      h("span", { "aria-hidden": "true" }, "="),
      h("input", { id: "value", name: "value", type: "text", autocomplete: "off", spellcheck: "false" })),
    h("p", { class: "quiet-text" }, "Every chosen table must have the column."));
}

function modesField(engine) {
  return h("fieldset", {}, h("legend", {}, "Mode"), h("div", { class: "checks" }, engine.modes.map((mode) =>
    h("label", {},
      h("input", { type: "radio", name: "mode", value: mode.mode, checked: mode.mode === "merge", disabled: !mode.possible }),
      h("span", {}, h("strong", {}, ` ${mode.mode} `), mode.possible ? mode.meaning : mode.reason)))));
}

function schemaField(engine) {
  return h("fieldset", {}, h("legend", {}, "Destination"),
    h("label", { for: "schema" }, "Into another schema (leave empty for the tables' own)"),
    h("input", { id: "schema", name: "schema", type: "text", autocomplete: "off", spellcheck: "false", disabled: !engine.into_schema.possible }),
    engine.into_schema.reason && h("p", { class: "quiet-text" }, engine.into_schema.reason));
}

function checkbox(name, text) {
  return h("label", {}, h("input", { type: "checkbox", name, value: "yes" }), ` ${text}`);
}

