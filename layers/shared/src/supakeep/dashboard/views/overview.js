// At a glance: is my data safe? And the button of the guide's first step.

import { get, post } from "../api.js";
import { calendar, durationChart, sizeChart, withoutUndoCopies } from "../charts.js";
import { facts, h, notice, withCommands } from "../dom.js";
import { ago, count, duration, size, time } from "../format.js";
import { follow } from "../progress.js";
import { reportOf } from "../reports.js";
import { backupTable } from "./backups.js";

const CHARTED = 60;
const FEW = 5;
const TITLES = { ok: "Safe", warn: "Attention", fail: "Not safe" };
const AT_WORK = { backup: "Backing up", restore: "Restoring", verify: "Verifying", copy: "Copying", drill: "Drilling" };
const MARKS = { ok: "M5 12.5l4.5 4.5L19 7.5", warn: "M12 6v8M12 17.5v.5", fail: "M7 7l10 10M17 7L7 17" };

export async function overviewView({ signal }) {
  const page = new Overview(signal);
  await page.refresh();
  // a tab that was in the background may be hours old
  document.addEventListener("visibilitychange", () => page.seenAgain(), { signal });
  return [page.top, page.work, page.rest];
}

/** What it shows is read again when a run has ended; the report of that run stays. */
class Overview {
  constructor(signal) {
    this.signal = signal;
    this.top = h("div", {});
    this.work = h("section", { class: "panel work", "aria-label": "Run" });
    this.rest = h("div", {});
    this.button = h("button", { type: "button", class: "primary", onclick: () => this.askBeforeTrigger() }, "Trigger Backup");
    this.watched = null;
  }

  async refresh() {
    const [overview, list] = await Promise.all([get("overview", this.signal), get(`backups?limit=${CHARTED}`, this.signal)]);
    this.top.replaceChildren(verdict(overview, this.button), ...findings(overview, ["fail", "warn"]));
    this.rest.replaceChildren(...[tiles(overview), pictures(overview, list.backups), latest(list.backups), ...findings(overview, ["note"])].filter(Boolean));
    const running = overview.running.find((run) => run.kind !== "prune");
    if (running && !this.watched) this.watch(running.id, running.kind);
  }

  seenAgain() {
    if (!document.hidden) this.refresh().catch(() => {});
  }

  askBeforeTrigger() {
    const dialog = h(
      "dialog",
      { "aria-labelledby": "trigger-title", onclose: () => dialog.remove() },
      h("form", { method: "dialog" },
        h("h2", { id: "trigger-title" }, "Back up now?"),
        h("p", {}, "All tables of the policy are exported. Nothing in the database changes. You may close this page meanwhile."),
        h("div", { class: "buttons" },
          h("button", { type: "submit", class: "primary", onclick: () => this.trigger() }, "Back up"),
          h("button", { type: "submit" }, "Cancel"))),
    );
    document.body.append(dialog);
    dialog.showModal();
  }

  async trigger() {
    this.button.disabled = true;
    try {
      const accepted = await post("backup", {}, this.signal);
      await this.watch(accepted.run_id, "backup");
    } catch (error) {
      if (this.signal.aborted) return;
      this.work.replaceChildren(notice("fail", error.message, error.hint));
      this.button.disabled = false;
      // a run that is in the way is shown
      if (error.status === 409) this.refresh().catch(() => {});
    }
  }

  async watch(id, kind) {
    this.watched = id;
    this.button.disabled = kind !== "verify" && kind !== "copy";
    const place = h("div", {});
    this.work.replaceChildren(h("div", { class: "heading" }, h("h2", {}, AT_WORK[kind] ?? kind), h("a", { href: `#/runs/${id}` }, "Details")), place);
    try {
      const ended = await follow(id, place, this.signal);
      if (!ended) return;
      this.work.replaceChildren(...reportOf(ended));
    } catch (error) {
      if (this.signal.aborted) return;
      place.replaceChildren(notice("fail", error.message, error.hint));
    }
    this.watched = null;
    this.button.disabled = false;
    await this.refresh().catch(() => {});
  }
}

function verdict(overview, button) {
  return h(
    "section",
    { class: `verdict ${overview.level}`, "aria-labelledby": "verdict-title" },
    h("svg", { class: "mark", viewBox: "0 0 24 24", "aria-hidden": "true" }, h("path", { d: MARKS[overview.level] ?? MARKS.warn })),
    h("div", {},
      h("h2", { id: "verdict-title" }, TITLES[overview.level] ?? overview.level),
      h("p", { class: "sentence" }, withCommands(overview.sentence)),
      overview.advice && h("p", { class: "advice" }, withCommands(overview.advice))),
    button,
  );
}

/** The first one is the verdict. */
function findings(overview, levels) {
  return overview.findings.slice(1)
    .filter((finding) => levels.includes(finding.level))
    .map((finding) => notice(finding.level, finding.sentence, finding.advice));
}

function tiles(overview) {
  const newest = overview.newest_good;
  return facts([
    ["Newest good backup", newest ? [h("a", { class: "large", href: `#/backups/${newest.name}` }, ago(newest.started_at)), h("p", {}, `${count(newest.rows)} rows, ${size(newest.size_bytes)}`)] : [h("span", { class: "large" }, "none"), h("p", {}, "Trigger the first one")]],
    ...overview.schedules.map((schedule) => [
      `Next ${schedule.kind}`,
      [h("span", { class: "large" }, whenOf(schedule)), h("p", {}, schedule.next_at ? time(schedule.next_at) : schedule.words)],
    ]),
    overview.restore_proven_at && ["Last restore proven", [h("span", { class: "large" }, ago(overview.restore_proven_at)), h("p", {}, recoveryOf(overview))]],
  ].filter(Boolean), "tiles");
}

/** When the restore was proven, and how long the newest good backup would take by its measure. */
function recoveryOf(overview) {
  const { restore_proven_at: at, recovery_seconds: seconds } = overview;
  return seconds === null ? time(at) : [time(at), ` · rows back in about ${duration(seconds)}`];
}

function whenOf(schedule) {
  if (schedule.next_at) return ago(schedule.next_at);
  if (!schedule.enabled) return "off";
  return schedule.expression === "after-each-backup" ? "after a backup" : "unknown";
}

function pictures(overview, backups) {
  const charted = withoutUndoCopies(backups);
  if (!charted.length) return null;
  return h("section", { class: "panel pictures", "aria-label": "Backups over time" },
    overview.days.length > 0 && calendar(overview.days), sizeChart(charted), durationChart(charted));
}

function latest(backups) {
  return h("section", { "aria-labelledby": "latest-title" },
    h("div", { class: "heading" },
      h("h2", { id: "latest-title" }, "Latest backups"),
      backups.length > FEW && h("a", { href: "#/backups" }, "All backups")),
    backups.length ? backupTable(backups.slice(0, FEW), ["Engine", "In"]) : h("p", { class: "empty" }, "No backups yet."));
}
