// What a restore would change, or has changed: in all, by table, and row by row.

import { dataTable, h, notice } from "./dom.js";
import { count, plural } from "./format.js";

const CHANGES = ["inserted", "updated", "deleted", "refused", "altered"];
// so many tables show their rows at once; more of them open one by one
const MOST_OPEN = 3;

export function restoreReport(result) {
  const warnings = [...result.passed_over, ...result.warnings].map((warning) => notice("warn", warning));
  if (result.found_nothing) return [nothingFound(result.dry_run), ...warnings];
  const { differing, equal, without } = sorted(result);
  return [
    result.objections.map((objection) => notice("fail", objection.message, objection.hint)),
    restoreHead(result),
    differing.length > 0 && changesByTable(differing, result.dry_run),
    rowsByTable(differing, result.dry_run),
    folded(equal, equalInWords(result)),
    folded(without, ["has no row to restore", "have no row to restore"]),
    warnings,
  ].flat(Infinity).filter(Boolean);
}

/** The tables that differ, those that do not, and those of which the backup has no row that was asked for. */
function sorted({ tables, mode }) {
  const groups = { differing: [], equal: [], without: [] };
  for (const table of tables) {
    if (CHANGES.some((field) => table[field] > 0)) groups.differing.push(table);
    else if (table.rows_chosen === 0 && mode !== "replace") groups.without.push(table);
    else groups.equal.push(table);
  }
  return groups;
}

/** Rows were chosen by a value that none has. The warnings after it name the table, the column and the value. */
function nothingFound(dryRun) {
  return notice("warn", `There ${dryRun ? "is" : "was"} nothing to restore: no row of the backup has the value that you chose rows by.`,
    "A value is compared as text, as the backup has it: 12.3 is not 12.30, and capitals count.");
}

function restoreHead(result) {
  const total = (field) => result.tables.reduce((sum, table) => sum + table[field], 0);
  if (CHANGES.every((field) => total(field) === 0)) return nothingToChange(result.mode, total("rows_chosen"), result.objections.length > 0);
  if (total("refused") + total("altered") > 0) return notice("warn", changesInWords(total, result.dry_run), nothingWritten(result));
  return notice(result.dry_run ? "note" : "ok", h("strong", {}, changesInWords(total, result.dry_run)), nothingWritten(result));
}

function nothingWritten(result) {
  return result.dry_run ? "Nothing has been written." : null;
}

/** Says only what was compared: a mode that looks for missing rows has not compared the values of the others. */
function nothingToChange(mode, rows, isPart) {
  if (isPart) return notice("note", "The tables that could be compared do not differ.");
  if (mode === "missing-only") return notice("note", "No row of the backup is missing from the database.", "This mode leaves the rows that are there as they are, also where they differ. The mode merge compares their values.");
  if (rows === 0 && mode !== "replace") return notice("note", "There is nothing to restore: the backup holds no row of these tables.");
  return notice("ok", "Nothing differs: the database has every row of the backup, with the same values.");
}

function changesInWords(total, dryRun) {
  const changes = total("inserted") + total("updated") + total("deleted");
  const parts = CHANGES.filter((field) => total(field)).map((field) => `${count(total(field))} ${field}`);
  const verb = dryRun ? "would change" : changes === 1 ? "was changed" : "were changed";
  const kept = total("unchanged");
  const [stay, are] = dryRun ? (kept === 1 ? ["stays", "it is"] : ["stay", "they are"]) : ["stayed", kept === 1 ? "it was" : "they were"];
  return `${plural(changes, "row")} ${verb}: ${parts.join(", ")}. ${plural(kept, "row")} ${stay} as ${are}.`;
}

function changesByTable(tables, dryRun) {
  const verbs = dryRun ? ["Insert", "Update", "Delete"] : ["Inserted", "Updated", "Deleted"];
  const head = ["Table", ...[...verbs, "Unchanged", "Refused", "In backup", "In database"].map((title) => ({ title, numeric: true }))];
  return dataTable("Changes by table", head, tables.map((table) => [
    table.name, changed("+", table.inserted), changed("~", table.updated), changed("−", table.deleted), count(table.unchanged), changed("!", table.refused),
    count(table.rows_in_backup), table.rows_in_database === null ? "—" : count(table.rows_in_database),
  ]), { cards: true });
}

function changed(sign, number) {
  return number ? h("strong", {}, `${sign}${count(number)}`) : h("span", { class: "zero" }, "0");
}

/** Rows of which a report has examples: how many there are of them, and what is said of each. */
const EXAMPLES = [
  {
    of: (table) => table.inserted_rows,
    number: (table) => table.inserted,
    title: () => "Rows that would be inserted",
    line: (row) => wholeRow(row, "ins"),
  },
  {
    of: (table) => table.updated_rows,
    number: (table) => table.updated,
    title: (dryRun) => (dryRun ? "Rows that would be overwritten (in the database → in the backup)" : "Rows that were overwritten (before → now)"),
    line: (row) => changedRow(row),
  },
  {
    of: (table) => table.deleted_rows,
    number: (table) => table.deleted,
    title: () => "Rows that would be deleted",
    line: (row) => wholeRow(row, "del"),
  },
  {
    of: (table) => table.altered_rows,
    number: (table) => table.altered,
    title: () => "Rows that are not as the backup has them (in the backup → in the database)",
    line: (row) => changedRow(row, "is no longer there"),
  },
  {
    of: (table) => table.refused_rows,
    number: (table) => table.refused,
    title: () => "Rows that the database refused",
    line: (row) => [h("code", {}, row.row), " ", row.reason],
  },
];

function rowsByTable(tables, dryRun) {
  const shown = tables.map((table) => [table, EXAMPLES.filter((example) => example.of(table).length > 0)]).filter(([, examples]) => examples.length > 0);
  return shown.map(([table, examples]) => h("details", { class: "rows", open: shown.length <= MOST_OPEN },
    h("summary", {}, table.name),
    examples.map((example) => exampleRows(example, table, dryRun))));
}

function exampleRows(example, table, dryRun) {
  const rows = example.of(table);
  const left = example.number(table) - rows.length;
  return [
    h("p", { class: "quiet-text" }, example.title(dryRun)),
    h("ul", {}, rows.map((row) => h("li", {}, example.line(row))), left > 0 && h("li", { class: "quiet-text" }, `and ${count(left)} more`)),
  ];
}

/** One line: the key, then each column with both values. */
function changedRow(row, without = "") {
  return rowLine(row, ([old, now]) => [h("del", {}, old), " → ", h("ins", {}, now)], without);
}

/** One line: the key, then each of the other columns, as a value that comes or goes. */
function wholeRow(row, tag) {
  return rowLine(row, (value) => h(tag, {}, value));
}

function rowLine(row, shown, without = "") {
  const key = Object.entries(row.key).map(([name, value]) => `${name} = ${value}`).join(", ");
  const columns = Object.entries(row.columns).map(([column, value], i) => [i > 0 && ", ", h("span", {}, h("code", {}, column), ": ", shown(value))]);
  return [key && h("code", { class: "key" }, key), " ", columns.length ? columns : without];
}

function equalInWords({ mode, dry_run: dryRun }) {
  if (mode === "missing-only") return dryRun ? ["lacks no row", "lack no row"] : ["lacked no row", "lacked no row"];
  return dryRun ? ["does not differ", "do not differ"] : ["did not differ", "did not differ"];
}

/** Tables about which there is nothing more to say, in one line that opens. */
function folded(tables, [one, many]) {
  if (!tables.length) return null;
  return h("details", { class: "folded" },
    h("summary", {}, `${plural(tables.length, "table")} ${tables.length === 1 ? one : many}`),
    h("ul", {}, tables.map((table) => h("li", {}, table.name, " ", h("span", { class: "quiet-text" }, plural(table.rows_in_backup, "row"))))));
}
