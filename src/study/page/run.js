/* run.js: the page of one run. */

const xAxes = {
  scan: { word: "scans", label: "scans" },
  proposals: { word: "proposals", label: "proposals, all rows together" },
  wall_s: { word: "seconds", label: "wall-clock time (s)" },
};
const choices = { x: "scan", log: null };

/* ---- Head ------------------------------------------------------------------------------------- */

function runSentence(run) {
  const r = run.result;
  if (!r) {
    const s = run.status;
    const at = show(s.scan) + (s.scans ? " of " + show(s.scans) : "");
    const what = s.state === "pruned" ? "Pruned at scan " + at + ": its sweep went on with better points"
      : "State " + s.state + (s.way ? ": " + s.way + ". At scan " : ", at scan ") + at;
    return what + ". Last written " + s.updated + ".";
  }
  const rows = run.plan.method === "tempering" ? count(r.rungs, "rung") + " × " + count(r.copies, "copy").replace("copys", "copies")
    : count(r.rows, "row");
  return "Stopped on " + r.stop + " after " + count(r.scans, "scan") + " of " + rows + ": " + count(r.proposals, "proposal") + " in " +
    show(r.wall_s) + " s.";
}

/* The scores of `best`: a row per part that has any. */
function scores(run) {
  const best = run.result && run.result.best;
  if (!best) return null;
  const parts = ["train", "validation", "test"].filter((part) => best[part]);
  const keys = ["loss", "accuracy", "r2", "rmse"].filter((key) => parts.some((part) => isNumber(best[part][key])));
  const chooser = best.validation ? "its validation " + (run.plan.task === "regression" ? "loss" : "score") : "its training energy";
  return section("What it reached",
    el("p", {}, "The weights in best.safetensors are those of scan " + show(best.scan) + ", chosen by " + chooser +
      ". The test part chose nothing."),
    table(["part", ...keys.map((key) => (key === "rmse" ? "rmse (units of the data)" : key === "r2" ? "R²" : key))],
      parts.map((part) => [part, ...keys.map((key) => best[part][key])])));
}

function headline(run) {
  const best = (run.result && run.result.best) || {};
  const part = ["test", "validation", "train"].find((name) => best[name]);
  const key = part && ["accuracy", "r2", "loss"].find((name) => isNumber(best[part][name]));
  const r = run.result || {};
  return facts([
    [part ? part + " " + (key === "r2" ? "R²" : key) : "", part ? show(best[part][key]) : null],
    ["proposals per second", isNumber(r.proposals_per_s) ? show(Math.round(r.proposals_per_s)) : null],
    ["parameters", isNumber(r.parameters) ? show(r.parameters) : null],
    ["rows", isNumber(r.rows) ? show(r.rows) : null],
    ["state hash", r.state_hash ? el("span", { class: "code" }, r.state_hash) : null],
  ]);
}

function warnings(list) {
  if (!list.length) return el("p", {}, "Nothing looks wrong.");
  return el("div", { class: "warnings" }, el("strong", {}, "What looks wrong"), el("ul", {}, list.map((w) => el("li", {}, w))));
}

/* ---- Curves ----------------------------------------------------------------------------------- */

function column(run, name) {
  const { curves } = run;
  if (!curves[name]) return null;
  return curves[name].map((y, i) => [curves[choices.x][i], y]);
}

/* Series of those columns that the run has. What is best so far holds until the next look. */
function columnSeries(run, list) {
  return list.map(([name, word]) => ({ name: word, points: column(run, name), marks: false, step: /^(train|validation|energy_best)/.test(name) })).filter((s) => s.points);
}

/* Losses that fall by much are read on a logarithmic axis; one that reaches 0 leaves it there. */
function suitsLog(series) {
  const values = series.flatMap((s) => s.points.map(([, y]) => y)).filter((y) => isNumber(y) && y > 0);
  return values.length > 0 && values.reduce((a, b) => Math.max(a, b)) > 30 * values.reduce((a, b) => Math.min(a, b));
}

function curveFigure(run, title, label, list, options) {
  const has = () => columnSeries(run, list);
  if (!has().length) return null;
  return figure(() => {
    const series = has();
    const log = options.log && (choices.log === null ? suitsLog(series) : choices.log);
    const zeros = log && series.some((s) => s.points.some(([, y]) => isNumber(y) && y <= 0));
    const x = { label: xAxes[choices.x].label };
    const thinned = run.curves.every > 1 ? " One observation in " + show(run.curves.every) + " is drawn." : "";
    return { title, x, y: { label, log, ...(options.range || {}) }, series, table: columnsTable(x, series),
      caption: options.caption + thinned + (zeros ? " What is 0 cannot stand on a logarithmic axis." : "") };
  });
}

function curveChoices() {
  const radios = Object.entries(xAxes).map(([name, { word }]) =>
    el("label", {}, el("input", { type: "radio", name: "x", value: name, checked: name === choices.x ? "" : null,
      change: () => { choices.x = name; drawAll(); } }), " " + word));
  const log = el("input", { type: "checkbox", change: () => { choices.log = log.checked; drawAll(); } });
  log.indeterminate = true;
  return el("fieldset", { class: "choice" }, el("legend", {}, "Over"), radios,
    el("label", {}, log, " logarithmic losses"));
}

function curves(run) {
  if (!run.curves.scan) return section("How it went", el("p", {}, "No observation has been written yet."));
  const unit = { range: { min: 0, max: 1 } };
  const parts = (key) => [["train_" + key, "training"], ["validation_" + key, "validation"]];
  const list = [
    curveFigure(run, "Loss of the best weights", "loss (" + run.plan.loss + ")", parts("loss"),
      { log: true, caption: "Of the weights chosen so far, on the training and validation parts." }),
    curveFigure(run, "Accuracy of the best weights", "accuracy (share of points)", parts("accuracy"),
      { range: { max: 1 }, caption: "Of the weights chosen so far." }),
    curveFigure(run, "R² of the best weights", "R²", parts("r2"), { caption: "Of the weights chosen so far." }),
    curveFigure(run, "Energy", "energy E", [["energy_best", "lowest of any row so far"], ["energy_cold", "mean of the coldest rung now"]],
      { log: true, caption: "What the moves go by: the loss and its penalties, not tempered." }),
    curveFigure(run, "Acceptance", "share accepted", [["acceptance", "moves, coldest rung"], ["swap_acceptance", "swaps, mean of all pairs"]],
      { ...unit, caption: "Moves: since the observation before. Swaps: since the start." }),
    run.plan.method === "tempering" ? null : curveFigure(run, "Temperature", "temperature (units of the energy)", [["temperature", "temperature"]],
      { log: true, caption: "The cooling schedule." }),
  ];
  return section("How it went", curveChoices(), el("div", { class: "charts" }, list));
}

/* ---- Ladder ----------------------------------------------------------------------------------- */

function ladderFigure(title, x, y, series, caption) {
  return figure(() => ({ title, x, y, series, caption, table: columnsTable(x, series) }));
}

function rungAxis(rungs) {
  return { label: "rung, cold to hot", whole: true, min: 0, max: rungs - 1 };
}

function ladder(run) {
  const t = run.ladder.temperatures;
  if (!t.length) return null;
  const rung = rungAxis(t.length);
  const charts = [ladderFigure("Temperatures", rung, { label: "temperature (units of the energy)", log: true },
    [{ name: "temperature", points: t.map((value, i) => [i, value]) }],
    t.includes(null) ? "The hottest rung has an infinite temperature and is not drawn." : "")];
  const exchange = (run.result && run.result.exchange) || {};
  const swaps = exchange.acceptance || [];
  if (swaps.some(isNumber)) {
    const pair = { label: "pair of neighboring rungs", names: swaps.map((_, i) => i + "–" + (i + 1)) };
    charts.push(ladderFigure("Swap acceptance", pair, { label: "mean swap probability", min: 0, max: 1 },
      [{ name: "swap acceptance", points: swaps.map((value, i) => [i, value]) }],
      "Where it dips, replicas are held up; equal heights are best."));
    charts.push(ladderFigure("Where the barrier lies", rung, { label: "barrier up to this rung" },
      [{ name: "barrier", points: run.ladder.barrier.map((value, i) => [i, value]) }],
      "Replicas flow best when it rises evenly from rung to rung."));
  }
  if ((exchange.flow || []).some(isNumber)) charts.push(flowFigure(run, rung, exchange.flow));
  return section("The ladder", trips(run, exchange), el("div", { class: "charts" }, charts));
}

/* Beside the flow what it would be if only the swaps mattered, and an even fall. */
function flowFigure(run, rung, flow) {
  const expected = run.ladder.expected_flow;
  const series = [{ name: "observed", points: flow.map((value, i) => [i, value]) },
    expected.length ? { name: "from the swaps alone", points: expected.map((value, i) => [i, value]) } : null,
    { name: "even", points: flow.map((_, i) => [i, 1 - i / (flow.length - 1)]), marks: false }];
  return ladderFigure("Replica flow", rung, { label: "share from the coldest rung", min: 0, max: 1 }, series.filter(Boolean),
    "Of the visits to a rung, the share by replicas that come from the coldest rung; the others come from the hottest. " +
    "Where it falls by more than from the swaps alone, replicas turn back. An even fall is best.");
}

function trips(run, exchange) {
  if (!run.result) return el("p", {}, "How its pairs of rungs swap is reckoned with a result, and this run has none.");
  if (!isNumber(exchange.barrier)) return el("p", {}, "No swap has been tried.");
  return facts([
    ["round trips", show(exchange.round_trips)],
    ["trips per exchange and copy", show(exchange.tau_observed)],
    ["expected from the swaps", show(exchange.tau_predicted)],
    ["barrier", show(exchange.barrier)],
    ["scans between exchanges", show(run.plan.every)],
  ]);
}

/* ---- Moves ------------------------------------------------------------------------------------ */

/* The list of result.json, move after move with all of its rungs, as series. */
function moveSeries(result, key) {
  const moves = [];
  result.moves.forEach((entry, i) => {
    if (i % result.rungs === 0) moves.push({ name: moves.length + ": " + entry.kind + " " + entry.scope, points: [] });
    moves[moves.length - 1].points.push([entry.rung, entry[key]]);
  });
  return moves;
}

function moves(run) {
  const { result } = run;
  if (!result) return null;
  if (result.rungs === 1) {
    return section("Moves", table(["move", "acceptance", "last step size"], result.moves.map((m, i) =>
      [i + ": " + m.kind + " " + m.scope, percent(m.acceptance), m.scale])));
  }
  const rung = rungAxis(result.rungs);
  const scales = moveSeries(result, "scale").filter((s) => s.points.some(([, y]) => isNumber(y)));
  const charts = [ladderFigure("Acceptance of moves", rung, { label: "share accepted", min: 0, max: 1 }, moveSeries(result, "acceptance"),
    "Over the whole run. Steps that adapt aim at 0.234, or 0.44 where one parameter moves.")];
  if (scales.length)
    charts.push(ladderFigure("Step sizes", rung, { label: "step size (units of a weight)", log: true }, scales, "At the end, mean over copies."));
  return section("Moves", el("div", { class: "charts" }, charts));
}

/* ---- Energies --------------------------------------------------------------------------------- */

function energies(run) {
  const e = run.energies;
  if (e.missing) return section("Energies on every rung", el("p", {}, e.missing));
  const x = { label: "energy E", log: e.log };
  const at = (b) => (e.values ? e.values[b] : e.log ? Math.sqrt(e.edges[b] * e.edges[b + 1]) : (e.edges[b] + e.edges[b + 1]) / 2);
  const shown = some(e.rungs.map((r, i) => ({ ...r, i })), 8);
  const series = shown.map((r, k) => ({
    name: "rung " + r.i, slot: k, ramp: shown.length > 1 ? k / (shown.length - 1) : 0, marks: Boolean(e.values),
    points: r.share.map((share, b) => [at(b), share]),
  }));
  const names = (e.values ? "the values that the energy takes" : "48 bins") + (shown.length < e.rungs.length ? "; 8 of " + e.rungs.length + " rungs" : "");
  return section("Energies on every rung", el("div", { class: "charts" }, figure(() => ({
    title: "Histograms of the energy", x, y: { label: "share of the samples", min: 0 }, series,
    caption: "From " + count(e.lines, "look") + ", one every " + count(e.every, "scan") + " from scan " + show(Math.round(e.from_scan)) +
      " on; " + names + ". Neighbors must overlap to swap.",
    table: { head: ["rung", "temperature", "mean", "standard deviation"],
      rows: e.rungs.map((r, i) => [i, run.ladder.temperatures[i], r.mean, r.deviation]) },
  }), "wide tall")));
}

/* ---- Where it comes from ---------------------------------------------------------------------- */

function provenance(run) {
  const r = run.result || {};
  const s = run.status;
  return section("Where it comes from", facts([
    ["name and id", s.name + " " + s.id], ["directory", run.dir], ["state", s.state], ["started, last written", s.started + ", " + s.updated],
    ["host", s.host], ["seed", r.seed === undefined ? null : String(r.seed)], ["version, commit", r.version ? r.version + ", " + r.commit : null],
    ["backend, device", r.backend ? r.backend + ", " + r.device + ", " + count(r.threads, "thread") : null],
    ["numerics", r.numerics], ["state hash", r.state_hash], ["proposals that were not finite", isNumber(r.nonfinite) ? show(r.nonfinite) : null],
  ], "list"), el("details", {}, el("summary", {}, "config.yaml"), el("pre", { tabindex: "0" }, run.config)));
}

function showRun(run) {
  document.title = run.status.name + " " + run.status.id + " – lehr";
  return [el("header", {}, el("h1", {}, run.status.name + " ", el("span", { class: "code faint" }, run.status.id)),
    el("p", {}, runSentence(run))), headline(run), warnings(run.warnings), scores(run), curves(run), ladder(run), moves(run),
    energies(run), provenance(run)];
}
