"""Scripts of `lehr slurm-script` in a Slurm of one node (one_node.py): jobs are signaled, preempted, requeued and
canceled while they work, and leave what undisturbed ones leave. What happened to a job is read from Slurm."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import one_node
from program import TINY, ProgramTest, SECONDS, strict_json
from mpi_program import built_with_mpi

SWEEP = """base: tiny.yaml
axes:
  temperatures.rungs: [3, 4]
  seed: {range: [1, 32]}
"""
PRUNED = """base: tiny.yaml
axes:
  temperatures.rungs: [3, 4, 5, 6]
  moves.0.scale: [0.05, 0.5]
  seed: [1, 2]
objective: {metric: best.validation.loss, over: seed}
prune: {kind: sha, min_scans: 2000, eta: 3}
"""
OPEN = ("PENDING", "RUNNING", "COMPLETING", "SUSPENDED", "REQUEUED")
ABSENT = one_node.missing()
LONG = 2 * SECONDS  # for what all jobs of a test take together: seconds on a quiet machine


@unittest.skipIf(ABSENT, ABSENT)
class Jobs(ProgramTest):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.mkdtemp(prefix="lehr-slurm-")
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.node = one_node.OneNode(folder)
        cls.addClassCleanup(cls.node.stop)
        cls.node.start()

    def config(self, scans, observe=1000):
        self.write("tiny.yaml", TINY.replace("scans: 60", "scans: %d" % scans).replace("observe: 20", "observe: %d" % observe))

    def submit(self, *words):
        path = self.write("job.sh", self.lehr("slurm-script", *words).stdout)
        number = self.node.submit(path, cwd=self.folder)
        self.addCleanup(self.node.ask, "scancel", number, fine=False)
        return number

    def aside(self, *words):
        """What nobody disturbs, at the same time."""
        process = self.start(*words, "-q", stdout=subprocess.DEVNULL)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def whole(self, process):
        _, err = process.communicate(timeout=LONG)
        self.assertEqual(process.returncode, 0, err)

    def until(self, what, ask, seconds=LONG):
        """The first answer of `ask` that is not empty."""
        deadline = time.monotonic() + seconds
        while True:
            answer = ask()
            if answer:
                return answer
            self.assertLess(time.monotonic(), deadline, "in vain: %s\n%s" % (what, self.evidence()))
            time.sleep(0.05)

    def evidence(self):
        """For the words of a failure: the queue, and the end of what every job has said."""
        logs = sorted(name for name in os.listdir(self.folder) if name.endswith(".log"))
        return self.node.ask("squeue", fine=False) + "".join(
            "== %s\n%s" % (name, self.read(name)[-1500:]) for name in logs
        )

    def ended(self, number):
        """All jobs of a number, when none of them will come back; there must be no failure among them."""
        jobs = self.node.jobs(number)
        if any(job["JobState"] in OPEN for job in jobs.values()):
            return None
        for task, job in jobs.items():
            self.assertEqual((job["JobState"], job["ExitCode"]), ("COMPLETED", "0:0"), (task, self.evidence()))
        return jobs

    def restarts(self, number):
        return {task: int(job["Restarts"]) for task, job in self.node.jobs(number).items()}

    # ---- Disturbing -----------------------------------------------------------------------------

    def trial_owners(self):
        """Numbers of the jobs whose lehr is at work on trials of out/ now."""
        jobs = set()
        for name in self.left_behind("out", "trials") if os.path.isdir(self.path("out", "trials")) else []:
            try:
                owner = strict_json(self.read("out", "trials", name, "owner"))
            except (FileNotFoundError, ValueError):
                continue
            if os.path.exists(self.path("out", "workers", owner["worker"])):
                jobs.add(owner["job"].split()[0])
        return jobs

    def run_owner(self):
        """The same for a run: it must be locked by a living process that has begun its scans."""
        try:
            lock, events = strict_json(self.read("out", "lock")), self.read("out", "events.jsonl")
        except (FileNotFoundError, ValueError):
            return set()
        alive = os.path.exists("/proc/%d" % lock["pid"]) and events.count("\n") > self.events
        self.events = max(self.events, events.count("\n")) if alive else self.events
        return {lock["job"]} if alive else set()

    def at_work(self, number, owners):
        """Tasks that run, and whose lehr is at it."""
        jobs = owners()
        return [
            task for task, job in self.node.jobs(number).items()
            if job["JobState"] == "RUNNING" and job["JobId"] in jobs
        ]

    def disturb(self, number, owners, act):
        """Do it to tasks that are at work, until it has hit one before its end: those that have come back for it."""
        while True:
            before = self.restarts(number)
            tasks = self.until("a task at work", lambda: self.at_work(number, owners) or self.ended(number))
            self.assertIsInstance(tasks, list, "all ended before they could be disturbed " + self.evidence())
            touched = act(tasks)

            def settled():
                jobs = self.node.jobs(number)
                back = [
                    task for task in touched
                    if jobs[task]["JobState"] == "PENDING" or int(jobs[task]["Restarts"]) > before[task]
                ]
                over = [task for task in touched if jobs[task]["JobState"] not in OPEN and task not in back]
                return (back, over) if len(back) + len(over) == len(touched) else None

            back, over = self.until("a task to come back", settled)
            for task in over:
                self.assertEqual(self.node.jobs(number)[task]["JobState"], "COMPLETED", self.evidence())
            if back:
                return back

    def name(self, number, task):
        return number if task is None else "%s_%d" % (number, task)

    def signal_one(self, number, owners, *more):
        def act(tasks):
            self.node.begin("scancel", "--signal=USR1", *more, self.name(number, tasks[0]))
            return tasks[:1]

        return self.disturb(number, owners, act)

    def requeue_one(self, number, owners):
        def act(tasks):
            self.node.begin("scontrol", "requeue", self.name(number, tasks[0]))
            return tasks[:1]

        return self.disturb(number, owners, act)

    def preempt(self, number, owners):
        """A job that outranks the others and needs all CPUs: it runs only where they have made way."""

        def act(tasks):
            urgent = self.node.submit(
                "--partition=high", "--cpus-per-task=%d" % one_node.CPUS, "--output=urgent-%j.log",
                "--wrap=echo made way", cwd=self.folder,
            )
            self.until("the urgent job", lambda: self.ended(urgent))
            self.assertEqual(self.read("urgent-%s.log" % urgent), "made way\n")
            return tasks

        return self.disturb(number, owners, act)

    # ---- Tests ----------------------------------------------------------------------------------

    def results(self, out):
        self.lehr("collect", out)
        return self.read_bytes(out, "results.csv")

    def test_an_array_that_is_disturbed_leaves_the_results_of_one_process(self):
        """On a cluster that requeues nothing by itself."""
        self.node.become()
        self.config(scans=60000)
        self.write("sweep.yaml", SWEEP)
        alone = self.aside("sweep", "sweep.yaml", "-o", "alone")
        number = self.submit("sweep.yaml", "-o", "out", "--tasks", "8")
        signaled = self.signal_one(number, self.trial_owners)
        preempted = self.preempt(number, self.trial_owners)
        requeued = self.requeue_one(number, self.trial_owners)
        jobs = self.until("the end of all tasks", lambda: self.ended(number))
        self.assertEqual(sorted(jobs), list(range(8)))
        self.whole(alone)
        self.assertEqual(self.results("out"), self.results("alone"))
        for task, restarts in self.restarts(number).items():
            self.assertGreaterEqual(restarts, (signaled + preempted + requeued).count(task), self.evidence())
        self.assertIn("not finished; the job is RUNNING", self.read("sweep-%s_%d.log" % (number, signaled[0])))

    def test_a_pruned_array_of_which_two_run_at_once_ends(self):
        self.node.become(requeue_exit=85, user_signal=True)
        self.config(scans=6000)
        self.write("sweep.yaml", PRUNED)
        alone = self.aside("sweep", "sweep.yaml", "-o", "alone")
        number = self.submit("sweep.yaml", "-o", "out", "--tasks", "8", "--at-once", "2")
        jobs = self.until("the end of all tasks", lambda: self.ended(number))
        self.assertEqual(sorted(jobs), list(range(8)))
        self.whole(alone)
        self.assertEqual(self.results("out"), self.results("alone"))
        self.assertIn(b",pruned,", self.results("out"))
        self.assertGreater(self.restarts(number)[0], 0, "the first had to wait for the others")

    def test_a_run_that_is_disturbed_leaves_the_state_of_one_that_is_not(self):
        """On a cluster that requeues what leaves with 85, too: every disturbance is one restart, not two."""
        self.node.become(requeue_exit=85, user_signal=True)
        self.config(scans=1000000, observe=10000)
        alone = self.aside("run", "tiny.yaml", "-o", "alone")
        self.events = 0
        number = self.submit("tiny.yaml", "-o", "out")
        self.preempt(number, self.run_owner)
        self.signal_one(number, self.run_owner, "--full")  # the shell of the script, too
        self.until("the end of the run", lambda: self.ended(number))
        self.assertEqual(self.restarts(number), {None: 2}, self.evidence())
        self.whole(alone)
        result, expected = [strict_json(self.read(name, "result.json")) for name in ("out", "alone")]
        self.assertEqual(result["state_hash"], expected["state_hash"])
        self.assertIn("goes on from scan", self.read("tiny-%s.log" % number))
        self.assertEqual([name for name in self.left_behind("out") if name.startswith(".")], [])

    def test_ranks_share_the_rows_of_a_run(self):
        self.node.become(requeue_exit=85, user_signal=True)
        if not built_with_mpi() or "pmix" not in self.node.ask("srun", "--mpi=list"):
            self.skipTest("a build without MPI, or a Slurm without PMIx")
        self.config(scans=400000, observe=10000)
        words = ("tiny.yaml", "-s", "exchange.every=100", "-o")
        alone = self.aside("run", *words, "alone")
        self.events = 0
        number = self.submit(*words, "out", "--tasks", "2")
        self.signal_one(number, self.run_owner)
        self.until("the end of the run", lambda: self.ended(number))
        self.whole(alone)
        result, expected = [strict_json(self.read(name, "result.json")) for name in ("out", "alone")]
        self.assertEqual((result["ranks"], result["state_hash"]), (2, expected["state_hash"]))

    def test_what_its_user_cancels_stays_canceled(self):
        self.node.become(requeue_exit=85, user_signal=True)
        self.config(scans=5 * 10**7)
        self.events = 0
        number = self.submit("tiny.yaml", "-o", "out")
        self.until("the run at work", lambda: self.at_work(number, self.run_owner))
        self.node.ask("scancel", number)
        job = self.until(
            "its end", lambda: [job for job in self.node.jobs(number).values() if job["JobState"] not in OPEN]
        )[0]
        self.assertEqual((job["JobState"], job["Restarts"]), ("CANCELLED", "0"))
        self.assertEqual(strict_json(self.read("out", "status.json"))["state"], "checkpointed")
        log = self.until("the end of its log", lambda: "not finished" in self.read("tiny-%s.log" % number))
        self.assertEqual((log, self.node.ask("squeue", "-h", "-j", number)), (True, ""))


if __name__ == "__main__":
    if ABSENT:
        print("skipped: " + ABSENT)
        sys.exit(77)
    unittest.main()
