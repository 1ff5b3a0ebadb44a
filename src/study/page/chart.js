/* chart.js: figures: a chart, a legend that needs no color, a sentence and a table that say the same in words.
 *
 * A figure is described once, by a function that gives its description whenever colors or choices change:
 *   title, caption                           text
 *   x, y: {label, log, min, max, names, bare, lines, tight} axes; names: of the places 0, 1, 2, ... of a category axis;
                                            bare: without ticks; lines: with lines only;
                                            tight: to the last point
 *   scales: of parallel coordinates, see runs.js
 *   downward                               the points go from top to bottom: y is the axis of names
   series: [{name, points: [[x, y], ...], line, marks, step, shade, low, high, ramp, slot, values}]
 *           line, marks: false leaves them out; shade: [[x, low, high], ...], a band; low, high: lists of the
 *           ends of whiskers; ramp: 0 to 1, cold to hot; slot: color and dash, instead of the place in the list;
 *           values: what the pointer shows, instead of y
 *   bundle: [{name, points, ramp, values}]   many thin lines behind the series, in one dataset
 *   table: {head, rows}                                                                                    */

const dashes = [[], [7, 4], [2, 3], [9, 3, 2, 3], [14, 4], [4, 2, 1, 2]];
const marks = ["circle", "rect", "triangle", "rectRot", "crossRot", "star"];
const light = matchMedia("(prefers-color-scheme: dark)");
const narrow = matchMedia("(max-width: 640px)");
const figures = [];
let printing = false;

/* The palette of Okabe and Ito (2008), in an order that starts with what stands out most on the ground. */
function theme() {
  const dark = light.matches && !printing;
  return dark
    ? { text: "#e6e9ed", faint: "#a3adb8", line: "#343b45", card: "#1d2127", cold: [86, 180, 233], hot: [230, 159, 0],
        colors: ["#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00"] }
    : { text: "#1b1f24", faint: "#57606a", line: "#dde2e7", card: "#ffffff", cold: [0, 114, 178], hot: [213, 94, 0],
        colors: ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9"] };
}

/* Blue over gray to orange: told apart by everyone, and by dashes and marks besides. */
function rampColor(share, colors) {
  const gray = [138, 138, 138];
  const [from, to, at] = share < 0.5 ? [colors.cold, gray, 2 * share] : [gray, colors.hot, 2 * share - 1];
  return "rgb(" + from.map((c, i) => Math.round(c + (to[i] - c) * at)).join(",") + ")";
}

function look(series, index, colors) {
  const slot = series.slot === undefined ? index : series.slot;
  return {
    color: series.ramp === undefined ? colors.colors[slot % colors.colors.length] : rampColor(series.ramp, colors),
    dash: series.line === false ? [] : dashes[slot % dashes.length],
    mark: marks[slot % marks.length],
  };
}

function fade(color, share) {
  const hex = /^#(..)(..)(..)$/.exec(color);
  const parts = hex ? hex.slice(1).map((h) => parseInt(h, 16)) : color.match(/\d+/g).slice(0, 3);
  return "rgba(" + parts.join(",") + "," + share + ")";
}

/* Intervals as vertical lines with caps. */
const whiskers = {
  id: "whiskers",
  afterDatasetDraw(chart, args) {
    const { low, high } = chart.data.datasets[args.index];
    if (!low || args.meta.hidden) return;
    const c = chart.ctx;
    const area = chart.chartArea;
    c.save();
    c.strokeStyle = chart.data.datasets[args.index].borderColor;
    c.lineWidth = 1.5;
    args.meta.data.forEach((point, i) => {
      if (!isNumber(low[i])) return;
      const top = isNumber(high[i]) ? chart.scales.y.getPixelForValue(high[i]) : area.top;
      const bottom = chart.scales.y.getPixelForValue(low[i]);
      c.beginPath();
      for (const y of [top, bottom]) { c.moveTo(point.x - 4, y); c.lineTo(point.x + 4, y); }
      c.moveTo(point.x, top);
      c.lineTo(point.x, bottom);
      c.stroke();
    });
    c.restore();
  },
};

/* The lines of a bundle, the first on top. Its points stand there unseen, to be found by the pointer. */
const bundles = {
  id: "bundles",
  beforeDatasetDraw(chart, args) {
    const { bundle } = chart.data.datasets[args.index];
    if (!bundle) return;
    const c = chart.ctx;
    const colors = theme();
    c.save();
    c.lineWidth = 1;
    for (const line of [...bundle].reverse()) {
      c.strokeStyle = fade(rampColor(line.ramp, colors), 0.3);
      c.beginPath();
      let draws = false;
      for (const [x, y] of line.points) {
        const known = isNumber(x) && isNumber(y);
        if (known) c[draws ? "lineTo" : "moveTo"](chart.scales.x.getPixelForValue(x), chart.scales.y.getPixelForValue(y));
        draws = known;
      }
      c.stroke();
    }
    c.restore();
  },
};
Chart.register(whiskers, bundles);
Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;

/* ---- Chart.js from a description -------------------------------------------------------------- */

function place(value, axis) {
  return isNumber(value) && (!axis.log || value > 0) ? value : null;
}

function datasets(series, index, description, colors) {
  const own = look(series, index, colors);
  const few = series.points.length <= 60;
  const main = {
    label: series.name,
    data: series.points.map(([x, y]) => ({ x: place(x, description.x), y: place(y, description.y) })),
    borderColor: own.color, backgroundColor: own.color, borderDash: own.dash, borderWidth: 2, pointStyle: own.mark,
    pointRadius: series.marks === false ? 0 : few ? 4 : 0, pointHitRadius: 8, clip: 6, showLine: series.line !== false,
    stepped: series.step ? "after" : false, spanGaps: false, low: series.low, high: series.high, values: series.values, order: 1,
  };
  if (!series.shade) return [main];
  const edge = (column) => ({
    label: null, data: series.shade.map((row) => ({ x: place(row[0], description.x), y: place(row[column], description.y) })),
    borderWidth: 0, pointRadius: 0, pointHitRadius: 0, fill: false, order: 2, backgroundColor: fade(own.color, 0.18),
  });
  return [main, edge(1), { ...edge(2), fill: "-1" }];
}

function bundleDataset(bundle) {
  return {
    label: "bundle", bundle, names: bundle.flatMap((line) => line.points.map(() => line.name)),
    values: bundle.flatMap((line) => line.values), data: bundle.flatMap((line) => line.points.map(([x, y]) => ({ x, y }))),
    showLine: false, pointRadius: 0, pointHitRadius: 8, order: 3,
  };
}

/* Whole powers of ten, and 2 and 5 between where there are few of them. */
function logTick(scale, value) {
  const decades = Math.log10(scale.max / scale.min);
  const lead = value / 10 ** Math.floor(Math.log10(value) + 1e-9);
  const wanted = decades > 8 ? Math.round(Math.log10(value)) % 2 === 0 && Math.abs(lead - 1) < 1e-6
    : decades > 2 ? Math.abs(lead - 1) < 1e-6 : [1, 2, 5].some((n) => Math.abs(lead - n) < 1e-6);
  return wanted ? show(Number(value.toPrecision(3))) : null;
}

function axis(description, colors) {
  const scale = {
    type: description.log ? "logarithmic" : "linear",
    title: { display: Boolean(description.label), text: description.label, color: colors.text, font: { size: 12 } },
    grid: { color: colors.line, borderColor: colors.faint, tickColor: colors.line },
    ticks: { color: colors.faint, font: { size: 11 }, maxRotation: 0, autoSkipPadding: 12 },
    min: description.min, max: description.max, suggestedMin: description.least, suggestedMax: description.most,
  };
  if (description.names) {
    Object.assign(scale, { min: -0.5, max: description.names.length - 0.5 });
    Object.assign(scale.ticks, { stepSize: 1, autoSkip: true, maxRotation: 60,
      callback: (value) => (Number.isInteger(value) ? description.names[value] : null) });
    scale.afterBuildTicks = (s) => { s.ticks = description.names.map((_, value) => ({ value })); };
  } else if (description.whole) {
    scale.ticks.precision = 0;
  }
  if (description.bare) scale.ticks.display = scale.grid.display = false;
  if (description.tight) scale.bounds = "data";
  if (description.lines) scale.ticks.display = false;
  if (description.log) scale.ticks.callback = function (value) { return logTick(this, value); };
  else if (!description.names) scale.ticks.callback = (value) => show(Number(value.toPrecision(6)));
  return scale;
}

/* The axis of y, long enough for the ends of intervals. */
function withWhiskers(description) {
  const ends = description.series.flatMap((s) => [...(s.low || []), ...(s.high || [])]).filter((v) => place(v, description.y) !== null);
  return ends.length ? { ...description.y, least: ends.reduce((a, b) => Math.min(a, b)), most: ends.reduce((a, b) => Math.max(a, b)) } : description.y;
}

function tooltip(description, colors) {
  const along = description.downward ? "y" : "x";
  const { names: places, label: word } = description[along];
  const where = (at) => (places ? places[Math.round(at)] : word + " " + show(at));
  return {
    backgroundColor: colors.card, titleColor: colors.text, bodyColor: colors.text, borderColor: colors.faint, borderWidth: 1,
    filter: (item) => Boolean(item.dataset.label),
    callbacks: {
      title: (items) => (items.length ? where(items[0].parsed[along]) : ""),
      label: (item) => {
        const i = item.dataIndex;
        const { low, high, names, values, label } = item.dataset;
        const range = low ? " (" + show(low[i]) + " to " + show(high[i]) + ")" : "";
        return (names ? names[i] : label) + ": " + show(values ? values[i] : item.parsed.y) + range;
      },
    },
  };
}

function chartOf(description, colors) {
  const bundle = description.bundle ? [bundleDataset(description.bundle)] : [];
  return {
    type: "line",
    data: { datasets: [...description.series.flatMap((s, i) => datasets(s, i, description, colors)), ...bundle] },
    options: {
      animation: false, responsive: true, maintainAspectRatio: false, parsing: false, normalized: true,
      indexAxis: description.downward ? "y" : "x",
      interaction: { mode: "nearest", axis: "xy", intersect: false },
      scales: { x: axis(description.x, colors), y: { ...axis(withWhiskers(description), colors), reverse: Boolean(description.downward) } },
      plugins: { legend: { display: false }, tooltip: tooltip(description, colors), axisWords: { scales: description.scales, downward: description.downward } },
    },
  };
}

/* ---- Figures ---------------------------------------------------------------------------------- */

const svgSpace = "http://www.w3.org/2000/svg";

function shape(tag, properties) {
  const node = document.createElementNS(svgSpace, tag);
  for (const [name, value] of Object.entries(properties)) node.setAttribute(name, value);
  return node;
}

/* The line and the mark of a series, as the chart draws them. */
function swatch(series, index) {
  const own = look(series, index, theme());
  const svg = shape("svg", { width: 34, height: 12, viewBox: "0 0 34 12", "aria-hidden": "true" });
  if (series.line !== false)
    svg.append(shape("line", { x1: 0, x2: 34, y1: 6, y2: 6, stroke: own.color, "stroke-width": 2, "stroke-dasharray": own.dash.join(" ") }));
  const paths = { circle: "M13 6a4 4 0 1 0 8 0a4 4 0 1 0-8 0", rect: "M13.5 2.5h7v7h-7z", triangle: "M17 1.5l4.5 8h-9z",
    rectRot: "M17 1.5l4.5 4.5l-4.5 4.5l-4.5-4.5z", crossRot: "M14 3l6 6M20 3l-6 6", star: "M17 1.5v9M12.5 6h9M14 3l6 6M20 3l-6 6" };
  if (series.marks !== false && series.points.length <= 60)
    svg.append(shape("path", { d: paths[own.mark], fill: own.color, stroke: own.color, "stroke-width": 1.5 }));
  return svg;
}

function legend(figure) {
  const { series } = figure.description;
  const named = series.map((s, i) => [s, i]).filter(([s]) => s.name);
  const known = (figure.description.title + figure.description.y.label).toLowerCase();
  if (named.length < 2 && named.every(([s]) => known.includes(s.name))) return [];
  return named.map(([s, i]) => {
    const button = el("button", { type: "button", "aria-pressed": "true", title: "show or hide" }, swatch(s, i), s.name);
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(on));
      const first = series.slice(0, i).reduce((sum, other) => sum + (other.shade ? 3 : 1), 0);
      for (let k = 0; k < (s.shade ? 3 : 1); k++) figure.chart.setDatasetVisibility(first + k, on);
      figure.chart.update();
    });
    return el("li", {}, button);
  });
}

/* "loss: from 1.1 to 0.02, lowest 0.01" for every series. */
function summary(description) {
  const sentences = description.series.filter((s) => s.name).map((s) => {
    const values = s.points.map(([, y]) => y).filter(isNumber);
    if (!values.length) return s.name + ": no values";
    const lowest = values.reduce((a, b) => Math.min(a, b));
    const highest = values.reduce((a, b) => Math.max(a, b));
    return s.name + ": from " + show(values[0]) + " to " + show(values[values.length - 1]) + ", between " + show(lowest) + " and " + show(highest);
  });
  return description.title + " (" + description.y.label + " over " + description.x.label + "). " + sentences.join(". ") + ".";
}

function draw(figure) {
  const description = figure.describe();
  if (figure.chart) figure.chart.destroy();
  figure.description = description;
  figure.title.textContent = description.title;
  figure.caption.textContent = description.caption || "";
  figure.canvas.setAttribute("aria-label", summary(description));
  const config = chartOf(description, theme());
  if (printing) { /* a picture of its own size, which the style sheet fits into the column */
    [figure.canvas.width, figure.canvas.height] = figure.wide ? [880, 330] : [430, 260];
    Object.assign(config.options, { responsive: false, devicePixelRatio: 2 });
  }
  figure.chart = new Chart(figure.canvas, config);
  figure.legend.replaceChildren(...legend(figure));
  figure.table.replaceChildren(el("summary", {}, "Table"), table(description.table.head, description.table.rows));
}

/* A figure to be put into the page and drawn by drawAll(). style: "", "wide", "tall". */
function figure(describe, style) {
  const own = {
    describe, title: el("h3", {}), caption: el("figcaption", {}), canvas: el("canvas", { role: "img" }),
    legend: el("ul", { class: "legend" }), table: el("details", {}), chart: null, wide: (style || "").includes("wide"),
  };
  figures.push(own);
  return el("figure", { class: style || "" }, own.title, own.legend, el("div", { class: "canvas" }, own.canvas), own.caption, own.table);
}

function drawAll() {
  figures.forEach(draw);
}

/* Values over a common x, a few of them, for the table of a figure. */
function columnsTable(x, series) {
  const places = some([...Array(series[0].points.length).keys()], 12);
  return {
    head: [x.label, ...series.map((s) => s.name)],
    rows: places.map((i) => [x.names ? x.names[i] : series[0].points[i][0], ...series.map((s) => (s.points[i] ? s.points[i][1] : null))]),
  };
}

light.addEventListener("change", drawAll);
narrow.addEventListener("change", drawAll);
addEventListener("beforeprint", () => { printing = true; drawAll(); });
addEventListener("afterprint", () => { printing = false; drawAll(); });
