#!/usr/bin/env python3
"""Proposals per second of PyTorch on a GPU, for bench/gpu.sh: the chains of bench/peers/torch_peer.py there.

Batches of growing size, both layouts of the first layer, single precision as lehr's (no TF32); the fastest
counts. Times are those of the clock on the wall, the device waited for at both ends; medians of PARTS.
"""
import json
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "peers"))

import torch  # noqa: E402

import torch_peer  # noqa: E402
from workloads import LAYOUTS, WORKLOADS  # noqa: E402

PARTS, PART_S = 9, 0.5
CHAINS = {"a": (1024, 4096, 16384, 65536), "b": (256, 1024, 4096, 16384), "c": (64, 256, 1024, 4096)}


def rate(advance, chains):
    """Proposals per second, median; a warm-up first."""
    rates = []
    for part in range(PARTS + 1):
        scans = 0
        torch.cuda.synchronize()
        start = time.perf_counter()
        while time.perf_counter() - start < PART_S:
            advance()
            scans += 1
        torch.cuda.synchronize()
        if part > 0:
            rates.append(scans * chains / (time.perf_counter() - start))
    return statistics.median(rates)


def measure(workload):
    rates = {}
    for chains in CHAINS[workload]:
        for layout in LAYOUTS:
            try:
                rates[f"{chains} {layout}"] = rate(torch_peer.make(workload, chains, layout), chains)
            except torch.cuda.OutOfMemoryError:
                rates[f"{chains} {layout}"] = None
            torch.cuda.empty_cache()
    best = max((r, name) for name, r in rates.items() if r is not None)
    return {"name": workload, "proposals_per_s": best[0], "batch": best[1], "all": rates}


def main():
    torch.set_grad_enabled(False)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.set_default_device("cuda")
    print(json.dumps({"torch": torch.__version__, "device": torch.cuda.get_device_name(),
                      "workloads": [measure(workload) for workload in WORKLOADS]}))


if __name__ == "__main__":
    main()
