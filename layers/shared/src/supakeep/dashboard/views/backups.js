// Every backup, newest first.

import { get } from "../api.js";
import { durationChart, sizeChart } from "../charts.js";
import { badge, dataTable, h, notice } from "../dom.js";
import { count, duration, size, time } from "../format.js";

const PAGE = 50;

export async function backupsView({ signal }) {
  const page = await get(`backups?limit=${PAGE}`, signal);
  const place = h("div", {});
  const backups = [...page.backups];
  const fill = (next) => place.replaceChildren(...listOf(backups, next, more));

  async function more(next, button) {
    button.disabled = true;
    try {
      const further = await get(`backups?limit=${PAGE}&before=${encodeURIComponent(next)}`, signal);
      backups.push(...further.backups);
      fill(further.next);
    } catch (error) {
      button.disabled = false;
      button.after(notice("fail", error.message, error.hint));
    }
  }

  fill(page.next);
  return [
    Object.entries(page.problems).map(([store, problem]) => notice("fail", `${store} could not be listed: ${problem.message}`, problem.hint)),
    Object.entries(page.damaged).map(([name, problem]) => notice("fail", `${name} is damaged: ${problem.message}`, problem.hint)),
    place,
  ].flat();
}

function listOf(backups, next, more) {
  if (!backups.length) return [h("p", { class: "empty" }, "No backups yet. ", h("a", { href: "#/" }, "Trigger the first one."))];
  const button = next && h("button", { type: "button", class: "quiet", onclick: () => more(next, button) }, "Show older backups");
  const policys = backups.filter((backup) => backup.trigger !== "pre-restore");
  return [policys.length > 1 && h("section", { class: "pictures" }, sizeChart(policys), durationChart(policys)), backupTable(backups), button].filter(Boolean);
}

export function backupTable(backups) {
  const head = ["Backup", "Time", "Status", "Started by", { title: "Rows", numeric: true }, { title: "Size", numeric: true }, { title: "Duration", numeric: true }, "Engine", "In", "Kept"];
  return dataTable("Backups", head, backups.map((backup) => [
    h("a", { href: `#/backups/${backup.name}` }, backup.name),
    time(backup.started_at),
    badge(backup.status),
    backup.trigger,
    count(backup.rows),
    size(backup.size_bytes),
    duration(backup.duration_seconds),
    `${backup.engine}, ${backup.consistency}`,
    backup.locations.join(", "),
    keptOf(backup.retention),
  ]));
}

/** Why retention keeps it, and when it goes. */
export function keptOf(retention) {
  const reasons = new Set(retention.map((copy) => `${copy.keep ? "" : "goes: "}${copy.reason}`));
  const goes = retention.map((copy) => copy.goes_at).filter(Boolean).sort()[0];
  return h("span", {}, [...reasons].join("; "), goes && [", until ", time(goes)]);
}
