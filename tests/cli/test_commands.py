"""Words, help, lists and streams of the program."""

import os
import re
import subprocess
import time
import unittest

from program import ProgramTest, strict_json

COMMANDS = ("run", "slurm-script", "plan", "predict", "export", "list", "devices", "bench")


class Commands(ProgramTest):
    def test_help_and_version_are_everywhere(self):
        self.assertIn("lehr run", self.lehr("--help").stdout)
        self.assertIn("lehr run", self.lehr("help").stdout)
        version = self.lehr("--version").stdout
        self.assertRegex(version, r"^lehr \d+\.\d+\.\d+ \(\S+\)\n$")
        for command in COMMANDS:
            done = self.lehr(command, "--help")
            self.assertTrue(done.stdout.startswith("lehr %s" % command), done.stdout)
            self.assertIn("--help", done.stdout)
            self.assertEqual(done.stderr, "")
            self.assertEqual(self.lehr(command, "--version").stdout, version)
            self.assertEqual(self.lehr(command, "-V").stdout, version)

    def test_wrong_words_are_usage_errors_that_name_the_nearest(self):
        for words, says in (
            ((), "a command is missing"),
            (("rnu",), "did you mean 'run'"),
            (("frobnicate",), "unknown command 'frobnicate'"),
            (("run",), "missing argument: lehr run CONFIG"),
            (("run", "a", "b"), "'b' is one word too many"),
            (("run", "a", "b", "c", "d", "e"), "one word too many"),
            (("run", "tiny.yaml", "--thread", "1"), "did you mean '--threads'"),
            (("run", "tiny.yaml", "--xyzzy"), "unknown option '--xyzzy'"),
            (("run", "tiny.yaml", "-x"), "unknown option '-x'"),
            (("run", "tiny.yaml", "--threads"), "needs a value"),
            (("run", "tiny.yaml", "-o"), "needs a value"),
            (("run", "tiny.yaml", "--json=yes"), "takes no value"),
            (("run", "tiny.yaml", "-o", ""), "-o needs"),
            (("run", "tiny.yaml", "-o", "/"), "'/'"),
            (("run", "tiny.yaml", "--resume", "maybe"), "auto or never"),
            (("run", "tiny.yaml", "--maxh", "0"), "positive number of hours"),
            (("run", "tiny.yaml", "--maxh", "1h"), "positive number of hours"),
            (("run", "tiny.yaml", "--require-target"), "needs stop.target"),
            (("run", "tiny.yaml", "--threads", "many"), "threads"),
            (("run", "tiny.yaml", "--backend", "tpu"), "tpu"),
            (("run", "tiny.yaml", "--backend", "cuda:0,0"), "names device 0 twice"),
            (("run", "tiny.yaml", "--backend", "cuda:0,,1"), "device numbers"),
            (("run", "tiny.yaml", "-s", "numerics=fast", "--backend", "cpu"), "CUDA backend"),
            (("plan",), "missing argument: lehr plan CONFIG"),
            (("slurm-script",), "missing argument: lehr slurm-script CONFIG|SWEEP"),
            (("slurm-script", "tiny.yaml", "--task", "1"), "did you mean '--tasks'"),
            (("slurmscript", "tiny.yaml"), "did you mean 'slurm-script'"),
            (("plan", "tiny.yaml", "-o", "x"), "unknown option '-o'"),
            (("plan", "tiny.yaml", "-s", "temperatures.rung=3"), "temperatures.rungs"),
            (("list", "los"), "did you mean 'loss'"),
            (("export", ".", "--format", "onnx"), "not 'onnx'"),
            (("devices", "cpu"), "one word too many"),
            (("list", "-q"), "unknown option '-q'"),
        ):
            with self.subTest(words=words):
                self.fails(*words, code=2, says=says)
        self.assertEqual(self.left_behind(), ["tiny.yaml"])

    def test_a_file_of_the_other_kind_names_its_command(self):
        self.write("sweep.yaml", "base: tiny.yaml\naxes: {seed: [1, 2]}\n")
        self.write("bad.yaml", "axes: {seed: [1, 2]}\n")
        run = "tiny.yaml:1:1: this is the config of a run, not a sweep: lehr run tiny.yaml"
        sweep = "sweep.yaml:1:1: this is a sweep, not the config of a run: lehr sweep sweep.yaml"
        key = "a key for all trials of a sweep stands in its base, or as an axis of one value"
        for words, says in (
            (("sweep", "tiny.yaml"), run),
            (("sweep", "tiny.yaml", "--dry-run"), run),
            (("sweep", "bad.yaml"), "bad.yaml:1:1: a sweep needs `base`, the path of a config"),
            (("run", "sweep.yaml"), sweep),
            (("plan", "sweep.yaml"), sweep),
            (("run", "bad.yaml"), "bad.yaml:1:1: unknown key 'axes'"),
            (("sweep", "sweep.yaml", "-s", "seed=1"), "option '-s' is for commands that take the config of one run"),
            (("sweep", "sweep.yaml", "-sseed=1"), key),
            (("sweep", "sweep.yaml", "--set", "seed=1"), key),
            (("sweep", "sweep.yaml", "--set=seed=1"), key),
        ):
            with self.subTest(words=words):
                self.fails(*words, code=2, says=says)
        self.assertEqual(self.left_behind(), ["bad.yaml", "sweep.yaml", "tiny.yaml"])

    def test_options_may_be_written_in_every_usual_way(self):
        for i, words in enumerate(
            (("-o", "D"), ("-oD",), ("--output", "D"), ("--output=D",), ("-qoD",))
        ):
            words = [word.replace("D", "out%d" % i) for word in words]
            self.lehr("run", "tiny.yaml", *words)
            self.assertTrue(os.path.exists(self.path("out%d" % i, "result.json")), words)
        self.lehr("run", "-q", "-o", "last", "--", "tiny.yaml")
        self.assertTrue(os.path.exists(self.path("last", "result.json")))

    def test_list_names_every_kind(self):
        lists = strict_json(self.lehr("list", "--json").stdout)
        self.assertIn("tanh", [kind["name"] for kind in lists["activation"]])
        self.assertTrue(all(kind["help"] for kinds in lists.values() for kind in kinds))
        text = self.lehr("list").stdout
        for name, kinds in lists.items():
            self.assertIn(name, text)
            one = self.lehr("list", name).stdout
            self.assertEqual(len(one.splitlines()), 1 + len(kinds))
            self.assertEqual(strict_json(self.lehr("list", name, "--json").stdout), {name: kinds})

    def test_devices_has_a_usable_cpu(self):
        devices = strict_json(self.lehr("devices", "--json").stdout)["devices"]
        self.assertEqual(devices[0]["backend"], "cpu")
        self.assertTrue(devices[0]["usable"])
        self.assertGreaterEqual(devices[0]["threads"], 1)
        self.assertIn("cpu", self.lehr("devices").stdout)

    def test_devices_say_why_there_is_no_gpu(self):
        devices = strict_json(self.lehr("devices", "--json").stdout)["devices"]
        cuda = [device for device in devices if device["backend"].startswith("cuda")]
        self.assertGreaterEqual(len(cuda), 1)
        if cuda[0]["name"]:
            self.skipTest("there is a GPU")
        self.assertFalse(cuda[0]["usable"])
        self.assertGreater(len(cuda[0]["detail"]), 5)
        self.assertRegex(
            self.lehr("devices").stdout, r"(?m)^cuda +no .*%s$" % re.escape(cuda[0]["detail"])
        )

    def test_plan_shows_a_run_without_running_it(self):
        table = self.lehr("plan", "tiny.yaml", "--backend", "cpu").stdout
        for line in (
            r"rows +4: 4 rungs x 1 copy",
            r"parameters +22 a row, 576 multiply-adds a proposal",
            r"length +at most 60 scans, 240 proposals",
            r"device +cpu \(.+\), 1 thread",
            r"memory +table .+, host .+",
        ):
            self.assertRegex(table, "(?m)^%s$" % line)
        self.assertNotIn("looks wrong", table)
        plan = strict_json(self.lehr("plan", "tiny.yaml", "--backend", "cpu", "--json").stdout)
        self.assertEqual((plan["rows"], plan["scans"], plan["parts"]), (4, 60, 1))
        self.assertEqual((plan["notice"], plan["looks_wrong"]), ("", []))
        self.assertEqual(self.left_behind(), ["tiny.yaml"])

    def test_plan_says_what_looks_wrong(self):
        for keys, says in (
            ("temperatures.min=1e-7 temperatures.rungs=8", "16 float ulps"),
            ("network.hidden=[64]", "rungs from 0.001 to 0.1 are few for 322 parameters"),
            ("exchange.every=61", "before its first exchange"),
            ("output.observe=61", "before its first observation"),
        ):
            with self.subTest(keys=keys):
                words = ["plan", "tiny.yaml", "--backend", "cpu"]
                for key in keys.split():
                    words += ["-s", key]
                self.assertRegex(self.lehr(*words).stdout, "(?m)^looks wrong   .*%s" % says)
                doubts = strict_json(self.lehr(*words, "--json").stdout)["looks_wrong"]
                self.assertEqual(len(doubts), 1, doubts)
                self.assertIn(says, doubts[0])
        words = ("plan", "tiny.yaml", "-s", "stop.scans=0", "-s", "stop.wall_s=9")
        self.assertRegex(self.lehr(*words).stdout, "(?m)^length +not known.*\ntime +at most 9 s$")

    def test_version_is_there_at_once(self):
        times = []
        for _ in range(20):
            start = time.monotonic()
            self.lehr("--version")
            times.append(time.monotonic() - start)
        bound = 1.0 if os.environ.get("LEHR_SANITIZE") else 0.05
        self.assertLess(sorted(times)[10], bound, times)

    def test_a_stdout_that_takes_nothing_is_an_input_output_error(self):
        with open("/dev/full", "wb") as full:
            done = self.lehr("list", code=74, stdout=full)
            self.assertIn("stdout: No space left", done.stderr)
        reader, writer = os.pipe()
        os.close(reader)
        done = self.lehr("list", code=74, stdout=writer)
        os.close(writer)
        self.assertIn("stdout: Broken pipe", done.stderr)
        done = self.lehr("list", code=74, stdout=None, preexec_fn=lambda: os.close(1))
        self.assertIn("stdout", done.stderr)

    def test_a_stderr_that_takes_nothing_changes_nothing(self):
        with open("/dev/full", "wb") as full:
            self.lehr("run", "tiny.yaml", "-o", "a", stderr=full)
        self.lehr("run", "tiny.yaml", "-o", "b", stderr=None, preexec_fn=lambda: os.close(2))
        self.lehr("rnu", code=2, stderr=None, preexec_fn=lambda: os.close(2))

    def test_a_run_with_all_streams_closed_writes_into_none_of_its_files(self):
        def close_all():
            for fd in range(3):
                os.close(fd)

        self.lehr(
            "run",
            "tiny.yaml",
            "-o",
            "out",
            code=74,
            stdout=None,
            stderr=None,
            stdin=None,
            preexec_fn=close_all,
        )
        self.assertEqual(strict_json(self.read("out", "status.json"))["state"], "done")
        for line in self.read("out", "events.jsonl").splitlines():
            strict_json(line)

    def test_only_a_terminal_gets_colors_and_a_bar_and_no_color_is_honored(self):
        self.assertNotIn("\x1b", self.lehr("rnu", code=2).stderr)
        for environment, colored in ((None, True), ("1", False), ("", True)):
            env = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
            if environment is not None:
                env["NO_COLOR"] = environment
            out = self.on_terminal(("rnu",), env)
            self.assertEqual(b"\x1b[31m" in out, colored, environment)
        out = self.on_terminal(
            ("run", "tiny.yaml", "-o", "bar", "-s", "stop.scans=2000"), dict(os.environ)
        )
        self.assertIn(b"\r[", out)
        self.assertIn(b"scans/s", out)
        self.assertNotIn(b"\x1b", out)
        self.assertEqual(
            self.on_terminal(("run", "tiny.yaml", "-o", "quiet", "-q"), dict(os.environ)), b""
        )

    def on_terminal(self, words, env):
        """What arrives at a terminal that is the program's stderr."""
        master, slave = os.openpty()
        process = self.start(*words, stdout=subprocess.DEVNULL, stderr=slave, env=env)
        os.close(slave)
        chunks = []
        while True:
            try:
                chunk = os.read(master, 4096)
            except OSError:  # the other end is closed
                chunk = b""
            if not chunk:
                break
            chunks.append(chunk)
        process.wait()
        os.close(master)
        return b"".join(chunks)


if __name__ == "__main__":
    unittest.main()
