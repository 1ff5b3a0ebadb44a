#!/usr/bin/env python3
"""Time lehr against PyTorch and NumPy on the same proposals: one thread each, in alternating pairs.

    bench/peers/run.py --lehr build/release/lehr

Needs Python's venv module and a reachable package registry the first time: PyTorch and NumPy are
installed into a virtual environment below build/ (some gigabytes). Or give --python, an interpreter
that has them already.

A pair is one measurement of lehr and one of the peer, next to each other in time, in turn first and
second; its ratio is what counts, since machines are shared and noisy. Before the pairs, each peer
is timed with several batch sizes and both layouts, and keeps its fastest.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import venv

from workloads import LAYOUTS, WORKLOADS

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PARTS, PART_S = 41, 0.03  # as lehr bench speed: the median of 41 parts of 0.03 s


class Peer:
    """A peer's process."""

    def __init__(self, python, name):
        self.process = subprocess.Popen([python, os.path.join(HERE, f"{name}_peer.py")], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.about = json.loads(self.read())
        self.name = self.about["name"]

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.process.args[1]} ended early: is the library installed?")
        return line

    def rate(self, workload, chains, layout, parts=PARTS, part_s=PART_S):
        """Proposals per second and acceptance."""
        self.process.stdin.write(f"{workload} {chains} {layout} {parts} {part_s}\n")
        self.process.stdin.flush()
        return tuple(float(word) for word in self.read().split())

    def fastest(self, workload):
        """The batch size and layout with the highest rate."""
        choices = [(chains, layout) for chains in WORKLOADS[workload]["chains"]
                   for layout in LAYOUTS]
        return max(choices, key=lambda choice: self.rate(workload, *choice, parts=15)[0])

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def lehr_speed(lehr, workload):
    """The JSON of `lehr bench speed` for one workload."""
    command = [lehr, "bench", "speed", "--workload", workload, "--json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def lehr_rate(lehr, workload):
    return lehr_speed(lehr, workload)["workloads"][0]["proposals_per_s_per_core"]


def compare(lehr, peer, workload, pairs):
    """The record of one workload against one peer."""
    chains, layout = peer.fastest(workload)
    ours, theirs, acceptance = [], [], 0
    for i in range(pairs):
        if i % 2 == 0:
            ours.append(lehr_rate(lehr, workload))
        rate, acceptance = peer.rate(workload, chains, layout)
        theirs.append(rate)
        if i % 2 == 1:
            ours.append(lehr_rate(lehr, workload))
    ratios = [a / b for a, b in zip(ours, theirs)]
    return {"workload": workload, "peer": peer.name, "peer_version": peer.about["version"],
            "chains": chains, "layout": layout, "peer_acceptance": acceptance,
            "lehr_proposals_per_s": statistics.median(ours),
            "peer_proposals_per_s": statistics.median(theirs), "ratios": ratios,
            "median_ratio": statistics.median(ratios)}


def print_table(records):
    print(f"{'workload':8}  {'peer':14}  {'chains':>6}  {'layout':8}  {'lehr /s':>10}  "
          f"{'peer /s':>10}  {'median ratio':>12}  pairs")
    for r in records:
        peer = f"{r['peer']} {r['peer_version'].split('+')[0]}"
        print(f"{r['workload']:8}  {peer:14}  {r['chains']:6}  {r['layout']:8}  "
              f"{r['lehr_proposals_per_s']:10.0f}  {r['peer_proposals_per_s']:10.0f}  "
              f"{r['median_ratio']:11.2f}x  {' '.join(f'{x:.2f}' for x in r['ratios'])}")


def has(python, module):
    probe = [python, "-c", f"import {module}"]
    return subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode == 0


def prepare(folder, modules):
    """An interpreter with the modules, in a virtual environment that is made when it is missing."""
    python = os.path.join(folder, "bin", "python")
    if not os.path.exists(python):
        venv.create(folder, with_pip=True)
    missing = [module for module in modules if not has(python, module)]
    if missing:
        print("installing", *missing, "into", folder, file=sys.stderr)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "numpy", *missing], check=True,
                       stdout=sys.stderr)
    return python


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--lehr", default=os.path.join(ROOT, "build", "release", "lehr"))
    parser.add_argument("--python", help="an interpreter that has the peers; default: a venv")
    parser.add_argument("--venv", default=os.path.join(ROOT, "build", "peers"), help="its folder")
    parser.add_argument("--peers", default="torch,numpy")
    parser.add_argument("--workloads", default="a,b,c")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--json", metavar="FILE", help="also write a record")
    return parser.parse_args()


def main():
    args = parse_arguments()
    names = args.peers.split(",")
    python = args.python or prepare(args.venv, names)
    records, about = [], lehr_speed(args.lehr, args.workloads.split(",")[0])
    for name in names:
        peer = Peer(python, name)
        records += [compare(args.lehr, peer, workload, args.pairs)
                    for workload in args.workloads.split(",")]
        peer.close()
    print_table(records)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump({"device": about["device"], "version": about["version"],
                       "commit": about["commit"], "pairs": args.pairs, "threads": 1,
                       "records": records}, file, indent=2)
            file.write("\n")


if __name__ == "__main__":
    main()
