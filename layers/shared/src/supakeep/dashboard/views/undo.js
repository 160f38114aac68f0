// Brings back what a restore overwrote; it shows a diff first, as a restore does.

import { get, post } from "../api.js";
import { h, notice } from "../dom.js";
import { follow } from "../progress.js";
import { reportOf } from "../reports.js";
import { confirmStep, diffSteps } from "./restore.js";

export async function undoView({ signal, argument }) {
  const [settings, run] = await Promise.all([get("settings", signal), get(`runs/${encodeURIComponent(argument)}`, signal)]);
  if (!run.undo?.possible) return [notice("warn", "This run cannot be undone.", run.undo?.reason ?? "It is not a restore that has ended.")];
  const place = h("div", { class: "work" });
  const fail = (error) => { if (!signal.aborted) place.replaceChildren(notice("fail", error.message, error.hint)); };
  const schema = run.result?.into_schema ? `/${run.result.into_schema}` : "";
  const destination = `${settings.project.destination}${schema}`;

  async function carryOut(request) {
    const accepted = await post("restore/undo", { run_id: run.id, ...request }, signal);
    const progress = h("div", {});
    place.replaceChildren(h("p", {}, request.dry_run ? "Comparing. Nothing is written." : "Undoing. You may close this page; the run goes on."), progress);
    return follow(accepted.run_id, progress, signal);
  }

  function confirmation() {
    return confirmStep(destination, "Undo now", async (confirm) => {
      const ended = await carryOut({ confirm });
      if (ended) place.replaceChildren(h("h2", {}, "5. Report"), ...reportOf(ended));
    }, fail);
  }

  carryOut({ dry_run: true }).then((ended) => { if (ended) place.replaceChildren(...diffSteps(ended, place, confirmation)); }, fail);
  return [h("p", {}, "This brings the tables back as they were before the restore ", h("a", { href: `#/runs/${run.id}` }, run.id), "."), place];
}
