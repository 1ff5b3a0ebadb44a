"""`lehr slurm-script`: what it prints, and what its script does beside programs that only look like Slurm's. In a real
Slurm: test_slurm.py."""

import os
import re
import shlex
import shutil
import subprocess
import unittest

from program import LEHR, ROOT, TINY, ProgramTest

SWEEP = """base: tiny.yaml
axes:
  temperatures.rungs: [3, 4]
  seed: {range: [1, 32]}
"""
PATIENCE = 10  # fruitless visits in a row


class SlurmTest(ProgramTest):
    def script(self, *words, **options):
        return self.lehr("slurm-script", *words, **options).stdout

    def directives(self, script):
        return dict(re.findall(r"^#SBATCH --([a-z-]+)=?(.*)$", script, re.M))


class Script(SlurmTest):
    """The text. bash says whether it is well formed."""

    def setUp(self):
        super().setUp()
        self.write("sweep.yaml", SWEEP)

    def test_a_sweep_is_an_array(self):
        script = self.script("sweep.yaml")
        self.assertEqual(script.split("\n")[0], "#!/bin/bash")
        self.assertIn("the 64 trials of sweep.yaml, shared by 8 tasks", script)
        directives = self.directives(script)
        memory = directives.pop("mem-per-cpu")
        self.assertEqual(
            directives,
            {
                "job-name": "sweep", "chdir": self.folder, "array": "0-7", "output": "%x-%A_%a.log",
                "ntasks": "1", "cpus-per-task": "1", "time": "1:00:00", "signal": "USR1@120",
                "requeue": "", "open-mode": "append",
            },
        )
        self.assertRegex(memory, "^[1-9][0-9]+M$")
        self.assertRegex(script, r"(?m)^lehr=" + re.escape(shlex.quote(os.path.realpath(LEHR))) + "$")
        self.assertIn('"$lehr" sweep sweep.yaml', script)
        self.assertIn("--shard auto", script)
        directives = self.directives(
            self.script("sweep.yaml", "--tasks", "64", "--at-once", "4", "--time", "2-0", "--threads", "3")
        )
        self.assertEqual(
            [directives[name] for name in ("array", "time", "cpus-per-task")], ["0-63%4", "2-0", "3"]
        )

    def test_a_config_is_one_job(self):
        script = self.script("tiny.yaml", "-s", "seed=7", "--tasks", "2")
        directives = self.directives(script)
        self.assertEqual((directives["job-name"], directives["ntasks"]), ("tiny", "2"))
        self.assertNotIn("array", directives)
        self.assertIn("--resume auto", script)
        self.assertIn("-s seed=7", script)
        self.assertIn("--mpi=pmix", script)
        self.assertIn("dir=runs/tiny/%s" % self.run_json("tiny.yaml", "-s", "seed=7")["id"], script)
        self.assertNotIn("mpi", self.script("tiny.yaml"))

    def test_memory_grows_with_the_data_and_the_rows(self):
        def mib(*words):
            return int(self.directives(self.script(*words))["mem-per-cpu"][:-1])

        small = mib("tiny.yaml")
        many = ("tiny.yaml", "-s", "data.generator.points=1000000", "-s", "evaluation.keep_activations=no")
        self.assertGreater(mib(*many), small + 10)
        self.assertGreater(mib("sweep.yaml", "--tasks", "1"), 0)
        self.assertLess(mib(*many, "--threads", "4"), mib(*many))

    def test_gpus_are_asked_for_where_they_are_wanted(self):
        """There is none here: a script is for another machine."""
        for words, gpus, backend in (
            ((), None, None),
            (("--backend", "cpu"), None, "cpu"),
            (("--backend", "cuda"), "gpu:1", "cuda"),
            (("--gpus", "1"), "gpu:1", "cuda"),
            (("--gpus", "4"), "gpu:4", "cuda:all"),
            (("--backend", "cuda:h200", "--gpus", "2"), "gpu:2", "cuda:h200"),
            (("--backend", "cuda", "--gpus", "4"), "gpu:4", "cuda:all"),
            (("--backend", "cuda:0,2", "--gpus", "3"), "gpu:3", "cuda:0,2"),
            (("--tasks", "2", "--backend", "cpu"), None, "cpu"),
        ):
            for file in ("tiny.yaml", "sweep.yaml"):
                with self.subTest(words=words, file=file):
                    script = self.script(file, *words)
                    self.assertEqual(self.directives(script).get("gres"), gpus)
                    self.assertEqual(re.findall(r"--backend (\S+)", script), [backend] if backend else [])
        self.assertIn("gpu:1", self.script("tiny.yaml", "-s", "backend=cuda", "-s", "numerics=fast"))

    def test_ranks_share_the_gpus_of_their_run(self):
        """Each sees all that the job has on its machine, since lehr deals them out itself."""
        for words, each, backend in (
            (("--backend", "cuda"), "1", "cuda"),
            (("--gpus", "2"), "1", "cuda"),
            (("--gpus", "2", "--backend", "cuda"), "1", "cuda"),
            (("--gpus", "4"), "2", "cuda:all"),
            (("--gpus", "4", "--backend", "cuda"), "2", "cuda:all"),
            (("--gpus", "2", "--backend", "cuda:0,1"), "1", "cuda:0,1"),
        ):
            with self.subTest(words=words):
                script = self.script("tiny.yaml", "--tasks", "2", *words)
                directives = self.directives(script)
                self.assertEqual((directives["ntasks"], directives["gpus-per-task"]), ("2", each))
                self.assertNotIn("gres", directives)
                self.assertRegex(script, "srun --mpi=pmix .*--gpu-bind=none ")
                self.assertEqual(re.findall(r"--backend (\S+)", script), [backend])
        for script in (self.script("tiny.yaml", "--tasks", "2"), self.script("tiny.yaml", "--gpus", "2")):
            self.assertNotIn("gpu-bind", script)
            self.assertNotIn("gpus-per-task", script)
        directives = self.directives(self.script("sweep.yaml", "--tasks", "4", "--gpus", "2"))
        self.assertEqual((directives["array"], directives["gres"]), ("0-3", "gpu:2"), "of every task of the array")

    def test_threads_may_be_auto_a_job_has_the_cpus_that_it_asks_for(self):
        for file in ("tiny.yaml", "sweep.yaml"):
            script = self.script(file, "--threads", "auto")
            self.assertEqual(self.directives(script)["cpus-per-task"], "1")
            self.assertIn('--threads "$SLURM_CPUS_PER_TASK"', script)

    def test_every_mistake_is_found_before_anything_is_printed(self):
        self.write("bad.yaml", TINY.replace("hidden: [4]", "hiden: [4]"))
        self.write("worse.yaml", SWEEP.replace("seed:", "sed:"))
        self.write("none.yaml", "base: [\n")
        for words, says in (
            (("bad.yaml",), "bad.yaml:6:11: unknown key 'network.hiden'"),
            (("worse.yaml",), "worse.yaml:4:3: unknown key 'sed'"),
            (("none.yaml",), "none.yaml:2:1: "),
            (("tiny.yaml", "-s", "data.generator.points=1"), "points"),
            (("tiny.yaml", "--time", "4"), "at least 5 minutes"),
            (("tiny.yaml", "--time", "0-0:04:59"), "at least 5 minutes"),
            (("tiny.yaml", "--time", "1h"), "as Slurm reads it"),
            (("tiny.yaml", "--tasks", "5"), "5 ranks are more than the 4 rows"),
            (("tiny.yaml", "--tasks", "2", "--gpus", "1"), "--gpus 1: as many for each of the 2 ranks of --tasks"),
            (("tiny.yaml", "--tasks", "2", "--gpus", "0", "--backend", "cuda"), "backend cuda needs --gpus"),
            (("tiny.yaml", "--at-once", "2"), "tiny.yaml is one run"),
            (("tiny.yaml", "--backend", "cpu", "--gpus", "1"), "--gpus 1 is of no use to backend cpu"),
            (("tiny.yaml", "--tasks", "2", "--backend", "cpu", "--gpus", "2"), "--gpus 2 is of no use to backend cpu"),
            (("tiny.yaml", "--backend", "cuda:0,1", "--gpus", "1"), "it needs --gpus 2, not 1"),
            (("sweep.yaml", "--backend", "cuda:0,2", "--gpus", "2"), "backend cuda:0,2 names device 2"),
            (("sweep.yaml", "--backend", "cuda:1"), "it needs --gpus 2, not 1"),
            (("sweep.yaml", "-o", "a\nb"), "control character"),
            (("sweep.yaml", "-s", "seed=1"), "-s is for a config"),
            (("sweep.yaml", "--tasks", "65"), "there are 64 trials"),
            (("sweep.yaml", "--tasks", "0"), "--tasks is a whole number"),
            (("sweep.yaml", "--at-once", "x"), "--at-once is a whole number"),
            (("sweep.yaml", "--threads", "0"), "lehr: --threads=0: threads must be a whole number"),
            (("tiny.yaml", "--threads", "many"), "--threads=many: threads must be a whole number"),
        ):
            with self.subTest(words=words):
                self.fails("slurm-script", *words, code=2, says=says)
        self.fails("slurm-script", "missing.yaml", code=74, says="missing.yaml")
        for limit in ("5", "5:00", "0:05:00", "1-0", "0-1:30", "0-0:5:0"):
            self.assertEqual(self.directives(self.script("tiny.yaml", "--time", limit))["time"], limit)
        self.assertEqual(
            self.left_behind(), ["bad.yaml", "none.yaml", "sweep.yaml", "tiny.yaml", "worse.yaml"]
        )

    def test_a_place_that_the_job_could_not_use_is_refused(self):
        self.write("job.sh", "mine\n")
        for file in ("tiny.yaml", "sweep.yaml"):
            self.fails("slurm-script", file, "-o", "job.sh", code=73, says="job.sh exists and is not a directory")
        self.assertEqual(self.read("job.sh"), "mine\n")
        os.mkdir(self.path("mine"))
        self.fails("slurm-script", "tiny.yaml", "-o", "mine", code=73, says="mine exists and is not the directory of a run")
        self.lehr("run", "tiny.yaml", "-q", "-o", "run")
        self.fails("slurm-script", "tiny.yaml", "-s", "seed=2", "-o", "run", code=73, says="seed is 1 there and 2 here")
        self.script("tiny.yaml", "-o", "run")
        self.fails("slurm-script", "sweep.yaml", "-o", "run", code=73, says="run exists and is not the directory of a sweep")
        self.write("small.yaml", "base: tiny.yaml\naxes: {temperatures.rungs: [3], seed: [1, 33]}\n")
        self.lehr("sweep", "small.yaml", "-q", "-o", "out")
        before = self.read("out", "sweep.json")
        says = "out holds another sweep, small; choose another directory with -o"
        self.fails("slurm-script", "sweep.yaml", "-o", "out", code=73, says=says)
        self.write("other.yaml", "base: tiny.yaml\naxes: {temperatures.rungs: [3], seed: [1, 33, 34]}\n")
        done = self.lehr("slurm-script", "other.yaml", "-o", "out", "--backend", "cuda")
        self.assertIn("out: sweep small would be called other", done.stderr)
        self.assertEqual(self.read("out", "sweep.json"), before)
        self.write("tiny.yaml", TINY + "backend: cuda\nnumerics: fast\n")
        self.script("other.yaml", "-o", "out")  # the ids of its trials are known where the GPU is

    def test_the_example_is_what_the_command_prints(self):
        """configs/sweep_iris.sh, but for the places of program and checkout."""
        with open(os.path.join(ROOT, "configs/sweep_iris.sh"), encoding="utf-8") as file:
            example = file.read()
        script = self.script("configs/sweep_iris.yaml", "--at-once", "4", cwd=ROOT)
        script = script.replace(os.path.realpath(LEHR), "/usr/local/bin/lehr")
        script = re.sub(r"(?m)^#SBATCH --chdir=.*$", "#SBATCH --chdir=/home/you/lehr", script)
        self.assertEqual(script, example)


class Stubs(SlurmTest):
    """The script beside programs that note how they were called. Needs no Slurm, so it holds everywhere."""

    def setUp(self):
        super().setUp()
        self.folder_of_work = self.path("a place's \"odd\" name, 100%")
        os.mkdir(self.folder_of_work)
        shutil.copy(self.path("tiny.yaml"), self.folder_of_work)
        with open(os.path.join(self.folder_of_work, "my 'sweep.yaml"), "w", encoding="utf-8") as file:
            file.write(SWEEP)
        os.mkdir(self.path("bin"))
        self.stub("squeue", 'echo "squeue $*" >>"$NOTES"; echo "$STATE"')
        self.stub("scontrol", 'echo "scontrol $*" >>"$NOTES"')
        self.stub("srun", 'printf "%s\\n" "$@" >"$NOTES.srun"; eval "$WORK"; exit $CODE')

    def stub(self, name, text):
        path = self.write("bin/" + name, "#!/bin/bash\n" + text + "\n")
        os.chmod(path, 0o755)

    def visit(self, script, code, state="RUNNING", work="", **variables):
        """One start of the script by this Slurm: its exit code, and what it asked for."""
        notes = self.path("notes")
        with open(notes, "w", encoding="utf-8"):
            pass
        env = {name: value for name, value in os.environ.items() if not name.startswith("SLURM")}
        env.update(variables, PATH=self.path("bin") + ":" + env["PATH"], NOTES=notes, STATE=state, WORK=work,
                   CODE=str(code), OUT=os.path.join(self.folder_of_work, "o u't"), SLURM_CPUS_PER_TASK="1")
        done = subprocess.run(["bash", "-c", script], cwd=self.folder_of_work, env=env, capture_output=True, text=True, check=False)
        self.said = done.stdout + done.stderr
        return done.returncode, self.read("notes")

    def sweep_script(self):
        script = self.script("my 'sweep.yaml", "-o", "o u't", cwd=self.folder_of_work)
        path = self.write("job.sh", script)
        subprocess.run(["bash", "-n", path], check=True)
        return script

    def task(self, script, code, **options):
        os.makedirs(os.path.join(self.folder_of_work, "o u't/trials/a"), exist_ok=True)
        return self.visit(script, code, SLURM_JOB_ID="12", SLURM_ARRAY_JOB_ID="12", SLURM_ARRAY_TASK_ID="7", **options)

    def test_a_task_requeues_itself_and_no_other_task(self):
        script = self.sweep_script()
        code, asked = self.task(script, 85, work='date +%s%N >"$OUT/trials/a/status.json"')
        self.assertEqual(code, 85)
        self.assertIn("scontrol requeue 12_7\n", asked)
        self.assertNotIn("scontrol requeue 12\n", asked)
        words = self.read("notes.srun").splitlines()
        self.assertEqual(
            words[1:], [os.path.realpath(LEHR), "sweep", "my 'sweep.yaml", "-o", "o u't", "--shard", "auto", "--threads", "1"]
        )

    def test_other_exit_codes_are_the_jobs_own(self):
        script = self.sweep_script()
        for code in (0, 1, 2, 3, 69, 73, 74, 130, 137):
            self.assertEqual(self.task(script, code), (code, ""))

    def test_a_job_that_is_canceled_or_requeued_already_is_left_alone(self):
        script = self.sweep_script()
        for state in ("COMPLETING", "PENDING", "CANCELLED", ""):
            code, asked = self.task(script, 85, state=state)
            self.assertEqual(code, 85)
            self.assertNotIn("requeue", asked)
            self.assertIn(state or "unknown to squeue", self.said)

    def test_it_gives_up_when_nothing_advances(self):
        script = self.sweep_script()
        quiet = ": >>\"$OUT/.else\"; mkdir -p \"$OUT/workers\"; date >\"$OUT/workers/me\""
        for _ in range(2):  # work by anybody begins the count anew
            self.task(script, 85, work='date +%s%N >"$OUT/trials/a/events.jsonl"')
            for _ in range(PATIENCE - 1):
                code, asked = self.task(script, 85, work=quiet)
                self.assertEqual(code, 85, self.said)
                self.assertIn("scontrol requeue 12_7", asked)
        code, asked = self.task(script, 85, work=quiet)
        self.assertEqual(code, 1, "85 would be requeued by a cluster with RequeueExit=85")
        self.assertNotIn("requeue", asked)
        self.assertIn("nothing has advanced in %d visits" % PATIENCE, self.said)

    def test_a_run_gives_up_when_it_gets_no_further(self):
        words = ("tiny.yaml", "-o", "o u't", "-s", "stop.scans=100000000", "-s", "name=it's $mine")
        script = self.script(*words, cwd=self.folder_of_work)
        work = shlex.quote(LEHR) + ' run tiny.yaml -q -o "$OUT" --threads 1 -s stop.scans=100000000 -s name="it\'s \\$mine" --maxh %s'
        codes = [
            self.visit(script, 85, work=work % hours, SLURM_JOB_ID="9") for hours in ["5e-4"] * 3 + ["1e-12"] * PATIENCE
        ]
        self.assertEqual([code for code, _ in codes], [85] * (PATIENCE + 2) + [1], self.said)
        self.assertTrue(all("scontrol requeue 9\n" in asked for _, asked in codes[:-1]))
        words = self.read("notes.srun").splitlines()
        self.assertEqual(words[-2:], ["-s", "name=it's $mine"])

    def test_outside_of_slurm_it_says_what_it_is_for(self):
        code, asked = self.visit(self.sweep_script(), 0)
        self.assertNotEqual(code, 0)
        self.assertEqual(asked, "")
        self.assertIn("this file is for sbatch", self.said)


if __name__ == "__main__":
    unittest.main()
