// The page: which view an address means, and the states that each view passes through.

import { ApiError, forgetKey, hasKey, whenKeyIsNeeded } from "./api.js";
import { h, notice } from "./dom.js";
import { askForKey } from "./signin.js";
import { overviewView } from "./views/overview.js";
import { backupsView } from "./views/backups.js";
import { backupView } from "./views/backup.js";
import { restoreView } from "./views/restore.js";
import { undoView } from "./views/undo.js";
import { runsView } from "./views/runs.js";
import { runView } from "./views/run.js";
import { accessView } from "./views/access.js";
import { settingsView } from "./views/settings.js";

const VIEWS = [
  [/^$/, "Overview", overviewView],
  [/^backups$/, "Backups", backupsView],
  [/^backups\/([^/]+)$/, "Backup", backupView],
  [/^restore(?:\/([^/]+))?$/, "Restore", restoreView],
  [/^undo\/([^/]+)$/, "Undo", undoView],
  [/^runs$/, "Runs", runsView],
  [/^runs\/([^/]+)$/, "Run", runView],
  [/^access$/, "Access", accessView],
  [/^settings$/, "Settings", settingsView],
];
const LINKS = [["", "Overview"], ["backups", "Backups"], ["restore", "Restore"], ["runs", "Runs"], ["access", "Access"], ["settings", "Settings"]];
const SLOW_AFTER_MILLISECONDS = 4000;

const main = document.getElementById("main");
let leaving = new AbortController();

async function show() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const path = pathOf(location.hash);
  const found = VIEWS.map(([pattern, title, view]) => [pattern.exec(path), title, view]).find(([match]) => match);
  const [match, title, view] = found ?? [[], "Not found", () => [notice("warn", "There is no such page.", "Choose one of the links above.")]];
  markLink(path);
  document.title = `${title} · Supakeep`;
  const waiting = h("p", { class: "loading", role: "status" }, "Loading …");
  main.replaceChildren(h("h1", {}, title), waiting);
  const slow = setTimeout(() => { waiting.textContent = "Still loading. A function that has slept for a while needs some seconds to start …"; }, SLOW_AFTER_MILLISECONDS);
  try {
    const content = await view({ signal, argument: match[1], show });
    if (!signal.aborted) main.replaceChildren(h("h1", {}, title), ...content);
  } catch (error) {
    if (!signal.aborted) main.replaceChildren(h("h1", {}, title), failure(error));
  } finally {
    clearTimeout(slow);
  }
  main.focus({ preventScroll: true });
}

function pathOf(hash) {
  try {
    return decodeURIComponent(hash.replace(/^#\/?/, ""));
  } catch {
    return hash;
  }
}

function failure(error) {
  if (!(error instanceof ApiError)) console.error(error);
  const [message, hint] = error instanceof ApiError ? [error.message, error.hint] : ["The page failed", "Reload it. If it stays like this, report it."];
  return notice("fail", message, hint, h("button", { type: "button", onclick: show }, "Try again"));
}

function markLink(path) {
  const section = path.split("/")[0].replace("undo", "restore");
  document.getElementById("navigation").replaceChildren(h("ul", {}, LINKS.map(([target, title]) =>
    h("li", {}, h("a", { href: `#/${target}`, "aria-current": target === section && "page", onclick: () => { if (path === target) show(); } }, title)))));
}

function start() {
  document.getElementById("navigation").hidden = false;
  const signOut = document.getElementById("sign-out");
  signOut.hidden = false;
  signOut.addEventListener("click", () => { forgetKey(); location.reload(); });
  window.addEventListener("hashchange", show);
  for (const event of ["online", "offline"]) window.addEventListener(event, showConnection);
  showConnection();
  show();
}

/** Without a connection the page says so by itself, before anything fails. */
function showConnection() {
  document.getElementById("offline").hidden = navigator.onLine;
}

whenKeyIsNeeded(askForKey);
if (hasKey()) start();
else askForKey(null).then(start);
