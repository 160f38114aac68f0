// Lists that the API answers in pages.

import { h, notice } from "./dom.js";
import { sleepOrLeave } from "./progress.js";

const BETWEEN_LOOKS_MILLISECONDS = 3000;

/**
 * Items with a button for older ones. `fetchPage(before)` returns a page, whose items `itemsOf` gives. As long as
 * `isMoving(items)`, the newest page is asked for again, until the view is left (`signal`).
 */
export function pagedList(first, { fetchPage, itemsOf, render, older, isMoving = () => false, signal }) {
  const items = [...itemsOf(first)];
  let next = first.next;
  const place = h("div", {});

  async function more(before, button) {
    button.disabled = true;
    try {
      const page = await fetchPage(before);
      items.push(...itemsOf(page));
      next = page.next;
      fill();
    } catch (error) {
      button.disabled = false;
      button.after(notice("fail", error.message, error.hint));
    }
  }

  async function keepUp() {
    while (isMoving(items) && !(await sleepOrLeave(BETWEEN_LOOKS_MILLISECONDS, signal))) {
      // what cannot be had now comes with the next look
      const page = await fetchPage().catch(() => null);
      if (page && renew(itemsOf(page))) fill();
    }
  }

  /** Whether something is not as it was; what is shown stays where it is then, and so does the focus. */
  function renew(newest) {
    const known = new Set(newest.map((item) => item.id));
    const renewed = [...newest, ...items.filter((item) => !known.has(item.id))];
    const differs = JSON.stringify(renewed) !== JSON.stringify(items);
    items.splice(0, items.length, ...renewed);
    return differs;
  }

  function fill() {
    const button = next && h("button", { type: "button", onclick: () => more(next, button) }, older);
    place.replaceChildren(...render(items), ...(button ? [h("p", { class: "more" }, button)] : []));
  }

  fill();
  keepUp();
  return place;
}
