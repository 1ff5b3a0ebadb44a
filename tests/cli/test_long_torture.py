"""One run is stopped two hundred times, and every system call of a run that goes on fails once: the
end is that of the undisturbed run, and nothing outside its directory was touched."""

import os
import random
import shutil
import signal
import subprocess
import unittest

from program import LEHR, SECONDS
from test_faults import injecting, traceable
from test_resume import ResumeTest

SHORT = ("-s", "stop.scans=600", "-s", "output.observe=50", "-s", "output.trace.energy=7")
STOPS = 200

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


class Torture(ResumeTest):
    def test_of_two_hundred_stops(self):
        words = ("-s", "stop.scans=3000000", "-s", "output.observe=1000")
        words += ("-s", "output.trace.energy=100")
        often = ("-s", "output.checkpoint_s=1e-6")
        whole = self.whole(*words)
        around = self.left_behind()
        dice = random.Random(7)
        ways = {"maxh": 0, "TERM": 0, "INT": 0, "USR1": 0, "XCPU": 0, "KILL": 0}
        for number in range(STOPS):
            way = dice.choice(sorted(ways))
            limit = ("--maxh", "%g" % dice.uniform(1e-6, 5e-6)) if way == "maxh" else ()
            process = self.start("run", "tiny.yaml", "-q", "-o", "out", *words, *often, *limit)
            try:
                process.communicate(timeout=dice.uniform(0.01, 0.08) if way != "maxh" else SECONDS)
            except subprocess.TimeoutExpired:
                process.send_signal(getattr(signal, "SIG" + way))
                process.communicate(timeout=SECONDS)
            expected = {-9, 0} if way == "KILL" else {85, 0, -getattr(signal, "SIG" + way, 0)}
            self.assertIn(process.returncode, expected, (number, way))
            ways[way] += process.returncode != 0
        self.assertGreater(min(ways.values()), 5, ways)
        self.go_on("out", *words)
        self.check("out", whole)
        # Only a directory that had no name yet when its process was killed may lie beside it.
        beside = [name for name in self.left_behind() if name[:5] != ".out."]
        self.assertEqual(beside, sorted([*around, "out"]))


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
