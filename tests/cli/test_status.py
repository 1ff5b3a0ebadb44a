"""`lehr status`: of what runs, and of what was killed."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
import unittest

from program import LEHR, SECONDS, ProgramTest, strict_json
from test_faults import traceable

ENDLESS = ("-s", "stop.scans=1000000000", "-s", "output.observe=1000")
SWEEP = """base: tiny.yaml
axes:
  stop.scans: [1000000000]
  seed: {range: [1, 2]}
"""


class StatusTest(ProgramTest):
    def wait_for(self, *names):
        deadline = time.monotonic() + SECONDS
        while not os.path.exists(self.path(*names)):
            self.assertLess(time.monotonic(), deadline, names)
            time.sleep(0.01)

    def state(self, out, wrapper=()):
        words = [*wrapper, LEHR, "status", out]
        told = subprocess.run(words, cwd=self.folder, capture_output=True, text=True, check=True, timeout=SECONDS)
        words.append("--json")
        full = subprocess.run(words, cwd=self.folder, capture_output=True, check=True, timeout=SECONDS)
        return strict_json(full.stdout.decode())["state"], told.stdout

    def kill(self, process):
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=SECONDS)

    def start_run(self, *words):
        process = self.process = self.start("run", "tiny.yaml", "-q", "-o", "out", *ENDLESS, *words)
        self.addCleanup(process.kill)
        self.wait_for("out", "status.json")
        return process


class Killed(StatusTest):
    def test_a_run_is_said_to_be_and_the_watch_ends(self):
        process = self.start_run()
        self.assertEqual(self.state("out")[0], "running")
        before = self.read("out", "lock")
        self.kill(process)
        self.assertIn('"running"', self.read("out", "status.json"), "nobody was left to write anything else")
        state, told = self.state("out")
        self.assertEqual(state, "stale")
        self.assertIn("the process was killed; lehr resume out goes on with it", told)
        self.assertNotIn("from scan", told, "there is no checkpoint")
        self.assertRegex(told, r"\nbegun +20\S+\nworker +process %d on \S+, last heard of 20" % process.pid)
        self.assertIn("was killed", self.lehr("status", "out", "--watch").stdout)
        self.assertEqual(self.read("out", "lock"), before, "status only looks")
        self.lehr("resume", "out", "-q", "--maxh", "1e-9", code=85)
        self.assertEqual(self.state("out")[0], "checkpointed")

    def test_the_scan_that_a_killed_run_goes_on_from_is_said(self):
        self.start_run("-s", "output.checkpoint_s=0.05")
        deadline = time.monotonic() + SECONDS
        while (strict_json(self.read("out", "status.json"))["checkpoints"] or {}).get("scan") is None:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        self.kill(self.process)
        said = re.search("lehr resume out goes on with it from scan ([0-9]+) or later\n", self.state("out")[1])
        done = self.lehr("resume", "out", "--maxh", "1e-9", code=85)
        begun = int(re.search("from scan ([0-9]+)", done.stderr).group(1))
        self.assertGreaterEqual(begun, int(said.group(1)))
        self.assertGreater(begun, 0)

    def test_a_trial_is_said_to_be_and_the_watch_ends(self):
        self.write("sweep.yaml", SWEEP)
        process = self.start("sweep", "sweep.yaml", "-q", "-o", "out")
        self.addCleanup(process.kill)
        self.wait_for("out", "sweep.json")
        deadline = time.monotonic() + SECONDS
        while len(self.left_behind("out", "trials")) < 2:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        trial = os.path.join("out", "trials", next(name for name in self.left_behind("out", "trials") if name[0] != "."))
        self.wait_for(trial, "status.json")
        self.assertEqual(self.state(trial)[0], "running")
        self.kill(process)
        state, told = self.state(trial)
        self.assertIn(state, ("stale", "checkpointed"))
        self.assertIn("its worker was killed; lehr sweep SWEEP -o %s " % os.path.realpath(self.path("out")), told)
        self.lehr("status", trial, "--watch")
        shutil.copytree(self.path(trial), self.path("elsewhere"))
        self.assertEqual(self.state("elsewhere")[0], "unknown", "away from its sweep nobody can tell")

    @unittest.skipUnless(traceable(), "strace cannot inject faults here")
    def test_where_there_are_no_locks_processes_of_this_host_are_asked(self):
        """Leaks cannot be looked for in a process that strace holds."""
        lockless = ("env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-qq", "-o", os.devnull, "-e", "inject=flock:error=ENOLCK")
        process = self.start_run()
        self.assertEqual(self.state("out", lockless)[0], "running")
        self.kill(process)
        self.assertEqual(self.state("out", lockless)[0], "stale")
        host = '"host":"%s"' % socket.gethostname()
        self.assertIn(host, self.read("out", "lock"))
        self.write("out/lock", self.read("out", "lock").replace(host, '"host":"elsewhere"'))
        state, told = self.state("out", lockless)
        self.assertEqual(state, "unknown")
        self.assertIn("nothing here can tell whether the process of another host lives", told)


class Running(StatusTest):
    def test_trials_show_how_far_they_are(self):
        scans = 3000000
        self.write("sweep.yaml", SWEEP.replace("1000000000", str(scans)))
        process = self.start("sweep", "sweep.yaml", "-q", "-o", "out")
        self.addCleanup(process.kill)
        self.wait_for("out", "sweep.json")
        share, deadline = 0, time.monotonic() + SECONDS
        while not share:
            self.assertLess(time.monotonic(), deadline)
            self.assertIsNone(process.poll(), "it ended before it said how far it was")
            share = strict_json(self.lehr("status", "out", "--json").stdout)["running_share"]
            time.sleep(0.05)
        self.assertLess(share, 1)
        said = self.lehr("status", "out").stdout
        self.assertRegex(said, r"2 running \([0-9.]+ % of their scans\)")
        self.kill(process)
        state = strict_json(self.lehr("status", "out", "--json").stdout)
        self.assertIsNone(state["running_share"], "nothing runs")

    def look_until_left(self, process):
        """Status as soon as the running trials say how long they take."""
        deadline = time.monotonic() + SECONDS
        while True:
            self.assertLess(time.monotonic(), deadline)
            self.assertIsNone(process.poll(), "it ended before it said how long it takes")
            if os.path.exists(self.path("out", "sweep.json")):
                state = strict_json(self.lehr("status", "out", "--json").stdout)
                if state["time_left_s"]:
                    return state
            time.sleep(0.05)

    def test_nobody_at_work_is_said_and_no_pause_counts(self):
        self.write("sweep.yaml", SWEEP.replace("1000000000", "3000000"))
        words = ("sweep", "sweep.yaml", "-q", "-o", "out")
        process = self.start(*words)
        self.addCleanup(process.kill)
        self.look_until_left(process)
        said = self.lehr("status", "out").stdout
        self.assertIn(", left ", said)
        self.assertNotIn("nobody", said)
        process.send_signal(signal.SIGTERM)
        self.assertIn("nobody is at work", process.communicate(timeout=SECONDS)[0].decode())
        state = strict_json(self.lehr("status", "out", "--json").stdout)
        self.assertEqual((state["workers"], state["time_left_s"]), (0, None))
        said = self.lehr("status", "out").stdout
        self.assertIn("nobody is at work: lehr sweep SWEEP -o out goes on\n", said)
        self.assertNotIn("left", said)
        self.watch_says_it_once()
        for name in self.left_behind("out", "trials"):
            where = os.path.join("out/trials", name, "status.json")
            self.write(where, re.sub('"started":"20..', '"started":"2000', self.read(where).replace('"started": ', '"started":')))
        process = self.start(*words)
        self.addCleanup(process.kill)
        state = self.look_until_left(process)
        self.assertEqual(state["workers"], 1)
        self.assertEqual(strict_json(self.read(where))["started"][:4], "2000")
        self.assertLess(state["time_left_s"], 3600, "a start years ago is a pause, not work")
        self.kill(process)

    def watch_says_it_once(self):
        watch = self.start("status", "out", "--watch")
        self.addCleanup(watch.kill)
        time.sleep(5)  # two looks
        self.assertIsNone(watch.poll(), "tasks that wait in a queue may begin")
        watch.send_signal(signal.SIGTERM)
        said = watch.communicate(timeout=SECONDS)[0].decode()
        self.assertGreater(said.count("2 trials: "), 1)
        self.assertEqual(said.count("nobody is at work"), 1)


class Copied(StatusTest):
    def test_a_copy_of_what_a_sweep_is_about_has_all_that_is_told_of_it(self):
        """Without the files of those who were at work in it, of whom none is at work in a copy, and without states."""
        self.write("sweep.yaml", SWEEP.replace("[1000000000]", "[60, 1000000000]"))
        process = self.start("sweep", "sweep.yaml", "-q", "-o", "out")
        self.addCleanup(process.kill)
        self.wait_for("out", "sweep.json")
        deadline = time.monotonic() + SECONDS
        while strict_json(self.lehr("status", "out", "--json").stdout)["states"]["done"] < 2:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        self.kill(process)
        shutil.copytree(self.path("out"), self.path("copy"), ignore=shutil.ignore_patterns("workers", "packs"))
        states = strict_json(self.lehr("status", "copy", "--json").stdout)["states"]
        self.assertEqual((states["done"], states["running"], states["stale"] + states["checkpointed"]), (2, 0, 2))
        self.assertEqual(states, strict_json(self.lehr("status", "out", "--json").stdout)["states"])
        self.assertIn("2 trials in copy/results.csv", self.lehr("collect", "copy").stdout)
        self.assertEqual(self.lehr("report", "copy").stdout, "copy/report.html\n")
        for name in self.left_behind("copy", "trials"):
            trial = "copy/trials/" + name
            self.assertNotEqual(self.state(trial)[0], "running")
            self.assertEqual(self.lehr("report", trial).stdout, trial + "/report.html\n")
        self.assertEqual(set(self.left_behind("copy")) & {"workers", "packs"}, set(), "they only look")


class Missing(StatusTest):
    def test_is_input_that_is_not_there(self):
        """Exit code 74, as of a config that is missing; 73 is for what exists and is something else."""
        for command in ("status", "collect"):
            self.fails(command, "none", code=74, says="none: there is no such directory")
            self.fails(command, "tiny.yaml/none", code=74, says="there is no such directory")
            self.fails(command, "tiny.yaml", code=73, says="tiny.yaml is not the directory of ")
        self.assertEqual(self.left_behind(), ["tiny.yaml"])


if __name__ == "__main__":
    unittest.main()
