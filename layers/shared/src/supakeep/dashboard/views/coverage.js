// What of the project a backup does not hold, and why.

import { dataTable, h, notice } from "../dom.js";
import { count, time } from "../format.js";

/** `coverage` as the API answers it. */
export function coverageOf(coverage) {
  const kinds = coverage.kinds.filter((kind) => kind.backed_up > 0).map((kind) => `${kind.kind} ${count(kind.backed_up)}`);
  return [
    h("h2", {}, "Not in the backup"),
    ...(coverage.problem ? [notice("note", coverage.problem.message, coverage.problem.hint)] : []),
    kinds.length > 0 && h("p", { class: "quiet-text" }, `Backed up: ${kinds.join(", ")}.`),
    coverage.gaps.length > 0 && dataTable("Not in the backup", ["What", "State", "Why", "Since"], coverage.gaps.map((gap) => [
      `${gap.kind} ${gap.name}`, gap.state, gap.why, gap.since ? time(gap.since) : "—",
    ]), { cards: true }),
    coverage.unlisted > 0 && h("p", { class: "quiet-text" }, `${count(coverage.unlisted)} more are not listed.`),
  ].filter(Boolean);
}
