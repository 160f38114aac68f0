// At a glance: is my data safe? And the button of the guide's first step.

import { get, post } from "../api.js";
import { calendar, durationChart, sizeChart } from "../charts.js";
import { facts, h, notice } from "../dom.js";
import { ago, count, size, time } from "../format.js";
import { follow } from "../progress.js";
import { reportOf } from "../reports.js";
import { backupTable } from "./backups.js";

const FEW = 5;

export async function overviewView({ signal, show }) {
  const [overview, list] = await Promise.all([get("overview", signal), get("backups?limit=60", signal)]);
  const work = h("section", { "aria-labelledby": "work-title", class: "work" });
  const trigger = triggerButton(work, signal, show);
  const at = overview.running.find((run) => run.kind !== "prune");
  if (at) watch(at, work, trigger, signal, show);
  const policys = list.backups.filter((backup) => backup.trigger !== "pre-restore");
  return [
    verdict(overview, trigger),
    work,
    facts([
      ["Newest good backup", overview.newest_good ? h("span", {}, h("a", { href: `#/backups/${overview.newest_good.name}` }, ago(overview.newest_good.started_at)), ` · ${count(overview.newest_good.rows)} rows, ${size(overview.newest_good.size_bytes)}`) : "none yet"],
      ...overview.schedules.map((schedule) => [
        `Next ${schedule.kind}`,
        schedule.next_at ? h("span", {}, time(schedule.next_at), ` · ${schedule.words}`) : schedule.enabled ? schedule.words : "the schedule is off",
      ]),
      ["Last restore proven", overview.restore_proven_at ? time(overview.restore_proven_at) : "never: drills do not exist yet"],
    ]),
    overview.findings.slice(1).map((finding) => notice(finding.level, finding.sentence, finding.advice)),
    policys.length > 0 && h("section", { class: "pictures" }, overview.days.length > 0 && calendar(overview.days), h("div", {}, sizeChart(policys), durationChart(policys))),
    h("section", { "aria-labelledby": "latest-title" },
      h("h2", { id: "latest-title" }, "Latest backups"),
      list.backups.length ? backupTable(list.backups.slice(0, FEW)) : h("p", { class: "empty" }, "No backups yet. Trigger the first one."),
      list.backups.length > FEW && h("p", {}, h("a", { href: "#/backups" }, "All backups"))),
  ].flat().filter(Boolean);
}

function verdict(overview, trigger) {
  const title = { ok: "Safe", warn: "Attention", fail: "Not safe" }[overview.level] ?? overview.level;
  return h(
    "section",
    { class: `verdict ${overview.level}`, "aria-labelledby": "verdict-title" },
    h("div", {},
      h("h2", { id: "verdict-title" }, title),
      h("p", {}, overview.sentence),
      overview.advice && h("p", { class: "advice" }, overview.advice)),
    trigger,
  );
}

function triggerButton(work, signal, show) {
  const button = h("button", { type: "button", class: "primary", onclick: () => confirmTrigger(button, work, signal, show) }, "Trigger Backup");
  return button;
}

function confirmTrigger(button, work, signal, show) {
  const dialog = h(
    "dialog",
    { "aria-labelledby": "trigger-title", onclose: () => dialog.remove() },
    h("form", { method: "dialog" },
      h("h2", { id: "trigger-title" }, "Back up now?"),
      h("p", {}, "All tables of the policy are exported. Nothing in the database changes, and you may close this page meanwhile."),
      h("div", { class: "buttons" },
        h("button", { type: "submit", class: "quiet" }, "Cancel"),
        h("button", { type: "submit", class: "primary", onclick: () => trigger(button, work, signal, show) }, "Back up"))),
  );
  document.body.append(dialog);
  dialog.showModal();
}

async function trigger(button, work, signal, show) {
  button.disabled = true;
  try {
    const accepted = await post("backup", {}, signal);
    await watch({ id: accepted.run_id, kind: "backup" }, work, button, signal, show);
  } catch (error) {
    if (!signal.aborted) work.replaceChildren(notice("fail", error.message, error.hint));
  }
  button.disabled = false;
}

async function watch(run, work, button, signal, show) {
  const place = h("div", {});
  const titles = { backup: "Backing up", restore: "Restoring", verify: "Verifying" };
  work.replaceChildren(h("h2", { id: "work-title" }, titles[run.kind] ?? run.kind, " ", h("a", { href: `#/runs/${run.id}` }, "details")), place);
  button.disabled = run.kind !== "verify";
  const ended = await follow(run.id, place, signal);
  button.disabled = false;
  if (!ended) return;
  work.replaceChildren(h("h2", { id: "work-title" }, "Done"), ...reportOf(ended), h("p", {}, h("button", { type: "button", class: "quiet", onclick: show }, "Refresh the overview")));
}
