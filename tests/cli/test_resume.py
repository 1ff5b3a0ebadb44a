"""However a run is stopped, going on gives every file as if it had not been, but for its times."""

import os
import random
import re
import shutil
import signal
import subprocess
import time
import unittest

from program import LEHR, ProgramTest, SECONDS, strict_json
from test_faults import traceable

# A second or so: long enough to be stopped in the middle.
SCANS = 20000 if os.environ.get("LEHR_SANITIZE") else 60000
LENGTH = ("-s", "stop.scans=%d" % SCANS, "-s", "output.observe=200", "-s", "output.trace.energy=50")
OFTEN = ("-s", "output.checkpoint_s=1e-6")  # as often as 1 % of the time allows

TIMES = {"wall_s", "proposals_per_s", "checkpoints", "time_left_s", "pid", "started", "updated"}
PLACES = {"dir", "threads", "device"}


def timeless(value):
    """Without what may differ: times, and where and by how many threads it was done."""
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items() if key not in TIMES | PLACES}
    return [timeless(item) for item in value] if isinstance(value, list) else value


class ResumeTest(ProgramTest):
    def outcome(self, out):
        """What the directory of a finished run holds, however it came about."""
        files = {"best": self.read_bytes(out, "best.safetensors")}
        files["events"] = re.sub(r'"wall_s":[^,]*', "", self.read(out, "events.jsonl"))
        for name in ("result.json", "status.json"):
            files[name] = timeless(strict_json(self.read(out, name)))
        if os.path.exists(self.path(out, "trace")):
            for name in self.left_behind(out, "trace"):
                files[name] = self.read_bytes(out, "trace", name)
        for folder in ((), ("ckpt",), ("trace",)):
            if os.path.exists(self.path(out, *folder)):
                hidden = [name for name in self.left_behind(out, *folder) if name[0] == "."]
                self.assertEqual(hidden, [], "what killed processes left is removed")
        return files

    def whole(self, *words, out="whole"):
        self.lehr("run", "tiny.yaml", "-q", "-o", out, *words)
        return self.outcome(out)

    def go_on(self, out, *words):
        """To the end; stderr."""
        return self.lehr("run", "tiny.yaml", "-o", out, *words).stderr

    def check(self, out, whole):
        found = self.outcome(out)
        self.assertEqual(sorted(found), sorted(whole))
        for name, expected in whole.items():
            self.assertEqual(found[name], expected, name)

    def wait_for(self, *names, more_than=-1):
        """Until there is a file of more than so many bytes."""
        deadline = time.monotonic() + SECONDS
        path = self.path(*names)
        while not (os.path.exists(path) and os.path.getsize(path) > more_than):
            self.assertLess(time.monotonic(), deadline, names)
            time.sleep(0.002)

    def stop(self, *words, out, how="TERM"):
        """Go on with a run and, some observations later, ask it to leave; the scan where it did."""
        events = self.path(out, "events.jsonl")
        seen = os.path.getsize(events) if os.path.exists(events) else 0
        process = self.start(*words)
        self.wait_for(out, "events.jsonl", more_than=seen + 3000)
        process.send_signal(getattr(signal, "SIG" + how))
        self.assertEqual(process.communicate(timeout=SECONDS), (b"", b""))
        self.assertEqual(process.returncode, 85)
        return strict_json(self.read(out, "status.json"))["scan"]

    def stop_run(self, out, *words, how="TERM"):
        return self.stop("run", "tiny.yaml", "-q", "-o", out, *words, out=out, how=how)


class Resume(ResumeTest):
    def test_after_a_signal_or_the_clock_gives_the_undisturbed_run(self):
        whole = self.whole(*LENGTH)
        for how in ("TERM", "USR1", "INT"):
            with self.subTest(how=how):
                scan = self.stop_run(how, *LENGTH, how=how)
                self.assertGreater(scan, 0)
                self.assertIn("goes on from scan %d" % scan, self.go_on(how, *LENGTH))
                self.check(how, whole)
        took_h = strict_json(self.read("whole", "result.json"))["wall_s"] / 3600
        for hours in (1e-9, 0.1 * took_h, 0.2 * took_h):
            maxh = ("--maxh", "%g" % hours)
            self.lehr("run", "tiny.yaml", "-q", "-o", "out", *LENGTH, *maxh, code=85)
        self.go_on("out", *LENGTH)
        self.check("out", whole)

    def test_on_other_threads_and_by_its_directory_gives_the_same(self):
        whole = self.whole(*LENGTH)
        first = self.stop_run("out", *LENGTH)
        second = self.stop("resume", "out", "-q", "--threads", "2", out="out")
        self.assertGreater(second, first)
        done = self.lehr("resume", "out", "--json", "-q")
        self.check("out", whole)
        self.assertEqual(self.read("out", "result.json"), done.stdout)
        again = self.lehr("resume", ".", "--json", "-q", cwd=self.path("out"))
        self.assertEqual(again.stdout, done.stdout)

    def test_of_every_method_gives_the_same(self):
        batch = ("-s", "data.batch.points=10", "-s", "data.batch.grow=30")
        batch += ("-s", "data.batch.refresh=7")
        fixed = ("-s", "moves=[{kind: gaussian, scope: neuron, scale: 0.1}]")
        for name, words in (
            ("annealing", ("-s", "method=annealing", "-s", "chains=3")),
            ("batch", ("-s", "method=annealing", "-s", "chains=2", *batch, *fixed)),
            ("delayed", ("-s", "evaluation.delayed_acceptance=true")),
            ("copies", ("-s", "temperatures.copies=3")),
            ("frozen", ("-s", "stop.frozen=1000000")),
            ("target", ("-s", "stop.target.metric=energy", "-s", "stop.target.value=1e-12")),
        ):
            with self.subTest(method=name):
                words = (*LENGTH, "-s", "stop.scans=%d" % (SCANS // 5), *words)
                whole = self.whole(*words, out=name + "-whole")
                for maxh in ("1e-6", "3e-6", "8e-6"):
                    done = self.start("run", "tiny.yaml", "-q", "-o", name, "--maxh", maxh, *words)
                    done.communicate(timeout=SECONDS)
                    self.assertIn(done.returncode, (0, 85))
                self.go_on(name, *words)
                self.check(name, whole)

    @unittest.skipUnless(traceable(), "strace cannot send signals here")
    def test_after_every_observation_gives_the_undisturbed_run(self):
        """TERM with the n-th write; the events of scans 1, 2, 3, ... are among them."""
        words = ("-s", "exchange.every=3", "-s", "output.observe=1", "-s", "output.trace.energy=2")
        whole = self.whole(*words)
        scans = set()
        for n in range(5, 66, 3):
            out = "out-%d" % n
            for hit in (n, 3 + n % 5):
                inject = ["strace", "-qq", "-o", "/dev/null", "-e", "trace=write"]
                inject += ["-e", "inject=write:signal=TERM:when=%d" % hit]
                done = subprocess.run(
                    [*inject, LEHR, "run", "tiny.yaml", "-q", "-o", out, *words],
                    cwd=self.folder,
                    env={**os.environ, "ASAN_OPTIONS": "exitcode=99:detect_leaks=0"},
                    capture_output=True,
                    timeout=SECONDS,
                    check=False,
                )
                self.assertIn(done.returncode, (0, 85), done.stderr)
                scans.add(strict_json(self.read(out, "status.json"))["scan"])
            self.go_on(out, *words)
            self.check(out, whole)
        self.assertGreater(len(scans), 15, "the run is stopped at many places")

    def test_after_kills_at_random_gives_the_undisturbed_run(self):
        begin = time.monotonic()
        whole = self.whole(*LENGTH)
        took = time.monotonic() - begin
        dice = random.Random(1)
        for number in range(2):
            out = "out-%d" % number
            kills = 0
            while not os.path.exists(self.path(out, "result.json")):
                process = self.start("run", "tiny.yaml", "-q", "-o", out, *LENGTH, *OFTEN)
                try:
                    process.communicate(timeout=took * (dice.uniform(0.1, 0.7) + 0.05 * kills))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.communicate()
                    kills += 1
                else:
                    self.assertEqual(process.returncode, 0)
            self.go_on(out, *LENGTH)
            self.check(out, whole)
            self.assertGreater(kills, 0)

    def test_without_a_checkpoint_starts_over_in_its_directory(self):
        words = (*LENGTH, "-s", "output.trace.energy=1")
        whole = self.whole(*words)
        process = self.start("run", "tiny.yaml", "-q", "-o", "out", *words)
        self.wait_for("out", "trace", "energy-000001.npy")
        process.kill()
        process.communicate()
        self.assertEqual(self.left_behind("out", "ckpt"), [])
        limited = ("run", "tiny.yaml", "-o", "out", *words, "--maxh", "1e-9")
        said = self.lehr(*limited, code=85).stderr
        self.assertIn("out holds no checkpoint: the run starts over", said)
        self.assertEqual(self.left_behind("out", "trace"), [])
        self.assertEqual(len(self.read("out", "events.jsonl").splitlines()), 1)
        self.assertIn("goes on from scan 0", self.go_on("out", *words))
        self.check("out", whole)

    def test_never_is_73(self):
        self.stop_run("out", *LENGTH)
        words = ("run", "tiny.yaml", "-o", "out", *LENGTH, "--resume", "never")
        self.fails(*words, code=73, says="out exists")
        self.fails("resume", "none", code=74, says="none/config.yaml")
        os.mkdir(self.path("empty"))
        self.fails("resume", "empty", code=74, says="empty/config.yaml")
        self.write("sweep.yaml", "base: tiny.yaml\naxes: {seed: [1]}\n")
        self.lehr("sweep", "sweep.yaml", "-q", "-o", "trials of it")
        says = "trials of it is the directory of a sweep, not of a run: lehr sweep SWEEP -o trials of it goes on with it"
        self.fails("resume", "trials of it", code=73, says=says)


SCHEDULE = "{kind: gaussian, scale: {from: 0.5, to: 0.01}}"


class Extend(ResumeTest):
    WORDS = ("-s", "stop.scans=3000", "-s", "output.observe=7", "-s", "output.trace.energy=4")
    METHODS = (
        ("tempering", ()),
        ("adapting", ("-s", "temperatures.adapt=1")),
        ("annealing", ("-s", "method=annealing", "-s", "chains=2")),
        ("schedule", ("-s", "method=annealing", "-s", "moves=[%s]" % SCHEDULE)),
    )

    def extend(self, out, scans):
        words = ("--extend", "scans=+%d" % scans)
        return strict_json(self.lehr("resume", out, "-q", "--json", *words).stdout)

    def last_event(self, out):
        return strict_json(self.read(out, "events.jsonl").splitlines()[-1])

    def test_goes_on_at_the_last_temperatures_with_frozen_steps(self):
        for name, words in self.METHODS:
            with self.subTest(method=name):
                first = self.run_json("tiny.yaml", "-o", name, *self.WORDS, *words)
                before = self.last_event(name)
                again = self.extend(name, 500)
                self.assertEqual((again["stop"], again["scans"]), ("scans", 3500))
                self.assertNotEqual(again["state_hash"], first["state_hash"])
                scales = [[move["scale"] for move in result["moves"]] for result in (first, again)]
                self.assertEqual(*scales)
                after = self.last_event(name)
                self.assertEqual((after["scan"], before["scan"]), (3500, 3000))
                self.assertAlmostEqual(after["temperature"] / before["temperature"], 1, delta=1e-12)
                status = strict_json(self.read(name, "status.json"))
                self.assertEqual(status["extended"], {"from": 3000, "scans": 500})
                self.assertEqual(status["state"], "done")
                printed = self.lehr("resume", name, "-q", "--json").stdout
                self.assertEqual(self.read(name, "result.json"), printed)

    def test_by_parts_or_stopped_meanwhile_gives_the_same(self):
        for name, words in self.METHODS:
            with self.subTest(method=name):
                self.lehr("run", "tiny.yaml", "-q", "-o", name, *self.WORDS, *words)
                shutil.copytree(self.path(name), self.path(name + "-parts"))
                shutil.copytree(self.path(name), self.path(name + "-stopped"))
                more = "scans=+%d" % (SCANS // 3)
                self.lehr("resume", name, "-q", "--extend", more)
                whole = self.outcome(name)
                stopped = name + "-stopped"
                scan = self.stop("resume", stopped, "-q", "--extend", more, out=stopped)
                self.assertGreater(scan, 3000)
                status = strict_json(self.read(stopped, "status.json"))
                self.assertEqual(status["state"], "checkpointed")
                self.assertEqual(status["extended"], {"from": 3000, "scans": SCANS // 3})
                says = "unfinished run: finish it, then extend it"
                self.fails("resume", stopped, "--extend", "scans=+1", code=2, says=says)
                self.go_on(stopped, *self.WORDS, *words)
                self.check(stopped, whole)
                for scans in (1001, SCANS // 3 - 1001):
                    self.lehr("resume", name + "-parts", "-q", "--extend", "scans=+%d" % scans)
                found = self.outcome(name + "-parts")
                for result in (found["result.json"], whole["result.json"]):
                    del result["best"]  # chosen at one more scan: the end of the first part
                self.assertEqual(found["result.json"], whole["result.json"])

    def test_of_a_run_that_reached_its_target_ignores_it(self):
        easy = ("-s", "stop.target.metric=train_accuracy", "-s", "stop.target.value=0.01")
        for name, words in (("t", ()), ("a", ("-s", "method=annealing", "-s", "chains=2"))):
            first = self.run_json("tiny.yaml", "-o", name, *self.WORDS, *easy, *words)
            self.assertEqual(first["stop"], "target")
            before = self.last_event(name)["temperature"]
            again = self.extend(name, 50)
            self.assertEqual((again["stop"], again["scans"]), ("scans", first["scans"] + 50))
            self.assertAlmostEqual(self.last_event(name)["temperature"] / before, 1, delta=1e-12)

    def test_is_the_way_on_that_a_finished_run_names(self):
        self.lehr("run", "tiny.yaml", "-q", "-o", "out", *self.WORDS)
        said = self.lehr("resume", "out").stderr
        self.assertIn("out holds this run's result already; lehr resume out --extend scans=+N goes on with it", said)
        self.assertEqual(said, self.lehr("run", "tiny.yaml", "-o", "out", *self.WORDS).stderr)

    def test_of_what_cannot_be_extended_is_refused(self):
        self.lehr("run", "tiny.yaml", "-q", "-o", "out", *self.WORDS)
        huge = "scans=+9223372036854775807"
        for text in ("scans=5", "scans=+0", "scans=+-3", "+5", "scans=+x", "rungs=+5", "", huge):
            self.fails("resume", "out", "--extend", text, code=2, says="--extend needs scans=+N")
        before = self.read("out", "result.json")
        shutil.rmtree(self.path("out", "ckpt"))
        says = "no checkpoint that could be extended"
        self.fails("resume", "out", "-q", "--extend", "scans=+5", code=2, says=says)
        self.assertEqual(self.lehr("resume", "out", "-q", "--json").stdout, before)


class Damage(ResumeTest):
    def stop_twice(self, out):
        """Two generations; their scans."""
        scans = [self.stop_run(out, *LENGTH) for _ in range(2)]
        self.assertEqual(self.left_behind(out, "ckpt"), ["a.safetensors", "b.safetensors"])
        return scans

    def damage(self, *names):
        content = bytearray(self.read_bytes(*names))
        content[len(content) // 2] ^= 4
        self.write(os.path.join(*names), bytes(content))

    def test_of_the_newest_checkpoint_goes_back_to_the_one_before(self):
        whole = self.whole(*LENGTH)
        first, second = self.stop_twice("out")
        self.damage("out", "ckpt", "b.safetensors")
        said = self.go_on("out", *LENGTH)
        lines = [line for line in said.splitlines() if "damaged" in line]
        self.assertEqual(len(lines), 1, said)
        self.assertIn("out/ckpt/b.safetensors: ", lines[0])
        self.assertIn("out/ckpt/a.safetensors is used", lines[0])
        self.assertIn("%d scans are done again" % (second - first), lines[0])
        self.assertIn("goes on from scan %d" % first, said)
        self.check("out", whole)

    def test_of_the_older_one_costs_nothing(self):
        whole = self.whole(*LENGTH)
        second = self.stop_twice("out")[1]
        self.damage("out", "ckpt", "a.safetensors")
        os.utime(self.path("out/ckpt/b.safetensors"), (1, 1))
        self.assertIn("goes on from scan %d" % second, self.go_on("out", *LENGTH))
        self.check("out", whole)

    def test_of_both_is_said_and_nothing_is_overwritten(self):
        self.stop_twice("out")
        self.damage("out", "ckpt", "a.safetensors")
        self.write("out/ckpt/b.safetensors", self.read_bytes("out", "ckpt", "b.safetensors")[:-1])
        before = {name: self.read_bytes("out", name) for name in ("status.json", "events.jsonl")}
        says = "no checkpoint is left: remove out/ckpt to start over"
        done = self.fails("run", "tiny.yaml", "-q", "-o", "out", *LENGTH, code=2, says=says)
        self.assertIn("a.safetensors: ", done.stderr)
        self.assertIn("b.safetensors: ", done.stderr)
        self.assertEqual(before, {name: self.read_bytes("out", name) for name in before})
        whole = self.whole(*LENGTH)
        shutil.rmtree(self.path("out", "ckpt"))
        self.go_on("out", *LENGTH)
        self.check("out", whole)

    def test_of_what_a_checkpoint_belongs_to_is_refused(self):
        self.stop_twice("out")
        for words, says in (
            (("-s", "seed=2"), "seed is 1 there and 2 here"),
            (("-s", "output.observe=100"), "output.observe=200, here it is 100"),
            (("-s", "output.trace.energy=0"), "output.trace.energy=50, here it is 0"),
        ):
            self.fails("run", "tiny.yaml", "-q", "-o", "out", *LENGTH, *words, code=73, says=says)
        shutil.copytree(self.path("out"), self.path("other"))
        self.stop_run("seed", *LENGTH, "-s", "seed=3")
        shutil.rmtree(self.path("other", "ckpt"))
        shutil.copytree(self.path("seed", "ckpt"), self.path("other", "ckpt"))
        words = ("run", "tiny.yaml", "-q", "-o", "other", *LENGTH)
        self.fails(*words, code=73, says="is of another config")

    def test_of_events_that_a_checkpoint_knows_is_said(self):
        self.stop_twice("out")
        self.write("out/events.jsonl", self.read_bytes("out", "events.jsonl")[:100])
        words = ("run", "tiny.yaml", "-q", "-o", "out", *LENGTH)
        self.fails(*words, code=2, says="out/events.jsonl has 100 bytes")


class Lock(ResumeTest):
    def test_that_is_broken_stops_whoever_slept_on_it(self):
        """SIGSTOP; it wakes up when its successor has begun, or when it has ended."""
        whole = self.whole(*LENGTH)
        for late in (False, True):
            with self.subTest(late=late):
                out = "late" if late else "out"
                words = ("run", "tiny.yaml", "-q", "-o", out, *LENGTH, *OFTEN)
                zombie = self.start(*words)
                self.wait_for(out, "ckpt", "a.safetensors")
                zombie.send_signal(signal.SIGSTOP)
                self.fails(*words, code=73, says="in use by process %d" % zombie.pid)
                successor = self.start("resume", out, "-q", "--break-lock")
                self.wait_for(out, "ckpt", "b.safetensors")
                if late:
                    successor.communicate(timeout=SECONDS)
                zombie.send_signal(signal.SIGCONT)
                err = zombie.communicate(timeout=SECONDS)[1].decode()
                self.assertEqual(zombie.returncode, 73, err)
                self.assertIn("was taken over by process %d" % successor.pid, err)
                self.assertIn("this process stops and writes nothing more", err)
                successor.communicate(timeout=SECONDS)
                self.assertEqual(successor.returncode, 0)
                self.check(out, whole)

    def test_of_two_at_once_lets_one_work(self):
        whole = self.whole(*LENGTH)
        words = ("run", "tiny.yaml", "-q", "-o", "out", *LENGTH)
        processes = [self.start(*words) for _ in range(4)]
        codes = []
        for process in processes:
            process.communicate(timeout=SECONDS)
            codes.append(process.returncode)
        self.assertLessEqual(set(codes), {0, 73})
        self.assertIn(0, codes)
        self.check("out", whole)


if __name__ == "__main__":
    unittest.main()
