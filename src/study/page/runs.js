/* runs.js: the page that compares runs. A run has `values`, one per axis, and `metrics`, one per metric. A trial of a
 * sweep knows the point that it stands for, and of how many trials that is; one that its sweep no longer names (`part`
 * is false) stands in the table and counts for nothing else. */

const compared = { metric: Math.max(0, (data.metrics || []).findIndex((m) => m.objective)), sort: null, down: false };

function metricOf(run) {
  return run.metrics[compared.metric];
}

/* Best first; runs without the metric last, behind them those that do not count. */
function byMetric(a, b) {
  const metric = data.metrics[compared.metric];
  const key = (run) => (metric && isNumber(metricOf(run)) ? (metric.high_is_good ? -1 : 1) * metricOf(run) : Infinity);
  if (a.part !== b.part) return a.part ? -1 : 1;
  return key(a) === key(b) ? 0 : key(a) - key(b);
}

/* All that are compared: everything, where nothing is part of its sweep any more. */
function counted() {
  const parts = data.runs.filter((run) => run.part);
  return parts.length ? parts : data.runs;
}

/* ---- Choice and head -------------------------------------------------------------------------- */

function metricChoice(redraw) {
  if (!data.metrics.length) return null;
  const select = el("select", { id: "metric", change: () => { compared.metric = Number(select.value); redraw(); } },
    data.metrics.map((m, i) => el("option", { value: i, selected: i === compared.metric ? "" : null }, m.name + (m.objective ? " (objective)" : ""))));
  return el("div", { class: "choice" }, el("label", { for: "metric" }, "Metric"), select);
}

function comparedSentence() {
  const axes = data.axes.map((a) => a.key).join(", ");
  return count(data.runs.length, "run") + ": " + tallyWords(tallyOf(data.runs)) + ". " +
    (axes ? "Their configs differ in " + axes + "." : data.runs.length > 1 ? "Their configs differ in nothing that is compared." : "");
}

/* Trials that differ only in what their sweep averages over are one point; any other run is one by itself. */
function pointsOf(runs) {
  const points = new Map();
  for (const run of runs) {
    const key = run.point === null ? run.dir : run.sweep + " " + run.point;
    if (!points.has(key)) points.set(key, { runs: [], trials: run.point === null ? 1 : run.trials });
    points.get(key).runs.push(run);
  }
  return [...points.values()].map((point) => {
    const values = point.runs.map(metricOf).filter(isNumber);
    const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
    return { ...point, done: values.length, mean, whole: values.length === point.trials };
  });
}

/* Means over a part of the trials are compared only where there is nothing better. */
function bestPoint() {
  const all = pointsOf(counted()).filter((point) => point.done);
  const whole = all.filter((point) => point.whole);
  const sign = data.metrics[compared.metric].high_is_good ? -1 : 1;
  return (whole.length ? whole : all).reduce((best, point) => (best && sign * best.mean <= sign * point.mean ? best : point), null);
}

function valuesOf(run, axes) {
  return axes.map(([a, i]) => a.key + " " + show(run.values[i])).join(", ");
}

function bestRun() {
  const metric = data.metrics[compared.metric];
  if (!metric) return data.sweeps.length ? null : el("p", {}, "Nothing that could be compared has ended yet.");
  const best = bestPoint();
  if (!best) return el("p", {}, "No run has a " + metric.name + ".");
  const all = data.axes.map((a, i) => [a, i]);
  const word = (metric.high_is_good ? "Highest " : "Lowest ") + (best.trials > 1 ? "mean " : "") + metric.name;
  if (best.trials === 1) {
    return el("p", { class: "best" }, word + ": " + show(best.mean) + ", ", el("span", { class: "code" }, best.runs[0].dir),
      all.length ? " (" + valuesOf(best.runs[0], all) + ")." : ".");
  }
  const kept = all.filter(([a]) => !a.repeat);
  const over = all.filter(([a]) => a.repeat).map(([a]) => a.key).join(", ");
  return el("p", { class: "best" }, word + (over ? " over " + over : "") + (best.whole ? ": " : " so far: ") + show(best.mean) + ", " +
    show(best.done) + " of " + count(best.trials, "trial") + (kept.length ? " (" + valuesOf(best.runs[0], kept) + ")" : "") +
    (best.whole ? "." : ". No point has all of its trials, so points of more and of fewer are compared."));
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
    { name: "state", of: (run) => run.state + (run.stop ? ", " + run.stop : "") + (run.part ? "" : ", no longer of the sweep") },
    ...data.metrics.map((m, i) => ({ name: m.name, of: (run) => run.metrics[i] })),
  ];
  const body = el("tbody", {});
  const onPaper = (name) => name.replaceAll(".", ".\u200b"); /* where a line may break */
  const heads = columns.map((column) => el("th", { class: data.runs.some((run) => typeof column.of(run) === "string") ? "words" : null, scope: "col", "aria-sort": "none", "data-word": onPaper(column.name) },
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

/* A word on the ground of its card, so that it can be read over lines. align: is x its left or its right end? */
function wordAt(c, word, x, y, align, colors) {
  const width = c.measureText(word).width + 4;
  const left = align === "right" ? x - width + 2 : x - 2;
  c.fillStyle = fade(colors.card, 0.75);
  c.fillRect(left, y - 8, width, 16);
  c.fillStyle = colors.text;
  c.textAlign = align;
  c.fillText(word, x, y);
}

/* Values beside upright axes; those of the last one stand to its left. */
function wordsBeside(chart, scales, colors) {
  scales.forEach((scale, i) => {
    const x = chart.scales.x.getPixelForValue(i);
    const last = i === scales.length - 1;
    for (const [place, word] of scale.words)
      if (isNumber(place)) wordAt(chart.ctx, word, last ? x - 7 : x + 7, chart.scales.y.getPixelForValue(place), last ? "right" : "left", colors);
  });
}

/* Names above and values below axes that lie on each other; a value that would cover the one before, or the last, is
 * left out. */
function wordsBelow(chart, scales, colors) {
  const c = chart.ctx;
  const font = c.font;
  scales.forEach((scale, i) => {
    const y = chart.scales.y.getPixelForValue(i);
    c.font = "bold " + font;
    wordAt(c, scale.name, chart.chartArea.left + 2, y - 12, "left", colors);
    c.font = font;
    const words = scale.words.filter(([place]) => isNumber(place)).sort((p, q) => p[0] - q[0]).map(([place, word]) => {
      const share = place < 0.1 ? 0 : place > 0.9 ? 1 : 0.5; /* of the word that stands left of its place */
      const left = chart.scales.x.getPixelForValue(place) - share * c.measureText(word).width;
      return { word, left, right: left + c.measureText(word).width };
    });
    const end = words[words.length - 1];
    let taken = -Infinity;
    for (const w of words) {
      if (w.left < taken + 6 || (w !== end && w.right > end.left - 6)) continue;
      wordAt(c, w.word, w.left, y + 11, "left", colors);
      taken = w.right;
    }
  });
}

const axisWords = {
  id: "axisWords",
  afterDraw(chart) {
    const { scales, downward } = chart.options.plugins.axisWords || {};
    if (!scales) return;
    const c = chart.ctx;
    c.save();
    c.font = "11px " + Chart.defaults.font.family;
    c.textBaseline = "middle";
    (downward ? wordsBelow : wordsBeside)(chart, scales, theme());
    c.restore();
  },
};
Chart.register(axisWords);

/* Where there is no room for axes side by side they lie one below the other, and all are seen. */
function layOut(names, downward) {
  const places = { label: "from low to high", min: -0.04, max: 1.04, bare: true };
  return downward ? { x: places, y: { label: "", names, lines: true }, downward } : { x: { label: "", names }, y: places };
}

function parallel() {
  const canvas = () => node.querySelector(".canvas");
  const node = figure(() => {
    const metric = data.metrics[compared.metric];
    const downward = narrow.matches && !printing;
    const runs = counted().filter((run) => isNumber(metricOf(run))).sort(byMetric);
    const scales = [...data.axes.map((a, i) => scaleOf(a.key, counted().map((run) => run.values[i]))),
      scaleOf(metric.name, runs.map(metricOf))];
    const lineOf = (run, name, rank) => {
      const values = [...run.values, metricOf(run)];
      const aside = (s, i) => (i < data.axes.length && runs.length > 12 ? (rank - 0.5) * Math.min(s.room, 0.06) : 0);
      const at = scales.map((s, i) => (s.place(values[i]) === null ? null : s.place(values[i]) + aside(s, i)));
      return { name, values, points: at.map((place, i) => (downward ? [place, i] : [i, place])), ramp: rank, slot: rank };
    };
    const series = runs.length ? [lineOf(runs[0], "best run", 0)] : [];
    if (runs.length > 1) series.push(lineOf(runs[runs.length - 1], "worst run", 1));
    const bundle = runs.slice(1, -1).map((run, k) => lineOf(run, run.id, (k + 1) / (runs.length - 1)));
    canvas().style.minWidth = downward || printing ? "" : 130 * scales.length + "px";
    canvas().style.height = downward ? 72 * scales.length + 30 + "px" : "";
    return { title: "Every run as a line", ...layOut(scales.map((s) => s.name), downward), series, bundle, scales,
      caption: "From blue, the best " + metric.name + ", to orange, the worst; the best and the worst have marks. An axis is logarithmic where its values span more than a factor of 30." +
        (runs.length > 12 ? " Runs of one value stand a little beside each other, better ones " + (downward ? "to the left." : "lower.") : ""),
      table: { head: ["run", ...scales.map((s) => s.name)], rows: some(runs, 12).map((run) => [run.id || run.dir, ...run.values, metricOf(run)]) } };
  }, "wide tall");
  const scroll = el("div", { class: "scroll" });
  const inner = canvas();
  inner.replaceWith(scroll);
  scroll.append(inner);
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

/* Does any metric have means of two values or more? */
function isTold(a) {
  return data.effects[a].some((levels) => levels.filter((level) => level.runs).length > 1);
}

/* Those that went on to the end are not a sample of all: of the pruned the worse ones are missing. */
function leftOut() {
  const states = tallyOf(counted().filter((run) => run.state === "pruned" || run.state === "failed"));
  const total = Object.values(states).reduce((sum, n) => sum + n, 0);
  if (!total) return null;
  return el("p", {}, "Runs that finished only: " + tallyWords(states) + (total === 1 ? " is" : " are") + " left out" +
    (states.pruned ? ", so values of which many were pruned look better here than they are." : "."));
}

function effects() {
  const axes = data.axes.map((_, a) => a).filter((a) => data.effects[a].length);
  if (!axes.length) return null;
  const told = axes.filter(isTold);
  const single = axes.filter((a) => !isTold(a)).map((a) => data.axes[a].key).join(", ");
  return section("What each key does on average",
    told.length ? [leftOut(), el("p", { class: "faint" },
      "Intervals are the bootstrap over runs. Where they overlap, these runs do not tell the values apart. Seeds share random numbers, " +
      "so runs of one seed are more alike than the intervals know.")] : null,
    single ? el("p", {}, "There is nothing to compare for " + single + ": the runs that finished have one value only.") : null,
    el("div", { class: "charts" }, told.map(effectFigure)));
}

/* Charts of a metric need one that some run has. */
function showRuns() {
  const alone = data.sweeps.length === 1 ? "sweep " + data.sweeps[0].name : count(data.runs.length, "run");
  document.title = alone + " – lehr";
  const best = el("div", {}, data.runs.length ? bestRun() : null);
  const head = [el("header", {}, sweepHead()), data.sweeps.map(sweepFailures)];
  const work = data.sweeps.map(sweepCurves);
  if (!data.runs.length) return [...head, ...work].flat();
  const all = sortableTable();
  const redraw = () => { compared.sort = null; best.replaceChildren(bestRun() || ""); all.fill(); drawAll(); };
  const charts = data.metrics.length ? [data.axes.length ? section("All runs at once", el("div", { class: "charts" }, parallel())) : null, effects()] : [];
  const order = data.metrics.length ? "Ordered by the metric, the best first; a head sorts by its column. The test part chose nothing, and should not choose here." :
    "A head sorts by its column.";
  return [...head, metricChoice(redraw), best, ...work, ...charts,
    section("All runs in a table", el("p", { class: "faint" }, order), all.node)].flat();
}
