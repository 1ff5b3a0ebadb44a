"""What a pack of a sweep keeps: kills, signals, full disks, sleepers, other threads. Results never change."""

import glob
import os
import signal
import subprocess
import time
import unittest

from program import LEHR, SECONDS, TINY, ProgramTest, limit_file_size, strict_json
from test_faults import injecting, traceable

SWEEP = """base: tiny.yaml
axes:
  temperatures.rungs: [3, 4]
  seed: {range: [1, 3]}
"""
TRIALS = 6
OBSERVE = 200
LONG = TINY.replace("scans: 60", "scans: 60000").replace("observe: 20", "observe: %d, checkpoint_s: 0.01" % OBSERVE)


class PacksTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("tiny.yaml", LONG)
        self.write("sweep.yaml", SWEEP)

    def sweep(self, out, *words, code=0, **options):
        return self.lehr("sweep", "sweep.yaml", "-q", "-o", out, *words, code=code, **options)

    def results(self, out):
        self.lehr("collect", out)
        return self.read_bytes(out, "results.csv")

    def whole(self):
        self.sweep("whole")
        return self.results("whole")

    def status(self, out):
        return strict_json(self.lehr("status", out, "--json").stdout)

    def trial(self, out, index=0):
        return out + "/trials/" + strict_json(self.read(out, "sweep.json"))["trials"][index]["id"]

    def saved(self, out):
        """Scans that the trials of a sweep were saved at, trial by trial."""
        scans = []
        for index in range(TRIALS):
            status = strict_json(self.read(self.trial(out, index), "status.json"))
            scans.append(status["checkpoints"]["scan"] or 0)
        return scans

    def wait_for(self, process, what):
        deadline = time.monotonic() + SECONDS
        while not what():
            self.assertIsNone(process.poll(), "it has ended before")
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.005)

    def begin(self, out, *words):
        """A sweep whose trials have been saved, behind their second observation."""
        process = self.start("sweep", "sweep.yaml", "-q", "-o", out, *words)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)

        def all_led():
            try:
                return min(self.saved(out)) >= OBSERVE and all(
                    strict_json(self.read(self.trial(out, i), "owner"))["pack"] for i in range(TRIALS)
                )
            except (OSError, ValueError, KeyError, TypeError):
                return False

        self.wait_for(process, all_led)
        return process

    def end(self, process, code):
        out, err = process.communicate(timeout=SECONDS)
        self.assertEqual(process.returncode, code, (out + err).decode("utf-8", "replace"))
        return err.decode()

    def check(self, out, whole):
        """All is done, as an undisturbed sweep does it, and nothing is left."""
        self.assertEqual(self.status(out)["states"]["done"], TRIALS)
        self.assertEqual(self.results(out), whole)
        self.assertEqual(self.left_behind(out, "packs"), [])
        for trial in self.left_behind(out, "trials"):
            events = [
                [strict_json(line) for line in self.read(place, "trials", trial, "events.jsonl").splitlines()]
                for place in (out, "whole")
            ]
            for event in events[0] + events[1]:
                del event["wall_s"]
            self.assertEqual(events[0], events[1])

    def kept(self, out):
        """Lines of events up to the last checkpoint, trial by trial, as they are to stay, times and all."""
        scans = {self.trial(out, i).split("/")[-1]: scan for i, scan in enumerate(self.saved(out))}
        lines = {trial: [] for trial in scans}
        for path in glob.glob(self.path(out, "packs", "*", "events.jsonl")):
            with open(path, encoding="utf-8") as file:
                for line in file:
                    try:
                        event = strict_json(line)
                    except ValueError:
                        continue  # the last one, of a killed process
                    if event["scan"] <= scans[event["trial"]]:
                        lines[event["trial"]].append(line.replace('"trial":"%s",' % event["trial"], "", 1))
        self.assertGreater(min(map(len, lines.values())), 1)
        return lines

    def check_kept(self, out, kept):
        """What was done before was not done again: it would have taken other times."""
        for trial, lines in kept.items():
            self.assertTrue(self.read(out, "trials", trial, "events.jsonl").startswith("".join(lines)))


class Packs(PacksTest):
    def test_of_a_killed_worker_are_gone_on_with(self):
        whole = self.whole()
        process = self.begin("out")
        process.kill()
        self.end(process, -signal.SIGKILL)
        state = self.status("out")
        self.assertEqual(state["states"]["checkpointed"], TRIALS)
        self.assertEqual(state["saved"]["most"], max(self.saved("out")))
        self.assertIn("checkpointed (saved at scan", self.lehr("status", "out").stdout)
        kept = self.kept("out")
        self.assertEqual(self.sweep("out", "--threads", "2").stderr, "")
        self.check("out", whole)
        self.check_kept("out", kept)

    def test_kept_by_signals_and_by_the_clock_lose_nothing(self):
        whole = self.whole()
        kept = None
        for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT):
            process = self.begin("out")
            if kept is not None:
                time.sleep(0.1)
            process.send_signal(number)
            self.end(process, 85)
            self.assertEqual(self.status("out")["states"]["checkpointed"], TRIALS)
            self.assertEqual(len(self.left_behind("out", "packs")), 1)
            if kept is not None:
                for trial, lines in self.kept("out").items():
                    self.assertEqual(lines[: len(kept[trial])], kept[trial])
            kept = self.kept("out")
        self.write("sweep.yaml", SWEEP + "limits: {wall_s: 0.2}\n")
        self.sweep("out", code=85)
        self.write("sweep.yaml", SWEEP)
        self.sweep("out")
        self.check("out", whole)
        self.check_kept("out", kept)

    def test_give_one_trial_to_one_and_others_to_others(self):
        whole = self.whole()
        process = self.begin("out")
        process.kill()
        self.end(process, -signal.SIGKILL)
        kept = self.kept("out")
        self.sweep("out", "--shard", "5/6")
        self.assertEqual(self.status("out")["states"], {**self.status("out")["states"], "done": 1, "checkpointed": 5})
        shards = [self.start("sweep", "sweep.yaml", "-q", "-o", "out", "--shard", "%d/3" % i) for i in range(3)]
        for shard in shards:
            self.end(shard, 0)
        self.sweep("out")  # the last one removes what two others may both have left to each other
        self.check("out", whole)
        self.check_kept("out", kept)

    def test_are_safe_on_a_full_disk(self):
        whole = self.whole()
        process = self.begin("out")
        process.send_signal(signal.SIGUSR1)
        self.end(process, 85)
        kept, crates = self.kept("out"), self.left_behind("out", "packs")
        for size in (20000, 4000):
            done = self.sweep("out", code=74, preexec_fn=limit_file_size(size))
            self.assertIn("cannot write", done.stderr)
            self.assertEqual(self.status("out")["states"]["checkpointed"], TRIALS)
            self.assertEqual(self.left_behind("out", "packs"), crates)
        self.sweep("out")
        self.check("out", whole)
        self.check_kept("out", kept)

    def test_cannot_be_gone_on_with_by_the_trial_alone(self):
        process = self.begin("out")
        process.send_signal(signal.SIGUSR1)
        self.end(process, 85)
        trial = self.trial("out")
        says = "%s is a trial of a sweep and goes on with it: lehr sweep SWEEP -o out" % trial
        self.fails("resume", trial, code=73, says=says)
        self.fails("run", trial + "/config.yaml", "-o", trial, code=73, says=says)
        self.assertEqual(self.status("out")["states"]["checkpointed"], TRIALS)

    def test_show_what_a_trial_has_come_to(self):
        process = self.begin("out")
        process.send_signal(signal.SIGUSR1)
        self.end(process, 85)
        trial = self.trial("out")
        self.assertNotIn("events.jsonl", self.left_behind(trial))
        self.lehr("report", trial)
        lines = len(self.kept("out")[trial.split("/")[-1]])
        self.assertTrue('"observations":%d,' % lines in self.read(trial, "report.html"))

    def test_that_are_damaged_are_said_to_be(self):
        whole = self.whole()
        process = self.begin("out")
        process.send_signal(signal.SIGUSR1)
        self.end(process, 85)
        for path in glob.glob(self.path("out", "packs", "*", "ckpt", "*.safetensors")):
            os.truncate(path, os.path.getsize(path) - 1)
        err = self.sweep("out").stderr
        self.assertIn("start over", err)
        self.assertEqual(len(err.splitlines()), 1, err)
        self.check("out", whole)

    def test_of_a_worker_that_slept_are_left_alone_when_it_wakes(self):
        """SIGSTOP; its file among the workers goes, as where a lock is lost with a network; it wakes up when another
        has begun, or has ended."""
        whole = self.whole()
        for late in (False, True):
            with self.subTest(late=late):
                out = "late" if late else "early"
                zombie = self.begin(out)
                zombie.send_signal(signal.SIGSTOP)
                for name in self.left_behind(out, "workers"):
                    if name[0] != ".":
                        os.unlink(self.path(out, "workers", name))
                kept = self.kept(out)
                successor = self.begin(out) if not late else None
                if late:
                    self.sweep(out)
                    self.assertEqual(self.results(out), whole)
                zombie.send_signal(signal.SIGCONT)
                err = self.end(zombie, 73)
                self.assertIn("this process writes nothing more", err)
                if not late:
                    self.end(successor, 0)
                self.sweep(out)
                self.check(out, whole)
                self.check_kept(out, kept)


@unittest.skipUnless(traceable(), "strace cannot inject faults here")
class Faults(PacksTest):
    """Every call that makes something lasting fails, or is the last one."""

    def setUp(self):
        super().setUp()
        self.write("tiny.yaml", TINY.replace("observe: 20", "observe: 20, checkpoint_s: 1e-9"))
        self.write("sweep.yaml", "base: tiny.yaml\naxes: {seed: [1, 2]}\n")

    def inject(self, call, how, out, n):
        log = self.path("log")
        words = [*injecting(call, how, n, log), LEHR, "sweep", "sweep.yaml", "-q", "-o", out]
        env = {**os.environ, "ASAN_OPTIONS": "exitcode=99:detect_leaks=0"}
        done = subprocess.run(words, cwd=self.folder, env=env, capture_output=True, timeout=SECONDS, check=False)
        with open(log, encoding="utf-8", errors="replace") as file:
            came = "INJECTED" in file.read() or done.returncode == -signal.SIGKILL
        return done, came

    def test_change_no_result(self):
        whole = self.whole()
        for call, how in (
            ("renameat,renameat2", "signal=KILL"),
            ("fsync,syncfs", "signal=KILL"),
            ("mkdirat,unlinkat", "signal=KILL"),
            ("renameat", "error=EIO"),
            ("fsync,syncfs", "error=EIO"),
            ("write", "error=ENOSPC"),
        ):
            n, came = 0, True
            while came:
                n += 1
                self.assertLess(n, 400, call)
                out = "%s-%s-%d" % (call[:6], how[-4:], n)
                done, came = self.inject(call, how, out, n)
                with self.subTest(call=call, how=how, n=n):
                    self.assertIn(done.returncode, (0, 74, -signal.SIGKILL), done.stderr)
                    self.sweep(out)
                    self.assertEqual(self.results(out), whole)
                    self.assertEqual(self.left_behind(out, "packs"), [])
            self.assertGreater(n, 2, call)


if __name__ == "__main__":
    unittest.main()
