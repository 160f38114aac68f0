// A run as it goes on: what it does, how far each table is, how long it still takes.

import { get } from "./api.js";
import { announce, h, notice } from "./dom.js";
import { count, duration } from "./format.js";

// short runs are soon seen to end, long ones are not asked about all the time
const FIRST_POLL_MILLISECONDS = 300;
const POLL_MILLISECONDS = 1500;
const SLOWER = 1.4;
const MOST_FAILURES = 20;
const FINAL = new Set(["complete", "partial", "failed", "withdrawn"]);

export const hasEnded = (run) => FINAL.has(run.status);

/** Shows the run in `place` until it has ended, and returns it; null where the view was left. `seen` gets each answer. */
export async function follow(id, place, signal, seen = () => {}) {
  let failures = 0;
  let said = "";
  let pause = FIRST_POLL_MILLISECONDS;
  for (;;) {
    try {
      const run = await get(`runs/${id}`, signal);
      failures = 0;
      if (hasEnded(run)) {
        announce(`The ${run.kind} has ended: ${run.status}.`);
        return run;
      }
      seen(run);
      place.replaceChildren(...progressOf(run));
      const phase = run.pace?.phase ?? "waiting to start";
      if (phase !== said) announce(`The ${run.kind} is ${phase}.`);
      said = phase;
    } catch (error) {
      if (signal.aborted) return null;
      failures += 1;
      if (failures > MOST_FAILURES || (error.status >= 400 && error.status < 500)) throw error;
      place.replaceChildren(notice("warn", `${error.message}. The run goes on by itself.`, "Asking again …"));
    }
    if (await sleepOrLeave(pause, signal)) return null;
    pause = Math.min(POLL_MILLISECONDS, pause * SLOWER);
  }
}

/** Resolves to whether the view was left meanwhile. */
export function sleepOrLeave(milliseconds, signal) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(true);
    const timer = setTimeout(() => resolve(false), milliseconds);
    signal.addEventListener("abort", () => { clearTimeout(timer); resolve(true); }, { once: true });
  });
}

export function progressOf(run) {
  const tables = Object.entries(run.tables);
  return [h("p", { class: "pace" }, paceOf(run)), h("ul", { class: "progress" }, tables.map(([name, table]) => tableProgress(name, table)))];
}

function paceOf(run) {
  if (!run.pace) return "Waiting for the function to start …";
  const { phase, rows, rows_expected: expected, rows_per_second: rate, seconds_left: left } = run.pace;
  const parts = [phase ?? "starting", expected ? `${count(rows)} of about ${count(expected)} rows` : `${count(rows)} rows`];
  if (rate) parts.push(`${count(Math.round(rate))} rows/s`);
  if (left !== null) parts.push(`about ${duration(left)} left`);
  return parts.join(" · ");
}

function tableProgress(name, table) {
  const known = table.rows_expected !== null && table.rows_expected > 0;
  const ended = table.status === "complete" || table.status === "failed";
  const share = ended ? 1 : known ? Math.min(1, table.rows / table.rows_expected) : undefined;
  const amount = known && !ended ? `${count(table.rows)} of ${count(table.rows_expected)}` : count(table.rows);
  return h(
    "li",
    { class: table.status },
    h("span", { class: "name" }, name),
    h("progress", { max: "1", value: share, "aria-label": `${name}: ${amount} rows, ${table.status}` }),
    h("span", { class: "amount" }, `${amount} rows · ${table.status}`),
  );
}
