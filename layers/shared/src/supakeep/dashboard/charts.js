// Pictures of the backups: size and duration over time, and a calendar of days.

import { h } from "./dom.js";
import { duration, plural, size } from "./format.js";

const WIDTH = 640;
const HEIGHT = 96;
const GAP = 2;
const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** Bars, oldest first. `backups` are newest first, as the API lists them. */
export function historyChart(title, backups, valueOf, textOf) {
  const shown = backups.slice(0, 60).reverse();
  const largest = Math.max(...shown.map(valueOf), 1);
  const width = Math.min(24, WIDTH / shown.length);
  const bars = shown.map((backup, index) => {
    const height = Math.max(2, (valueOf(backup) / largest) * HEIGHT);
    return h(
      "rect",
      { x: index * width, y: HEIGHT - height, width: Math.max(1, width - GAP), height, class: backup.status },
      h("title", {}, `${backup.name}: ${textOf(valueOf(backup))}`),
    );
  });
  const newest = shown.at(-1);
  const summary = `${title}: ${plural(shown.length, "backup")}, the newest ${textOf(valueOf(newest))}, the largest ${textOf(largest)}`;
  return h(
    "figure",
    { class: "chart" },
    h("figcaption", {}, h("strong", {}, title), ` newest ${textOf(valueOf(newest))} · largest ${textOf(largest)}`),
    h("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": summary, preserveAspectRatio: "xMinYMax meet" }, bars),
  );
}

export const sizeChart = (backups) => historyChart("Size", backups, (backup) => backup.size_bytes, size);
export const durationChart = (backups) => historyChart("Duration", backups, (backup) => backup.duration_seconds, duration);

export function calendar(days) {
  const lead = (new Date(`${days[0].date}T00:00:00Z`).getUTCDay() + 6) % 7;
  return h(
    "figure",
    { class: "calendar" },
    h("figcaption", {}, h("strong", {}, "Days"), " in UTC"),
    h("ol", { class: "weekdays", "aria-hidden": "true" }, WEEKDAYS.map((name) => h("li", {}, name))),
    h("ol", { class: "days" },
      Array.from({ length: lead }, () => h("li", { class: "empty", "aria-hidden": "true" })),
      days.map((day) => h(
        "li",
        { class: day.status, title: `${day.date}: ${wordsOf(day)}` },
        h("span", { "aria-hidden": "true" }, String(Number(day.date.slice(8)))),
        h("span", { class: "unseen" }, `${day.date}: ${wordsOf(day)}`),
      ))),
    h("p", { class: "legend" }, ["good", "partial", "missing", "pending"].map((status) =>
      h("span", {}, h("i", { class: status, "aria-hidden": "true" }), status))),
  );
}

function wordsOf(day) {
  return day.backups ? `${day.status}, ${plural(day.backups, "backup")}` : day.status;
}
