"""Runs, sweeps and ranks are stopped two hundred times, by everything that torture.py knows; every
system call of a run that goes on fails once; a sweep of 500 trials is killed ten times. The end is
always that of the undisturbed work."""

import os
import random
import shutil
import subprocess
import time
import unittest

from program import DATA, LEHR, ROOT, SECONDS, ProgramTest
from test_faults import injecting, traceable
from test_resume import ResumeTest
from torture import TortureTest
from victims import SLOW, Ranks, Run, Sweep

SHORT = ("-s", "stop.scans=600", "-s", "output.observe=50", "-s", "output.trace.energy=7")
STOPS = {Run: 77, Sweep: 77, Ranks: 66}  # each of eleven ways six times or seven

# 500 trials of 64-32-10 networks that end at four times.
DIGITS = """base: digits.yaml
axes:
  stop.scans: [%s]
  seed: {range: [1, 125]}
objective: {metric: best.validation.loss, over: seed}
"""
DIGITS_SCANS = (600, 1800, 3600, 7200)
KILLS = 10

# Call, what is done to it, exit codes that are right: more calls than those of test_faults.py.
FAULTS = (
    ("write", "error=ENOSPC", {0, 74}),
    ("write", "error=EINTR", {0}),
    ("fsync", "error=EIO", {0, 74}),
    ("fsync", "retval=0", {0}),
    ("rename,renameat,renameat2", "error=EIO", {0, 74}),
    ("ftruncate", "error=EIO", {0, 74}),
    ("flock", "error=ENOLCK", {0}),  # a file system without locks
    ("pread64", "error=EIO", {0, 73, 74, 127}),
    ("newfstatat,fstat", "error=EIO", {0, 73, 74, 127}),
    ("openat", "error=EMFILE", {0, 73, 74, 127}),
    ("close", "error=EIO", {0, 74, 127}),
    ("write", "signal=KILL", {0, -9}),
    ("fsync", "signal=KILL", {0, -9}),
    ("rename,renameat,renameat2", "signal=KILL", {0, -9}),
    ("openat", "signal=KILL", {0, -9}),
    ("close", "signal=KILL", {0, -9}),
    ("ftruncate", "signal=KILL", {0, -9}),
    ("unlinkat", "signal=KILL", {0, -9}),
)
CALLS_MAX = 500


def seed_of():
    """Another one every time: LEHR_TORTURE_SEED repeats one."""
    return int(os.environ.get("LEHR_TORTURE_SEED") or random.SystemRandom().randrange(10**6))


class Torture(TortureTest):
    def test_of_two_hundred_stops_changes_nothing(self):
        self.assertGreaterEqual(sum(STOPS.values()), 200)
        self.torture(seed_of(), STOPS)


class Digits(ProgramTest):
    def sweep(self, out, timeout=None):
        """Was it killed before it ended?"""
        process = self.start("sweep", "sweep.yaml", "-q", "-o", out, stdout=subprocess.DEVNULL)
        try:
            err = process.communicate(timeout=timeout)[1].decode()
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return True
        self.assertEqual(process.returncode, 0, err)
        return False

    def results(self, out):
        self.lehr("collect", out)
        return self.read_bytes(out, "results.csv")

    def test_sweep_of_500_trials_that_is_killed_ten_times_has_the_same_results(self):
        with open(os.path.join(ROOT, "configs/digits.yaml"), encoding="utf-8") as file:
            self.write("digits.yaml", file.read().replace("data/digits", DATA + "/digits"))
        self.write("sweep.yaml", DIGITS % ", ".join(str(scans // SLOW) for scans in DIGITS_SCANS))
        seed, begin = seed_of(), time.monotonic()
        self.sweep("whole")
        whole_s, whole = time.monotonic() - begin, self.results("whole")
        self.assertEqual(whole.count(b",done,"), 500)
        dice, kills, out = random.Random(seed), [], "out"
        while len(kills) < KILLS:
            at = whole_s * dice.uniform(0, 0.15)
            if self.sweep(out, at):
                kills.append(round(at, 1))
            else:  # the machine has become faster: another one is killed
                self.assertEqual(self.results(out), whole, (seed, kills))
                out += "-more"
        self.sweep(out)
        self.assertEqual(self.results(out), whole, (seed, kills))
        told = (seed, whole_s, kills, time.monotonic() - begin)
        print("500 trials, seed %d: %.1f s whole, killed after %s s, %.0f s in all" % told)


@unittest.skipUnless(traceable(), "strace cannot inject faults here")
class Faults(ResumeTest):
    def prepare(self, out):
        """A run with two checkpoints that has not ended, and what a killed process left."""
        for _ in range(2):
            inject = injecting("write", "signal=TERM", 6)
            done = self.run_traced(inject, out)
            self.assertEqual(done.returncode, 85, done.stderr)
        self.assertEqual(self.left_behind(out, "ckpt"), ["a.safetensors", "b.safetensors"])
        self.write(os.path.join(out, "ckpt", ".a.safetensors.1.0"), b"torn")

    def run_traced(self, inject, out):
        return subprocess.run(
            [*inject, LEHR, "run", "tiny.yaml", "-q", "-o", out, *SHORT],
            cwd=self.folder,
            env={**os.environ, "ASAN_OPTIONS": "exitcode=99:detect_leaks=0"},
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )

    def test_of_every_call_of_a_run_that_goes_on(self):
        whole = self.whole(*SHORT)
        self.prepare("left")
        for call, how, codes in FAULTS:
            n, came, log = 0, True, self.path("log")
            while came:
                n += 1
                self.assertLess(n, CALLS_MAX, call)
                shutil.copytree(self.path("left"), self.path("out"))
                done = self.run_traced(injecting(call, how, n, log), "out")
                with open(log, encoding="utf-8", errors="replace") as file:
                    came = "INJECTED" in file.read() or done.returncode == -9
                with self.subTest(call=call, how=how, n=n):
                    self.assertIn(done.returncode, codes, done.stderr)
                    self.go_on("out", *SHORT)
                    self.check("out", whole)
                shutil.rmtree(self.path("out"))
            self.assertGreater(n, 1, (call, how))

    def test_of_a_disk_that_was_full(self):
        """20 KiB, then more: where mounting is allowed."""
        disk = self.path("disk")
        os.mkdir(disk)
        mount = ["mount", "-t", "tmpfs", "-o", "size=20k", "tmpfs", disk]
        if shutil.which("mount") is None or subprocess.call(mount, stderr=subprocess.DEVNULL):
            self.skipTest("mounting is not allowed")
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=False)
        whole = self.whole(*SHORT)
        done = self.lehr("run", "tiny.yaml", "-q", "-o", "disk/out", *SHORT, code=74)
        says = r"No space left on device.* \(\d+ bytes needed, \d+ bytes free\)"
        self.assertRegex(done.stderr, says)
        subprocess.run(["mount", "-o", "remount,size=1m", disk], check=True)
        self.go_on("disk/out", *SHORT)
        self.check("disk/out", whole)


if __name__ == "__main__":
    unittest.main()
