"""Torture: work is stopped at random moments by whatever stops a process, and gone on with until it
has ended. Then all that it left is that of the same work undisturbed, but for times. The little one
is test_torture.py, test_long_torture.py stops two hundred times.

A moment is a share of the time that the undisturbed work took on this machine. Faults of the disk
come by chance per call (bad_disk.c). The dice are seeded; the machine is not, so that a seed
repeats the ways and not every moment."""

import ctypes
import errno
import os
import random
import resource
import shutil
import signal
import subprocess
import time

from mpi_program import built_with_mpi
from program import SECONDS
from test_resume import ResumeTest
from victims import DISKS, SIGNALS, WAYS, Ranks, members

BAD_DISK = os.environ.get("LEHR_BAD_DISK_LIBRARY", "")
LIBC = ctypes.CDLL(None, use_errno=True)
MS_REMOUNT, MNT_DETACH = 32, 2  # sys/mount.h
ROOM = "64m"


class TortureTest(ResumeTest):
    """The victims of one kind after another, on a small disk where one can be mounted."""

    forms = 9  # of each kind, at most

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("disk"))
        mount = ["mount", "-t", "tmpfs", "-o", "size=" + ROOM, "tmpfs", self.path("disk")]
        found = shutil.which("mount")
        self.mounted = bool(found) and subprocess.call(mount, stderr=subprocess.DEVNULL) == 0
        if self.mounted:
            self.addCleanup(LIBC.umount2, self.path("disk").encode(), MNT_DETACH)

    def ways(self):
        """Those that are possible here; what is not is said."""
        left_out = {"full": not self.mounted, **dict.fromkeys(DISKS, not BAD_DISK)}
        for way in filter(left_out.get, WAYS):
            print("torture: no %s: mounting is not allowed, or bad_disk.c not built" % way)
        return [way for way in WAYS if not left_out.get(way)]

    def torture(self, seed, stops):
        """Each kind is stopped so many times, by each way as often as by any other."""
        self.seed = seed
        print("torture: seed %d" % seed, flush=True)
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
        self.goes_most = 30 * least
        self.count, self.goes, self.whole, self.pace = dict.fromkeys(ways, 0), 0, {}, 1
        while deck:
            number += 1
            ordeal = Ordeal(self, kind, number, dice)
            try:
                self.go_through(ordeal, deck)
            except Exception as error:
                told = (self.seed, ordeal.out, "; ".join(ordeal.told), error)
                raise AssertionError("seed %d, %s, after %s\n%s" % told) from error
        told = " ".join("%s %d" % pair for pair in self.count.items())
        told = (kind.name, sum(self.count.values()), number, time.monotonic() - begin, told)
        print("torture: %s: %d stops of %d victims in %.0f s: %s" % told, flush=True)
        return self.count

    def go_through(self, ordeal, deck):
        """As long as it goes; a way that did not stop it comes again."""
        while deck and not ordeal.done:
            self.goes += 1
            self.assertLess(self.goes, self.goes_most, "hardly anything can be stopped")
            way = deck.pop()
            hits = ordeal.go(way)
            for name, times in hits.items():
                self.count[name] += times
            if hits[way] == 0:
                deck.insert(ordeal.dice.randint(0, len(deck)), way)
        ordeal.finish()


class Ordeal:
    """One victim, its directory, and what is done to it."""

    def __init__(self, test, kind, number, dice):
        self.test, self.dice, self.told = test, dice, []
        self.done = self.swept = False  # swept: and no process of the last go was stopped
        form = number % min(test.forms, len(kind.FORMS))
        self.work = kind(test, form)
        self.name = "%s-%d" % (kind.name, number)
        self.out = os.path.join("disk", self.name)
        if form not in test.whole:
            test.whole[form] = self.measure()
        self.whole, self.start_s, self.work_s, self.largest = test.whole[form]

    def measure(self):
        """What the work leaves undisturbed; the seconds that it takes to begin and to end as it is
        done here; the bytes of its largest file."""
        whole = self.work.whole("disk/whole")
        begin, place = time.monotonic(), self.test.path("disk/timed")
        processes = self.work.begin(self.dice, "disk/timed")
        while not os.path.exists(place) and processes[0].poll() is None:
            time.sleep(0.001)
        start_s = time.monotonic() - begin
        for process in processes:
            process.communicate(timeout=SECONDS)
        work_s = time.monotonic() - begin - start_s
        tree = os.walk(place)
        files = [os.path.join(folder, name) for folder, _, names in tree for name in names]
        largest = max(os.path.getsize(name) for name in files)
        shutil.rmtree(place)
        shutil.rmtree(self.test.path("disk/whole"))
        return whole, start_s, work_s, largest

    def go(self, way):
        """How often it was stopped by this way, and by a kill: what no fault has ended is killed a
        little later."""
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
                self.hurry(process)
            except subprocess.TimeoutExpired:
                self.hit(how, process)
                killed |= {process.pid} if how == "KILL" else set()
        return self.end(way, processes, killed)

    def end(self, way, processes, killed):
        hits = {way: 0, "KILL": 0}
        for process in processes:
            err = self.wait(process)
            # What was killed may have been about to end by the fault.
            kills = process.pid in killed and process.returncode in (-9, 137)  # 137: mpirun's
            how = "KILL" if kills else way
            self.check(how, process, err)
            hits[how] += process.returncode != 0
        if way == "full":
            self.resize(ROOM)
        codes = [process.returncode for process in processes]
        self.done = self.work.is_done(self.out, codes)
        self.swept = self.done and set(codes) == {0}
        return hits

    def finish(self):
        """Undisturbed to the end, or until what killed processes left is gone; then compare."""
        if not self.swept:
            self.told.append("the end")
            self.work.remember(self.out)
            self.end("end", self.work.begin(self.dice, self.out), set())
        self.test.assertTrue(self.swept, "an undisturbed process fails")
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

    def hurry(self, process):
        """What ends before it is hit was measured while the machine had more to do."""
        self.test.pace *= 0.9 if process.returncode == 0 and self.test.pace > 0.3 else 1

    def moment(self, after=0):
        """Seconds from the start; early more often than late, so that something is left to do."""
        if after == 0 and self.dice.random() < 0.15:
            return self.start_s * self.dice.random()
        return (after or self.start_s) + self.test.pace * self.work_s * self.dice.random() ** 2

    def hours(self, way):
        """The program's own clock knows nothing of what began it."""
        return max(self.moment() - self.start_s, 1e-6) / 3600 if way == "clock" else None

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
        """A disk that holds more by now is not made smaller than that. The system is asked itself:
        mount(8) looks for the place in a list that others change at the same time."""
        place = self.test.path("disk").encode()
        found = LIBC.mount(b"tmpfs", place, b"tmpfs", MS_REMOUNT, b"size=" + size.encode())
        self.test.assertTrue(found == 0 or size != ROOM, os.strerror(ctypes.get_errno()))

    def wait(self, process):
        try:
            return process.communicate(timeout=SECONDS)[1].decode("utf-8", "replace")
        except subprocess.TimeoutExpired:
            for pid in members(process.pid):
                os.kill(pid, signal.SIGKILL)
            raise

    def check(self, way, process, err):
        if process.returncode != 0:
            self.told[-1] += " (%d)" % process.returncode
        self.work.check_end(way, process, err, self.out)
