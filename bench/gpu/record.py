#!/usr/bin/env python3
"""Join what bench/gpu.sh left in its folder into one record: record.py LEHR BACKEND FOLDER.

Device, driver, toolkit, commit, date, the verdict on every part, and all figures as the programs wrote them.
"""
import datetime
import json
import pathlib
import re
import subprocess
import sys


def output_of(*command):
    """What a program prints, or nothing when it is not here or fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def tests_of(log):
    """Counts that ctest prints at its end."""
    found = re.search(r"(\d+)% tests passed, (\d+) tests failed out of (\d+)", log)
    return {"failed": int(found[2]), "run": int(found[3])} if found else {}


def parts_of(folder):
    parts = {}
    for line in (folder / "verdicts").read_text().splitlines():
        name, verdict, reason = line.split("\t")
        parts[name] = {"verdict": verdict, **({"reason": reason} if reason else {}),
                       **tests_of((folder / f"{name}.log").read_text())}
    return parts


def figures_of(folder, name):
    path = folder / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() and path.stat().st_size > 0 else None


def main():
    lehr, backend, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    devices = json.loads(output_of(lehr, "devices", "--json"))["devices"]
    device = next(d for d in devices if d["backend"] == backend)
    index = backend.partition(":")[2]
    smi = output_of("nvidia-smi", f"--id={index}", "--format=csv,noheader",
                    "--query-gpu=driver_version,clocks.max.sm,power.limit")
    date = datetime.date.today().isoformat()
    record = {
        "date": date,
        "commit": output_of("git", "describe", "--always", "--dirty"),
        "version": output_of(lehr, "--version"),
        "device": device,
        "driver, highest clock, power limit": smi,
        "toolkit": (re.findall(r"release ([\d.]+)", output_of("nvcc", "--version")) or [""])[0],
        "parts": parts_of(folder),
        "speed": figures_of(folder, "speed"),
        "torch": figures_of(folder, "torch"),
    }
    name = re.sub(r"[^a-z0-9]+", "-", device["name"].lower()).strip("-")
    path = pathlib.Path(__file__).resolve().parents[1] / "records" / f"gpu-{name}-{date}.json"
    path.write_text(json.dumps(record, indent=2) + "\n")
    print(path)


if __name__ == "__main__":
    main()
