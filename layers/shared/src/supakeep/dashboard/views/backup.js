// One backup: what it holds, what changed, whether it is good, and how to get it.

import { get, post } from "../api.js";
import { badge, dataTable, facts, h, notice, withCommands } from "../dom.js";
import { count, duration, signed, size, time } from "../format.js";
import { follow } from "../progress.js";
import { reportOf } from "../reports.js";
import { keptOf, placesOf, proofOf, startedBy } from "./backups.js";
import { coverageOf } from "./coverage.js";
import { pinControl } from "./pin.js";

const BETWEEN_DOWNLOADS_MILLISECONDS = 400;

export async function backupView({ signal, argument }) {
  const [backup, coverage] = await Promise.all([
    get(`backups/${encodeURIComponent(argument)}`, signal),
    get(`coverage?backup=${encodeURIComponent(argument)}`, signal),
  ]);
  const work = h("div", { class: "work" });
  const pin = pinControl(backup, work, signal);
  return [
    h("h2", { class: "subtitle" }, h("code", {}, backup.name)),
    h("div", { class: "buttons" },
      h("a", { class: "button primary", href: `#/restore/${backup.name}` }, "Restore …"),
      h("button", { type: "button", onclick: (event) => act(event.target, work, signal, () => verify(backup, work, signal)) }, "Verify"),
      h("button", { type: "button", onclick: (event) => act(event.target, work, signal, () => drill(backup, work, signal)) }, "Drill"),
      h("button", { type: "button", onclick: (event) => act(event.target, work, signal, () => copy(backup, work, signal)) }, "Copy"),
      h("button", { type: "button", onclick: (event) => act(event.target, work, signal, () => download(backup, work, signal)) }, "Download"),
      pin.button),
    work,
    problemsOf(backup),
    h("section", { class: "panel", "aria-label": "Facts" }, facts([
      ["Status", badge(backup.status)],
      ["Time", time(backup.started_at)],
      ["Started by", startedBy(backup.trigger)],
      ["Rows", count(backup.rows)],
      ["Size", size(backup.size_bytes)],
      ["Duration", duration(backup.duration_seconds)],
      ["Engine", backup.engine],
      ["Consistency", backup.consistency],
      ["In", placesOf(backup.locations)],
      ["Proven", proofOf(backup.proof)],
      ["Kept", keptOf(backup.retention)],
      ["Pinned", pin.words],
      ["Read back", READ_BACK[backup.read_back] ?? "not known"],
      ["Compression", backup.compression ?? "none"],
      ["Encryption", backup.recipients.length > 0 ? ["age, to ", backup.recipients.map((key) => h("code", { class: "checksum" }, key))] : "none"],
    ])),
    copiesOf(backup),
    tablesOf(backup),
    coverageOf(coverage),
  ].flat();
}

const READ_BACK = { true: "whole, from each store that has it, right after it was stored", false: "no: read_back is off" };

// of these nothing is lost that was backed up
const ADDITIONS = ["table new", "column new"];

function problemsOf(backup) {
  const problems = [...backup.tables.map((table) => table.error), ...backup.shrinkage, ...backup.copies.map((copy) => copy.problem)].filter(Boolean);
  return [
    ...problems.map((problem) => notice("warn", problem.message, problem.hint)),
    ...backup.changes.map((change) => notice(ADDITIONS.includes(change.kind) ? "note" : "warn", `${change.message}.`)),
    ...backup.definition_changes.map((change) => notice(change.hint ? "warn" : "note", `${change.message}.`, change.hint)),
    ...backup.warnings.map((warning) => notice("warn", warning)),
    ...(backup.missing_tables.length ? [notice("warn", `The backup before had these tables too: ${backup.missing_tables.join(", ")}.`)] : []),
    ...(backup.uncovered_tables.length ? [notice("note", `The policy does not cover: ${backup.uncovered_tables.join(", ")}.`)] : []),
  ];
}

const SIGNATURES = { verified: "signed, and verified", unchecked: "signed, and not checked: SIGNING_KEY is not set here", none: "unsigned" };
const WRONG_SIGNATURES = { unsigned: "unsigned", forged: "does not verify" };

/** What each store holds now, by its manifest and the sizes of its objects; Verify reads every byte. */
function copiesOf(backup) {
  return [
    h("h2", {}, "Copies"),
    dataTable("Copies", ["Store", "State", "Signature", "What is wrong"], backup.stored.map((copy) => [
      copy.store === "primary" ? "primary (Supabase Storage)" : copy.store,
      h("span", { class: `badge ${copy.state === "whole" ? "complete" : "failed"}` }, copy.state),
      [SIGNATURES[copy.signature] ?? WRONG_SIGNATURES[copy.state] ?? "—", copy.key_id && h("span", { class: "id" }, `key ${copy.key_id}`)].filter(Boolean),
      copy.problem ? [withCommands(copy.problem.message), copy.problem.hint && h("p", { class: "advice" }, withCommands(copy.problem.hint))].filter(Boolean) : "—",
    ]), { cards: true }),
    h("p", { class: "quiet-text" }, "This is what the manifests and the sizes of the objects show. Verify reads every byte of every copy."),
  ];
}

function tablesOf(backup) {
  const compared = backup.compared_with ? `Compared with ${backup.compared_with}.` : "There is no backup before it to compare with.";
  return [
    h("h2", {}, "Tables"),
    h("p", { class: "quiet-text" }, compared),
    dataTable("Tables", ["Table", "Status", { title: "Rows", numeric: true }, { title: "Change", numeric: true }, { title: "Size", numeric: true }, "Policy"],
      backup.tables.map((table) => [table.name, badge(table.status), count(table.rows), changeOf(table), size(table.bytes), table.policy]), { cards: true }),
  ];
}

/** Rows, and bytes, more or less than in the backup before. */
function changeOf(table) {
  if (!table.change) return "new";
  const { rows, bytes } = table.change;
  return [signed(rows), bytes !== 0 && h("span", { class: "id" }, `${bytes > 0 ? "+" : ""}${size(bytes)}`)].filter(Boolean);
}

async function act(button, work, signal, action) {
  button.disabled = true;
  try {
    await action();
  } catch (error) {
    if (!signal.aborted) work.replaceChildren(notice("fail", error.message, error.hint));
  }
  button.disabled = false;
}

async function verify(backup, work, signal) {
  const accepted = await post(`backups/${encodeURIComponent(backup.name)}/verify`, {}, signal);
  work.replaceChildren(h("p", {}, "Every byte of every copy is read …"));
  const run = await follow(accepted.run_id, work, signal);
  if (run) work.replaceChildren(...reportOf(run));
}

async function drill(backup, work, signal) {
  const accepted = await post("drills", { name: backup.name }, signal);
  const progress = h("div", {});
  work.replaceChildren(h("section", { class: "panel" }, h("p", {}, "The backup is restored into a PostgreSQL that is thrown away. Nothing of yours is written …"), progress));
  const run = await follow(accepted.run_id, progress, signal);
  if (run) work.replaceChildren(h("section", { class: "panel" }, h("h2", {}, "Drill"), reportOf(run)));
}

async function copy(backup, work, signal) {
  const accepted = await post(`backups/${encodeURIComponent(backup.name)}/copy`, {}, signal);
  work.replaceChildren(h("p", {}, "Each store gets what it lacks …"));
  const run = await follow(accepted.run_id, work, signal);
  if (run) work.replaceChildren(...reportOf(run));
}

/** One click for all: each object by its signed link, which is valid for a short time. */
async function download(backup, work, signal) {
  const links = await get(`backups/${encodeURIComponent(backup.name)}/download`, signal);
  work.replaceChildren(
    h("p", {}, `The links are valid for ${duration(links.expires_in_seconds)}. The volumes, joined in this order, are the document.`),
    h("ol", {}, links.objects.map((object) => h("li", {},
      h("a", { href: object.url, download: nameOf(object.key), rel: "noopener" }, nameOf(object.key)),
      object.bytes === null ? "" : ` · ${size(object.bytes)}`,
      object.sha256 && h("code", { class: "checksum" }, ` SHA-256 ${object.sha256}`)))),
  );
  for (const link of work.querySelectorAll("a")) {
    link.click();
    // a browser drops downloads that begin together
    await new Promise((resolve) => { setTimeout(resolve, BETWEEN_DOWNLOADS_MILLISECONDS); });
  }
}

function nameOf(key) {
  return key.split("/").at(-1);
}
