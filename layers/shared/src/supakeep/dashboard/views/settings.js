// The settings as they are deployed, read only, and what other retention rules would keep.

import { get } from "../api.js";
import { badge, dataTable, facts, h, notice, panel } from "../dom.js";
import { plural, size, time } from "../format.js";

const RULES = ["keep_within_days", "keep_last", "keep_hourly", "keep_daily", "keep_weekly", "keep_monthly", "keep_yearly"];

export async function settingsView({ signal }) {
  const settings = await get("settings", signal);
  const { project, engine, policy, retention, versions } = settings;
  return [
    panel("Project", facts([["Ref", project.ref], ["URL", project.url], ["Restores are confirmed with", h("code", {}, project.destination)], ["Storage bucket", project.storage_bucket ?? "none"], ["Mirror", project.mirror ?? "none"], ...project.copies.map((copy) => [`Copy ${copy.name}`, `${copy.url}. ${copy.retention}`])])),
    panel("Engine", facts([
      ["Engine", engine.name],
      ["Consistency", engine.consistency],
      ["Restores", engine.atomic ? "all or nothing" : "batch by batch"],
      ["Restore modes", engine.modes.filter((mode) => mode.possible).map((mode) => mode.mode).join(", ")],
      ["Undo", engine.undo.possible ? "yes" : `no. ${engine.undo.reason}.`],
    ])),
    panel("Schedules", dataTable("Schedules", ["What", "When", "Next"], settings.schedules.map((schedule) => [schedule.kind, schedule.words, schedule.next_at ? time(schedule.next_at) : "—"])),
      h("p", { class: "quiet-text" }, `A backup that is older than ${plural(settings.max_backup_age_hours, "hour")} counts as too old.`)),
    panel("What is backed up",
      policy.tables.length > 0 && dataTable("Tables of the policy", ["Table", "Rows"], policy.tables.map((table) => [table.name, table.rows])),
      patternsOf(policy.patterns)),
    panel("Retention", h("p", {}, retention.words), simulation(retention.rules, signal)),
    panel("Versions", facts([["Supakeep", versions.supakeep], ["Python", versions.python], ["Backup format", versions.format]])),
  ];
}

function patternsOf(patterns) {
  if (!patterns?.tables?.length) return null;
  const [tables, exclude] = [[].concat(patterns.tables), [].concat(patterns.exclude ?? [])];
  return h("p", {}, `Tables that match ${tables.join(", ")} in ${[].concat(patterns.schemas ?? []).join(", ")}${exclude.length ? `, without ${exclude.join(", ")}` : ""}.`);
}

function simulation(rules, signal) {
  const place = h("div", { class: "work", role: "status" });
  const input = h("input", { id: "number", type: "number", min: "1", max: "36500", required: true, value: String(rules.keep_within_days ?? 7) });
  const rule = h("select", { id: "rule" }, RULES.map((name) => h("option", { value: name }, name)));
  return h("form", { class: "inline", onsubmit: (event) => { event.preventDefault(); simulate(`${rule.value}=${Number(input.value)}`, place, signal); } },
    h("label", { for: "rule" }, "What would be kept with the rule"),
    rule,
    h("label", { for: "number" }, "="),
    input,
    h("button", { type: "submit" }, "Simulate"),
    place);
}

async function simulate(rule, place, signal) {
  place.replaceChildren(h("p", {}, "Reading the backups …"));
  try {
    const outcome = await get(`retention?${rule}`, signal);
    const differing = outcome.backups.filter((backup) => backup.keep !== backup.deployed_keeps);
    place.replaceChildren(
      notice("note", `${plural(outcome.kept, "copy", "copies")} would stay and ${plural(outcome.removed, "copy", "copies")} would go (${size(outcome.removed_bytes)}).`, "This is a simulation: nothing is removed."),
      dataTable("Simulation", ["Backup", "Then", "Deployed rules", "Why"], (differing.length ? differing : outcome.backups).map((backup) => [
        h("a", { href: `#/backups/${backup.name}` }, time(backup.started_at), h("span", { class: "id" }, backup.name)),
        badge(backup.keep ? "kept" : "removed"), badge(backup.deployed_keeps ? "kept" : "removed"), backup.copies.map((copy) => `${copy.store}: ${copy.reason}`).join("; "),
      ]), { cards: true }),
    );
  } catch (error) {
    if (!signal.aborted) place.replaceChildren(notice("fail", error.message, error.hint));
  }
}
