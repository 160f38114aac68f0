// Who may call the API, who did what, and who hears of trouble.

import { get } from "../api.js";
import { dataTable, facts, h, notice, panel } from "../dom.js";
import { count, plural, time } from "../format.js";
import { pagedList } from "../pages.js";

const ACTS = 20;
const STATES = { valid: "complete", expired: "", revoked: "" };

/** Each part stands for itself: a key that may not see one still sees the others. */
export async function accessView({ signal }) {
  return Promise.all([
    part("Keys", () => keysPart(signal), signal),
    part("Alarms and messages", () => alarmsPart(signal), signal),
    part("Audit log", () => auditPart(signal), signal),
  ]);
}

async function part(title, read, signal) {
  try {
    return panel(title, await read());
  } catch (error) {
    if (signal.aborted) throw error;
    return panel(title, notice("fail", error.message, error.hint));
  }
}

async function keysPart(signal) {
  const { keys, unrecorded } = await get("keys", signal);
  const ending = keys.filter((key) => key.expires_soon);
  return [
    ending.map((key) => notice("warn", ["The key ", key.name, " ends on ", time(key.expires_at), "."],
      `Make its successor, such as \`supakeep keys add NAME ${key.scopes.map((scope) => `--scope ${scope}`).join(" ")}\`, and put it in its place. Both are valid until then.`)),
    keys.length ? keyTable(keys) : h("p", { class: "empty" }, "No key was made yet with ", h("code", {}, "supakeep keys add"), "."),
    unrecorded.length > 0 && h("p", { class: "quiet-text" }, `${unrecorded.join(" and ")} of the secret ${unrecorded.length === 1 ? "opens its" : "open their"} routes too, and ${unrecorded.length === 1 ? "has" : "have"} no end.`),
  ];
}

function keyTable(keys) {
  return dataTable("Keys", ["Key", "State", "Scopes", "Made", "Ends"], keys.map((key) => [
    key.name,
    key.expires_soon ? h("span", { class: "badge partial" }, "ends soon") : h("span", { class: `badge ${STATES[key.state]}` }, key.state),
    key.scopes.join(", "),
    time(key.created_at),
    time(key.revoked_at ?? key.expires_at),
  ]), { cards: true });
}

async function alarmsPart(signal) {
  const [overview, settings] = await Promise.all([get("overview", signal), get("settings", signal)]);
  const { alarms, notices } = settings;
  const failing = overview.findings.filter((finding) => ["fail", "warn"].includes(finding.level));
  return [
    failing.map((finding) => notice(finding.level, finding.sentence, finding.advice)),
    failing.length === 0 && notice("ok", "Nothing is wrong now."),
    notices.problems.map((problem) => notice("fail", `Nobody is told how runs end: ${problem.message}.`, problem.hint)),
    facts([
      ["A backup is too old after", plural(settings.max_backup_age_hours, "hour")],
      ["A table may lose, from one backup to the next", `${count(alarms.shrink * 100)} % of its rows`],
      ["Tables that may lose all", alarms.may_shrink.join(", ")],
      ["Told how runs end", notices.listeners.length ? notices.listeners.map((listener) => h("div", {}, listener)) : "nobody: neither WEBHOOK_URL nor PING_URL is in use"],
    ]),
    h("p", { class: "quiet-text" }, "The alarms of CloudWatch go to AlarmTopicArn or AlarmEmail. The stack's dashboard in CloudWatch shows their state."),
  ];
}

async function auditPart(signal) {
  const first = await get(`audit?limit=${ACTS}`, signal);
  const verification = h("div", { role: "status" }, h("p", { class: "quiet-text" }, "Checking the whole log …"));
  // it reads every entry there is, so nothing waits for it
  checkChain(verification, signal);
  return [
    verification,
    first.problems.map((problem) => notice("fail", problem.message, problem.hint)),
    pagedList(first, {
      fetchPage: (before) => get(`audit?limit=${ACTS}&before=${encodeURIComponent(before)}`, signal),
      itemsOf: (page) => page.acts,
      render: (acts) => [acts.length ? actTable(acts) : h("p", { class: "empty" }, "Nothing was done yet.")],
      older: "Show older entries",
    }),
  ];
}

async function checkChain(place, signal) {
  try {
    const { verification } = await get("audit?limit=1&verify=true", signal);
    place.replaceChildren(...chainInWords(verification));
  } catch (error) {
    if (!signal.aborted) place.replaceChildren(notice("warn", `The whole log was not checked: ${error.message}`, "`supakeep audit verify` has more time."));
  }
}

function chainInWords({ entries, signed, stores, problems }) {
  if (problems.length) return problems.map((problem) => notice("fail", problem.message, problem.hint));
  return [notice("ok", `The log is whole: ${plural(entries, "entry", "entries")} in ${stores.join(" and ")}, ${count(signed)} of them signed.`)];
}

function actTable(acts) {
  return dataTable("Audit log", ["When", "Who", "What", "Outcome", "About"], acts.map(({ entry }) => [
    entry.run ? h("a", { href: `#/runs/${entry.run}` }, time(entry.at)) : time(entry.at),
    [entry.actor.name, h("span", { class: "id" }, [entry.actor.via, entry.actor.address].filter(Boolean).join(", "))],
    entry.action,
    h("span", { class: `badge ${entry.outcome === "refused" ? "failed" : entry.outcome}` }, entry.outcome),
    [entry.target ?? "—", entry.detail && h("span", { class: "id" }, entry.detail)].filter(Boolean),
  ]), { cards: true });
}
