// Asks for the admin key, once for the life of the tab. What stands behind the question stays.

import { ApiError, keepKey, tryKey } from "./api.js";
import { h } from "./dom.js";

export function askForKey(reason) {
  return new Promise((resolve) => {
    const problem = h("p", { id: "key-problem", class: "problem", role: "alert" });
    const input = h("input", {
      id: "key", type: "password", autocomplete: "current-password", required: true,
      spellcheck: "false", "aria-describedby": "key-help key-problem",
    });
    const button = h("button", { type: "submit", class: "primary" }, "Sign in");
    const form = h(
      "form",
      { method: "dialog", onsubmit: (event) => { event.preventDefault(); submit(); } },
      h("h2", { id: "key-title" }, "Sign in"),
      h("p", { id: "key-help" }, "Enter the admin key (ADMIN_KEY) of this deployment, or a key with the scope view. It stays in this tab, and is forgotten when you close it."),
      h("label", { for: "key" }, "Admin key"),
      input,
      problem,
      button,
    );
    const dialog = h("dialog", { class: "sign-in", "aria-labelledby": "key-title", oncancel: (event) => event.preventDefault() }, form);
    if (reason) problem.textContent = `${reason}. The key is no longer accepted; enter the present one to go on where you were.`;

    async function submit() {
      button.disabled = true;
      try {
        if (await tryKey(input.value)) {
          keepKey(input.value);
          dialog.close();
          dialog.remove();
          resolve(input.value);
          return;
        }
        problem.textContent = "Unauthorized. This key opens nothing; check it for missing characters, and whether it has expired.";
      } catch (error) {
        problem.textContent = error instanceof ApiError ? `${error.message}. ${error.hint}` : String(error);
      }
      button.disabled = false;
      input.select();
    }

    document.body.append(dialog);
    dialog.showModal();
    input.focus();
  });
}
