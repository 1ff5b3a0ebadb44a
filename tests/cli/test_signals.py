"""Signals ask a run to save itself and leave; test_resume.py sees it go on as if nothing was."""

import os
import signal
import time
import unittest

from program import ProgramTest, SECONDS, TINY, strict_json

LONG = ("-s", "stop.scans=1000000000")
SLACK = 10 if os.environ.get("LEHR_SANITIZE") else 1  # s: an instrumented program starts slowly


class Signals(ProgramTest):
    def start_long(self, out, *words, **options):
        """A run that has written its first observation and would go on for days."""
        process = self.start("run", "tiny.yaml", "-q", "-o", out, *LONG, *words, **options)
        deadline = time.monotonic() + SECONDS
        events = self.path(out, "events.jsonl")
        while not (os.path.exists(events) and os.path.getsize(events)):
            self.assertIsNone(process.poll(), "ended early")
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        return process

    def end(self, process):
        out, err = process.communicate(timeout=SECONDS)
        return process.returncode, out.decode(), err.decode()

    def test_that_ask_to_leave_leave_a_checkpoint(self):
        for name in ("TERM", "INT", "USR1", "USR2", "HUP", "XCPU"):
            with self.subTest(signal=name):
                process = self.start_long(name, "--json")
                process.send_signal(getattr(signal, "SIG" + name))
                self.assertEqual(self.end(process), (85, "", ""))
                status = strict_json(self.read(name, "status.json"))
                self.assertEqual(status["state"], "checkpointed")
                self.assertEqual(status["checkpoints"]["count"], 1)
                self.assertEqual(status["checkpoints"]["scan"], status["scan"])
                self.assertEqual(self.left_behind(name, "ckpt"), ["a.safetensors"])
                self.assertFalse(os.path.exists(self.path(name, "result.json")))

    def test_that_are_none_of_its_business_are_ignored(self):
        process = self.start_long("out")
        for name in ("CONT", "PIPE", "XFSZ"):
            process.send_signal(getattr(signal, "SIG" + name))
        time.sleep(0.3)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.end(process)[0], 85)

    def test_a_hangup_that_was_ignored_stays_ignored(self):
        process = self.start_long(
            "out", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
        )
        process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.end(process)[0], 85)

    def test_before_the_first_scan_leave_a_run_of_no_scan(self):
        """The config comes through a pipe, so the signal comes before it."""
        os.mkfifo(self.path("pipe.yaml"))
        process = self.start("run", "pipe.yaml", "-o", "out", *LONG)
        time.sleep(SLACK / 2)
        process.send_signal(signal.SIGTERM)
        self.write("pipe.yaml", TINY)
        code, out, err = self.end(process)
        self.assertEqual((code, out), (85, ""))
        self.assertIn("saved at scan 0; the same command, or lehr resume out, goes on", err)

    @unittest.skipIf(
        "thread" in os.environ.get("LEHR_SANITIZE", ""),
        "the thread sanitizer holds a signal back until the next system call",
    )
    def test_a_second_interrupt_ends_at_once(self):
        """One scan of this network takes seconds: the first interrupt still waits for its slice."""
        self.write(
            "slow.yaml",
            "data: {generator: {kind: moons, points: 200000, noise: 0.1}}\n"
            "network: {hidden: [500, 500]}\n",
        )
        process = self.start("run", "slow.yaml", "-q", "-o", "out", *LONG)
        time.sleep(1)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        self.assertIsNone(process.poll(), "the slice should take longer than this")
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.end(process)[0], 130)
        self.assertLess(time.monotonic() - begin, 5)
        self.assertFalse(os.path.exists(self.path("out", "result.json")))

    def test_a_killed_run_is_unfinished_and_its_lines_are_whole(self):
        process = self.start_long("out", "-s", "output.observe=1")
        time.sleep(0.3)
        process.kill()
        self.end(process)
        self.assertEqual(strict_json(self.read("out", "status.json"))["state"], "running")
        text = self.read("out", "events.jsonl")
        self.assertTrue(text.endswith("\n"))
        for line in text.splitlines():
            strict_json(line)

    def test_two_runs_at_once_share_no_directory(self):
        first = self.start_long("out", env={**os.environ, "SLURM_JOB_ID": "4711"})
        begin = time.monotonic()
        says = "out is in use by process %d on %s (job 4711), started 2"
        says %= (first.pid, os.uname().nodename)
        self.fails("run", "tiny.yaml", "-q", "-o", "out", *LONG, code=73, says=says)
        self.fails("resume", "out", code=73, says=says)
        # Before the data are read: these are not even there.
        self.write("none.yaml", "data: {source: none.csv}\n")
        self.fails("run", "none.yaml", "-o", "out", code=73, says=says)
        self.assertLess(time.monotonic() - begin, 2 * SLACK)
        first.send_signal(signal.SIGTERM)
        self.assertEqual(self.end(first)[0], 85)
        self.assertEqual(strict_json(self.read("out", "status.json"))["pid"], first.pid)


if __name__ == "__main__":
    unittest.main()
