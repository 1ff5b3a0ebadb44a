/* sweeps.js: what the page that compares runs says about the sweeps whose trials they are. */

function axisWord(axis) {
  const words = axis.count > axis.values.length ? [...axis.values.slice(0, 4), "… " + show(axis.count) + " values"] : axis.values;
  return axis.key + " (" + words.join(", ") + ")";
}

/* How far it is, and what it asks for. */
function sweepSentences(sweep) {
  const tally = tallyWords(sweep.states);
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
  const words = (f) => " (" + Object.entries(f.values).map(([key, value]) => key + " " + value).join(", ") + "): " + f.reason;
  return section("What failed", el("ul", {}, sweep.failed.map((f) => el("li", {}, el("span", { class: "code" }, f.id), words(f)))),
    more > 0 ? el("p", { class: "faint" }, show(more) + " more " + (more === 1 ? "is" : "are") + " in the table below.") : null);
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
  const states = tallyOf(trials);
  const working = states.running === trials.length;
  const title = working ? "How " + count(trials.length, "trial") + " at work " + (trials.length === 1 ? "goes" : "go")
    : "How far " + count(trials.length, "trial") + " that " + (trials.length === 1 ? "has" : "have") + " not ended came";
  return section(working ? "Trials at work" : "Trials that have not ended", el("div", { class: "charts" }, figure(() => {
    /* Where most have come to 0 a logarithm would show the way there only. */
    const log = trials.filter((t) => last(t) > 0).length > trials.length / 2 && suitsLog(trials.map((t) => ({ points: t.values.map((v) => [0, v]) })));
    const zeros = log && trials.some((t) => t.values.some((v) => isNumber(v) && v <= 0));
    const y = { label: word + " so far", log };
    const lines = order.map((t, k) => ({ name: t.id, values: t.values, ramp: k / Math.max(1, order.length - 1), marks: false,
      points: t.scans.map((scan, i) => [scan, place(t.values[i], y)]) }));
    const shown = some(order, 12);
    return { title, x: { label: "scans", tight: true }, y, series: lines.slice(0, 1).map((line) => ({ ...line, name: "best by now", slot: 0 })),
      bundle: lines.slice(1),
      caption: "Of the weights chosen so far, in trials that have not ended (" + tallyWords(states) + "): from blue, the best by now, to orange." +
        (zeros ? " What is 0 cannot stand on a logarithmic axis." : ""),
      table: { head: ["trial", "state", "scan", word], rows: shown.map((t) => [t.id, t.state, t.scans[t.scans.length - 1], last(t) ?? null]) } };
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
