// What a run has brought about.

import { badge, dataTable, facts, h, notice } from "./dom.js";
import { count, duration, plural, size, time } from "./format.js";

/** How a run that has ended is shown: its error, or its result. */
export function reportOf(run) {
  if (run.error) {
    return [notice("fail", run.error.message, run.error.hint), run.log_url && h("p", {}, h("a", { href: run.log_url, rel: "noopener" }, "The function's log"))].filter(Boolean);
  }
  const reports = { backup: backupReport, restore: restoreReport, verify: verifyReport, copy: copyReport, prune: pruneReport };
  return run.result ? reports[run.kind](run.result, run) : [notice("note", `The ${run.kind} has ended: ${run.status}.`)];
}

function backupReport(result) {
  const problems = [...result.tables.map((table) => table.error), ...(result.shrinkage ?? []), ...(result.copies ?? []).map((copy) => copy.problem)].filter(Boolean);
  return [
    notice(result.status === "complete" ? "ok" : "warn", `${result.name} is ${result.status}.`),
    facts([["Rows", count(result.rows)], ["Size", size(result.size_bytes)], ["Duration", duration(result.duration_seconds)], ["In", result.locations.join(", ")]]),
    problems.map((problem) => notice("warn", problem.message, problem.hint)),
    result.warnings.map((warning) => notice("warn", warning)),
    h("p", {}, h("a", { href: `#/backups/${result.name}` }, "Look at the backup")),
  ].flat();
}

export function restoreReport(result) {
  const warnings = [...result.passed_over, ...result.warnings].map((warning) => notice("warn", warning));
  if (result.found_nothing) return [nothingFound(result.dry_run), ...warnings];
  const sampled = result.dry_run ? "values that would be overwritten" : "values that were overwritten";
  return [
    restoreHead(result),
    dataTable("Changes by table", changesHead(result.dry_run), result.tables.map((table) => [
      table.name, changed("+", table.inserted), changed("~", table.updated), changed("−", table.deleted), count(table.unchanged), changed("!", table.refused),
      count(table.rows_in_backup), table.rows_in_database === null ? "—" : count(table.rows_in_database),
    ]), { cards: true }),
    result.tables.map((table) => [
      changedRows(`${table.name}: ${sampled}`, table.samples, result.dry_run ? ["In the database", "In the backup"] : ["Before", "Now"]),
      changedRows(`${table.name}: rows that are not as the backup has them`, table.altered_rows, ["In the backup", "In the database"]),
      table.refused_rows.length > 0 && dataTable(`${table.name}: refused rows`, ["Row", "Reason"], table.refused_rows.map((row) => [row.row, row.reason])),
    ]),
    warnings,
  ].flat(Infinity).filter(Boolean);
}

/** Rows were chosen by a value that none has. The warnings after it name the table, the column and the value. */
function nothingFound(dryRun) {
  return notice("warn", `There ${dryRun ? "is" : "was"} nothing to restore: no row of the backup has the value that you chose rows by.`,
    "A value is compared as text, as the backup has it: 12.3 is not 12.30, and capitals count.");
}

function restoreHead(result) {
  const total = (field) => result.tables.reduce((sum, table) => sum + table[field], 0);
  const untouched = ["inserted", "updated", "deleted", "refused", "altered"].every((field) => total(field) === 0);
  if (untouched) return nothingToChange(result.mode, total("rows_chosen"));
  const bad = total("refused") + total("altered") > 0;
  return notice(bad ? "warn" : "ok", changesInWords(total, result.dry_run), result.dry_run ? "Nothing has been written." : null);
}

/** Says only what was compared: a mode that looks for missing rows has not compared the values of the others. */
function nothingToChange(mode, rows) {
  if (mode === "missing-only") return notice("note", "No row of the backup is missing from the database.", "This mode leaves the rows that are there as they are, also where they differ. The mode merge compares their values.");
  if (rows === 0 && mode !== "replace") return notice("note", "There is nothing to restore: the backup holds no row of these tables.");
  return notice("ok", "Nothing differs: the database has every row of the backup, with the same values.");
}

function changesHead(dryRun) {
  const verbs = dryRun ? ["Insert", "Update", "Delete"] : ["Inserted", "Updated", "Deleted"];
  return ["Table", ...[...verbs, "Unchanged", "Refused", "In backup", "In database"].map((title) => ({ title, numeric: true }))];
}

function changesInWords(total, dryRun) {
  const changes = total("inserted") + total("updated") + total("deleted");
  const parts = ["inserted", "updated", "deleted", "refused", "altered"].filter((field) => total(field)).map((field) => `${count(total(field))} ${field}`);
  const verb = dryRun ? "would change" : changes === 1 ? "was changed" : "were changed";
  const kept = total("unchanged");
  const [stay, are] = dryRun ? (kept === 1 ? ["stays", "it is"] : ["stay", "they are"]) : ["stayed", kept === 1 ? "it was" : "they were"];
  return `${plural(changes, "row")} ${verb}: ${parts.join(", ")}. ${plural(kept, "row")} ${stay} as ${are}.`;
}

function changed(sign, number) {
  return number ? h("strong", {}, `${sign}${count(number)}`) : h("span", { class: "zero" }, "0");
}

function changedRows(title, rows, [before, after]) {
  if (!rows.length) return null;
  const lines = rows.flatMap((row) => {
    const key = () => h("code", {}, Object.entries(row.key).map(([name, value]) => `${name} = ${value}`).join(", "));
    const columns = Object.entries(row.columns);
    if (!columns.length) return [[key(), "the whole row", "present", "not there"]];
    return columns.map(([column, [old, now]], i) => [i === 0 ? key() : h("span", { class: "unseen" }, key()), h("code", {}, column), h("del", {}, old), h("ins", {}, now)]);
  });
  return h("section", { class: "sample" }, h("h3", {}, title), dataTable(title, ["Row", "Column", before, after], lines, { cards: true }));
}

function verifyReport(result) {
  return [
    result.copies.map((copy) => copy.good
      ? notice("ok", `The copy in ${copy.store} is good.`, `${plural(copy.objects, "object")}, ${size(copy.bytes)}, every checksum is right.`)
      : notice("fail", `The copy in ${copy.store} is not good: ${copy.problem?.message ?? "unknown"}`, copy.problem?.hint)),
    result.warnings.map((warning) => notice("warn", warning)),
  ].flat();
}

function copyReport(result) {
  return result.backups.flatMap((backup) => backup.stores.map((store) => {
    if (store.problem) return notice("fail", `${store.store} could not be made whole: ${store.problem.message}`, store.problem.hint);
    const moved = store.written.length + store.replaced.length;
    return notice("ok", moved || store.bytes ? `${store.store} has got ${moved ? plural(moved, "object") : "what it lacked"} (${size(store.bytes)}).` : `${store.store} was whole already.`);
  }));
}

function pruneReport(result) {
  return [result.held && notice("warn", result.held.message, result.held.hint), ...result.stores.flatMap((store) => [
    h("h3", {}, store.store),
    store.problem && notice("fail", store.problem.message, store.problem.hint),
    dataTable(`Backups in ${store.store}`, ["Backup", "Decision", { title: "Size", numeric: true }, "Why"],
      store.backups.map((backup) => [backup.name, backup.removed ? "removed" : "kept", size(backup.bytes), backup.reason])),
  ])].filter(Boolean);
}

/** Head line of a run. */
export function runFacts(run) {
  return facts([
    ["Status", badge(run.status)],
    ["Started by", run.started_by],
    ["Backup", run.backup && h("a", { href: `#/backups/${run.backup}` }, run.backup)],
    ["Requested", time(run.requested_at)],
    ["Duration", duration(run.duration_seconds)],
    ["Attempt", run.attempt > 1 ? String(run.attempt) : null],
    ["Log", run.log_url && h("a", { href: run.log_url, rel: "noopener" }, "CloudWatch")],
  ]);
}

