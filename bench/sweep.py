#!/usr/bin/env python3
"""What does it cost to run many small trials in place of one run with as many rows?

    bench/sweep.py [--trials 500] [--rounds 5] [--lehr build/release/lehr]

By turns: a sweep over seeds, and one `lehr run` of the same network, ladder and number of scans whose copies
make up the same rows. Both are whole programs, files included. The figure is the run's time over the sweep's:
1 means that packing costs nothing. Core seconds leave out waiting for the disk and for others.
"""

import argparse
import os
import resource
import statistics
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

CONFIG = """name: small
data:
  source: %s
  target: species
  test_fraction: 0.2
  validation_fraction: 0.1
network: {hidden: [8]}
temperatures: {rungs: 8, min: 1e-3, max: 1e-1, copies: 1}
stop: {scans: %d}
"""

SWEEP = """base: small.yaml
axes:
  seed: {range: [1, %d]}
"""


def seconds(folder, *words):
    """By the wall, and on the cores: the second is what a busy machine cannot blur."""
    begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*words, "-q", "--backend", "cpu"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cores = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - begin, cores


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--scans", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lehr", default=os.path.join(ROOT, "build/release/lehr"))
    options = parser.parse_args()
    lehr = os.path.abspath(options.lehr)
    ratios = []
    with tempfile.TemporaryDirectory(prefix="lehr-bench-") as folder:
        with open(os.path.join(folder, "small.yaml"), "w", encoding="utf-8") as file:
            file.write(CONFIG % (os.path.join(ROOT, "configs/data/iris.csv"), options.scans))
        with open(os.path.join(folder, "sweep.yaml"), "w", encoding="utf-8") as file:
            file.write(SWEEP % options.trials)
        for turn in range(options.rounds):
            run = seconds(
                folder, lehr, "run", "small.yaml", "-o", "run%d" % turn,
                "-s", "temperatures.copies=%d" % options.trials,
            )
            sweep = seconds(folder, lehr, "sweep", "sweep.yaml", "-o", "sweep%d" % turn)
            ratios.append((run[0] / sweep[0], run[1] / sweep[1]))
            print(
                "run %.2f s (%.2f on cores), sweep %.2f s (%.2f), ratio %.3f (%.3f)"
                % (*run, *sweep, *ratios[-1]),
                flush=True,
            )
    for what, values in zip(("by the wall", "on cores"), zip(*ratios)):
        print("median of %d, %s: %.3f" % (len(values), what, statistics.median(values)))


if __name__ == "__main__":
    main()
