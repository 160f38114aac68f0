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

export function isShown(child) {
  return child !== undefined && child !== null && child !== false && child !== "";
}

/** What an error or an advice puts between backticks is something to type. */
export function withCommands(text) {
  if (typeof text !== "string") return text;
  const parts = text.split("`");
  return parts.length % 2 ? parts.map((part, i) => (i % 2 ? h("code", {}, part) : part)) : text;
}

export function announce(text) {
  document.getElementById("announcements").textContent = text;
}

/** A table that scrolls by itself where the screen is too narrow for it.

 A column is its title, or `{ title, numeric }`. With `cards`, each row is a card of its own on a
 phone; its roles are spelled out, since a browser forgets those of a table that is not laid out as one.
*/
export function dataTable(caption, head, rows, { cards = false } = {}) {
  const columns = head.map((column) => (typeof column === "object" ? column : { title: column }));
  const cell = (tag, role, content, { title, numeric }, more) =>
    h(tag, { role, class: numeric && "number", "data-title": title, ...more }, content);
  return h(
    "div",
    { class: cards ? "scroll cards" : "scroll", role: "region", tabindex: "0", "aria-label": caption },
    h(
      "table",
      { role: "table", "aria-label": caption },
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, columns.map((column) => cell("th", "columnheader", column.title, column, { scope: "col" })))),
      h("tbody", { role: "rowgroup" }, rows.map((row) => h("tr", { role: "row" }, row.map((content, i) =>
        i === 0 ? cell("th", "rowheader", content, columns[i], { scope: "row" }) : cell("td", "cell", inOnePlace(content), columns[i]))))),
    ),
  );
}

/** On a card, what a cell holds stands together, apart from the column's title. */
function inOnePlace(content) {
  return Array.isArray(content) ? h("div", {}, content) : content;
}

export function badge(status) {
  return h("span", { class: `badge ${status}` }, status);
}

export function notice(level, sentence, advice, ...more) {
  return h(
    "div",
    { class: `notice ${level}`, role: level === "fail" ? "alert" : undefined },
    h("p", {}, withCommands(sentence)),
    advice && h("p", { class: "advice" }, withCommands(advice)),
    more,
  );
}

export function facts(entries, kind = "facts") {
  return h("dl", { class: kind }, entries
    .filter(([, value]) => isShown(value))
    .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** A part of a page under a heading. */
export function panel(title, ...content) {
  return h("section", { class: "panel" }, h("h2", {}, title), content);
}
