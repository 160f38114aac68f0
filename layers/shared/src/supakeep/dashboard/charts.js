// Pictures of the backups: size and duration over time, and a calendar of days.

import { h } from "./dom.js";
import { duration, plural, size, shortDate } from "./format.js";

const WIDTH = 480;
const HEIGHT = 112;
const MOST_BARS = 60;
const WIDEST = 22;
// what a day is must be seen without its colour, too
const DAY_MARKS = { good: "✓", partial: "!", missing: "✕" };
const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** Bars, oldest first. `backups` are newest first, as the API lists them. */
function historyChart(title, backups, valueOf, textOf) {
  const shown = backups.slice(0, MOST_BARS).reverse();
  const values = shown.map(valueOf);
  const largest = Math.max(...values, 0);
  const summary = `newest ${textOf(values.at(-1))}, largest ${textOf(largest)}`;
  return h(
    "figure",
    { class: "chart" },
    h("figcaption", {}, h("strong", {}, title), h("span", {}, summary)),
    h("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title} of ${plural(shown.length, "backup")}: ${summary}` },
      h("line", { class: "grid", x1: 0, x2: WIDTH, y1: 1, y2: 1 }),
      h("line", { class: "grid", x1: 0, x2: WIDTH, y1: HEIGHT / 2, y2: HEIGHT / 2 }),
      shown.map((backup, index) => bar(backup, index, shown.length, values[index] / (largest || 1), textOf(values[index]))),
      h("line", { class: "axis", x1: 0, x2: WIDTH, y1: HEIGHT - 0.5, y2: HEIGHT - 0.5 })),
    h("p", { class: "ends", "aria-hidden": "true" }, h("span", {}, shortDate(shown[0].started_at)), h("span", {}, shortDate(shown.at(-1).started_at))),
  );
}

/** The newest stands at the right edge, however few there are. */
function bar(backup, index, number, share, text) {
  const step = Math.min(WIDEST, WIDTH / number);
  const height = Math.max(2, share * (HEIGHT - 4));
  return h(
    "rect",
    { x: WIDTH - (number - index) * step + step * 0.15, y: HEIGHT - height, width: step * 0.7, height, rx: Math.min(2, step / 4), class: backup.status },
    h("title", {}, `${shortDate(backup.started_at)}, ${backup.name}: ${text}`),
  );
}

export const sizeChart = (backups) => historyChart("Size", backups, (backup) => backup.size_bytes, size);
export const durationChart = (backups) => historyChart("Duration", backups, (backup) => backup.duration_seconds, duration);

/** Undo copies hold only what a restore was about to write; they say nothing about how backups grow. */
export const withoutUndoCopies = (backups) => backups.filter((backup) => backup.trigger !== "pre-restore");

export function calendar(days) {
  const lead = (new Date(`${days[0].date}T00:00:00Z`).getUTCDay() + 6) % 7;
  return h(
    "figure",
    { class: "calendar" },
    h("figcaption", {}, h("strong", {}, "Days"), h("span", {}, "in UTC")),
    h("ol", { class: "weekdays", "aria-hidden": "true" }, WEEKDAYS.map((name) => h("li", {}, name))),
    h("ol", { class: "days" },
      Array.from({ length: lead }, () => h("li", { class: "before", "aria-hidden": "true" })),
      days.map((day) => h(
        "li",
        { class: day.status, title: `${day.date}: ${wordsOf(day)}` },
        h("span", { "aria-hidden": "true" }, String(Number(day.date.slice(8))), h("i", {}, DAY_MARKS[day.status])),
        h("span", { class: "unseen" }, `${day.date}: ${wordsOf(day)}`),
      ))),
    h("p", { class: "legend", "aria-hidden": "true" }, Object.entries(DAY_MARKS).map(([status, mark]) =>
      h("span", {}, h("i", { class: status }, mark), status))),
  );
}

function wordsOf(day) {
  return day.backups ? `${day.status}, ${plural(day.backups, "backup")}` : day.status;
}
