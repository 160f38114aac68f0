// What ran, what started it, how long it took and how it ended.

import { get } from "../api.js";
import { badge, dataTable, h } from "../dom.js";
import { duration, time } from "../format.js";
import { pagedList } from "../pages.js";
import { hasEnded } from "../progress.js";

const RUNS = 50;

export async function runsView({ signal }) {
  const first = await get(`runs?limit=${RUNS}`, signal);
  return [pagedList(first, {
    fetchPage: (before) => get(`runs?limit=${RUNS}${before ? `&before=${encodeURIComponent(before)}` : ""}`, signal),
    itemsOf: (page) => page.runs,
    render: (runs) => [runs.length ? runTable(runs) : h("p", { class: "empty" }, "Nothing has run yet.")],
    older: "Show older runs",
    isMoving: (runs) => runs.some((run) => !hasEnded(run)),
    signal,
  })];
}

function runTable(runs) {
  return dataTable("Runs", ["Run", "What", "Status", "Started by", { title: "Duration", numeric: true }, "Result"], runs.map((run) => [
    h("a", { href: `#/runs/${run.id}` }, time(run.requested_at), h("span", { class: "id" }, run.id)),
    kindOf(run),
    badge(run.status),
    run.started_by,
    duration(run.duration_seconds),
    run.error ? h("span", { class: "problem" }, run.error.message) : run.backup && h("a", { class: "id", href: `#/backups/${run.backup}` }, run.backup),
  ]), { cards: true });
}

export function kindOf(run) {
  return run.result?.dry_run ? `${run.kind} (dry run)` : run.kind;
}
