"""A peer as a small server: requests on standard input, answers on standard output.

First line: a JSON object {"name", "version"}. Request: `WORKLOAD CHAINS LAYOUT PARTS PART_S`.
Answer: `proposals_per_s acceptance`, the median of PARTS timed parts, as in `lehr bench speed`.
A peer that stays in memory between requests makes pairs cheap: importing torch takes seconds.
"""

import json
import statistics
import sys
import time


def time_part(advance, chains, part_s):
    """Proposals per second of advance(), which makes one scan and returns its accepted proposals.

    Seconds are those that this process had a core, as in `lehr bench speed`.
    """
    scans = accepted = 0
    start = time.process_time()
    while True:
        accepted += advance()
        scans += 1
        spent = time.process_time() - start
        if spent >= part_s:
            return scans * chains / spent, accepted / (scans * chains)


def serve(name, version, make):
    """Answer requests to the end of the input; make(workload, chains, layout) returns advance()."""
    print(json.dumps({"name": name, "version": version}), flush=True)
    kept, advance = None, None
    for line in sys.stdin:
        workload, chains, layout, parts, part_s = line.split()
        if kept != (workload, chains, layout):
            kept, advance = (workload, chains, layout), make(workload, int(chains), layout)
            time_part(advance, int(chains), float(part_s))  # warm
        timed = [time_part(advance, int(chains), float(part_s)) for _ in range(int(parts))]
        rates, acceptances = zip(*timed)
        print(statistics.median(rates), statistics.mean(acceptances), flush=True)
