// The restore wizard. Nothing is written before a diff was shown and the destination was typed.

import { get, post } from "../api.js";
import { restoreReport } from "../changes.js";
import { withoutUndoCopies } from "../charts.js";
import { h, notice, panel } from "../dom.js";
import { plural, shortTime } from "../format.js";
import { follow } from "../progress.js";
import { reportOf } from "../reports.js";

export async function restoreView({ signal, argument }) {
  const [settings, list] = await Promise.all([get("settings", signal), get("backups?limit=500", signal)]);
  const usable = list.backups.filter((backup) => backup.tables.some((table) => table.status === "complete"));
  if (!usable.length) return [h("p", { class: "empty" }, "There is no backup to restore yet.")];
  const wizard = new Wizard(settings, signal);
  const chosen = argument && argument !== "latest" ? argument : newestOf(usable).name;
  return [h("div", { class: "wizard" }, chooseBackup(usable, chosen, wizard), wizard.place)];
}

/** An undo copy holds what a restore overwrote: whoever wants that back asks for it. */
function newestOf(backups) {
  return withoutUndoCopies(backups)[0] ?? backups[0];
}

function chooseBackup(backups, chosen, wizard) {
  const select = h("select", { id: "backup", onchange: () => wizard.load(select.value) },
    backups.map((backup) => h("option", { value: backup.name }, `${shortTime(backup.started_at)} · ${plural(backup.rows, "row")} · ${backup.status}${backup.trigger === "pre-restore" ? " · undo copy" : ""}`)));
  if (!backups.some((backup) => backup.name === chosen)) select.prepend(h("option", { value: chosen }, chosen));
  select.value = chosen;
  wizard.load(chosen);
  return h("section", { class: "panel step" },
    h("h2", {}, "Choose a backup"),
    h("label", { for: "backup" }, "Backup"),
    select,
    undoHint(wizard.settings.engine));
}

function undoHint(engine) {
  if (engine.undo.possible) return h("p", { class: "quiet-text" }, "A restore can be undone: the tables are backed up before they are written.");
  return notice("warn", "A restore cannot be undone here.", `${engine.undo.reason}.`);
}

class Wizard {
  constructor(settings, signal) {
    this.settings = settings;
    this.signal = signal;
    this.place = h("div", {});
  }

  async load(name) {
    this.name = name;
    this.place.replaceChildren(h("p", { class: "loading", role: "status" }, "Reading the backup …"));
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
      { class: "panel step", onsubmit: (event) => { event.preventDefault(); this.compare(form, diff, button); }, oninput: () => diff.replaceChildren() },
      h("h2", {}, "Choose what comes back"),
      tablesField(backup),
      modesField(this.settings.engine),
      h("details", {},
        h("summary", {}, "Only some rows, another schema, dropped columns"),
        whereField(backup),
        schemaField(this.settings.engine),
        h("div", { class: "checks" },
          checkbox("ignore_dropped_columns", "Leave out the values of columns that the database no longer has"),
          this.settings.engine.undo.possible && checkbox("skip_undo", "Do not keep an undo copy"))),
      button,
    );
    return [encryptionNote(backup), form, diff].filter(Boolean);
  }

  request(form) {
    const fields = new FormData(form);
    const tables = fields.getAll("tables");
    const request = { name: this.name, mode: fields.get("mode") };
    const boxes = [...form.querySelectorAll("[name=tables]")];
    if (boxes.some((box) => box.checked !== ("chosen" in box.dataset) || box.disabled)) request.tables = tables;
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
      const run = await this.dryRun(request, diff);
      if (run) diff.replaceChildren(...diffSteps(run, () => this.confirmation(request)));
    } catch (error) {
      this.fail(diff, error);
    }
    button.disabled = false;
  }

  async dryRun(request, place) {
    const accepted = await post("restore", { ...request, dry_run: true }, this.signal);
    const progress = h("div", {});
    place.replaceChildren(h("section", { class: "panel" }, h("h2", {}, "What would change"), h("p", {}, "Comparing. Nothing is written."), progress));
    return follow(accepted.run_id, progress, this.signal);
  }

  confirmation(request) {
    const schema = request.into_schema ? `/${request.into_schema}` : "";
    return confirmStep(`${this.settings.project.destination}${schema}`, "Restore now", async (confirm) => {
      const accepted = await post("restore", { ...request, confirm }, this.signal);
      // its own page shows the progress, the report and the way back, after a reload too
      location.hash = `#/runs/${accepted.run_id}`;
    });
  }
}

/** The functions may or may not hold the key; a command line that does can always do it. */
function encryptionNote(backup) {
  return backup.recipients.length > 0 && notice("note", "This backup is encrypted: to compare or restore it needs its private key.",
    `The functions have it if AGE_IDENTITY is in their secret. Else, run \`supakeep restore ${backup.name} --identity FILE --dry-run\` where the key is.`);
}

/** The diff and, where something would change and nothing stops it, the question for the confirmation. */
export function diffSteps(run, confirmation) {
  const changes = !run.result?.found_nothing && !run.result?.objections.length && run.result?.tables.some((table) => table.inserted + table.updated + table.deleted > 0);
  const report = run.result ? restoreReport(run.result) : reportOf(run);
  return [panel("What would change", report), ...(changes ? [confirmation()] : [])];
}

/** Asks for the destination to be typed; the button works when it was. A refusal leaves all as it is. */
export function confirmStep(destination, title, action) {
  const problem = h("div", {});
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
      problem.replaceChildren(notice("fail", error.message, error.hint));
      button.disabled = false;
    }
  }
  return h("form", { class: "panel step danger", onsubmit: submit },
    h("h2", {}, "Confirm"),
    h("label", { for: "confirm" }, "This overwrites live data. Type ", h("code", {}, destination), " to go on"),
    input,
    button,
    problem);
}

function tablesField(backup) {
  const boxes = backup.tables.map((table) => {
    const whole = table.status === "complete";
    // what a restore takes by itself is chosen beforehand
    const chosen = whole && table.in_policy;
    const users = table.name.startsWith("auth.") && !table.in_policy;
    const why = users ? ", brings back old passwords" : ", not in the policy";
    const remark = plural(table.rows, "row") + (table.in_policy ? "" : why);
    return h("label", {},
      h("input", {
        type: "checkbox", name: "tables", value: table.name, checked: chosen, "data-chosen": chosen,
        "data-users": users, disabled: !whole,
      }),
      h("span", {}, table.name, " ", h("span", { class: "quiet-text" }, whole ? remark : "is not in this backup")));
  });
  const setAll = (checked) => () => {
    // users are chosen one by one, and never together with everything else
    const boxes = checked ? "input:enabled:not([data-users])" : "input:enabled";
    for (const box of field.querySelectorAll(boxes)) box.checked = checked;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const field = h("fieldset", {}, h("legend", {}, "Tables"),
    boxes.length > 1 && h("p", { class: "buttons small" },
      h("button", { type: "button", onclick: setAll(true) }, "All"),
      h("button", { type: "button", onclick: setAll(false) }, "None")),
    h("div", { class: "checks columns" }, boxes));
  return field;
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
      h("span", {}, h("strong", {}, mode.mode), " ", h("span", { class: "quiet-text" }, mode.possible ? mode.meaning : `${mode.reason}.`))))));
}

function schemaField(engine) {
  return h("fieldset", {}, h("legend", {}, "Destination"),
    h("label", { for: "schema" }, "Into another schema (leave empty for the tables' own)"),
    h("input", { id: "schema", name: "schema", type: "text", autocomplete: "off", spellcheck: "false", disabled: !engine.into_schema.possible }),
    engine.into_schema.reason && h("p", { class: "quiet-text" }, engine.into_schema.reason));
}

function checkbox(name, text) {
  return h("label", {}, h("input", { type: "checkbox", name, value: "yes" }), h("span", {}, text));
}

