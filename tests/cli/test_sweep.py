"""`lehr sweep`, `lehr collect`, `lehr status`: kills, shards, crowds, full disks."""

import csv
import os
import random
import signal
import sqlite3
import subprocess
import time
import unittest

from program import TINY, ProgramTest, SECONDS, limit_file_size, strict_json

SWEEP = """base: tiny.yaml
axes:
  temperatures.rungs: [3, 4]
  network.hidden: [[4], [3]]
  seed: {range: [1, 4]}
objective: {metric: best.validation.loss, over: seed}
"""
TRIALS = 16


class SweepTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("sweep.yaml", SWEEP)

    def sweep(self, out, *words, code=0, **options):
        return self.lehr("sweep", "sweep.yaml", "-q", "-o", out, *words, code=code, **options)

    def results(self, out):
        self.lehr("collect", out)
        return self.read_bytes(out, "results.csv")

    def workers(self, out):
        return [name for name in self.left_behind(out, "workers") if name != ".reclaim"]

    def status(self, out):
        return strict_json(self.lehr("status", out, "--json").stdout)

    def whole(self):
        """The results of an undisturbed sweep."""
        self.sweep("whole")
        return self.results("whole")

    def one_by_one(self, out, limit):
        """Make launches small by letting a process open few files."""
        import resource

        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

        return self.start("sweep", "sweep.yaml", "-q", "-o", out, preexec_fn=few)


class Sweep(SweepTest):
    def test_leaves_runs_and_says_what_is_best(self):
        done = self.lehr("sweep", "sweep.yaml", "--json", "-o", "out")
        state = strict_json(done.stdout)
        self.assertEqual((state["trials"], state["states"]["done"]), (TRIALS, TRIALS))
        self.assertEqual(state["best"]["trials"], 4)
        self.assertNotIn("seed", state["best"]["values"])
        self.assertIn("at most", done.stderr)
        self.assertEqual(self.left_behind("out"), ["packs", "sweep.json", "trials", "workers"])
        self.assertEqual(self.workers("out") + self.left_behind("out", "packs"), [])
        rows = list(csv.DictReader(self.results("out").decode().splitlines()))
        self.assertEqual(len(rows), TRIALS)
        self.assertEqual(sorted(row["id"] for row in rows), self.left_behind("out", "trials"))
        means = {}
        for row in rows:
            key = (row["temperatures.rungs"], row["network.hidden"])
            means[key] = means.get(key, 0) + float(row["validation_loss"]) / 4
        best = min(means, key=means.get)
        values = state["best"]["values"]
        self.assertEqual((values["temperatures.rungs"], values["network.hidden"]), best)
        self.assertAlmostEqual(state["best"]["mean"], means[best])
        for row in rows[::5]:
            trial = "out/trials/" + row["id"]
            self.assertEqual(
                self.left_behind(trial),
                ["best.safetensors", "config.yaml", "events.jsonl", "lock", "owner", "result.json", "status.json"],
            )
            again = self.run_json(trial + "/config.yaml", "-o", "alone-" + row["id"])
            self.assertEqual(again["state_hash"], row["state_hash"])
            self.assertEqual(again["id"], row["id"])
            events = [
                [strict_json(line) for line in self.read(place, "events.jsonl").splitlines()]
                for place in (trial, "alone-" + row["id"])
            ]
            for event in events[0] + events[1]:
                del event["wall_s"]
            self.assertEqual(events[0], events[1])

    def test_database_has_the_same_rows_and_times(self):
        self.sweep("out")
        rows = list(csv.DictReader(self.results("out").decode().splitlines()))
        db = sqlite3.connect(self.path("out", "results.sqlite"))
        self.addCleanup(db.close)
        self.assertEqual(db.execute("pragma integrity_check").fetchone(), ("ok",))
        found = db.execute(
            'select id, "temperatures.rungs", seed, validation_loss, state_hash, wall_s > 0 '
            "from trials order by trial"
        ).fetchall()
        self.assertEqual(
            found,
            [
                (
                    row["id"],
                    int(row["temperatures.rungs"]),
                    int(row["seed"]),
                    float(row["validation_loss"]),
                    row["state_hash"],
                    1,
                )
                for row in rows
            ],
        )
        self.assertNotIn("wall_s", rows[0])
        self.assertEqual(
            db.execute("select * from axes").fetchall(),
            [("temperatures.rungs", 0), ("network.hidden", 0), ("seed", 1)],
        )

    def test_dry_run_shows_trials_and_writes_nothing(self):
        before = self.left_behind()
        done = self.lehr("sweep", "sweep.yaml", "--dry-run")
        self.assertEqual(self.left_behind(), before)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), TRIALS + 2)
        self.assertIn("temperatures.rungs=3, network.hidden=[4], seed=1", lines[1])
        self.assertRegex(lines[-1], "16 trials in 2 packs .*memory at most .*about ")
        plan = strict_json(self.lehr("sweep", "sweep.yaml", "--dry-run", "--json").stdout)
        self.sweep("out")
        self.assertEqual(
            sorted(trial["id"] for trial in plan["trials"]), self.left_behind("out", "trials")
        )
        for trial in plan["trials"]:
            self.assertEqual(trial["rows"], trial["values"]["temperatures.rungs"])
            self.assertEqual(trial["scans"], 60)
            self.assertGreater(trial["predicted_s"], 0)
            self.assertGreater(trial["memory_bytes"], 0)
        part = self.lehr("sweep", "sweep.yaml", "--dry-run", "--shard", "1/4", "--json").stdout
        self.assertEqual(
            [trial["id"] for trial in strict_json(part)["trials"]],
            [trial["id"] for trial in plan["trials"]][1::4],
        )
        before = self.left_behind("out")
        there = self.lehr("sweep", "sweep.yaml", "--dry-run", "-o", "out").stdout
        self.assertRegex(there, ", at most [^,]*: 16 are begun already\n$")
        self.assertEqual(self.left_behind("out"), before)
        self.write("sweep.yaml", SWEEP + "prune: {kind: sha, min_scans: 20}\n")
        self.assertRegex(self.lehr("sweep", "sweep.yaml", "--dry-run").stdout, ", at most [0-9]+ s\n$")

    def test_numbers_are_numbers_and_one_of_a_kind_is_no_plural(self):
        axes = "{seed: [18446744073709551615, 5], network.hidden: [[4]], network.bias: [yes], data.target: [\"3\"], loss.l2: [1e-3], network.activation: [relu]}"
        self.write("one.yaml", "base: tiny.yaml\naxes: %s\nexclude: [{seed: 18446744073709551615}]\n" % axes)
        self.write("two.yaml", "base: tiny.yaml\naxes: %s\n" % axes)
        plan = strict_json(self.lehr("sweep", "two.yaml", "--dry-run", "--json").stdout)
        common = {"network.hidden": [4], "network.bias": True, "data.target": "3", "loss.l2": 0.001, "network.activation": "relu"}
        self.assertEqual(
            [trial["values"] for trial in plan["trials"]],
            [{"seed": "18446744073709551615", **common}, {"seed": 5, **common}],
        )
        done = self.lehr("sweep", "one.yaml", "--dry-run")
        self.assertIn("1 trial is excluded", done.stderr)
        self.assertIn("1 trial in 1 pack of at most", done.stdout)
        done = self.lehr("sweep", "one.yaml", "-o", "out")
        self.assertIn("sweep of 1 trial on cpu", done.stderr)
        self.assertIn("one, 1 trial: 1 done", done.stdout)
        self.assertIn("1 trial in out/results.csv", self.lehr("collect", "out").stdout)
        done = self.lehr("run", "tiny.yaml", "-s", "method=annealing", "-s", "chains=1", "-o", "run")
        self.assertIn(", 1 thread): 1 row of", done.stderr)
        self.assertIn("after 60 scans of 1 row, ", done.stdout)
        self.assertIn(", 1 thread, numerics", done.stdout)

    def test_finished_work_is_never_done_again(self):
        self.sweep("out")
        times = {
            name: os.stat(self.path("out", "trials", name, "result.json")).st_mtime_ns
            for name in self.left_behind("out", "trials")
        }
        self.write("sweep.yaml", SWEEP.replace("[3, 4]", "[4, 3, 5]"))
        self.sweep("out")
        self.assertEqual(len(self.left_behind("out", "trials")), 24)
        for name, time_ns in times.items():
            path = self.path("out", "trials", name, "result.json")
            self.assertEqual(os.stat(path).st_mtime_ns, time_ns)
        rows = list(csv.DictReader(self.results("out").decode().splitlines()))
        self.assertEqual([row["trial"] for row in rows], [str(i) for i in range(24)])
        trial = "out/trials/" + rows[0]["id"]
        self.lehr("run", trial + "/config.yaml", "-q", "-o", trial)  # a run's directory like any other

    def test_the_best_point_is_one_that_is_whole_or_so_far(self):
        self.sweep("out", "--shard", "0/4")  # one seed of every point
        state = self.status("out")
        self.assertEqual((state["best"]["whole"], state["best"]["done"], state["best"]["trials"]), (False, 1, 4))
        for words in (("status", "out"), ("collect", "out")):
            told = self.lehr(*words).stdout
            self.assertRegex(told, r"(?m)^best so far +best.validation.loss \S+, 1 of 4 trials: no point has all of its trials$")
        self.assertIn("4 trials in out/results.csv and out/results.sqlite, of 16: 12 have not ended\n", told)
        self.sweep("out")
        best = self.status("out")["best"]
        self.assertTrue(best["whole"])
        told = self.lehr("collect", "out").stdout
        self.assertRegex(told, r"(?m)^16 trials in out/results.csv and out/results.sqlite\nbest  +best.validation.loss \S+, 4 of 4 trials\n +temperatures.rungs=")

        # With one of its trials away, the best point is no longer compared, though its mean may be lower still.
        os.rename(self.path("out", "trials", best["id"]), self.path("gone"))
        second = self.status("out")["best"]
        self.assertTrue(second["whole"])
        self.assertNotEqual(second["values"], best["values"])

    def test_trials_that_the_file_no_longer_names_stay_and_are_never_the_best(self):
        self.sweep("out")
        best = self.status("out")["best"]
        self.write("sweep.yaml", SWEEP.replace("[3, 4]", "[%d]" % (7 - int(best["values"]["temperatures.rungs"]))))
        self.sweep("out")
        now = self.status("out")
        self.assertEqual((now["trials"], now["others"]), (8, 8))
        self.assertGreater(now["best"]["mean"], best["mean"])
        told = self.lehr("collect", "out").stdout
        self.assertRegex(told, r"(?m)^others +8 trials are no longer part of the sweep: never the best$")
        rows = list(csv.DictReader(self.results("out").decode().splitlines()))
        self.assertEqual([row["trial"] for row in rows], [str(i) for i in range(8)] + [""] * 8)
        self.assertEqual({row["temperatures.rungs"] for row in rows[8:]}, {best["values"]["temperatures.rungs"]})

    def test_one_trial_is_no_trials(self):
        self.write("sweep.yaml", "base: tiny.yaml\naxes: {seed: [1]}\n")
        self.assertIn("1 trial in 1 pack of", self.lehr("sweep", "sweep.yaml", "--dry-run").stdout)
        self.assertIn("sweep of 1 trial on", self.lehr("sweep", "sweep.yaml", "-o", "out").stderr)
        self.assertRegex(self.lehr("collect", "out").stdout, "^1 trial in ")
        self.assertIn(", 1 trial: 1 done", self.lehr("status", "out").stdout)

    def test_a_pruned_sweep_that_grows_ends(self):
        pruned = (
            "base: tiny.yaml\naxes: {moves.0.scale: {log: [1e-3, 3], n: 6}, seed: {range: [1, %d]}}\n"
            "objective: {metric: train_loss, over: seed}\nprune: {kind: sha, min_scans: 20, eta: 2}\n"
        )
        self.write("sweep.yaml", pruned % 4)
        self.sweep("fresh")
        fresh = list(csv.DictReader(self.results("fresh").decode().splitlines()))
        self.write("sweep.yaml", pruned % 1)
        self.sweep("out")
        self.write("sweep.yaml", pruned % 4)
        for shard, code in ((0, 85), (1, 85), (0, 0), (1, 0)):
            done = self.sweep("out", "--shard", "%d/2" % shard, code=code)
            self.assertEqual(code == 85, "yet to reach scan" in done.stderr, done.stderr)
        self.sweep("out")
        grown = list(csv.DictReader(self.results("out").decode().splitlines()))
        self.assertEqual({row["state"] for row in grown}, {"done", "pruned"})
        for before, now in zip(fresh, grown):
            if before["state"] == "done":
                self.assertEqual(now, before)

    def test_who_waits_for_a_killed_shard_says_that_it_does_not_run(self):
        """The first stage comes after more scans than are made until the kill."""
        rule = "axes: {seed: {range: [1, 4]}, %s}\nobjective: {metric: best.validation.loss}\n"
        rule += "prune: {kind: sha, min_scans: %d}\n"
        self.write("sweep.yaml", "base: tiny.yaml\n" + rule % ("stop.scans: [1000000000]", 500000000))
        killed = self.start("sweep", "sweep.yaml", "-q", "-o", "out", "--shard", "0/2")
        self.addCleanup(killed.kill)
        deadline = time.monotonic() + SECONDS
        while not os.path.exists(self.path("out", "sweep.json")) or self.status("out")["states"]["running"] < 2:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        killed.kill()
        killed.communicate()
        states = self.status("out")["states"]
        self.assertEqual((states["stale"] + states["checkpointed"], states["pending"]), (2, 2))
        self.write("sweep.yaml", "base: tiny.yaml\n" + rule % ("stop.scans: [60]", 20))
        done = self.sweep("other", "--shard", "1/2", code=85)
        self.assertIn("0 at work now, 2 pending; those", done.stderr)
        for trial, mine in zip(sorted(self.left_behind("out", "trials")), self.missing_trials("other")):
            os.rename(self.path("out", "trials", trial), self.path("other", "trials", mine))
        done = self.sweep("other", "--shard", "1/2", code=85)
        self.assertRegex(done.stderr, "0 at work now, 2 (stale|checkpointed); those that are not at work are for the other")

    def missing_trials(self, out):
        listed = [trial["id"] for trial in strict_json(self.read(out, "sweep.json"))["trials"]]
        return [trial for trial in listed if trial not in self.left_behind(out, "trials")]

    def test_mistakes_are_found_before_any_work(self):
        for text, says in (
            ("base: tiny.yaml\naxes: {sed: [1]}\n", "sweep.yaml:2:8: unknown key 'sed'; the nearest known key is 'seed'"),
            ("base: tiny.yaml\naxes: {seed: []}\n", "sweep.yaml:2:14: seed: an axis needs"),
            ("base: tiny.yaml\naxes: {seed: [1]}\nobjective: {metric: test_loss}\n", "sweep.yaml:3:21: objective.metric cannot be a test metric"),
            ("base: tiny.yaml\naxes: {temperatures.min: [1e-2, 1]}\n", "trial 1 (temperatures.min=1)"),
            ("base: tiny.yaml\naxes: {stop.wall_s: [1]}\n", "sweep.yaml:2:8: stop.wall_s"),
            ("base: tiny.yaml\naxes: {seed: {range: [3, 1]}}\n", "seed: range needs the smaller number first: [1, 3], not [3, 1]"),
            ("base: tiny.yaml\naxes: {seed: {range: 3}}\n", "seed: range needs two numbers, [least, most]"),
            *(
                ("base: tiny.yaml\naxes: {seed: [1], %s}\n" % axis, "sweep.yaml:2:19: %s is no part of what tells trials apart" % axis.split(":")[0])
                for axis in ("output.dir: [a, b]", "threads: {range: [1, 2]}", "backend: [cpu, auto]", "output.observe: [5, 6]",
                             "evaluation.keep_activations: [yes, no]", "name: [a, b]", "output.checkpoint_s: {lin: [1, 2], n: 2}")
            ),
            ("base: tiny.yaml\nmode: list\ntrials: [{seed: 1, threads: 1}, {seed: 2, threads: 2}]\n", "sweep.yaml:3:20: threads is no part"),
            ("base: tiny.yaml\naxes: {seed: {range: [1, 9]}}\nlimits: {trials: 8}\n", "9 trials, but limits.trials is 8"),
            ("base: tiny.yaml\naxes: {data.source: [none.csv, other.csv]}\n", "trial 0 (data.source="),
        ):
            with self.subTest(text=text):
                self.write("sweep.yaml", text)
                self.fails("sweep", "sweep.yaml", "-q", "-o", "out", code=2, says=says)
                self.assertFalse(os.path.exists(self.path("out")))
        self.fails("sweep", "none.yaml", code=74, says="none.yaml")
        for words in (("--shard", "4/4"), ("--shard", "x"), ("--shard", "1/0"), ("--retry", "all")):
            self.fails("sweep", "sweep.yaml", *words, code=2, says=words[0])

    def test_a_key_that_tells_no_trials_apart_may_have_one_value(self):
        self.write("sweep.yaml", "base: tiny.yaml\naxes: {seed: [1, 2], output.observe: [10], threads: [1]}\n")
        self.sweep("one")
        self.assertEqual(self.status("one")["states"]["done"], 2)
        self.write("list.yaml", "base: tiny.yaml\nmode: list\ntrials: [{seed: 1, output.observe: 10}, {seed: 2}]\n")
        self.lehr("sweep", "list.yaml", "-q", "-o", "two")
        self.assertEqual(self.status("two")["states"]["done"], 2)

    def test_directories_of_others_are_left_alone(self):
        os.mkdir(self.path("mine"))
        self.write("mine/notes", "x")
        self.fails("sweep", "sweep.yaml", "-q", "-o", "mine", code=73, says="mine exists")
        self.fails("sweep", "sweep.yaml", "--dry-run", "-o", "mine", code=73, says="mine exists and is not")
        self.fails("collect", "mine", code=73, says="mine is not the directory of a sweep")
        self.fails("status", "mine", code=73, says="mine is not the directory of a run or a sweep")
        self.assertEqual(self.left_behind("mine"), ["notes"])

    def test_the_directory_of_another_sweep_is_left_alone(self):
        """Another is one of another name, or of another base and without a trial in common."""
        small = SWEEP.replace("range: [1, 4]", "range: [1, 1]")
        self.write("sweep.yaml", small)
        self.sweep("out")
        before, trials = self.read("out", "sweep.json"), self.left_behind("out", "trials")
        self.write("other.yaml", "base: tiny.yaml\naxes: {loss.l2: [0.1, 0.2]}\n")
        says = "out holds another sweep, sweep; choose another directory with -o"
        self.fails("sweep", "other.yaml", "-q", "-o", "out", code=73, says=says)
        self.fails("sweep", "other.yaml", "--dry-run", "-o", "out", code=73, says=says)
        self.fails("sweep", "other.yaml", "--dry-run", "-o", "tiny.yaml", code=73, says="is not a directory")
        os.mkdir(self.path("far"))
        self.write("far/tiny.yaml", TINY.replace("points: 60", "points: 70"))
        self.write("far/sweep.yaml", small)
        says = "out holds sweep sweep of another base config"
        self.fails("sweep", "far/sweep.yaml", "-q", "-o", "out", code=73, says=says)
        self.assertEqual((self.read("out", "sweep.json"), self.left_behind("out", "trials")), (before, trials))
        self.assertEqual(self.workers("out"), [])

    def test_the_same_sweep_may_grow_change_and_get_another_name(self):
        self.write("sweep.yaml", SWEEP.replace("range: [1, 4]", "range: [1, 2]"))
        self.sweep("out")
        for axes in (
            "{seed: [1, 2, 3], temperatures.rungs: [3, 4]}",  # an axis less, a value more
            "{loss.l2: [0.1]}",  # all of it otherwise
        ):
            self.write("sweep.yaml", "base: tiny.yaml\naxes: %s\n" % axes)
            self.sweep("out")
        self.write("tiny.yaml", TINY + "seed: 9\n")
        self.write("sweep.yaml", "base: tiny.yaml\naxes: {loss.l2: [0.1, 0.2], seed: [1]}\n")
        self.sweep("out")  # another base, but a trial of before
        self.write("renamed.yaml", "base: tiny.yaml\naxes: {loss.l2: [0.1, 0.2, 0.3], seed: [1]}\n")
        done = self.lehr("sweep", "renamed.yaml", "--dry-run", "-o", "out")
        self.assertIn("lehr: out: sweep sweep would be called renamed, since all trials of one are trials", done.stderr)
        self.assertEqual(strict_json(self.read("out", "sweep.json"))["name"], "sweep")
        done = self.lehr("sweep", "renamed.yaml", "-o", "out")
        self.assertIn("out: sweep sweep is now called renamed, since", done.stderr)
        self.assertNotIn("called", self.lehr("sweep", "renamed.yaml", "-o", "out").stderr)
        self.assertEqual(strict_json(self.read("out", "sweep.json"))["name"], "renamed")

    def test_status_of_a_run(self):
        result = self.run_json("tiny.yaml", "-o", "run")
        status = strict_json(self.lehr("status", "run", "--json").stdout)
        self.assertEqual((status["state"], status["id"]), ("done", result["id"]))
        self.assertIn("done, scan 60 of 60", self.lehr("status", "run").stdout)
        self.assertIn(result["id"], self.lehr("status", "run", "--watch").stdout)


class Failures(SweepTest):
    def test_failed_trials_do_not_stop_the_others(self):
        self.write("tiny.yaml", TINY.replace("hidden: [4]", "hidden: [4], activation: relu"))
        self.write("sweep.yaml", "base: tiny.yaml\naxes: {network.init.scale: [1, 1e30], seed: [1, 2, 3]}\n")
        done = self.sweep("out", "--json", code=3)
        state = strict_json(done.stdout)
        self.assertEqual((state["states"]["done"], state["states"]["failed"]), (3, 3))
        self.assertIn("finite", state["failed"][0]["reason"])
        self.assertEqual([f["values"]["seed"] for f in state["failed"]], ["1", "2", "3"])
        named = r"(?m)^failed +%s \(network.init.scale=\S+, seed=1\): .*finite" % state["failed"][0]["id"]
        self.assertRegex(self.lehr("status", "out").stdout, named)
        self.assertRegex(self.lehr("collect", "out").stdout, named)
        rows = list(csv.DictReader(self.results("out").decode().splitlines()))
        self.assertEqual([row["state"] for row in rows], ["done"] * 3 + ["failed"] * 3)
        self.assertEqual(rows[3]["state_hash"], "")
        bad, good = "out/trials/" + rows[3]["id"], "out/trials/" + rows[0]["id"]
        says = bad + " is a failed trial of a sweep and goes on with it: lehr sweep SWEEP -o out --retry failed"
        self.fails("resume", bad, code=73, says=says)
        says = good + " is a trial of a sweep and done; give the sweep more scans, or run it on its own: lehr run " + good
        self.fails("resume", good, "--extend", "scans=+5", code=73, says=says)
        self.assertTrue(self.lehr("resume", good).stderr.endswith(good + " holds this run's result already\n"))
        first = os.stat(self.path(bad, "owner")).st_ino, self.read(bad, "owner")
        self.sweep("out", code=3)  # not tried again
        self.assertEqual((os.stat(self.path(bad, "owner")).st_ino, self.read(bad, "owner")), first)
        self.sweep("out", "--retry", "failed", code=3)
        self.assertEqual(strict_json(self.read(bad, "owner"))["failed"], 1)

    def test_a_full_disk_is_no_trials_fault(self):
        """Half of the trials are there, and then no file may grow any more."""
        whole = self.whole()
        self.sweep("out", "--shard", "0/2")
        done = self.sweep("out", code=74, preexec_fn=limit_file_size(700))
        self.assertIn("cannot write", done.stderr)
        self.assertEqual(self.status("out")["states"]["failed"], 0)
        self.sweep("out")
        self.assertEqual(self.results("out"), whole)

    @unittest.skipUnless(os.geteuid() == 0, "mounting needs root")
    def test_a_full_file_system(self):
        whole = self.whole()
        os.mkdir(self.path("disk"))
        mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", self.path("disk")]
        if subprocess.run(mount, check=False, stderr=subprocess.DEVNULL).returncode:
            self.skipTest("mounting is not allowed")
        try:
            done = self.sweep("disk/out", code=74)
            self.assertIn("bytes free", done.stderr)
            self.assertEqual(self.status("disk/out")["states"]["failed"], 0)
            subprocess.run(["mount", "-o", "remount,size=20m", self.path("disk")], check=True)
            self.sweep("disk/out")
            self.assertEqual(self.results("disk/out"), whole)
        finally:
            subprocess.run(["umount", self.path("disk")], check=True)

    def test_where_nothing_can_be_written(self):
        self.write("file", "x")
        for place in ("/proc/lehr/sweep", "file/sweep"):
            self.fails("sweep", "sweep.yaml", "-q", "-o", place, code=74, says=place.split("/")[-2])

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_where_nothing_may_be_written(self):
        os.mkdir(self.path("closed"), 0o500)
        self.fails("sweep", "sweep.yaml", "-q", "-o", "closed/sweep", code=74, says="closed/sweep")

    @unittest.skipUnless(os.geteuid() == 0, "mounting needs root")
    def test_on_a_read_only_file_system(self):
        os.mkdir(self.path("disk"))
        mount = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", self.path("disk")]
        if subprocess.run(mount, check=False, stderr=subprocess.DEVNULL).returncode:
            self.skipTest("mounting is not allowed")
        try:
            self.fails("sweep", "sweep.yaml", "-q", "-o", "disk/out", code=74, says="Read-only")
        finally:
            subprocess.run(["umount", self.path("disk")], check=True)


class Crowds(SweepTest):
    def end(self, process, code=0):
        out, err = process.communicate(timeout=SECONDS)
        self.assertEqual(process.returncode, code, (out + err).decode("utf-8", "replace"))

    def test_shards_at_once_make_the_whole(self):
        whole = self.whole()
        shards = [
            self.start("sweep", "sweep.yaml", "-q", "-o", "out", "--shard", "%d/4" % i)
            for i in range(4)
        ]
        for shard in shards:
            self.end(shard)
        self.assertEqual(self.results("out"), whole)

    def test_an_array_of_slurm_is_a_set_of_shards(self):
        whole = self.whole()
        for task in (3, 5, 7):
            env = dict(
                os.environ,
                SLURM_ARRAY_TASK_ID=str(task),
                SLURM_ARRAY_TASK_COUNT="3",
                SLURM_ARRAY_TASK_MIN="3",
                SLURM_ARRAY_TASK_STEP="2",
            )
            self.sweep("out", "--shard", "auto", env=env)
        self.assertEqual(self.results("out"), whole)
        env = {name: value for name, value in os.environ.items() if not name.startswith("SLURM")}
        self.fails("sweep", "sweep.yaml", "--shard", "auto", code=2, says="SLURM_ARRAY_TASK_ID", env=env)

    def test_eight_at_once_lose_nothing(self):
        self.write("tiny.yaml", TINY.replace("scans: 60", "scans: 20000"))
        whole = self.whole()
        crowd = [self.one_by_one("out", 64 + 4 * 2) for _ in range(8)]
        for process in crowd:
            self.end(process)
        self.assertEqual(self.results("out"), whole)
        owners = {
            strict_json(self.read("out", "trials", name, "owner"))["pid"]
            for name in self.left_behind("out", "trials")
        }
        self.assertGreater(len(owners), 1, "all the work was one's")
        self.assertEqual(self.workers("out"), [])

    def test_kills_at_any_moment_change_nothing(self):
        """Each process gets a little further and is killed; the seed is fixed, the moments are not."""
        self.write("tiny.yaml", TINY.replace("scans: 60", "scans: 3000"))
        begin = time.monotonic()
        whole = self.whole()
        span = time.monotonic() - begin
        chance = random.Random(1)
        killed = 0
        for _ in range(12):
            process = self.one_by_one("out", 64 + 4 * 3)
            time.sleep(chance.uniform(0, 0.3 * span))
            process.kill()
            process.communicate(timeout=SECONDS)
            killed += process.returncode == -signal.SIGKILL
        self.assertGreater(killed, 3)
        self.sweep("out")
        self.assertEqual(self.results("out"), whole)
        self.assertEqual(self.workers("out"), [])
        self.assertFalse([name for name in self.left_behind("out", "trials") if name[0] == "."])

    def test_a_signal_means_again(self):
        self.write("tiny.yaml", TINY.replace("scans: 60", "scans: 100000000"))
        process = self.start("sweep", "sweep.yaml", "-q", "-o", "out")
        deadline = time.monotonic() + SECONDS
        while not os.path.isdir(self.path("out", "trials")) or not self.left_behind("out", "trials"):
            self.assertIsNone(process.poll())
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        time.sleep(0.3)
        self.assertGreater(self.status("out")["states"]["running"], 0)
        process.send_signal(signal.SIGTERM)
        self.end(process, 85)
        states = self.status("out")["states"]
        self.assertEqual(states["running"] + states["stale"], 0)
        self.assertEqual(states["checkpointed"] + states["pending"], TRIALS)

    def test_a_limit_of_time_means_again(self):
        self.write("tiny.yaml", TINY.replace("scans: 60", "scans: 100000000"))
        self.write("sweep.yaml", SWEEP + "limits: {wall_s: 0.5}\n")
        begin = time.monotonic()
        self.sweep("out", code=85)
        self.assertLess(time.monotonic() - begin, 20)


if __name__ == "__main__":
    unittest.main()
