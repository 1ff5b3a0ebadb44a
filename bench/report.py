#!/usr/bin/env python3
"""How soon does the report of a large sweep answer?

    bench/report.py [--trials 500] [--rounds 5] [--lehr build/release/lehr] [--page FILE]

Makes a sweep of small trials over four keys and its report, and opens that in a headless Chromium, a new one each time.
Milliseconds since the navigation began: `idle`, when the main thread has nothing left to do after loading, all charts
drawn; `sorted`, when a click on a head of the table at that moment has sorted it and the frame is out. `core` is the
processor time of the main thread up to idle, which a busy machine blurs less. --page times another page as well, by
turns: the report of an older version, say.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests/cli"))
import browser  # noqa: E402

CONFIG = """name: small
data:
  source: %s
  target: species
  test_fraction: 0.2
  validation_fraction: 0.1
network: {hidden: [8]}
temperatures: {rungs: 4, min: 1e-3, max: 1e-1, copies: 1}
stop: {scans: 300}
output: {observe: 20}
"""

SWEEP = """base: small.yaml
axes:
  temperatures.min: [1e-4, 3e-4, 1e-3, 3e-3, 1e-2]
  temperatures.rungs: [2, 4, 6, 8]
  network.activation: [tanh, relu, sigmoid, leaky_relu, identity]
  seed: {range: [1, %d]}
"""

IDLE = "new Promise((done) => requestIdleCallback(() => done(performance.now())))"

SORTED = """new Promise((done) => {
  document.querySelectorAll(".rows th button")[1].click();
  requestAnimationFrame(() => {
    const after = new MessageChannel();
    after.port1.onmessage = () => done([performance.now(), document.querySelectorAll(".rows th")[1].getAttribute("aria-sort")]);
    after.port2.postMessage(0);
  });
})"""


def make_page(lehr, folder, trials):
    for name, text in (("small.yaml", CONFIG % os.path.join(ROOT, "configs/data/iris.csv")), ("sweep.yaml", SWEEP % (trials // 100))):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    for words in (("sweep", "sweep.yaml", "-o", "out", "-q"), ("report", "out")):
        subprocess.run([lehr, *words], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return os.path.join(folder, "out/report.html")


def open_once(page):
    """(idle, sorted, core) of one visit, in milliseconds."""
    b = browser.Browser(browser.find())
    try:
        b.open(page, before=lambda: (b.call("Performance.setTimeDomain", timeDomain="threadTicks"), b.call("Performance.enable")))
        idle = b.evaluate(IDLE)
        metrics = {m["name"]: m["value"] for m in b.call("Performance.getMetrics")["metrics"]}
        done, order = b.evaluate(SORTED)
        if order != "ascending" or b.errors:
            raise SystemExit("the page did not sort: %s %s" % (order, b.errors))
        return idle, done, 1000 * metrics["TaskDuration"]
    finally:
        b.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lehr", default=os.path.join(ROOT, "build/release/lehr"))
    parser.add_argument("--page")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lehr-bench-") as folder:
        pages = [make_page(os.path.abspath(options.lehr), folder, options.trials)] + ([options.page] if options.page else [])
        seen = {page: [] for page in pages}
        for _ in range(options.rounds):
            for page in pages:
                seen[page].append(open_once(page))
        for page in pages:
            idle, done, core = (statistics.median(column) for column in zip(*seen[page]))
            print("%4.0f ms idle  %4.0f ms sorted  %4.0f ms core  %5.0f kB  %s" % (idle, done, core, os.path.getsize(page) / 1e3, page))


if __name__ == "__main__":
    main()
