#!/usr/bin/env python3
"""What does it cost to run many small trials in place of one run with as many rows?

    bench/sweep.py [--case iris|digits|both] [--trials 500] [--scans N] [--rounds 5] [--lehr build/release/lehr]

By turns: a sweep over seeds, and one `lehr run` of the same network, temperatures and number of scans whose copies
make up the same rows. Both are whole programs, files included. The figure is the run's time over the sweep's:
1 means that packing costs nothing. Core seconds leave out waiting for the disk and for others.

iris: 4-8-3, all weights move, 8 rungs, 2,000 scans; digits: 64-32-10, neurons move, 2 annealed rows, 1,000 scans
(configs/digits.yaml, but shorter). Every trial is looked at every 100 scans.
"""

import argparse
import os
import resource
import statistics
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DATA = os.path.join(ROOT, "configs/data")

IRIS = """name: small
data:
  source: %s/iris.csv
  target: species
  test_fraction: 0.2
  validation_fraction: 0.1
network: {hidden: [8]}
temperatures: {rungs: 8, min: 1e-3, max: 1e-1, copies: 1}
stop: {scans: %d}
"""

DIGITS = """name: digits
data:
  source: %s/digits.csv.gz
  target: digit
  task: classification
  test_fraction: 0.2
  validation_fraction: 0.1
  standardize: false
network: {hidden: [32], activation: tanh, init: {scale: 0.03}}
loss: {kind: cross_entropy, reduction: sum}
prior: {kind: normal, scale: 0.1}
method: annealing
chains: 2
cooling: {kind: geometric, start: 3, end: 0.05}
moves:
  - {kind: gaussian, scope: neuron}
stop: {scans: %d}
"""

SWEEP = """base: config.yaml
axes:
  seed: {range: [1, %d]}
"""

# The config, its scans, the key that makes copies, and how many a trial has.
CASES = {"iris": (IRIS, 2000, "temperatures.copies", 1), "digits": (DIGITS, 1000, "chains", 2)}


def seconds(folder, *words):
    """By the wall, and on the cores: the second is what a busy machine cannot blur."""
    begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*words, "-q", "--backend", "cpu"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cores = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - begin, cores


def compare(name, options):
    config, scans, key, copies = CASES[name]
    lehr = os.path.abspath(options.lehr)
    ratios = []
    with tempfile.TemporaryDirectory(prefix="lehr-bench-") as folder:
        with open(os.path.join(folder, "config.yaml"), "w", encoding="utf-8") as file:
            file.write(config % (DATA, options.scans or scans))
        with open(os.path.join(folder, "sweep.yaml"), "w", encoding="utf-8") as file:
            file.write(SWEEP % options.trials)
        for turn in range(options.rounds):
            run = seconds(
                folder, lehr, "run", "config.yaml", "-o", "run%d" % turn,
                "-s", "%s=%d" % (key, copies * options.trials),
            )
            sweep = seconds(folder, lehr, "sweep", "sweep.yaml", "-o", "sweep%d" % turn)
            ratios.append((run[0] / sweep[0], run[1] / sweep[1]))
            print(
                "%s: run %.2f s (%.2f on cores), sweep %.2f s (%.2f), ratio %.3f (%.3f)"
                % (name, *run, *sweep, *ratios[-1]),
                flush=True,
            )
    for what, values in zip(("by the wall", "on cores"), zip(*ratios)):
        print("%s: median of %d, %s: %.3f" % (name, len(values), what, statistics.median(values)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--case", choices=[*CASES, "both"], default="both")
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--scans", type=int, help="of every trial; the case's own unless given")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lehr", default=os.path.join(ROOT, "build/release/lehr"))
    options = parser.parse_args()
    for name in CASES if options.case == "both" else [options.case]:
        compare(name, options)


if __name__ == "__main__":
    main()
