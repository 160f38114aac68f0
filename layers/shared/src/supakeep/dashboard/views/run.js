// One run: followed while it works, and its report once it has ended.

import { get } from "../api.js";
import { h, notice, panel } from "../dom.js";
import { follow, hasEnded, progressOf } from "../progress.js";
import { reportOf, runFacts } from "../reports.js";
import { kindOf } from "./runs.js";

export async function runView({ signal, argument, show }) {
  const run = await get(`runs/${encodeURIComponent(argument)}`, signal);
  const about = h("div", {}, runFacts(run));
  const head = [h("p", { class: "subtitle" }, kindOf(run), " ", h("code", {}, run.id)), about];
  if (hasEnded(run)) return [...head, panel("Result", reportOf(run), undoOf(run))];
  const place = h("div", { class: "work" }, progressOf(run));
  follow(run.id, place, signal, (now) => about.replaceChildren(runFacts(now))).then(
    (ended) => ended && show(),
    (error) => { if (!signal.aborted) place.replaceChildren(notice("fail", error.message, error.hint)); },
  );
  return [...head, place];
}

/** The way back from a restore, or why there is none. */
export function undoOf(run) {
  if (!run.undo || run.result?.dry_run) return [];
  if (!run.undo.possible) return [notice("note", "This restore cannot be undone.", `${run.undo.reason}.`)];
  return [h("p", { class: "buttons" }, h("a", { class: "button", href: `#/undo/${run.id}` }, "Undo …"))];
}
