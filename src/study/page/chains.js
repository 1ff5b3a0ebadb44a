/* chains.js: the page of `lehr bench chains`. An interval is [value, low, high], null where there is no end. */

/* One series per number of rows over the number of rungs; annealing stands first. Beside each other, so that
 * intervals do not hide each other. */
function splitSeries(key) {
  const rungs = [...new Set(data.splits.map((s) => s.rungs))].sort((a, b) => a - b);
  const rows = [...new Set(data.splits.map((s) => s.rows))].sort((a, b) => a - b);
  const series = rows.map((r, i) => {
    const of = data.splits.filter((s) => s.rows === r).sort((a, b) => a.rungs - b.rungs);
    const shift = (i - (rows.length - 1) / 2) * Math.min(0.14, 0.7 / rows.length);
    return { name: count(r, "row"), points: of.map((s) => [rungs.indexOf(s.rungs) + shift, s[key][0]]),
      low: of.map((s) => s[key][1]), high: of.map((s) => s[key][2]) };
  });
  const names = rungs.map((t) => (t === 1 ? "annealing" : count(t, "rung")));
  return { series, x: { label: "annealing, or rungs of tempering", names } };
}

function splitFigure(key, title, y, caption) {
  return figure(() => {
    const { series, x } = splitSeries(key);
    return { title, x, y, series, caption,
      table: { head: ["split", title, "from", "to"], rows: data.splits.map((s) => [s.name, ...s[key]]) } };
  });
}

/* Few enough to be told apart: the best, and the plainest. */
function shownSplits() {
  const order = (s) => (isNumber(s.tts99_proposals[0]) ? s.tts99_proposals[0] : 1e300 + s.energy[0]);
  const best = [...data.splits].sort((a, b) => order(a) - order(b)).slice(0, 4);
  return best.includes(data.splits[0]) ? best : [...best, data.splits[0]];
}

function energyFigure(key, grid, title, label) {
  return figure(() => {
    const shown = shownSplits();
    const values = shown.flatMap((s) => s[key].map((v) => v[0])).filter(isNumber);
    const positive = values.filter((v) => v > 0);
    const log = positive.length === values.length && Math.max(...values) > 30 * Math.min(...values);
    const series = shown.map((s) => ({ name: s.name, marks: grid[0] === grid[grid.length - 1], step: true, points: s[key].map((v, g) => [grid[g], v[0]]),
      shade: s[key].map((v, g) => [grid[g], v[1], v[2]]) }));
    const x = { label, log: true };
    return { title, x, y: { label: "lowest energy so far", log }, series, table: columnsTable(x, series),
      caption: "Median over seeds and its 95 % interval, of " + shown.length + " of " + data.splits.length +
        " splits: the best per proposal, and annealing of the fewest rows. A run that has met the target stays where it is." };
  });
}

function range(interval) {
  return show(interval[0]) + " [" + show(interval[1]) + ", " + (interval[2] === null ? "no end" : show(interval[2])) + "]";
}

function showChains() {
  document.title = "How many chains? " + data.name + " – lehr";
  const tts = (unit) => ({ label: unit + ", 99 % sure", log: true });
  return [
    el("header", {}, el("h1", {}, "How many chains? ", el("span", { class: "faint" }, data.name)),
      el("p", {}, "The same " + count(data.budget, "proposal") + ", split over rows as annealing and as tempering, each run until " +
        data.metric + " reaches " + show(data.value) + " or its proposals are used up. " + count(data.seeds, "seed") + ", from " +
        show(data.first_seed) + " on; looked at every " + count(data.look, "proposal") + ".")),
    el("div", { class: "warnings" }, el("strong", {}, "What to take"), el("ul", {}, data.advice.map((line) => el("li", {}, line)))),
    section("Until the target", el("div", { class: "charts" },
      splitFigure("tts99_proposals", "Proposals to the target, 99 % sure", tts("proposals"),
        "All proposals spent, divided by the number of runs that reached the target, times ln 100 (4.6): exact where successes come at a constant rate, up to 4.6 times too long where all come late and close together. Lines end where none did."),
      splitFigure("tts99_seconds", "Seconds to the target, 99 % sure", tts("seconds"),
        "The same in wall-clock time of this machine (" + data.cpu + "), and of what else it did meanwhile."),
      splitFigure("proposals", "Proposals to the target, median", { label: "proposals", log: true },
        "No point where less than half of the runs reached it."),
      splitFigure("success", "Success", { label: "share of the runs", min: 0, max: 1 },
        "Runs that reached the target within their proposals, with Wilson's interval."))),
    section("On the way", el("div", { class: "charts" },
      energyFigure("energy_by_proposals", data.grid_proposals, "Lowest energy over proposals", "proposals, all rows together"),
      energyFigure("energy_by_time", data.grid_seconds, "Lowest energy over time", "wall-clock time (s)"))),
    section("All splits", table(["split", "reached the target", "proposals, median", "seconds, median", "proposals, 99 %", "seconds, 99 %", "lowest energy"],
      data.splits.map((s) => [s.name, range(s.success), range(s.proposals), range(s.seconds), range(s.tts99_proposals),
        range(s.tts99_seconds), range(s.energy)])),
    el("p", { class: "faint" }, "In brackets 95 % intervals: the bootstrap over seeds, with the same resamples each time; of the share that reached the target Wilson's.")),
  ];
}
