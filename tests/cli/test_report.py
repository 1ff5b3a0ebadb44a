"""`lehr report` in a browser: charts are drawn, nothing is asked of the network, nothing breaks out of its data"""

import glob
import json
import os
import shutil
import subprocess
import sys
import time
import unittest

import browser
from program import LEHR, SECONDS, TINY, ProgramTest, strict_json

EVIL = "</script><img src=x onerror=alert(1)><!--"

# Canvases that hold at least two colors, and all of them.
DRAWN = """(() => {
  const canvases = [...document.querySelectorAll("canvas")];
  const drawn = canvases.filter((c) => {
    const pixels = new Uint32Array(c.getContext("2d").getImageData(0, 0, c.width, c.height).data.buffer);
    return new Set(pixels).size > 3;
  });
  return [drawn.length, canvases.length];
})()"""

# Pixels that carry the color of the first series, in all canvases.
SERIES = """(() => { let n = 0;
  for (const c of document.querySelectorAll("canvas")) {
    const p = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
    for (let i = 0; i < p.length; i += 4)
      if (p[i + 3] === 255 && p[i] === %d && p[i + 1] === %d && p[i + 2] === %d) n++;
  }
  return n; })()"""
# Pixels of the first canvas that hold any color.
INK = """(() => {
  const c = document.querySelector("canvas");
  return c.getContext("2d").getImageData(0, 0, c.width, c.height).data.filter((_, i) => i % 4 === 3).filter((alpha) => alpha > 0).length;
})()"""
ROWS = "document.querySelectorAll('.rows tbody tr').length"
ROWS_COME = "new Promise((done) => { const look = () => (" + ROWS + " === %d ? done(1) : setTimeout(look, 10)); look(); })"
LIGHT_BLUE, DARK_BLUE = (0, 114, 178), (86, 180, 233)


def page_data(html):
    """The JSON inside a page, as a reader without a browser finds it."""
    begin = html.index('id="data">') + len('id="data">')
    return strict_json(html[begin : html.index("</script>", begin)])


class Report(ProgramTest):
    @classmethod
    def setUpClass(cls):
        cls.browser = browser.Browser(browser.find())

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()

    def run_tiny(self, name, *sets):
        words = [word for each in sets for word in ("-s", each)]
        self.lehr("run", "tiny.yaml", "-q", "-o", name, *words)

    def check_page(self, path, charts, width=1200, scheme="light"):
        """Drawn, silent, alone, and no wider than its window."""
        b = self.browser
        b.open(path, width=width, scheme=scheme)
        self.assertEqual(b.errors, [])
        self.assertEqual(b.requests, ["file://" + path])
        self.assertEqual(b.evaluate(DRAWN), [charts, charts])
        self.assertEqual(b.evaluate("document.documentElement.scrollWidth - innerWidth"), 0)
        self.assertEqual(b.evaluate('[...document.querySelectorAll("canvas")].filter((c) => (c.ariaLabel || "").length < 20).length'), 0)
        self.assertEqual(b.evaluate('[...document.querySelectorAll("figure table")].filter((t) => t.rows.length < 2).length'), 0)

    # ---- One run ---------------------------------------------------------------------------------

    def test_a_run_is_drawn_at_every_width_in_light_and_dark(self):
        self.run_tiny("run", "output.trace.energy=10", "temperatures.copies=2")
        path = self.path("run", "report.html")
        self.assertEqual(self.lehr("report", "run").stdout, "run/report.html\n")
        for width in (400, 1200):
            for scheme, color, other in (("light", LIGHT_BLUE, DARK_BLUE), ("dark", DARK_BLUE, LIGHT_BLUE)):
                self.check_page(path, charts=11, width=width, scheme=scheme)
                self.assertGreater(self.browser.evaluate(SERIES % color), 500)
                self.assertEqual(self.browser.evaluate(SERIES % other), 0)

    def test_every_axis_has_a_name_and_every_figure_a_table(self):
        self.run_tiny("run", "output.trace.energy=10")
        self.lehr("report", "run")
        self.check_page(self.path("run", "report.html"), charts=11)
        titles = self.browser.evaluate("figures.map((f) => [f.chart.options.scales.x.title.text, f.chart.options.scales.y.title.text])")
        self.assertTrue(all(x and y for x, y in titles), titles)
        self.assertEqual(self.browser.evaluate('document.querySelectorAll("figure").length'),
                         self.browser.evaluate('document.querySelectorAll("figure details table").length'))

    def test_curves_go_over_scans_proposals_or_seconds(self):
        self.run_tiny("run")
        self.lehr("report", "run")
        self.check_page(self.path("run", "report.html"), charts=10)
        last = "(() => { const p = figures[0].description.series[0].points; return p[p.length - 1][0]; })()"
        self.assertEqual(self.browser.evaluate(last), 60)
        self.browser.evaluate("""document.querySelector('input[value="proposals"]').click()""")
        self.assertEqual(self.browser.evaluate(last), 240)
        self.browser.evaluate("""document.querySelector('input[value="wall_s"]').click()""")
        self.assertLess(self.browser.evaluate(last), 60)
        self.assertEqual(self.browser.errors, [])

    def test_a_legend_hides_and_shows(self):
        self.run_tiny("run")
        self.lehr("report", "run")
        self.check_page(self.path("run", "report.html"), charts=10)
        self.browser.evaluate('document.querySelector(".legend button").click()')
        self.assertEqual(self.browser.evaluate("figures[0].chart.isDatasetVisible(0)"), False)
        self.browser.evaluate('document.querySelector(".legend button").click()')
        self.assertEqual(self.browser.evaluate("figures[0].chart.isDatasetVisible(0)"), True)

    def test_on_paper_it_is_light_and_whole(self):
        self.run_tiny("run")
        self.lehr("report", "run")
        self.check_page(self.path("run", "report.html"), charts=10, scheme="dark")
        self.browser.evaluate('addEventListener("beforeprint", () => { window.seen = %s; })' % (SERIES % LIGHT_BLUE))
        pdf = self.browser.pdf()
        self.assertTrue(pdf.startswith(b"%PDF-") and len(pdf) > 50000, len(pdf))
        self.assertGreater(self.browser.evaluate("window.seen"), 500)  # while printing: the light colors
        self.assertGreater(self.browser.evaluate(SERIES % DARK_BLUE), 500)  # and afterwards the dark ones again

    def test_regression_and_annealing_have_pages_too(self):
        self.write("line.yaml", "name: line\ndata: {generator: {kind: line, points: 40, noise: 0.1}, task: regression}\n"
                   "network: {hidden: []}\nloss: {kind: mse}\nmethod: annealing\nchains: 2\nstop: {scans: 60}\n"
                   "output: {observe: 20}\nthreads: 1\n")
        self.lehr("run", "line.yaml", "-q", "-o", "line")
        self.lehr("report", "line")
        self.check_page(self.path("line", "report.html"), charts=5)
        self.assertIn("R²", self.browser.evaluate("document.body.textContent"))

    def test_a_run_that_did_not_finish_is_shown(self):
        self.run_tiny("run")
        os.remove(self.path("run", "result.json"))
        self.lehr("report", "run")
        self.check_page(self.path("run", "report.html"), charts=5)
        told = self.browser.evaluate("document.body.innerText")
        self.assertIn("not finished", told)
        self.assertGreater(self.browser.evaluate("data.curves.swap_acceptance.filter(isNumber).length"), 0)
        self.assertNotIn("No swap", told)
        self.assertIn("reckoned with a result, and this run has none", told)

    def killed(self, name, seed=1):
        """A run that was killed once its swaps have been observed."""
        words = ("-s", "stop.scans=100000000", "-s", "output.observe=1000", "-s", "output.checkpoint_s=0.05", "-s", "seed=%d" % seed)
        process = self.start("run", "tiny.yaml", "-q", "-o", name, *words)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.wait_until(process, lambda: len(self.read(name, "events.jsonl").splitlines()) > 3)
        return process

    def wait_until(self, process, what):
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                if what():
                    return
            except FileNotFoundError:
                pass
            self.assertIsNone(process.poll())
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def test_a_run_that_was_killed_is_not_called_running(self):
        process = self.killed("all/1")
        self.lehr("report", "all/1")
        self.assertEqual(page_data(self.read("all/1/report.html"))["status"]["state"], "running")
        process.kill()
        process.wait()
        self.run_tiny("all/2", "seed=2")
        self.lehr("report", "all/1")
        self.lehr("report", "all")
        told = self.text_of(self.path("all/1/report.html"), charts=5)
        self.assertRegex(told, r"State stale: the process was killed; lehr resume all/1 goes on with it.*\. At scan \d")
        self.assertIn("not finished (state stale)", told)
        self.assertNotIn("running", told)
        told = self.text_of(self.path("all/report.html"), charts=1)
        self.assertIn("2 runs: 1 stale, 1 done.", told)
        self.assertIn('"running"', self.read("all/1/status.json"), "a report only looks")

    # ---- Strangers' words ------------------------------------------------------------------------

    def test_names_cannot_break_out_of_their_data(self):
        self.run_tiny("run")
        for name in ("status.json", "result.json"):
            value = json.loads(self.read("run", name))
            value.update(name=EVIL, device=EVIL, error=EVIL, state="failed" if name == "status.json" else 0)
            self.write(os.path.join("run", name), json.dumps(value))
        self.write("run/config.yaml", self.read("run", "config.yaml") + "# " + EVIL + "\n")
        os.rename(self.path("run"), self.path("a<img src=x onerror=alert(1)>b"))
        self.lehr("report", "a<img src=x onerror=alert(1)>b")
        path = self.path("a<img src=x onerror=alert(1)>b", "report.html")
        self.assertEqual(page_data(self.read(path))["status"]["name"], EVIL)
        self.assertNotIn(EVIL, self.read(path))
        b = self.browser
        b.open(path)
        self.assertEqual(b.errors, [])
        self.assertEqual(len(b.requests), 1)
        self.assertEqual(b.evaluate('document.querySelectorAll("img").length'), 0)
        self.assertIn(EVIL, b.evaluate('document.querySelector("h1").textContent'))

    def test_nor_can_the_words_of_a_comparison(self):
        for name in ("all/1", "all/2"):
            self.run_tiny(name, "seed=" + name[-1])
            value = json.loads(self.read(name, "status.json"))
            self.write(name + "/status.json", json.dumps(dict(value, id=EVIL, state=EVIL)))
        self.write("all/2/config.yaml", self.read("all", "2", "config.yaml").replace('target: ""', "target: '%s'" % EVIL))
        os.rename(self.path("all", "1"), self.path("all", "<img src=x onerror=alert(1)>"))
        self.lehr("report", "all")
        path = self.path("all", "report.html")
        self.assertNotIn(EVIL, self.read(path))
        self.check_page(path, charts=2)
        self.assertEqual(self.browser.evaluate('document.querySelectorAll("img").length'), 0)
        self.assertIn(EVIL, self.browser.evaluate("document.body.innerText"))

    def test_nothing_can_be_fetched_from_the_page(self):
        self.run_tiny("run")
        self.lehr("report", "run")
        self.browser.open(self.path("run", "report.html"))
        refused = self.browser.evaluate("fetch('data:,x').then(() => false, () => true)")
        self.assertTrue(refused)
        self.assertNotRegex(self.read("run", "report.html").split('id="data">')[0], r"(src|href)=.(?!data:)")

    # ---- Several runs ----------------------------------------------------------------------------

    def test_runs_are_compared_along_the_keys_that_differ(self):
        for rungs in (3, 4):
            for seed in (1, 2, 3):
                self.run_tiny("all/r%d-%d" % (rungs, seed), "temperatures.rungs=%d" % rungs, "seed=%d" % seed)
        self.lehr("report", "all")
        path = self.path("all", "report.html")
        for width in (400, 1200):
            for scheme in ("light", "dark"):
                self.check_page(path, charts=2, width=width, scheme=scheme)
        data = page_data(self.read(path))
        self.assertEqual([a["key"] for a in data["axes"]], ["temperatures.rungs", "seed"])
        again = self.lehr("report", *("all/" + name for name in self.left_behind("all"))).stdout  # report.html among them
        self.assertEqual(again, "all/report.html\n")
        self.assertEqual(len(page_data(self.read(path))["runs"]), 6)

    def test_the_table_sorts_by_its_columns(self):
        for seed in (1, 2, 3):
            self.run_tiny("all/%d" % seed, "seed=%d" % seed)
        self.lehr("report", "all")
        self.check_page(self.path("all", "report.html"), charts=2)
        column = "[...document.querySelectorAll('.rows tbody tr')].map((r) => Number(r.cells[1].textContent))"
        for expected, order in (([1, 2, 3], "ascending"), ([3, 2, 1], "descending")):
            self.browser.evaluate("document.querySelectorAll('.rows th button')[1].click()")
            self.assertEqual(self.browser.evaluate(column), expected)
            self.assertEqual(self.browser.evaluate("document.querySelectorAll('.rows th')[1].getAttribute('aria-sort')"), order)
        self.browser.evaluate("(() => { const m = document.getElementById('metric'); m.value = 1; m.dispatchEvent(new Event('change')); })()")
        self.assertEqual(self.browser.errors, [])
        self.assertIn("train loss", self.browser.evaluate("figures[0].description.title + figures[0].description.x.names.join()"))

    def test_five_hundred_runs_make_less_than_five_megabytes(self):
        self.run_tiny("all/0", "seed=1")
        config, result, status = (self.read("all/0", n) for n in ("config.yaml", "result.json", "status.json"))
        events = self.read("all/0", "events.jsonl")
        for i in range(1, 500):
            os.mkdir(self.path("all/%d" % i))
            change = {"seed: 1\n": "seed: %d\n" % i, "    k: 1\n": "    k: %d\n" % (1 + i % 7), "min: 0.001": "min: %g" % (1e-3 / (i % 50 + 1))}
            text = config
            for old, new in change.items():
                text = text.replace(old, new, 1)
            self.write("all/%d/config.yaml" % i, text)
            self.write("all/%d/result.json" % i, result)
            self.write("all/%d/status.json" % i, status)
            self.write("all/%d/events.jsonl" % i, events)
        self.lehr("report", "all")
        path = self.path("all", "report.html")
        self.assertLess(os.path.getsize(path), 5e6)
        self.check_page(path, charts=3)
        b = self.browser
        b.evaluate(ROWS_COME % 500)
        self.assertEqual(b.evaluate("new Set([...document.querySelectorAll('.rows tbody td:first-child')].map((c) => c.title)).size"), 500)

        # What makes it answer soon: one dataset for all lines but the best and the worst, and few rows at once.
        self.assertEqual(b.evaluate("figures.map((f) => f.chart.data.datasets.length)"), [3, 1, 1])
        self.assertEqual(b.evaluate("figures[0].description.bundle.length"), 498)
        all_lines = b.evaluate(INK)
        b.evaluate("figures[0].chart.setDatasetVisibility(2, false); figures[0].chart.update()")
        self.assertGreater(all_lines, 2 * b.evaluate(INK))
        column = b.evaluate("[...document.querySelectorAll('.rows th')].findIndex((h) => h.textContent === 'seed')")
        at_once = "(() => { document.querySelectorAll('.rows th button')[%d].click(); return %s; })()" % (column, ROWS)
        seed = "document.querySelector('.rows tbody tr:%s-child').cells[" + str(column) + "].textContent"
        self.assertLess(b.evaluate(at_once), 100)
        self.assertEqual(b.evaluate(seed % "first"), "1")
        b.evaluate(ROWS_COME % 500)
        self.assertEqual(b.evaluate(seed % "last"), "499")

        # And paper gets all of them at once, whatever has been shown so far.
        b.evaluate('addEventListener("beforeprint", () => { window.printed = %s; })' % ROWS)
        b.evaluate(at_once)
        b.pdf()
        self.assertEqual(b.evaluate("window.printed"), 500)

    def test_the_pointer_finds_the_runs_between_the_best_and_the_worst(self):
        for seed in range(1, 6):
            self.run_tiny("all/%d" % seed, "seed=%d" % seed)
        self.lehr("report", "all")
        self.check_page(self.path("all", "report.html"), charts=2)
        told = self.browser.evaluate("""(() => {
          const chart = figures[0].chart;
          const at = chart.getDatasetMeta(2).data[1];
          chart.tooltip.setActiveElements([{ datasetIndex: 2, index: 1 }], { x: at.x, y: at.y });
          return chart.tooltip.body.map((b) => b.lines.join());
        })()""")
        second = self.browser.evaluate("[...data.runs].sort(byMetric)[1]")
        self.assertEqual(told, ["%s: %.4g" % (second["id"], second["metrics"][0])])

    def test_on_a_narrow_screen_all_axes_are_seen_one_below_the_other(self):
        for i, (rungs, hidden, seed, least) in enumerate(((3, 4, 1, 1e-3), (4, 3, 2, 1e-3), (4, 4, 1, 1e-4), (3, 3, 3, 1e-4))):
            self.run_tiny("all/%d" % i, "temperatures.rungs=%d" % rungs, "network.hidden=[%d]" % hidden, "seed=%d" % seed, "temperatures.min=%g" % least)
        self.lehr("report", "all")
        path = self.path("all", "report.html")
        inside = """(() => {
          const chart = figures[0].chart, names = figures[0].description.scales.map((s) => s.name);
          const box = figures[0].canvas.getBoundingClientRect();
          const spots = names.map((_, i) => (narrow.matches ? box.x + chart.scales.x.getPixelForValue(1) : box.x + chart.scales.x.getPixelForValue(i)));
          return [names, spots.every((x) => x > 0 && x < innerWidth), box.right <= innerWidth, Boolean(figures[0].description.downward)];
        })()"""
        names = ["network.hidden", "temperatures.rungs", "temperatures.min", "seed", "validation loss"]
        for width in (400, 640, 1200):
            self.check_page(path, charts=4, width=width)
            self.assertEqual(self.browser.evaluate(inside), [names, True, True, width <= 640])
        self.check_page(path, charts=4, width=400)
        at = self.browser.evaluate("figures[0].chart.getDatasetMeta(0).data.map((p) => Math.round(p.y))")
        self.assertEqual(at, sorted(set(at)))  # from top to bottom
        told = self.browser.evaluate("""(() => {
          const chart = figures[0].chart;
          const at = chart.getDatasetMeta(2).data[4];
          chart.tooltip.setActiveElements([{ datasetIndex: 2, index: 4 }], { x: at.x, y: at.y });
          return [chart.tooltip.title.join(), chart.tooltip.body.map((b) => b.lines.join()).join()];
        })()""")
        second = self.browser.evaluate("[...data.runs].sort(byMetric)[1]")
        self.assertEqual(told, ["validation loss", "%s: %s" % (second["id"], self.browser.evaluate("show(%r)" % second["metrics"][0]))])

        # On paper there is room.
        self.browser.evaluate('addEventListener("beforeprint", () => { window.printed = Boolean(figures[0].description.downward); })')
        self.browser.pdf()
        self.assertEqual(self.browser.evaluate("[window.printed, Boolean(figures[0].description.downward)]"), [False, True])

    # ---- Sweeps ----------------------------------------------------------------------------------

    def sweep(self, objective="{metric: best.validation.loss, over: seed}", rungs="[3, 4]", code=0, words=()):
        self.write("sweep.yaml", "base: tiny.yaml\naxes: {temperatures.rungs: %s, seed: {range: [1, 3]}}\nobjective: %s\n" % (rungs, objective))
        self.lehr("sweep", "sweep.yaml", "-q", "-o", "out", *words, code=code)

    def text_of(self, path, **options):
        self.check_page(path, **options)
        return self.browser.evaluate("document.body.innerText")

    def at_work(self):
        """A sweep of six trials without an end, once something has been observed of all; and without a checkpoint."""
        self.write("tiny.yaml", TINY.replace("scans: 60", "scans: 100000000").replace("observe: 20", "observe: 1000, checkpoint_s: 1000"))
        self.write("sweep.yaml", "base: tiny.yaml\naxes: {temperatures.rungs: [3, 4], seed: {range: [1, 3]}}\n"
                   "objective: {metric: best.validation.loss, over: seed}\n")
        process = self.start("sweep", "sweep.yaml", "-q", "-o", "out")
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + SECONDS
        while True:
            lines = "".join(self.read(path) for path in glob.glob(self.path("out/packs/*/events.jsonl")))
            if len({line[:24] for line in lines.splitlines()}) == 6:
                return process
            self.assertIsNone(process.poll())
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def test_a_sweep_at_work_is_shown_before_anything_has_ended(self):
        process = self.at_work()
        self.assertEqual(self.lehr("report", "out").stdout, "out/report.html\n")
        trial = "out/trials/" + self.left_behind("out", "trials")[0]
        self.lehr("report", trial)
        process.kill()
        process.wait()
        for width in (400, 1200):
            told = self.text_of(self.path("out", "report.html"), charts=1, width=width)
            for words in ("Sweep sweep", "6 trials: 6 running.", "Nothing has ended yet.", "temperatures.rungs (3, 4); seed (1, 2, 3)",
                          "Objective: the lowest best.validation.loss, averaged over seed", "How 6 trials at work go"):
                self.assertIn(words, told)
        curves = page_data(self.read("out", "report.html"))["sweeps"][0]["curves"]
        self.assertEqual((curves["metric"], len(curves["trials"])), ("validation_loss", 6))
        self.assertTrue(all(len(t["scans"]) == len(t["values"]) > 0 for t in curves["trials"]))
        self.assertGreater(page_data(self.read(trial, "report.html"))["curves"]["observations"], 0)
        self.check_page(self.path(trial, "report.html"), charts=5)

        # Killed before its first checkpoint: the journal is what there is.
        self.lehr("report", "out")
        told = self.text_of(self.path("out", "report.html"), charts=1)
        for words in ("6 trials: 6 stale.", "Trials that have not ended", "How far 6 trials that have not ended came", "have not ended (6 stale): from blue"):
            self.assertIn(words, told)
        self.assertNotIn("at work", told)
        self.lehr("report", trial)
        self.assertIn("State stale: its worker was killed; lehr sweep SWEEP -o ", self.text_of(self.path(trial, "report.html"), charts=5))

    def test_a_sweep_without_any_trial_yet(self):
        self.sweep()
        shutil.rmtree(self.path("out", "trials"))
        os.mkdir(self.path("out", "trials"))
        self.lehr("report", "out/")
        told = self.text_of(self.path("out", "report.html"), charts=0)
        self.assertIn("6 trials: 6 pending. Nothing has ended yet. Axes: temperatures.rungs (3, 4); seed (1, 2, 3).", told)

    def test_runs_without_a_result_are_compared_without_charts(self):
        for seed in (1, 2):
            self.run_tiny("all/%d" % seed, "seed=%d" % seed)
            os.remove(self.path("all/%d/result.json" % seed))
        self.lehr("report", "all")
        self.assertIn("Nothing that could be compared has ended yet.", self.text_of(self.path("all", "report.html"), charts=0))
        self.browser.evaluate("document.querySelectorAll('.rows th button')[1].click()")
        self.assertEqual(self.browser.errors, [])

    def best_of(self, out, high=False):
        """The mean that is best, and its rungs, by hand."""
        means = {}
        for name in self.left_behind(out, "trials"):
            result = json.loads(self.read(out, "trials", name, "result.json"))
            means.setdefault(result["rungs"], []).append(result["best"]["validation"]["loss"])
        best = (max if high else min)(means, key=lambda rungs: sum(means[rungs]) / 3)
        return sum(means[best]) / 3, best

    def test_the_objective_of_a_sweep_chooses_and_averages(self):
        for goal in ("min", "max"):
            self.sweep("{metric: best.validation.loss, goal: %s, over: seed}" % goal)
            trials = ["out/trials/" + name for name in self.left_behind("out", "trials")]
            for words in (("out",), (*trials, "-o", goal + ".html")):
                path = self.lehr("report", *words).stdout.strip()
                self.check_page(self.path(path), charts=2)
                mean, rungs = self.best_of("out", goal == "max")
                told = self.browser.evaluate("document.querySelector('.best').innerText")
                word = "Highest" if goal == "max" else "Lowest"
                self.assertEqual(told, "%s mean validation loss over seed: %s, 3 of 3 trials (temperatures.rungs %d)." %
                                 (word, self.browser.evaluate("show(%r)" % mean), rungs))
                self.assertEqual(self.browser.evaluate("document.getElementById('metric').selectedOptions[0].text"), "validation loss (objective)")
                self.assertEqual(self.browser.evaluate("data.axes.map((a) => a.key + a.repeat)"), ["temperatures.rungsfalse", "seedtrue"])
        self.sweep("{metric: best.train.accuracy}")  # another one, over nothing: seeds are an axis like any other
        self.lehr("report", "out")
        self.check_page(self.path("out", "report.html"), charts=3)
        self.assertEqual(self.browser.evaluate("document.getElementById('metric').selectedOptions[0].text"), "train accuracy (objective)")

    def test_points_of_which_some_trials_are_missing_are_best_so_far_only(self):
        self.sweep()
        best = strict_json(self.lehr("status", "out", "--json").stdout)["best"]
        for file in ("result.json", "status.json"):
            os.remove(self.path("out", "trials", best["id"], file))
        self.lehr("report", "out")
        self.check_page(self.path("out", "report.html"), charts=2)
        second = strict_json(self.lehr("status", "out", "--json").stdout)["best"]
        told = "document.querySelector('.best').innerText"
        self.assertIn("3 of 3 trials (temperatures.rungs %s)." % second["values"]["temperatures.rungs"], self.browser.evaluate(told))
        os.remove(self.path("out", "trials", second["id"], "status.json"))
        self.lehr("report", "out")
        self.check_page(self.path("out", "report.html"), charts=2)
        self.assertRegex(self.browser.evaluate(told), r"so far: \S+, 2 of 3 trials .*No point has all of its trials")

    def test_trials_that_the_sweep_no_longer_names_are_marked_and_never_best(self):
        self.sweep()
        rungs = self.best_of("out")[1]
        self.sweep(rungs="[%d, 5]" % (7 - rungs))
        self.lehr("report", "out")
        told = self.text_of(self.path("out", "report.html"), charts=2)
        self.assertIn("3 trials are no longer part of the sweep and never the best.", told)
        self.assertNotIn("(temperatures.rungs %d)" % rungs, told)
        self.assertEqual(told.count("no longer of the sweep"), 3)
        self.assertEqual(self.browser.evaluate("figures[0].description.bundle.length + figures[0].description.series.length"), 6)

    def test_failed_trials_are_named_by_their_values(self):
        self.write("tiny.yaml", TINY.replace("hidden: [4]", "hidden: [4], activation: relu"))
        self.write("sweep.yaml", "base: tiny.yaml\naxes: {network.init.scale: [1, 1e30], seed: [1, 2]}\n")
        self.lehr("sweep", "sweep.yaml", "-q", "-o", "out", code=3)
        self.lehr("report", "out")
        told = self.text_of(self.path("out", "report.html"), charts=1)
        self.assertRegex(told, r"\(network.init.scale 1e\+?30, seed 2\): .*finite")
        self.assertIn("nothing to compare for network.init.scale", told)  # the other value has failed

    def pruned(self, least=20):
        """A sweep of four points of two trials each, and its pruned trials."""
        self.write("sweep.yaml", "base: tiny.yaml\naxes: {temperatures.rungs: [3, 4, 5, 6], seed: [1, 2]}\n"
                   "objective: {metric: best.validation.loss, over: seed}\nprune: {kind: sha, min_scans: %d, eta: 2}\n" % least)
        self.lehr("sweep", "sweep.yaml", "-q", "-o", "out")
        states = {name: json.loads(self.read("out/trials", name, "status.json"))["state"] for name in self.left_behind("out", "trials")}
        return [name for name, state in states.items() if state == "pruned"]

    def test_a_pruned_trial_has_ended_and_nothing_is_wrong(self):
        trial = "out/trials/" + self.pruned()[0]
        self.lehr("report", trial)
        told = self.text_of(self.path(trial, "report.html"), charts=5)
        self.assertRegex(told, "Pruned at scan [24]0 of 60: its sweep went on with better points.")
        self.assertIn("Nothing looks wrong.", told)
        self.assertNotIn("not finished", told)

    def test_means_over_finished_trials_say_how_many_were_pruned(self):
        self.assertEqual(len(self.pruned(least=40)), 4)
        self.lehr("report", "out")
        told = self.text_of(self.path("out/report.html"), charts=2)
        self.assertIn("4 pruned are left out, so values of which many were pruned look better here than they are.", told)
        self.assertNotIn("nothing to compare", told)
        heads = self.browser.evaluate("[...document.querySelectorAll('.rows th')].map((h) => h.textContent)")
        self.assertEqual(heads[:5], ["run", "temperatures.rungs", "seed", "state", "validation loss"])
        states = self.browser.evaluate("[...document.querySelectorAll('.rows tbody tr')].map((r) => r.cells[3].textContent)")
        self.assertEqual(sorted(states), 4 * ["done, scans"] + 4 * ["pruned"])

    def test_one_value_is_nothing_to_compare(self):
        self.assertEqual(len(self.pruned()), 6)
        self.lehr("report", "out")
        told = self.text_of(self.path("out/report.html"), charts=1)
        self.assertIn("There is nothing to compare for temperatures.rungs: the runs that finished have one value only.", told)
        self.assertNotIn("Effect of", told)

    def test_one_trial_is_no_trials(self):
        self.write("sweep.yaml", "base: tiny.yaml\naxes: {seed: [1]}\n")
        self.lehr("sweep", "sweep.yaml", "-q", "-o", "out")
        self.lehr("report", "out")
        told = self.text_of(self.path("out", "report.html"), charts=0)
        self.assertIn("1 trial: 1 done.", told)
        self.assertNotRegex(told, r"\b1 (trials|runs|rows)\b")

    # ---- A bench of chains -----------------------------------------------------------------------

    def test_a_bench_of_chains_has_table_files_and_page(self):
        words = ("bench", "chains", "tiny.yaml", "--rows", "1,4", "--seeds", "3", "--target", "train_accuracy=0.9", "-q")
        done = self.lehr(*words, "-o", "chains")
        self.assertRegex(done.stdout, r"(?m)^tempering, 2 rungs x 2 copies ")
        self.assertEqual(self.left_behind("chains"), ["chains.csv", "report.html", "runs.csv"])
        self.assertEqual(len(self.read("chains", "chains.csv").splitlines()), 1 + 4)
        self.assertEqual(len(self.read("chains", "runs.csv").splitlines()), 1 + 4 * 3)
        for width in (400, 1200):
            for scheme in ("light", "dark"):
                self.check_page(self.path("chains", "report.html"), charts=6, width=width, scheme=scheme)
        told = self.browser.evaluate("document.body.innerText")
        self.assertIn("of the share that reached the target Wilson's.", told)
        self.assertIn("All proposals spent, divided by the number of runs", told)
        first = page_data(self.read("chains", "report.html"))
        again = strict_json(self.lehr(*words, "--json").stdout)
        proposals = [[s["proposals"], s["tts99_proposals"], s["success"]] for s in again["splits"]]
        for split, (median, tts, success) in zip(first["splits"], proposals):
            for key, value in (("proposals", median), ("tts99_proposals", tts), ("success", success)):
                self.assertEqual(split[key], [v and float("%.8g" % v) for v in value])  # a page keeps 8 digits
        self.fails(*words, "-o", "chains", code=73, says="chains")

    def test_a_bench_of_chains_that_reached_nothing_has_a_page_too(self):
        self.lehr("bench", "chains", "tiny.yaml", "--rows", "1,2", "--seeds", "2", "--target", "energy=-1", "-q", "-o", "chains")
        self.check_page(self.path("chains", "report.html"), charts=6)
        self.assertIn("No run reached the target", self.browser.evaluate("document.body.innerText"))

    def test_a_target_that_is_met_at_the_first_look_ranks_nothing(self):
        words = ("bench", "chains", "tiny.yaml", "--rows", "1,2", "--seeds", "2", "--target", "energy=1000", "-q", "-o", "chains")
        told = self.lehr(*words).stdout
        self.assertIn("Every run met the target at the first look", told)
        self.assertIn("Lower output.observe (now 20), or set a harder target", told)
        self.assertNotIn("Per proposal", told)
        self.check_page(self.path("chains", "report.html"), charts=6)

    def test_what_a_bench_of_chains_cannot_do(self):
        cases = ((("chains", "tiny.yaml"), "needs a target"), (("chains",), "missing argument"),
                 (("chains", "tiny.yaml", "--rows", "1,x"), "--rows needs numbers"),
                 (("chains", "tiny.yaml", "--rows", "2,4,2", "--target", "energy=0"), "2 rows are asked for twice"),
                 (("chains", "tiny.yaml", "--seeds", "1"), "--seeds needs a number from 2"),
                 (("chains", "tiny.yaml", "--target", "energy"), "--target needs METRIC=VALUE"),
                 (("chains", "tiny.yaml", "--target", "enegry=0"), "energy"),
                 (("chains", "tiny.yaml", "--quick"), "options of lehr bench speed"),
                 (("speed", "--rows", "1"), "options of lehr bench chains"))
        for words, says in cases:
            self.fails("bench", *words, code=2, says=says)

    # ---- What is refused -------------------------------------------------------------------------

    def test_what_is_not_a_run_is_refused(self):
        os.mkdir(self.path("empty"))
        self.fails("report", "empty", code=2, says="empty is not the directory of a run")
        self.fails("report", "nowhere", code=74, says="nowhere")
        self.fails("report", code=2, says="missing argument")
        self.run_tiny("one/a")
        self.run_tiny("two/b")
        self.fails("report", "one/a", "two/b", code=2, says="say with -o")
        self.lehr("report", "one/a", "two/b", "-o", "both.html")
        self.fails("report", "one/a", "two/b", "-o", "both.html", code=73, says="both.html exists")
        self.write("one/a/events.jsonl", "{\n")
        self.fails("report", "one/a", code=2, says="events.jsonl:1:")


if __name__ == "__main__":
    if browser.find() is None:
        print("left out: there is no chromium to look at the pages with")
        sys.exit(browser.SKIP)
    if "makes no report pages" in subprocess.run([LEHR, "report", "."], capture_output=True, text=True, check=False).stderr:
        print("left out: this build makes no report pages")
        sys.exit(browser.SKIP)
    unittest.main()
