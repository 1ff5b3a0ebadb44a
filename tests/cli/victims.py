"""What is tortured: runs, sweeps, and runs on several ranks. How they are begun, who does the work,
and what must be there in the end; torture.py stops them."""

import os
import re
import signal
import struct
import subprocess
import time

from program import LEHR, SECONDS, TINY, strict_json

SLOW = {"": 1, "thread": 9}.get(os.environ.get("LEHR_SANITIZE", ""), 3)  # sanitizers are slow
SIGNALS = ("KILL", "TERM", "INT", "USR1", "XCPU")
DISKS = ("write", "fsync", "rename")  # calls of bad_disk.c
# clock: --maxh or limits.wall_s; limit: RLIMIT_FSIZE; full: no room is left on a small tmpfs.
WAYS = (*SIGNALS, "clock", "limit", "full", *DISKS)


def members(session):
    """The living processes of a session."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % name, encoding="utf-8", errors="replace") as file:
                state, _, _, of = file.read().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(of) == session and state != "Z":
            found.append(int(name))
    return found


def saved_scan(folder):
    """The scan of the newest checkpoint; -1: there is none."""
    scans = [-1]
    for name in ("a.safetensors", "b.safetensors"):
        if os.path.exists(os.path.join(folder, name)):
            with open(os.path.join(folder, name), "rb") as file:
                length = struct.unpack("<Q", file.read(8))[0]
                scans.append(int(strict_json(file.read(length).decode())["__metadata__"]["scan"]))
    return max(scans)


def tree_of(place):
    """Every name below a directory, but that of a lock that always stays."""
    found = []
    for folder, _, names in os.walk(place):
        paths = [os.path.join(folder, name) for name in (".", *names) if name != ".reclaim"]
        found += [os.path.relpath(path, place) for path in paths]
    return sorted(found)


class Run:
    """A run alone: one process."""

    name = "run"
    FORMS = (  # scans, and what else is set
        (180000, ()),
        (240000, ("method=annealing", "chains=3")),
        (90000, ("temperatures.copies=2",)),
        (180000, ("exchange.every=1",)),
    )
    CODES = {"end": set(), "KILL": {-9}, "clock": {85}, "limit": {74}, "full": {74}}
    CODES.update({name: {85, -getattr(signal, "SIG" + name)} for name in SIGNALS[1:]})
    CODES.update({call: {74, -9} for call in DISKS})

    def __init__(self, test, form):
        scans, keys = self.FORMS[form]
        plain = ("stop.scans=%d" % (scans // SLOW), "output.observe=500", "output.trace.energy=20")
        self.test, self.before = test, -1
        self.words = [word for key in (*plain, *keys) for word in ("-s", key)]

    def command(self, out, hours=None):
        words = [LEHR, "run", "tiny.yaml", "-o", out, *self.words, "-s", "output.checkpoint_s=1e-6"]
        return words if hours is None else [*words, "--maxh", "%g" % hours]

    def begin(self, dice, out, hours=None, env=None):
        del dice
        return [self.start(self.command(out, hours), env)]

    def start(self, words, env=None):
        pipe = subprocess.PIPE
        return subprocess.Popen(
            words, stdout=pipe, stderr=pipe, cwd=self.test.folder, env=env, start_new_session=True
        )

    def workers(self, process):
        """Processes that do the work."""
        return [process.pid]

    def send(self, dice, process, name):
        del dice
        process.send_signal(getattr(signal, "SIG" + name))

    def check_end(self, way, process, err, out):
        self.test.assertIn(process.returncode, {0} | self.CODES[way], err)
        self.check_words(err, out)

    def check_words(self, err, out):
        """Nothing is damaged, and it began at the newest checkpoint."""
        self.test.assertNotIn("checkpoint is used", err)
        self.test.assertNotIn("safetensors is used", err)
        begun = re.search(r"goes on from scan (\d+)|the run starts over", err)
        if begun:
            self.test.assertEqual(int(begun[1] or -1), self.before, err)

    def remember(self, out):
        self.before = saved_scan(self.test.path(out, "ckpt"))

    def is_done(self, out, codes):
        del out
        return codes == [0]

    def outcome(self, out):
        files = self.test.outcome(out)
        for name in ("result.json", "status.json"):
            files[name].pop("ranks", None)
        return files

    def whole(self, out):
        done = self.start([LEHR, "run", "tiny.yaml", "-q", "-o", out, *self.words])
        self.test.assertEqual(done.communicate(timeout=SECONDS)[1], b"")
        return self.outcome(out)


class Ranks(Run):
    """A run on two or three ranks, as it comes."""

    name = "ranks"
    FORMS = (
        (480000, ("exchange.every=20",)),
        (90000, ("exchange.every=5", "temperatures.copies=3")),
        (240000, ("method=annealing", "chains=5")),
    )

    def begin(self, dice, out, hours=None, env=None):
        launch = ["mpirun", "-q", "--oversubscribe", "--bind-to", "none"]
        launch += ["-n", str(dice.choice((2, 2, 3))), "--mca", "mpi_yield_when_idle", "1"]
        if os.geteuid() == 0:
            launch.insert(1, "--allow-run-as-root")
        for name in ("LD_PRELOAD", "LEHR_BAD_DISK", "ASAN_OPTIONS") if env else ():
            launch += ["-x", "%s=%s" % (name, env[name])]  # for the ranks, not for mpirun
        return [self.start([*launch, *self.command(out, hours)])]

    def workers(self, process):
        return [pid for pid in members(process.pid) if pid != process.pid]

    def send(self, dice, process, name):
        ranks = self.workers(process)
        targets = [process.pid]
        if name == "KILL":
            targets = [dice.choice([process.pid, *ranks])]
        elif name == "XCPU":  # a limit of time is each rank's own
            targets = ranks
        for pid in targets:
            try:
                os.kill(pid, getattr(signal, "SIG" + name))
            except ProcessLookupError:
                pass

    def check_end(self, way, process, err, out):
        """mpirun has codes of its own. None may say that what is there is bad, or in use."""
        self.test.assertNotIn(process.returncode, (2, 73), err)
        self.check_words(err, out)
        deadline = time.monotonic() + SECONDS
        while members(process.pid):
            self.test.assertLess(time.monotonic(), deadline, "ranks outlive mpirun")
            time.sleep(0.01)


SWEEP = """base: trial.yaml
axes:
  stop.scans: [%s]
  network.hidden: [[4], [3]]
  seed: {range: [1, 3]}
objective: {metric: best.validation.loss, over: seed}
"""


class Sweep(Run):
    """Packs of trials that end at different times, by one worker or by two at once."""

    name = "sweep"
    FORMS = ((2000, 20000, 60000), (500, 4000, 8000, 40000))

    def __init__(self, test, form):
        self.test = test
        scans = [str(number // SLOW) for number in self.FORMS[form]]
        self.trials = 6 * len(scans)
        self.text = SWEEP % ", ".join(scans)
        output = "{observe: 500, trace: {energy: 50}, checkpoint_s: 1e-6}"
        test.write("trial.yaml", TINY.replace("{observe: 20}", output))

    def begin(self, dice, out, hours=None, env=None):
        limit = "" if hours is None else "limits: {wall_s: %g}\n" % (3600 * hours)
        self.test.write("sweep.yaml", self.text + limit)
        # Few open files make small launches, so that there is work for two.
        few = ["prlimit", "--nofile=%d" % (64 + 4 * dice.randint(1, 6))]
        words = [LEHR, "sweep", "sweep.yaml", "-o", out]
        if dice.random() < 0.3:
            return [self.start(words, env)]
        return [self.start([*few, *words], env) for _ in range(dice.choice((1, 2, 2)))]

    def check_words(self, err, out):
        self.test.assertNotIn("damaged", err)

    def remember(self, out):
        pass

    def is_done(self, out, codes):
        if 0 not in codes:
            return False
        states = strict_json(self.test.lehr("status", out, "--json").stdout)["states"]
        self.test.assertEqual(states["failed"], 0, states)
        done = states["done"] == self.trials
        self.test.assertTrue(done or set(codes) != {0}, states)
        return done

    def outcome(self, out):
        files = {}
        for trial in self.test.left_behind(out, "trials"):  # a trial's name has no dot in front
            for name, content in self.test.outcome(os.path.join(out, "trials", trial)).items():
                files[os.path.join(trial, name)] = content
        self.test.assertEqual(len(set(map(os.path.dirname, files))), self.trials)
        workers = self.test.left_behind(out, "workers")
        self.test.assertLessEqual(set(workers), {".reclaim"}, "those that are gone have signed off")
        files["tree"] = tree_of(self.test.path(out))
        self.test.lehr("collect", out)
        files["results.csv"] = self.test.read_bytes(out, "results.csv")
        return files

    def whole(self, out):
        self.test.write("sweep.yaml", self.text)
        self.test.lehr("sweep", "sweep.yaml", "-q", "-o", out)
        return self.outcome(out)
