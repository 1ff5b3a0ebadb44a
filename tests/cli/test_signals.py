"""Signals ask a run to stop; everything it has reached is written."""

import os
import signal
import time
import unittest

from program import ProgramTest, SECONDS, strict_json

LONG = ("-s", "stop.scans=1000000000")


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

    def test_that_ask_to_stop_leave_a_whole_result(self):
        for name in ("TERM", "INT", "USR1", "USR2", "HUP", "XCPU"):
            with self.subTest(signal=name):
                process = self.start_long(name, "--json")
                process.send_signal(getattr(signal, "SIG" + name))
                code, out, err = self.end(process)
                self.assertEqual((code, err), (130, ""))
                result = strict_json(out)
                self.assertEqual(result["stop"], "signal")
                self.assertEqual(self.read(name, "result.json"), out)
                status = strict_json(self.read(name, "status.json"))
                self.assertEqual((status["state"], status["scan"]), ("stopped", result["scans"]))
                self.assertTrue(os.path.exists(self.path(name, "best.safetensors")))
                self.fails("run", "tiny.yaml", "-q", "-o", name, *LONG, code=73, says="unfinished")

    def test_that_are_none_of_its_business_are_ignored(self):
        process = self.start_long("out")
        for name in ("CONT", "PIPE", "XFSZ"):
            process.send_signal(getattr(signal, "SIG" + name))
        time.sleep(0.3)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.end(process)[0], 130)

    def test_a_hangup_that_was_ignored_stays_ignored(self):
        process = self.start_long(
            "out", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
        )
        process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.end(process)[0], 130)

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
        self.fails("run", "tiny.yaml", "-q", "-o", "out", *LONG, code=73, says="unfinished")

    def test_two_runs_at_once_share_no_directory(self):
        first = self.start_long("out")
        self.fails("run", "tiny.yaml", "-q", "-o", "out", *LONG, code=73, says="out")
        first.send_signal(signal.SIGTERM)
        self.assertEqual(self.end(first)[0], 130)
        self.assertEqual(strict_json(self.read("out", "status.json"))["pid"], first.pid)


if __name__ == "__main__":
    unittest.main()
