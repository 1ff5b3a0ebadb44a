"""Torture: work is stopped at random moments by whatever stops a process, and gone on with until it has ended. Then all
that it left is that of the same work undisturbed, but for times. test_torture.py does it for seconds,
test_long_torture.py two hundred times.

A moment is a share of the time that the undisturbed work took on this machine. Faults of the disk come by chance per
call (bad_disk.c). The dice are seeded; the machine is not, so that a seed repeats the ways and not every moment."""

import errno
import os
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import time

from program import LEHR, SECONDS, TINY, strict_json
from test_mpi import built_with_mpi
from test_resume import ResumeTest

BAD_DISK = os.environ.get("LEHR_BAD_DISK_LIBRARY", "")
SIGNALS = ("KILL", "TERM", "INT", "USR1", "XCPU")
DISKS = ("write", "fsync", "rename")  # calls of bad_disk.c
# clock: --maxh or limits.wall_s; limit: RLIMIT_FSIZE; full: no room is left on a small tmpfs.
WAYS = (*SIGNALS, "clock", "limit", "full", *DISKS)
ROOM = "64m"
SLOW = 3 if os.environ.get("LEHR_SANITIZE") else 1


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


# ---- What is tortured ----------------------------------------------------------------------------


class Run:
    """A run alone: one process."""

    name = "run"
    PLAIN = ("-s", "output.trace.energy=20", "-s", "output.observe=500")
    FORMS = (
        ("-s", "stop.scans=%d" % (180000 // SLOW)),
        ("-s", "stop.scans=%d" % (240000 // SLOW), "-s", "method=annealing", "-s", "chains=3"),
        ("-s", "stop.scans=%d" % (90000 // SLOW), "-s", "temperatures.copies=2"),
        ("-s", "stop.scans=%d" % (180000 // SLOW), "-s", "exchange.every=1"),
    )
    CODES = {"end": set(), "KILL": {-9}, "clock": {85}, "limit": {74}, "full": {74}}
    CODES.update({name: {85, -getattr(signal, "SIG" + name)} for name in SIGNALS[1:]})
    CODES.update({call: {74, -9} for call in DISKS})

    def __init__(self, test, form):
        self.test, self.words = test, (*self.PLAIN, *self.FORMS[form])

    def command(self, out, hours=None):
        limit = () if hours is None else ("--maxh", "%g" % hours)
        return [LEHR, "run", "tiny.yaml", "-o", out, *self.words, "-s", "output.checkpoint_s=1e-6", *limit]

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
    """A run on two or three ranks, as it comes, or on one."""

    name = "ranks"
    FORMS = (
        ("-s", "stop.scans=%d" % (480000 // SLOW), "-s", "exchange.every=20"),
        ("-s", "stop.scans=%d" % (90000 // SLOW), "-s", "exchange.every=5", "-s", "temperatures.copies=3"),
        ("-s", "stop.scans=%d" % (240000 // SLOW), "-s", "method=annealing", "-s", "chains=5"),
    )

    def begin(self, dice, out, hours=None, env=None):
        launch = ["mpirun", "-q", "--oversubscribe", "--bind-to", "none", "-n", str(dice.choice((2, 2, 3)))]
        launch += ["--mca", "mpi_yield_when_idle", "1"]
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
        """mpirun has codes of its own; none of them may say that what is there is bad, or in use."""
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
        super().__init__(test, 0)
        scans = [str(number // SLOW) for number in self.FORMS[form]]
        self.trials = 6 * len(scans)
        self.text = SWEEP % ", ".join(scans)
        test.write("trial.yaml", TINY.replace("{observe: 20}", "{observe: 500, trace: {energy: 50}}"))

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
        return states["done"] == self.trials

    def outcome(self, out):
        files = {}
        for trial in self.test.left_behind(out, "trials"):  # a trial's name has no dot in front
            for name, content in self.test.outcome(os.path.join(out, "trials", trial)).items():
                files[os.path.join(trial, name)] = content
        self.test.assertEqual(len(set(map(os.path.dirname, files))), self.trials)
        self.test.assertEqual([name for name in self.test.left_behind(out, "workers") if name != ".reclaim"], [])
        self.test.lehr("collect", out)
        files["results.csv"] = self.test.read_bytes(out, "results.csv")
        return files

    def whole(self, out):
        self.test.write("sweep.yaml", self.text)
        self.test.lehr("sweep", "sweep.yaml", "-q", "-o", out)
        return self.outcome(out)


# ---- How it is tortured --------------------------------------------------------------------------


class TortureTest(ResumeTest):
    """The victims of one kind after another; everything lies on a small disk where one can be mounted."""

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("disk"))
        mount = ["mount", "-t", "tmpfs", "-o", "size=" + ROOM, "tmpfs", self.path("disk")]
        found = shutil.which("mount")
        self.mounted = bool(found) and subprocess.call(mount, stderr=subprocess.DEVNULL) == 0
        if self.mounted:
            self.addCleanup(subprocess.run, ["umount", "-l", self.path("disk")], check=False)

    def ways(self):
        """Those that are possible here; what is not is said."""
        left_out = {"full": not self.mounted, **dict.fromkeys(DISKS, not BAD_DISK)}
        for way in filter(left_out.get, WAYS):
            print("torture: no %s: mounting is not allowed, or bad_disk.c not built" % way)
        return [way for way in WAYS if not left_out.get(way)]

    def torture(self, seed, stops):
        """Each kind is stopped so many times, by each way as often as by any other."""
        print("torture: seed %d" % seed)
        for kind, least in stops.items():
            if kind is Ranks and not (shutil.which("mpirun") and built_with_mpi()):
                print("torture: no ranks: no mpirun, or a build without MPI")
                continue
            count = self.torture_kind(kind, random.Random("%d %s" % (seed, kind.name)), least)
            for way, times in count.items():
                self.assertGreaterEqual(times, least // len(count), "%s: %s" % (way, count))
            self.assertGreaterEqual(sum(count.values()), least, count)

    def torture_kind(self, kind, dice, least):
        ways, begin, number = self.ways(), time.monotonic(), 0
        first = dice.randrange(len(ways))
        deck = [ways[(first + i) % len(ways)] for i in range(least)]
        dice.shuffle(deck)
        self.count, self.goes, self.whole = dict.fromkeys(ways, 0), 0, {}
        while deck:
            number += 1
            victim = Victim(self, kind, number, dice)
            try:
                self.torture_victim(victim, deck)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                self.fail("%s, after %s\n%s" % (victim.out, "; ".join(victim.told), error))
        told = " ".join("%s %d" % pair for pair in self.count.items())
        told = (kind.name, sum(self.count.values()), number, time.monotonic() - begin, told)
        print("torture: %s: %d stops of %d victims in %.0f s: %s" % told, flush=True)
        return self.count

    def torture_victim(self, victim, deck):
        """As long as it goes; a way that did not stop it comes again."""
        while deck and not victim.done:
            self.goes += 1
            self.assertLess(self.goes, 20 * len(deck) + 200, "hardly anything can be stopped")
            way = deck.pop()
            hits = victim.go(way)
            for name, times in hits.items():
                self.count[name] += times
            if hits[way] == 0:
                deck.insert(victim.dice.randint(0, len(deck)), way)
        victim.finish()


class Victim:
    """One piece of work and its directory."""

    def __init__(self, test, kind, number, dice):
        self.test, self.dice, self.done, self.told = test, dice, False, []
        self.work = kind(test, number % len(kind.FORMS))
        self.name = "%s-%d" % (kind.name, number)
        self.out = os.path.join("disk", self.name)
        form = number % len(kind.FORMS)
        if form not in test.whole:
            test.whole[form] = self.measure()
        self.whole, self.start_s, self.work_s, self.largest = test.whole[form]

    def measure(self):
        """What the work leaves undisturbed, its seconds as it is begun here, and the bytes of its largest file."""
        whole = self.work.whole("disk/whole")
        begin, place = time.monotonic(), self.test.path("disk/timed")
        processes = self.work.begin(self.dice, "disk/timed")
        while not os.path.exists(place) and processes[0].poll() is None:
            time.sleep(0.001)
        start_s = time.monotonic() - begin
        for process in processes:
            process.communicate(timeout=SECONDS)
        work_s = time.monotonic() - begin - start_s
        files = [os.path.join(folder, name) for folder, _, names in os.walk(place) for name in names]
        largest = max(os.path.getsize(name) for name in files)
        shutil.rmtree(place)
        shutil.rmtree(self.test.path("disk/whole"))
        return whole, start_s, work_s, largest

    def go(self, way):
        """How often it was stopped by this way, and otherwise: what a fault has not ended is killed a little later."""
        self.told.append(way)
        self.work.remember(self.out)
        begin = time.monotonic()
        processes = self.work.begin(self.dice, self.out, self.hours(way), self.environment(way))
        moments = [(self.moment(), way, process) for process in processes]
        if way not in SIGNALS:
            moments += [(self.moment(at), "KILL", process) for at, _, process in moments]
        killed = set()
        for at, how, process in sorted(moments, key=lambda moment: moment[0]):
            try:
                process.wait(timeout=max(0, begin + at - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.hit(how, process)
                killed |= {process.pid} if how == "KILL" else set()
        return self.end(way, processes, killed)

    def end(self, way, processes, killed):
        hits = {way: 0, "KILL": 0}
        for process in processes:
            how = "KILL" if process.pid in killed else way
            self.wait(how, process)
            hits[how] += process.returncode != 0
        if way == "full":
            self.resize(ROOM)
        self.done = self.work.is_done(self.out, [process.returncode for process in processes])
        return hits

    def finish(self):
        """Undisturbed to the end, or once more, which changes nothing; then it is compared."""
        self.told.append("the end")
        self.work.remember(self.out)
        processes = self.work.begin(self.dice, self.out)
        self.end("end", processes, set())
        self.test.assertTrue(self.done, [process.returncode for process in processes])
        found = self.work.outcome(self.out)
        self.test.assertEqual(sorted(found), sorted(self.whole))
        for name, expected in self.whole.items():
            self.test.assertEqual(found[name], expected, name)
        self.check_beside()
        shutil.rmtree(self.test.path(self.out))

    def check_beside(self):
        """Only a directory that had no name yet when its process was killed may lie beside it."""
        beside = [name for name in self.test.left_behind("disk") if name != self.name]
        for name in beside:
            self.test.assertTrue(name.startswith("." + self.name + "."), name)
            shutil.rmtree(self.test.path("disk", name))

    def moment(self, after=0):
        """Seconds from the start; early more often than late, so that something is left to do."""
        if after == 0 and self.dice.random() < 0.15:
            return self.start_s * self.dice.random()
        return (after or self.start_s) + self.work_s * self.dice.random() ** 2

    def hours(self, way):
        return max(self.moment(), 1e-6) / 3600 if way == "clock" else None

    def environment(self, way):
        if way not in DISKS:
            return None
        error = self.dice.choice((0, errno.ENOSPC if way == "write" else errno.EIO))
        chance = self.dice.choice((0.003, 0.01, 0.05) if way == "write" else (0.03, 0.1, 0.3))
        orders = (self.dice.getrandbits(60), way, chance, error, self.dice.randint(0, 1))
        self.told[-1] = "%d %s %g %d %d" % orders
        asan = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        more = {"LD_PRELOAD": BAD_DISK, "LEHR_BAD_DISK": self.told[-1], "ASAN_OPTIONS": asan}
        return {**os.environ, **more}

    def hit(self, way, process):
        if way in SIGNALS:
            self.work.send(self.dice, process, way)
        if way == "full":
            used = os.statvfs(self.test.path("disk"))
            pages = used.f_blocks - used.f_bfree + self.dice.choice((0, 1, 3, 10, 30))
            self.resize(str(pages * used.f_frsize))
        if way == "limit":
            most = self.dice.randrange(2 * self.largest)
            for pid in self.work.workers(process):
                try:
                    resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))
                except (ProcessLookupError, PermissionError):
                    pass

    def resize(self, size):
        """A disk that holds more by now is not made smaller than that."""
        words = ["mount", "-o", "remount,size=" + size, self.test.path("disk")]
        subprocess.run(words, stderr=subprocess.DEVNULL, check=size == ROOM)

    def wait(self, way, process):
        try:
            err = process.communicate(timeout=SECONDS)[1].decode("utf-8", "replace")
        except subprocess.TimeoutExpired:
            for pid in members(process.pid):
                os.kill(pid, signal.SIGKILL)
            raise
        if process.returncode != 0:
            self.told[-1] += " (%d)" % process.returncode
        self.work.check_end(way, process, err, self.out)
