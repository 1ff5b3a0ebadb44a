/* base.js: making elements and writing numbers. Text from outside reaches the page as text nodes only. */

const data = JSON.parse(document.getElementById("data").textContent);

/* An element with properties ("class", "aria-...", on-functions) and children: elements or text. */
function el(tag, properties, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined) node.append(child);
  }
  return node;
}

function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

/* Made once: toLocaleString makes one for every number. */
const grouped = new Intl.NumberFormat("en-US");

/* Four digits that mean something; a dash where there is no number. */
function show(value) {
  if (!isNumber(value)) return value === null || value === undefined ? "–" : String(value);
  if (value === 0) return "0";
  const size = Math.abs(value);
  const rounded = Number.isInteger(value) ? value : Number(value.toPrecision(4));
  if (Number.isInteger(rounded) && size < 1e15) return grouped.format(rounded).replaceAll(",", "\u202f");
  if (size >= 1e6 || size < 1e-3) return value.toExponential(2).replace(/\.?0+e/, "e");
  return String(rounded);
}

function percent(value) {
  return isNumber(value) ? show(Number((100 * value).toPrecision(3))) + " %" : "–";
}

/* "1 rung", "2 rungs". */
function count(number, noun) {
  return show(number) + " " + noun + (number === 1 ? "" : "s");
}

/* How many of a list are in which state; and such numbers in words: "2 done, 1 stale". */
function tallyOf(list) {
  const states = {};
  list.forEach(({ state }) => { states[state] = (states[state] || 0) + 1; });
  return states;
}

function tallyWords(states) {
  return Object.entries(states).filter(([, n]) => n > 0).map(([state, n]) => show(n) + " " + state).join(", ");
}

/* A table; cells that are strings stand to the left. `chosen`: indices of rows to set off. */
function table(head, rows, chosen) {
  const words = head.map((_, column) => rows.some((row) => typeof row[column] === "string"));
  const mark = (column) => (words[column] ? { class: "words" } : {});
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "table" },
    el("table", {},
      el("thead", {}, el("tr", {}, head.map((word, column) => el("th", { scope: "col", ...mark(column) }, word)))),
      el("tbody", {}, rows.map((row, index) =>
        el("tr", chosen && chosen.includes(index) ? { class: "chosen" } : {}, row.map((cell, column) =>
          el("td", mark(column), cell instanceof Node ? cell : show(cell))))))));
}

/* At most `most` of a list, evenly, the first and the last among them. */
function some(list, most) {
  if (list.length <= most) return list;
  return Array.from({ length: most }, (_, i) => list[Math.round((i * (list.length - 1)) / (most - 1))]);
}

function section(title, ...children) {
  return el("section", {}, el("h2", {}, title), ...children);
}

/* Name and value, side by side. */
function facts(pairs, style) {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  if (style === "list") return el("dl", { class: "list" }, shown.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
  return el("dl", { class: "facts" }, shown.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

function footer() {
  return el("footer", { class: "faint" },
    el("p", {}, "Made by lehr " + data.version + " (" + data.commit + "). Charts by Chart.js " + Chart.version +
      " (MIT license). This page holds all of its data and asks for nothing from the network."));
}
