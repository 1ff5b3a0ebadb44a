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
  const states = {};
  data.runs.forEach((run) => { states[run.state] = (states[run.state] || 0) + 1; });
  const axes = data.axes.map((a) => a.key).join(", ");
  return count(data.runs.length, "run") + ": " + Object.entries(states).map(([s, n]) => show(n) + " " + s).join(", ") + ". " +
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
  if (!metric) return el("p", {}, "Nothing that could be compared has ended yet.");
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

/* ---- Sweeps ----------------------------------------------------------------------------------- */

function axisWord(axis) {
  const more = axis.count > axis.values.length ? ", ... " + show(axis.count) + " values" : "";
  return axis.key + " (" + axis.values.join(", ") + more + ")";
}

/* How far it is, and what it asks for. */
function sweepSentences(sweep) {
  const tally = Object.entries(sweep.states).filter(([, n]) => n > 0).map(([state, n]) => show(n) + " " + state).join(", ");
  const over = sweep.axes.filter((a) => a.over).map((a) => a.key).join(", ");
  const ended = sweep.states.done + sweep.states.pruned + sweep.states.failed;
  return [
    count(sweep.trials, "trial") + (tally ? ": " + tally : "") + ".",
    ended === 0 ? "Nothing has ended yet." : sweep.states.done === 0 ? "No trial is done yet." : "",
    sweep.axes.length ? "Axes: " + sweep.axes.map(axisWord).join("; ") + "." : "",
    sweep.objective ? "Objective: the " + sweep.goal + " " + sweep.objective + (over ? ", averaged over " + over : "") + "." : "",
    sweep.others ? count(sweep.others, "trial") + (sweep.others === 1 ? " is" : " are") + " no longer part of the sweep and never the best." : "",
  ].filter(Boolean);
}

function sweepFailures(sweep) {
  if (!sweep.failed.length) return null;
  const more = sweep.states.failed - sweep.failed.length;
  const rows = sweep.failed.map((f) => [f.id, Object.entries(f.values).map(([key, value]) => key + " " + value).join(", "), f.reason]);
  return section("What failed", table(["trial", "values", "reason"], rows),
    more > 0 ? el("p", { class: "faint" }, show(more) + " more stand in the table below.") : null);
}

/* The name of a column of events.jsonl as metrics are called. */
function columnWord(name) {
  return name === "energy_best" ? "lowest energy" : name.replace("_", " ").replace(/r2$/, "R²").replace(/rmse$/, "RMSE");
}

/* Trials that have not ended, as lines from blue, the best by now, to orange. */
function sweepCurves(sweep) {
  const { metric, trials } = sweep.curves;
  if (!trials.length) return null;
  const word = columnWord(metric);
  const last = (t) => t.values.filter(isNumber).pop();
  const sign = sweep.goal === "highest" ? -1 : 1;
  const order = [...trials].sort((a, b) => sign * ((last(a) ?? Infinity) - (last(b) ?? Infinity)));
  return section("Trials at work", el("div", { class: "charts" }, figure(() => {
    const lines = order.map((t, k) => ({ name: t.id, values: t.values, ramp: k / Math.max(1, order.length - 1),
      points: t.scans.map((scan, i) => [scan, t.values[i]]) }));
    const shown = some(order, 12);
    return { title: "How " + count(trials.length, "trial") + " at work " + (trials.length === 1 ? "goes" : "go"), x: { label: "scans" },
      y: { label: word + " of the best weights" }, series: lines.slice(0, 1).map((line) => ({ ...line, name: "best by now", slot: 0 })),
      bundle: lines.slice(1),
      caption: "What has been observed so far of trials that have not ended, from blue, the best by now, to orange.",
      table: { head: ["trial", "scan", word], rows: shown.map((t) => [t.id, t.scans[t.scans.length - 1], last(t) ?? null]) } };
  }, "wide")));
}

function sweepHead() {
  if (!data.sweeps.length) return [el("h1", {}, "Comparison of runs"), el("p", {}, comparedSentence())];
  if (data.sweeps.length === 1 && data.runs.every((run) => run.sweep === 0)) {
    return [el("h1", {}, "Sweep ", el("span", { class: "faint" }, data.sweeps[0].name)), el("p", {}, sweepSentences(data.sweeps[0]).join(" "))];
  }
  const one = data.metrics.some((m) => m.objective) || data.sweeps.every((s) => s.objective === data.sweeps[0].objective && s.goal === data.sweeps[0].goal);
  return [el("h1", {}, "Comparison of runs"), el("p", {}, comparedSentence()),
    data.sweeps.map((sweep) => el("p", {}, el("strong", {}, sweep.name), ": " + sweepSentences(sweep).join(" "))),
    one ? null : el("p", {}, "The sweeps have different objectives, so that none is used here.")];
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
    { name: "state", of: (run) => run.state + (run.stop ? ", " + run.stop : "") + (run.part ? "" : ", no longer of the sweep") },
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
    const runs = counted().filter((run) => isNumber(metricOf(run))).sort(byMetric);
    const scales = [...data.axes.map((a, i) => scaleOf(a.key, counted().map((run) => run.values[i]))),
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

/* Charts of a metric need one that some run has. */
function showRuns() {
  const alone = data.sweeps.length === 1 ? "sweep " + data.sweeps[0].name : count(data.runs.length, "run");
  document.title = alone + " – lehr";
  const best = el("div", {}, data.runs.length ? bestRun() : null);
  const head = [el("header", {}, sweepHead()), data.sweeps.map(sweepFailures)];
  const work = data.sweeps.map(sweepCurves);
  if (!data.runs.length) return [...head, ...work].flat();
  const all = sortableTable();
  const redraw = () => { compared.sort = null; best.replaceChildren(bestRun()); all.fill(); drawAll(); };
  const charts = data.metrics.length ? [data.axes.length ? section("All runs at once", el("div", { class: "charts" }, parallel())) : null, effects()] : [];
  const order = data.metrics.length ? "Ordered by the metric, the best first; a head sorts by its column. The test part chose nothing, and should not choose here." :
    "A head sorts by its column.";
  return [...head, metricChoice(redraw), best, ...work, ...charts,
    section("All runs in a table", el("p", { class: "faint" }, order), all.node)].flat();
}
