// What a drill has proven of a backup, rung by rung, and what it has not.

import { dataTable, h, notice } from "./dom.js";
import { count, duration, size } from "./format.js";

const MEANINGS = {
  stored: "Every object is in every copy, in its full size",
  readable: "Every byte decrypts, decompresses and has its checksum",
  restorable: "Every row went into a database that was thrown away",
  identical: "What was restored, exported again, is what the backup holds",
  asserted: "Your own assertions hold",
};
const OUTCOMES = { proven: "complete", failed: "failed", "not tried": "queued" };

export function drillReport(result) {
  const notRecorded = result.unrecorded.map(({ store, problem }) => notice("warn", `The ledger of ${store} lacks this drill: ${problem.message}`, problem.hint));
  return [drillVerdict(result), ladder(result.rungs), assertions(result.assertions), notProven(result.not_proven), ...notRecorded].filter(Boolean);
}

function drillVerdict(result) {
  const failed = result.rungs.filter((rung) => rung.outcome === "failed").map((rung) => rung.rung);
  if (failed.length) return notice("fail", `This drill has failed: ${failed.join(", ")}.`, "The rungs below say what is wrong.");
  if (result.broken_off) return notice("warn", `This drill broke off at the rung ${result.broken_off.rung}, which says nothing about the backup.`, "The ladder below says how far it came.");
  const restored = ["restorable", "identical"].every((name) => result.rungs.some((rung) => rung.rung === name && rung.outcome === "proven"));
  if (!restored) return notice("warn", "This backup is not proven to restore.");
  if (result.portion) return portionVerdict(result.portion);
  const took = result.restore_milliseconds === null ? "" : ` Its rows came back in ${duration(Math.ceil(result.restore_milliseconds / 1000))}.`;
  return notice("ok", h("strong", {}, `This backup restores.${took}`));
}

/** Of a backup that is too large for one drill. */
function portionVerdict({ tables, of_tables: all, left, sampled, why }) {
  const rows = tables.map((table) => `${table.name}: ${count(table.rows)} of ${count(table.of_rows)} rows${table.volumes.length ? `, a sample from volume ${table.volumes[0]}` : ""}`);
  const rest = [left.length && `${count(left.length)} still to be drilled`, sampled.length && `${count(sampled.length)} drilled by sample only`].filter(Boolean).join(", ");
  const details = `This drill was about ${count(tables.length)} of ${count(all)} tables (${rows.join("; ")}), because ${why}.`;
  if (!rest) return notice("ok", h("strong", {}, "This backup restores: this drill and those before it have proven every table."), details);
  return notice("warn", `These rows came back. The backup as a whole is not proven: of its tables, ${rest}.`, details);
}

function ladder(rungs) {
  return dataTable("What was proven", ["Rung", "Outcome", "Meaning", "Looked at"], rungs.map((rung) => [
    rung.rung,
    h("span", { class: `badge ${OUTCOMES[rung.outcome]}` }, rung.outcome),
    [MEANINGS[rung.rung], ...rung.problems.map((problem) => h("p", { class: rung.outcome === "failed" ? "problem" : "advice" }, problem.message))],
    figuresOf(rung),
  ]), { cards: true });
}

function figuresOf({ figures, outcome }) {
  if (outcome === "not tried") return "—";
  return Object.entries(figures).map(([noun, number]) => (noun === "bytes" ? size(number) : `${count(number)} ${number === 1 ? singular(noun) : noun}`)).join(", ") || "—";
}

function singular(noun) {
  return noun === "copies" ? "copy" : noun.replace(/s$/, "");
}

function assertions(results) {
  if (!results.length) return null;
  return dataTable("Assertions", ["Assertion", "Holds", "Why not"], results.map((result) => [
    result.name, h("span", { class: `badge ${result.holds ? "complete" : "failed"}` }, result.holds ? "yes" : "no"), result.problem?.message ?? "—",
  ]), { cards: true });
}

/** Said as plainly as what was proven. */
function notProven(notes) {
  if (!notes.length) return null;
  return h("details", { class: "rows", open: true },
    h("summary", {}, "What this drill does not prove"),
    h("ul", {}, notes.map((note) => h("li", {}, note.what, " ", h("span", { class: "quiet-text" }, note.why)))));
}
