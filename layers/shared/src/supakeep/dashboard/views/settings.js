// The settings as they are deployed, read only, and what other retention rules would keep.

import { get } from "../api.js";
import { dataTable, facts, h, notice } from "../dom.js";
import { plural, size, time } from "../format.js";

export async function settingsView({ signal }) {
  const settings = await get("settings", signal);
  const { project, engine, policy, retention, versions } = settings;
  return [
    h("h2", {}, "Project"),
    facts([["Ref", project.ref], ["URL", project.url], ["Restores are confirmed with", project.destination], ["Storage bucket", project.storage_bucket ?? "none"], ["Mirror", project.mirror ?? "none"]]),
    h("h2", {}, "Engine"),
    facts([
      ["Engine", `${engine.name}, consistency ${engine.consistency}`],
      ["Restores", engine.atomic ? "all or nothing" : "batch by batch"],
      ["Undo", engine.undo.possible ? "yes" : engine.undo.reason],
      ["Modes", engine.modes.filter((mode) => mode.possible).map((mode) => mode.mode).join(", ")],
    ]),
    h("h2", {}, "Schedules"),
    dataTable("Schedules", ["What", "When", "Next"], settings.schedules.map((schedule) => [schedule.kind, schedule.words, schedule.next_at ? time(schedule.next_at) : "—"])),
    h("h2", {}, "What is backed up"),
    policy.tables.length > 0 && dataTable("Tables of the policy", ["Table", "Rows"], policy.tables.map((table) => [table.name, table.rows])),
    patternsOf(policy.patterns),
    h("h2", {}, "Retention"),
    h("p", {}, `Deployed: ${retention.words}.`),
    simulation(retention.rules, signal),
    h("h2", {}, "Versions"),
    facts([["Supakeep", versions.supakeep], ["Python", versions.python], ["Backup format", versions.format]]),
  ].flat().filter(Boolean);
}

function patternsOf(patterns) {
  if (!patterns?.tables?.length) return null;
  const [tables, exclude] = [[].concat(patterns.tables), [].concat(patterns.exclude ?? [])];
  return h("p", {}, `Tables that match ${tables.join(", ")} in ${[].concat(patterns.schemas ?? []).join(", ")}${exclude.length ? `, without ${exclude.join(", ")}` : ""}.`);
}

function simulation(rules, signal) {
  const place = h("div", { class: "work", role: "status" });
  const input = h("input", { id: "keep", type: "number", min: "1", max: "36500", required: true, value: String(rules.keep_within_days ?? 7) });
  return h("form", { class: "inline", onsubmit: (event) => { event.preventDefault(); simulate(Number(input.value), place, signal); } },
    h("label", { for: "keep" }, "What would be kept with keep_within_days ="),
    input,
    h("button", { type: "submit" }, "Simulate"),
    place);
}

async function simulate(days, place, signal) {
  place.replaceChildren(h("p", {}, "Reading the backups …"));
  try {
    const outcome = await get(`retention?keep_within_days=${days}`, signal);
    const differing = outcome.backups.filter((backup) => backup.keep !== backup.deployed_keeps);
    place.replaceChildren(
      notice("note", `${plural(outcome.kept, "copy", "copies")} would stay and ${plural(outcome.removed, "copy", "copies")} would go (${size(outcome.removed_bytes)}).`, "This is a simulation: nothing is removed."),
      dataTable("Simulation", ["Backup", "Then", "Deployed rules", "Why"], (differing.length ? differing : outcome.backups).map((backup) => [
        backup.name, backup.keep ? "kept" : "removed", backup.deployed_keeps ? "kept" : "removed", backup.copies.map((copy) => `${copy.store}: ${copy.reason}`).join("; "),
      ])),
    );
  } catch (error) {
    if (!signal.aborted) place.replaceChildren(notice("fail", error.message, error.hint));
  }
}
