/* runs.js: the page that compares runs. A run has `values`, one per axis, and `metrics`, one per metric. */

const compared = { metric: 0, sort: null, down: false };

function metricOf(run) {
  return run.metrics[compared.metric];
}

/* Best first; runs without the metric last. */
function byMetric(a, b) {
  const sign = data.metrics[compared.metric].high_is_good ? -1 : 1;
  const key = (run) => (isNumber(metricOf(run)) ? sign * metricOf(run) : Infinity);
  return key(a) === key(b) ? 0 : key(a) - key(b);
}

/* ---- Choice and head -------------------------------------------------------------------------- */

function metricChoice(redraw) {
  const select = el("select", { id: "metric", change: () => { compared.metric = Number(select.value); redraw(); } },
    data.metrics.map((m, i) => el("option", { value: i, selected: i === compared.metric ? "" : null }, m.name)));
  return el("div", { class: "choice" }, el("label", { for: "metric" }, "Metric"), select);
}

function comparedSentence() {
  const states = {};
  data.runs.forEach((run) => { states[run.state] = (states[run.state] || 0) + 1; });
  const axes = data.axes.map((a) => a.key).join(", ");
  return count(data.runs.length, "run") + ": " + Object.entries(states).map(([s, n]) => show(n) + " " + s).join(", ") + ". " +
    (axes ? "Their configs differ in " + axes + "." : "Their configs differ in nothing that is compared.");
}

function bestRun() {
  const best = [...data.runs].sort(byMetric)[0];
  const metric = data.metrics[compared.metric];
  if (!isNumber(metricOf(best))) return el("p", {}, "No run has a " + metric.name + ".");
  return el("p", {}, (metric.high_is_good ? "Highest " : "Lowest ") + metric.name + ": " + show(metricOf(best)) + ", ",
    el("span", { class: "code" }, best.dir), data.axes.length ? " (" + data.axes.map((a, i) => a.key + " " + show(best.values[i])).join(", ") + ")." : ".");
}

/* ---- Table ------------------------------------------------------------------------------------ */

function compareCells(a, b) {
  if (isNumber(a) && isNumber(b)) return a - b;
  if (isNumber(a) !== isNumber(b)) return isNumber(a) ? -1 : 1;
  return String(a === null ? "" : a).localeCompare(String(b === null ? "" : b));
}

function sortableTable() {
  const columns = [
    { name: "run", of: (run) => run.id || run.dir }, ...data.axes.map((a, i) => ({ name: a.key, of: (run) => run.values[i] })),
    ...data.metrics.map((m, i) => ({ name: m.name, of: (run) => run.metrics[i] })),
    { name: "state", of: (run) => run.state + (run.stop ? ", " + run.stop : "") },
  ];
  const body = el("tbody", {});
  const onPaper = (name) => name.replaceAll(".", ".\u200b"); /* where a line may break */
  const heads = columns.map((column) => el("th", { scope: "col", "aria-sort": "none", "data-word": onPaper(column.name) },
    el("button", { type: "button", click: () => sortBy(column) }, column.name)));

  /* Rows are made when they are first shown, and kept. */
  const made = new Map();
  let missing = [];

  function rowOf(run) {
    if (!made.has(run)) made.set(run, el("tr", {}, columns.map((c) => {
      const value = c.of(run);
      return el("td", { class: typeof value === "string" ? "words" : null, title: c.name === "run" ? run.dir : null }, show(value));
    })));
    return made.get(run);
  }

  /* More than a screen shows, then the others bit by bit: the page answers meanwhile. */
  function addRows(most) {
    body.append(...missing.splice(0, most).map(rowOf));
    if (missing.length) (window.requestIdleCallback || setTimeout)(() => addRows(150));
  }

  function fill() {
    const column = compared.sort;
    const runs = [...data.runs];
    if (column) runs.sort((a, b) => (compared.down ? -1 : 1) * compareCells(column.of(a), column.of(b)));
    else runs.sort(byMetric);
    body.replaceChildren();
    missing = runs;
    addRows(50);
    heads.forEach((head, i) => head.setAttribute("aria-sort", columns[i] !== column ? "none" : compared.down ? "descending" : "ascending"));
  }

  function sortBy(column) {
    compared.down = compared.sort === column && !compared.down;
    compared.sort = column;
    fill();
  }

  fill();
  addEventListener("beforeprint", () => addRows(data.runs.length));
  const node = el("div", { class: "scroll rows card", tabindex: "0", role: "region", "aria-label": "all runs" },
    el("table", {}, el("thead", {}, el("tr", {}, heads)), body));
  return { node, fill };
}

/* ---- Parallel coordinates --------------------------------------------------------------------- */

/* Places of the values of one column between 0 and 1, and the words that stand at some of them. `room`: for lines
 * of one value to stand beside each other. */
function scaleOf(name, values) {
  const numbers = values.filter(isNumber);
  const distinct = [...new Set(values.map((v) => (v === null ? "not given" : v)))].sort(compareCells);
  if (numbers.length < values.filter((v) => v !== null).length || distinct.length < 2 || !numbers.length) {
    const last = Math.max(1, distinct.length - 1);
    const place = (v) => (distinct.length < 2 ? 0.5 : distinct.indexOf(v === null ? "not given" : v) / last);
    return { name, place, room: 0.5 / last, words: some(distinct, 8).map((v) => [place(v), show(v)]) };
  }
  const low = numbers.reduce((a, b) => Math.min(a, b));
  const high = numbers.reduce((a, b) => Math.max(a, b));
  const log = low > 0 && high > 30 * low;
  const place = (v) => (!isNumber(v) ? null : high === low ? 0.5 : log ? Math.log(v / low) / Math.log(high / low) : (v - low) / (high - low));
  const ends = [0, 0.25, 0.5, 0.75, 1].map((t) => (log ? low * (high / low) ** t : low + t * (high - low)));
  const shown = distinct.length <= 6 ? distinct.filter(isNumber) : ends;
  return { name, place, room: 0.5 / (distinct.length - 1), words: shown.map((v) => [place(v), show(Number(v.toPrecision(3)))]) };
}

/* The values beside each of the upright axes. */
const axisWords = {
  id: "axisWords",
  afterDraw(chart) {
    const scales = chart.options.plugins.axisWords && chart.options.plugins.axisWords.scales;
    if (!scales) return;
    const colors = theme();
    const c = chart.ctx;
    c.save();
    c.font = "11px " + Chart.defaults.font.family;
    c.textBaseline = "middle";
    scales.forEach((scale, i) => {
      const x = chart.scales.x.getPixelForValue(i);
      const last = i === scales.length - 1;
      c.textAlign = last ? "right" : "left";
      for (const [place, word] of scale.words) {
        if (!isNumber(place)) continue;
        const y = chart.scales.y.getPixelForValue(place);
        c.fillStyle = fade(colors.card, 0.75);
        const width = c.measureText(word).width + 4;
        c.fillRect(last ? x - 5 - width : x + 5, y - 8, width, 16);
        c.fillStyle = colors.text;
        c.fillText(word, last ? x - 7 : x + 7, y);
      }
    });
    c.restore();
  },
};
Chart.register(axisWords);

function parallel() {
  const node = figure(() => {
    const metric = data.metrics[compared.metric];
    const runs = data.runs.filter((run) => isNumber(metricOf(run))).sort(byMetric);
    const scales = [...data.axes.map((a, i) => scaleOf(a.key, data.runs.map((run) => run.values[i]))),
      scaleOf(metric.name, runs.map(metricOf))];
    const lineOf = (run, name, rank) => {
      const values = [...run.values, metricOf(run)];
      const aside = (s, i) => (i < data.axes.length && runs.length > 12 ? (rank - 0.5) * Math.min(s.room, 0.06) : 0);
      const points = scales.map((s, i) => [i, s.place(values[i]) === null ? null : s.place(values[i]) + aside(s, i)]);
      return { name, values, points, ramp: rank, slot: rank };
    };
    const series = runs.length ? [lineOf(runs[0], "best run", 0)] : [];
    if (runs.length > 1) series.push(lineOf(runs[runs.length - 1], "worst run", 1));
    const bundle = runs.slice(1, -1).map((run, k) => lineOf(run, run.id, (k + 1) / (runs.length - 1)));
    return { title: "Every run as a line", x: { label: "", names: scales.map((s) => s.name) },
      y: { label: "from low to high", min: -0.04, max: 1.04, bare: true }, series, bundle, scales,
      caption: "From blue, the best " + metric.name + ", to orange, the worst; the best and the worst have marks. An axis is logarithmic where its values span more than a factor of 30." +
        (runs.length > 12 ? " Runs of one value stand a little beside each other, better ones lower." : ""),
      table: { head: ["run", ...scales.map((s) => s.name)], rows: some(runs, 12).map((run) => [run.id || run.dir, ...run.values, metricOf(run)]) } };
  }, "wide tall");
  node.querySelector(".canvas").style.minWidth = 130 * (data.axes.length + 1) + "px";
  const canvas = node.querySelector(".canvas");
  const scroll = el("div", { class: "scroll" });
  canvas.replaceWith(scroll);
  scroll.append(canvas);
  return node;
}

/* ---- Effects ---------------------------------------------------------------------------------- */

function effectFigure(a) {
  return figure(() => {
    const levels = data.effects[a][compared.metric];
    const metric = data.metrics[compared.metric].name;
    const x = { label: data.axes[a].key, names: levels.map((l) => l.label) };
    const column = (i) => levels.map((l) => l.mean[i]);
    return { title: "Effect of " + data.axes[a].key, x, y: { label: "mean " + metric },
      series: [{ name: "mean", line: data.axes[a].numbers, points: levels.map((l, i) => [i, l.mean[0]]), low: column(1), high: column(2) }],
      caption: "Mean over the runs with this value, whatever else differs, and its 95 % interval.",
      table: { head: [data.axes[a].key, "runs", "mean " + metric, "from", "to"], rows: levels.map((l) => [l.label, l.runs, ...l.mean]) } };
  });
}

function effects() {
  const axes = data.axes.map((_, a) => a).filter((a) => data.effects[a].length);
  if (!axes.length) return null;
  return section("What each key does on average", el("p", { class: "faint" },
    "Intervals are the bootstrap over runs. Where they overlap, these runs do not tell the values apart. Seeds share random numbers, " +
    "so runs of one seed are more alike than the intervals know."), el("div", { class: "charts" }, axes.map(effectFigure)));
}

function showRuns() {
  document.title = count(data.runs.length, "run") + " – lehr";
  const all = sortableTable();
  const best = el("div", {}, bestRun());
  const redraw = () => { compared.sort = null; best.replaceChildren(bestRun()); all.fill(); drawAll(); };
  return [el("header", {}, el("h1", {}, "Comparison of runs"), el("p", {}, comparedSentence())), metricChoice(redraw), best,
    data.axes.length ? section("All runs at once", el("div", { class: "charts" }, parallel())) : null, effects(),
    section("All runs in a table", el("p", { class: "faint" }, "Ordered by the metric, the best first; a head sorts by its column. The test part chose nothing, and should not choose here."), all.node)];
}
