// Every backup, newest first.

import { get } from "../api.js";
import { durationChart, sizeChart, withoutUndoCopies } from "../charts.js";
import { badge, dataTable, h, notice } from "../dom.js";
import { count, duration, plural, size, time } from "../format.js";
import { pagedList } from "../pages.js";
import { pinMark } from "./pin.js";

const PAGE = 50;
const FEW_UNTRUSTED = 3;
const COLUMNS = [
  ["Backup", (backup) => h("a", { href: `#/backups/${backup.name}` }, time(backup.started_at), h("span", { class: "id" }, backup.name), pinMark(backup.pins))],
  ["Status", (backup) => badge(backup.status)],
  ["Started by", (backup) => startedBy(backup.trigger)],
  [{ title: "Rows", numeric: true }, (backup) => count(backup.rows)],
  [{ title: "Size", numeric: true }, (backup) => size(backup.size_bytes)],
  [{ title: "Duration", numeric: true }, (backup) => duration(backup.duration_seconds)],
  ["Engine", (backup) => [backup.engine, h("span", { class: "id" }, backup.consistency)]],
  ["In", (backup) => backup.locations.join(", ")],
  ["Proven", (backup) => proofOf(backup.proof)],
  ["Kept", (backup) => keptOf(backup.retention)],
];

export async function backupsView({ signal }) {
  const first = await get(`backups?limit=${PAGE}`, signal);
  const list = pagedList(first, {
    fetchPage: (before) => get(`backups?limit=${PAGE}&before=${encodeURIComponent(before)}`, signal),
    itemsOf: (page) => page.backups,
    render: listed,
    older: "Show older backups",
  });
  return [
    Object.entries(first.problems).map(([store, problem]) => notice("fail", `${store} could not be listed: ${problem.message}`, problem.hint)),
    untrustedOnes(Object.entries(first.untrusted)),
    list,
  ].flat();
}

/** Many of them are one notice that opens. */
function untrustedOnes(untrusted) {
  const each = untrusted.map(([name, problem]) => notice("fail", `${name} (${problem.label}): ${problem.message}`, problem.hint));
  if (each.length <= FEW_UNTRUSTED) return each;
  return [h("details", {}, h("summary", { class: "problem" }, `${plural(each.length, "backup")} cannot be trusted`), each)];
}

function listed(backups) {
  if (!backups.length) return [h("p", { class: "empty" }, "No backups yet. ", h("a", { href: "#/" }, "Trigger the first one"), ".")];
  const charted = withoutUndoCopies(backups);
  const pictures = charted.length > 1 && h("section", { class: "panel pictures", "aria-label": "Size and duration over time" }, sizeChart(charted), durationChart(charted));
  return [pictures, backupTable(backups)].filter(Boolean);
}

/** `without` names columns to leave out. */
export function backupTable(backups, without = []) {
  const columns = COLUMNS.filter(([column]) => !without.includes(column));
  return dataTable("Backups", columns.map(([column]) => column), backups.map((backup) => columns.map(([, content]) => content(backup))), { cards: true });
}

const TRIGGERS = { schedule: "schedule", api: "API", cli: "command line", "pre-restore": "undo copy", drill: "drill" };

export function startedBy(trigger) {
  return TRIGGERS[trigger] ?? trigger;
}

/** The stores by name, and what each one is. */
export function placesOf(names) {
  return names.map((name) => (name === "primary" ? "primary (Supabase Storage)" : `${name} (a copy)`)).join(", ");
}

/** How far the drill of it came, rung by rung, and when. */
export function proofOf(proof) {
  if (!proof) return "not drilled";
  const words = (rungs) => rungs.map((rung) => (rung === "restorable" ? "restored" : rung)).join(" · ");
  return h("span", {},
    proof.proven.length > 0 && h("span", {}, words(proof.proven)),
    proof.failed.length > 0 && [" ", h("span", { class: "badge failed" }, `failed: ${words(proof.failed)}`)],
    h("span", { class: "id" }, time(proof.drilled_at)));
}

/** Why retention keeps it, and when it may go. */
export function keptOf(retention) {
  const reasons = [...new Set(retention.map((copy) => copy.reason))].join("; ");
  if (retention.length && retention.every((copy) => !copy.keep)) return `${reasons}: the next prune removes it`;
  const goes = retention.map((copy) => copy.goes_at).filter(Boolean).sort()[0];
  return h("span", {}, reasons, goes && [", until ", time(goes)]);
}
