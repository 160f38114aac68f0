// What ran, what started it, how long it took and how it ended.

import { get } from "../api.js";
import { badge, dataTable, h, notice } from "../dom.js";
import { duration, time } from "../format.js";

export async function runsView({ signal }) {
  const page = await get("runs?limit=50", signal);
  const runs = [...page.runs];
  const place = h("div", {});

  function fill(next) {
    const button = next && h("button", { type: "button", class: "quiet", onclick: () => more(next, button) }, "Show older runs");
    place.replaceChildren(...[runs.length ? runTable(runs) : h("p", { class: "empty" }, "Nothing has run yet."), button].filter(Boolean));
  }

  async function more(next, button) {
    button.disabled = true;
    try {
      const further = await get(`runs?limit=50&before=${encodeURIComponent(next)}`, signal);
      runs.push(...further.runs);
      fill(further.next);
    } catch (error) {
      button.disabled = false;
      button.after(notice("fail", error.message, error.hint));
    }
  }

  fill(page.next);
  return [place];
}

function runTable(runs) {
  return dataTable("Runs", ["Run", "Kind", "Status", "Started by", "Requested", { title: "Duration", numeric: true }, "Result"], runs.map((run) => [
    h("a", { href: `#/runs/${run.id}` }, run.id),
    run.kind,
    badge(run.status),
    run.started_by,
    time(run.requested_at),
    duration(run.duration_seconds),
    run.error ? h("span", { class: "problem" }, run.error.message) : run.backup ?? "",
  ]));
}
