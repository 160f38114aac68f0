// Elements, made so that no text is ever read as HTML.

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "rect", "line", "path", "circle", "text", "title", "g"]);

export function h(tag, attributes = {}, ...children) {
  const element = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(...children.flat(Infinity).filter(isShown));
  return element;
}

function setAttribute(element, name, value) {
  if (value === undefined || value === null || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "value" || name === "checked") element[name] = value;
  else element.setAttribute(name, value === true ? "" : value);
}

function isShown(child) {
  return child !== undefined && child !== null && child !== false;
}

export function announce(text) {
  document.getElementById("announcements").textContent = text;
}

/** A table that scrolls by itself where the screen is too narrow for it. */
export function dataTable(caption, head, rows) {
  const numeric = head.map((column) => typeof column === "object" && column.numeric);
  const titles = head.map((column) => (typeof column === "object" ? column.title : column));
  const cell = (tag, content, index, extra = {}) =>
    h(tag, { class: numeric[index] ? "number" : undefined, ...extra }, content);
  return h(
    "div",
    { class: "scroll", role: "region", tabindex: "0", "aria-label": caption },
    h(
      "table",
      {},
      h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, titles.map((title, i) => cell("th", title, i, { scope: "col" })))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((content, i) =>
        i === 0 ? cell("th", content, i, { scope: "row" }) : cell("td", content, i))))),
    ),
  );
}

export function badge(status) {
  return h("span", { class: `badge ${status}` }, status);
}

export function notice(level, sentence, advice, ...more) {
  return h(
    "div",
    { class: `notice ${level}`, role: level === "fail" ? "alert" : undefined },
    h("p", {}, sentence),
    advice && h("p", { class: "advice" }, advice),
    more,
  );
}

export function facts(entries) {
  return h("dl", { class: "facts" }, entries
    .filter(([, value]) => isShown(value))
    .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}
