"""Every system call of a run fails once: one sentence, no part of a file, no crash, and the same
command then gives what it would have given. test_long_torture.py does it to runs that go on."""

import os
import shutil
import subprocess
import tempfile
import unittest

from program import LEHR, ProgramTest, SECONDS, strict_json

# Call, error, exit codes that are right. Failing calls may also hit what does not matter (a note on
# stderr, the sync of a directory just made): then the run goes on, and its result is whole.
# A program whose libraries cannot be opened is not yet ours: the loader says 127.
FAULTS = (
    ("write", "ENOSPC", {0, 74}),
    ("write", "EIO", {0, 74}),
    ("fsync", "EIO", {0, 74}),
    ("close", "EIO", {0, 74, 127}),
    ("rename,renameat,renameat2", "EIO", {0, 74}),
    ("mkdir,mkdirat", "EROFS", {0, 74}),
    ("openat", "EMFILE", {0, 74, 127}),
)

CALLS_MAX = 500  # a tiny run makes a tenth of them


def traceable():
    """May strace inject faults here?"""
    if shutil.which("strace") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        words = ["strace", "-qq", "-o", os.path.join(folder, "log"), "-e", "inject=mkdir:error=EIO"]
        words += ["mkdir", os.path.join(folder, "x")]
        done = subprocess.run(words, stderr=subprocess.DEVNULL, check=False)
        return done.returncode == 1


def injecting(call, how, n, log="/dev/null"):
    """The words before a command whose n-th system call of that name goes wrong."""
    inject = "inject=%s:%s:when=%d" % (call, how, n)
    return ["strace", "-qq", "-o", log, "-e", "trace=" + call, "-e", inject]


@unittest.skipUnless(traceable(), "strace cannot inject faults here")
class Faults(ProgramTest):
    def inject(self, call, how, out, n):
        """The exit code, stderr, and whether the n-th call came at all."""
        log = self.path("log")
        words = [*injecting(call, how, n, log), LEHR, "run", "tiny.yaml", "-o", out]
        # The leak checker cannot work inside strace.
        env = {**os.environ, "ASAN_OPTIONS": "exitcode=99:detect_leaks=0"}
        done = subprocess.run(
            words, cwd=self.folder, env=env, capture_output=True, timeout=SECONDS, check=False
        )
        with open(log, encoding="utf-8", errors="replace") as file:
            came = "INJECTED" in file.read()
        if how.startswith("signal"):
            came = done.returncode != 0
        return done.returncode, done.stderr.decode(), came

    def check_again(self, out, whole):
        """The same command, undisturbed."""
        again = self.run_json("tiny.yaml", "-o", out)
        self.assertEqual((again["state_hash"], again["best"]), (whole["state_hash"], whole["best"]))

    def check_files(self, out):
        """No temporary is left; what stands there is whole."""
        if not os.path.exists(self.path(out)):
            return None
        names = self.left_behind(out)
        self.assertEqual([name for name in names if name.startswith(".")], [])
        for name in names:
            if name.endswith(".json"):
                strict_json(self.read(out, name))
        return strict_json(self.read(out, "status.json"))["state"] if "status.json" in names else ""

    def test_of_every_call_end_in_one_sentence(self):
        whole = self.run_json("tiny.yaml", "-o", "whole")
        for call, error, codes in FAULTS:
            n, came = 0, True
            while came:
                n += 1
                self.assertLess(n, CALLS_MAX, call)
                out = "%s-%s-%d" % (call[:5], error, n)
                code, err, came = self.inject(call, "error=" + error, out, n)
                with self.subTest(call=call, error=error, n=n):
                    self.assertIn(code, codes, err)
                    state = self.check_files(out)
                    if code == 0:
                        self.assertEqual(state, "done", err)
                    if code == 74:
                        told = err.count("lehr: run ") + err.count("lehr: backend auto: ")
                        self.assertEqual(err.count("lehr: "), 1 + told, err)
                    self.check_again(out, whole)
            self.assertGreater(n, 1, call)

    def test_of_a_kill_leave_whole_files_only(self):
        """A temporary may stay; whatever has its real name is whole."""
        whole = self.run_json("tiny.yaml", "-o", "whole")
        for call in ("write", "fsync", "rename,renameat,renameat2"):
            n, came = 0, True
            while came:
                n += 1
                self.assertLess(n, CALLS_MAX, call)
                out = "kill-%s-%d" % (call[:5], n)
                code, err, came = self.inject(call, "signal=KILL", out, n)
                with self.subTest(call=call, n=n):
                    self.assertIn(code, (0, -9), err)
                    self.check_whole(out)
                    self.check_again(out, whole)
            self.assertGreater(n, 2, call)

    def check_whole(self, out):
        names = self.left_behind(out) if os.path.exists(self.path(out)) else []
        for name in names:
            if name.endswith(".json") and not name.startswith("."):
                strict_json(self.read(out, name))
            if name == "events.jsonl":
                for line in self.read(out, name).splitlines(keepends=True):
                    self.assertTrue(line.endswith("\n"))
                    strict_json(line)
        if "best.safetensors" in names:
            self.lehr("export", out, "-o", out + ".safetensors")


if __name__ == "__main__":
    unittest.main()
