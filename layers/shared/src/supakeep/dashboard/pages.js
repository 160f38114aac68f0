// Lists that the API answers in pages.

import { h, notice } from "./dom.js";

/** Items with a button for older ones. `fetchPage(before)` returns a page, whose items `itemsOf` gives. */
export function pagedList(first, { fetchPage, itemsOf, render, older }) {
  const items = [...itemsOf(first)];
  const place = h("div", {});

  async function more(before, button) {
    button.disabled = true;
    try {
      const page = await fetchPage(before);
      items.push(...itemsOf(page));
      fill(page.next);
    } catch (error) {
      button.disabled = false;
      button.after(notice("fail", error.message, error.hint));
    }
  }

  function fill(next) {
    const button = next && h("button", { type: "button", onclick: () => more(next, button) }, older);
    place.replaceChildren(...render(items), ...(button ? [h("p", { class: "more" }, button)] : []));
  }

  fill(first.next);
  return place;
}
