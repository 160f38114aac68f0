// What a run has brought about.

import { restoreReport } from "./changes.js";
import { badge, dataTable, facts, h, notice } from "./dom.js";
import { count, duration, plural, size, time } from "./format.js";
import { drillReport } from "./ladder.js";

/** How a run that has ended is shown: its error, or its result. */
export function reportOf(run) {
  if (run.error) {
    // a drill that failed says most by how far it came
    const ladder = run.kind === "drill" && run.result ? drillReport(run.result) : [];
    return [notice("fail", run.error.message, run.error.hint), run.log_url && h("p", {}, h("a", { href: run.log_url, rel: "noopener" }, "The function's log")), ...ladder].filter(Boolean);
  }
  const reports = { backup: backupReport, restore: restoreReport, verify: verifyReport, copy: copyReport, prune: pruneReport, delete: deleteReport, drill: drillReport };
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

function verifyReport(result) {
  return [
    result.copies.map((copy) => copy.good
      ? notice("ok", `The copy in ${copy.store} is good.`, verifiedInWords(copy, result.backup))
      : notice("fail", `The copy in ${copy.store} is not good: ${copy.problem?.message ?? "unknown"}`, copy.problem?.hint)),
    result.warnings.map((warning) => notice("warn", warning)),
  ].flat();
}

/** An encrypted backup's rows can be read only with its private key, which the functions seldom hold. */
function verifiedInWords(copy, backup) {
  const read = `Every byte was read: ${plural(copy.objects, "object")}, ${size(copy.bytes)}, and every checksum is right.`;
  return copy.contents_read ? read : `${read} The rows are encrypted and were not read. To read them too, run \`supakeep verify ${backup} --identity FILE\` with the file of its private key.`;
}

function copyReport(result) {
  return result.backups.flatMap((backup) => backup.stores.map((store) => {
    if (store.problem) return notice("fail", `${store.store} could not be made whole: ${store.problem.message}`, store.problem.hint);
    const moved = store.written.length + store.replaced.length;
    return notice("ok", moved || store.bytes ? `${store.store} has got ${moved ? plural(moved, "object") : "what it lacked"} (${size(store.bytes)}).` : `${store.store} was whole already.`);
  }));
}

function deleteReport(result) {
  return result.stores.map((store) => notice(store.problem ? "fail" : "ok",
    `${plural(store.removed.length, "object")} of ${result.backup} removed from ${store.store} (${size(store.bytes)}).`,
    store.problem && `${plural(store.left.length, "object")} left: ${store.problem.message}`));
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

