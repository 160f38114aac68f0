// Brings back what a restore overwrote; it shows a diff first, as a restore does.

import { get, post } from "../api.js";
import { h, notice } from "../dom.js";
import { follow } from "../progress.js";
import { confirmStep, diffSteps } from "./restore.js";

export async function undoView({ signal, argument }) {
  const [settings, run] = await Promise.all([get("settings", signal), get(`runs/${encodeURIComponent(argument)}`, signal)]);
  if (!run.undo?.possible) return [notice("warn", "This run cannot be undone.", run.undo?.reason ?? "It is not a restore that has ended.")];
  const place = h("div", { class: "wizard" });
  const fail = (error) => { if (!signal.aborted) place.replaceChildren(notice("fail", error.message, error.hint)); };

  async function dryRun() {
    const accepted = await post("restore/undo", { run_id: run.id, dry_run: true }, signal);
    const progress = h("div", {});
    place.replaceChildren(h("p", {}, "Comparing. Nothing is written."), progress);
    return follow(accepted.run_id, progress, signal);
  }

  function confirmation() {
    return confirmStep(settings.project.destination, "Undo now", async (confirm) => {
      const accepted = await post("restore/undo", { run_id: run.id, confirm }, signal);
      location.hash = `#/runs/${accepted.run_id}`;
    });
  }

  dryRun().then((ended) => { if (ended) place.replaceChildren(...diffSteps(ended, confirmation)); }, fail);
  return [h("p", {}, "This brings the tables back as they were before the restore ", h("a", { href: `#/runs/${run.id}` }, run.id), ". What was changed since the restore is taken back, too."), place];
}
