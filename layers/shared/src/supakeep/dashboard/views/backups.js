// Every backup, newest first.

import { get } from "../api.js";
import { durationChart, sizeChart, withoutUndoCopies } from "../charts.js";
import { badge, dataTable, h, notice } from "../dom.js";
import { count, duration, size, time } from "../format.js";
import { pagedList } from "../pages.js";

const PAGE = 50;
const COLUMNS = [
  "Backup", "Status", "Started by", { title: "Rows", numeric: true }, { title: "Size", numeric: true },
  { title: "Duration", numeric: true }, "Engine", "In", "Kept",
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
    Object.entries(first.damaged).map(([name, problem]) => notice("fail", `${name} is damaged: ${problem.message}`, problem.hint)),
    list,
  ].flat();
}

function listed(backups) {
  if (!backups.length) return [h("p", { class: "empty" }, "No backups yet. ", h("a", { href: "#/" }, "Trigger the first one"), ".")];
  const charted = withoutUndoCopies(backups);
  const pictures = charted.length > 1 && h("section", { class: "panel pictures", "aria-label": "Size and duration over time" }, sizeChart(charted), durationChart(charted));
  return [pictures, backupTable(backups)].filter(Boolean);
}

export function backupTable(backups) {
  return dataTable("Backups", COLUMNS, backups.map((backup) => [
    h("a", { href: `#/backups/${backup.name}` }, time(backup.started_at), h("span", { class: "id" }, backup.name)),
    badge(backup.status),
    startedBy(backup.trigger),
    count(backup.rows),
    size(backup.size_bytes),
    duration(backup.duration_seconds),
    h("span", { title: `consistency: ${backup.consistency}` }, backup.engine),
    backup.locations.join(", "),
    keptOf(backup.retention),
  ]), { cards: true });
}

const TRIGGERS = { schedule: "schedule", api: "API", cli: "command line", "pre-restore": "undo copy", drill: "drill" };

export function startedBy(trigger) {
  return TRIGGERS[trigger] ?? trigger;
}

/** Why retention keeps it, and when it goes. */
export function keptOf(retention) {
  const reasons = new Set(retention.map((copy) => `${copy.keep ? "" : "goes: "}${copy.reason}`));
  const goes = retention.map((copy) => copy.goes_at).filter(Boolean).sort()[0];
  return h("span", {}, [...reasons].join("; "), goes && [", until ", time(goes)]);
}
