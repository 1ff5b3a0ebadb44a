"""`lehr run`: results, files, exit codes, bad input, full disks."""

import os
import shutil
import struct
import subprocess
import unittest

from program import DATA, ROOT, ProgramTest, limit_file_size, read_safetensors, strict_json

KEYS = {
    "stop",
    "scans",
    "proposals",
    "wall_s",
    "proposals_per_s",
    "best",
    "moves",
    "exchange",
    "nonfinite",
    "state_hash",
    "backend",
    "device",
    "numerics",
    "threads",
    "ranks",
    "gpus",
    "seed",
    "version",
    "commit",
    "parameters",
    "rows",
    "rungs",
    "copies",
    "id",
    "name",
    "dir",
    "checkpoints",
}
FILES = [
    "best.safetensors",
    "ckpt",
    "config.yaml",
    "events.jsonl",
    "lock",
    "result.json",
    "status.json",
]


class Run(ProgramTest):
    def test_leaves_its_files_and_prints_its_result(self):
        done = self.lehr("run", "tiny.yaml", "--json")
        result = strict_json(done.stdout)
        self.assertLessEqual(KEYS, set(result))
        self.assertIn("tiny", done.stderr)
        self.assertEqual(self.left_behind("runs", "tiny"), [result["id"]])
        self.assertRegex(result["id"], "^[0-9a-f]{12}$")
        self.assertRegex(result["state_hash"], "^[0-9a-f]{16}$")
        place = ("runs", "tiny", result["id"])
        self.assertEqual(self.left_behind(*place), FILES)
        self.assertEqual(self.read(*place, "result.json"), done.stdout)
        self.assertEqual(result["proposals"], 60 * 4)
        self.assertEqual(set(result["best"]), {"scan", "train", "validation", "test"})
        for part in ("train", "validation", "test"):
            self.assertEqual(set(result["best"][part]), {"loss", "accuracy"})
        self.assertEqual(len(result["exchange"]["acceptance"]), 3)
        self.assertEqual(len(result["exchange"]["flow"]), 4)
        self.assertEqual(result["exchange"]["flow"][0], 1)
        self.assertEqual(result["exchange"]["flow"][3], 0)
        self.assertEqual(
            [(move["kind"], move["rung"]) for move in result["moves"]],
            [("gaussian", rung) for _ in range(2) for rung in range(4)],
        )

        status = strict_json(self.read(*place, "status.json"))
        self.assertEqual(
            (status["state"], status["scan"], status["scans"], status["time_left_s"]),
            ("done", 60, 60, 0),
        )
        events = [strict_json(line) for line in self.read(*place, "events.jsonl").splitlines()]
        self.assertEqual([event["scan"] for event in events], [0, 20, 40, 60])
        self.assertEqual(events[-1]["validation"], result["best"]["validation"])
        self.assertNotIn("test", events[-1])

    def test_prints_a_short_table_without_json(self):
        done = self.lehr("run", "tiny.yaml", "-o", "out", "-q")
        self.assertEqual(done.stderr, "")
        self.assertLess(len(done.stdout.splitlines()), 15)
        self.assertIn("validation", done.stdout)
        self.assertIn("scans after 60 scans", done.stdout)

    def test_again_prints_the_result_again_and_touches_nothing(self):
        first = self.lehr("run", "tiny.yaml", "-o", "out", "--json", "-q").stdout
        times = {name: os.stat(self.path("out", name)).st_mtime_ns for name in FILES}
        for words in (
            ("tiny.yaml",),
            ("tiny.yaml", "--threads", "2"),
            ("out/config.yaml",),
            ("tiny.yaml", "--resume", "auto"),
        ):
            again = self.lehr("run", *words, "-o", "out/", "--json", "-q").stdout
            self.assertEqual(again, first)
        self.assertEqual(
            times, {name: os.stat(self.path("out", name)).st_mtime_ns for name in FILES}
        )

    def test_from_its_own_config_gives_the_same_state(self):
        first = self.run_json("tiny.yaml", "-o", "a")
        again = self.run_json("a/config.yaml", "-o", "b")
        self.assertEqual((first["state_hash"], first["id"]), (again["state_hash"], again["id"]))
        other = self.run_json("tiny.yaml", "-o", "c", "-s", "seed=2")
        self.assertNotEqual(first["state_hash"], other["state_hash"])
        self.assertNotEqual(first["id"], other["id"])

    def test_never_goes_into_what_exists(self):
        self.lehr("run", "tiny.yaml", "-o", "done")
        os.mkdir(self.path("empty"))
        self.write("file", "mine")
        os.symlink("nowhere", self.path("link"))
        for words, says in (
            (("-o", "done", "--resume", "never"), "done exists"),
            (("-o", "done", "-s", "seed=2"), "seed is 1 there and 2 here"),
            (("-o", "done", "-s", "moves.0.scale=0.5"), 'scale is "auto" there and 0.5 here'),
            (("-o", "done", "-s", "data.split_seed=2"), "data.split_seed is 1 there and 2 here"),
            (("-o", "empty"), "not the directory of a run"),
            (("-o", "empty", "--resume", "never"), "empty exists"),
            (("-o", "file"), "not the directory of a run"),
            (("-o", "link"), "not the directory of a run"),
            (("-o", "."), "not the directory of a run"),
        ):
            with self.subTest(words=words):
                self.fails("run", "tiny.yaml", *words, code=73, says=says)
        self.assertEqual(self.left_behind("empty"), [])
        self.assertEqual(self.read("file"), "mine")

    def test_that_cannot_make_its_directory_says_where(self):
        self.write("file", "x")
        for place in ("file/run", "/proc/lehr/run", "/dev/null/run"):
            with self.subTest(place=place):
                self.fails(
                    "run", "tiny.yaml", "-q", "-o", place, code=74, says=place.rsplit("/", 1)[0]
                )

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_that_may_not_write_says_where(self):
        os.mkdir(self.path("closed"), 0o500)
        self.fails("run", "tiny.yaml", "-q", "-o", "closed/run", code=74, says="closed/run")

    def test_names_from_a_config_lead_nowhere_else(self):
        for name in ("..", ".", "a/b", "/tmp/x"):
            with self.subTest(name=name):
                self.fails("run", "tiny.yaml", "-q", "-s", "name=%s" % name, code=2, says="name")
        os.makedirs(self.path("runs"))
        os.mkdir(self.path("elsewhere"))
        os.symlink("../elsewhere", self.path("runs", "tiny"))
        self.fails("run", "tiny.yaml", "-q", code=74, says="symbolic link")
        self.assertEqual(self.left_behind("elsewhere"), [])

    def test_keeps_its_modes_under_a_umask(self):
        self.lehr("run", "tiny.yaml", "-o", "out", preexec_fn=lambda: os.umask(0o022))
        self.assertEqual(os.stat(self.path("out")).st_mode & 0o777, 0o755)
        self.assertEqual(os.stat(self.path("out", "result.json")).st_mode & 0o777, 0o644)
        self.lehr("run", "tiny.yaml", "-o", "shy", preexec_fn=lambda: os.umask(0o077))
        self.assertEqual(os.stat(self.path("shy")).st_mode & 0o777, 0o700)

    def test_writes_the_same_bytes_in_every_locale(self):
        files = {}
        for locale in ("C", "de_DE.UTF-8", "tr_TR.UTF-8"):
            self.lehr("run", "tiny.yaml", "-o", locale, env={**os.environ, "LC_ALL": locale})
            files[locale] = [
                self.read_bytes(locale, name) for name in ("config.yaml", "best.safetensors")
            ]
        self.assertEqual(files["C"], files["de_DE.UTF-8"])
        self.assertEqual(files["C"], files["tr_TR.UTF-8"])


class Stops(ProgramTest):
    def test_at_its_target_or_says_that_it_was_not_reached(self):
        easy = ("-s", "stop.target.metric=train_accuracy", "-s", "stop.target.value=0.01")
        hard = ("-s", "stop.target.metric=train_loss", "-s", "stop.target.value=1e-30")
        self.assertEqual(
            self.run_json("tiny.yaml", "-o", "easy", *easy, "--require-target")["stop"], "target"
        )
        self.assertEqual(self.run_json("tiny.yaml", "-o", "hard", *hard)["stop"], "scans")
        self.assertEqual(
            self.run_json("tiny.yaml", "-o", "hard", *hard, "--require-target", code=4)["stop"],
            "scans",
        )
        self.fails(
            "run",
            "tiny.yaml",
            "-s",
            "stop.target.metric=test_accuracy",
            "-s",
            "stop.target.value=0.9",
            code=2,
            says="test_accuracy",
        )

    def test_at_its_own_limit_of_the_clock(self):
        words = ("-s", "stop.scans=1000000000", "-s", "stop.wall_s=0.05")
        result = self.run_json("tiny.yaml", "-o", "out", *words)
        self.assertEqual(result["stop"], "wall")
        self.assertLess(result["wall_s"], 10)
        self.assertEqual(strict_json(self.read("out", "status.json"))["state"], "done")


class Start(ProgramTest):
    def test_from_the_weights_of_another_run(self):
        first = self.run_json("tiny.yaml", "-o", "a")
        self.lehr(
            "run",
            "tiny.yaml",
            "-o",
            "b",
            "-s",
            "network.init.from=%s" % self.path("a/best.safetensors"),
        )
        event = strict_json(self.read("b", "events.jsonl").splitlines()[0])
        self.assertEqual(
            event["validation"], first["best"]["validation"]
        )  # EXACT: the same weights

    def test_from_weights_that_do_not_fit_is_refused(self):
        self.lehr("run", "tiny.yaml", "-o", "a")
        whole = self.read_bytes("a", "best.safetensors")
        self.write("cut.safetensors", whole[:-1])
        self.write("text.safetensors", "hello")
        for name, says, more in (
            ("a/best.safetensors", "layer", ("-s", "network.hidden=[5]")),
            ("cut.safetensors", "cut.safetensors", ()),
            ("text.safetensors", "too few", ()),
        ):
            with self.subTest(name=name):
                self.fails(
                    "run",
                    "tiny.yaml",
                    "-q",
                    "-o",
                    "b",
                    "-s",
                    "network.init.from=%s" % self.path(name),
                    *more,
                    code=2,
                    says=says
                )
        self.fails(
            "run",
            "tiny.yaml",
            "-q",
            "-o",
            "b",
            "-s",
            "network.init.from=/none.safetensors",
            code=74,
            says="/none.safetensors",
        )
        self.assertFalse(os.path.exists(self.path("b")))


class BadInput(ProgramTest):
    def test_in_a_config_is_named_with_its_place_before_any_work(self):
        for text, says in (
            ("stop: {scan: 5}\n", "bad.yaml:1:8: "),
            ("stop: {scans: many}\n", "bad.yaml:1:15: "),
            ("stop: {scans: -5}\n", "bad.yaml:1:15: "),
            ("a: [\n", "bad.yaml:"),
            ("\x00", "bad.yaml:"),
            ("data: {source: none.csv}\n", "none.csv"),
        ):
            with self.subTest(text=text):
                self.write("bad.yaml", text)
                done = self.lehr("run", "bad.yaml", code=74 if "none.csv" in text else 2)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertIn(says, done.stderr)
        self.fails("run", "tiny.yaml", "-s", "stop.scna=5", code=2, says="stop.scans")
        self.fails("run", "tiny.yaml", "-s", "nonsense", code=2, says="nonsense")
        self.fails("run", "missing.yaml", code=74, says="missing.yaml")
        self.fails("run", ".", code=74, says=".")
        self.assertEqual(self.left_behind(), ["bad.yaml", "tiny.yaml"])

    def test_data_that_were_not_fetched_are_named(self):
        with open(os.path.join(ROOT, "configs/fashion.yaml"), encoding="utf-8") as file:
            self.write("fashion.yaml", file.read())
        self.fails("run", "fashion.yaml", code=74, says="train-images-idx3-ubyte.gz: cannot be read")
        self.assertEqual(self.left_behind(), ["fashion.yaml", "tiny.yaml"])

    def test_in_data_is_named_with_its_place(self):
        self.write("data.yaml", "data: {source: points.csv}\n")
        good = "".join("%d,%d,%s\n" % (i, i * i % 7, "ab"[i % 2]) for i in range(30))
        for text, says in (
            ("", "points.csv"),
            ("1,2,a\n1,b\n", "points.csv:2:"),
            ("1,2,a\n1,x,b\n" + good, "points.csv:2:3"),
            ("1,2,a\n,2,b\n" + good, "points.csv:2:1"),
            ("1,2,a\n1e400,2,b\n" + good, "points.csv:2:1"),
            ("1,2,a\n" * 30, "class"),
        ):
            with self.subTest(text=text[:20]):
                self.write("points.csv", text)
                self.fails("run", "data.yaml", "-q", code=2, says=says)
        self.assertFalse(os.path.exists(self.path("runs")))

    def test_between_config_and_data_is_named_with_its_place(self):
        self.write("data.yaml", "data:\n  source: %s/iris.csv\n  project:\n    kind: pca\n" % DATA)
        says = "data.project.components is %d, expected 1 to 4: the data have 4 inputs and 105"
        for command in ("run", "plan"):
            self.fails(command, "data.yaml", code=2, says="data.yaml:4:11: " + says % 64)
            words = ("-s", "data.project.components=5")
            place = "data.project.components=5: "
            self.fails(command, "data.yaml", *words, code=2, says=place + says % 5)
        self.assertFalse(os.path.exists(self.path("runs")))

    def test_of_a_device_that_is_not_there(self):
        devices = strict_json(self.lehr("devices", "--json").stdout)["devices"]
        if any(device["usable"] for device in devices if device["backend"] != "cpu"):
            self.skipTest("there is a GPU")
        reason = devices[1]["detail"]
        for name in ("cuda", "cuda:7", "cuda:0,1", "cuda:all", "cuda:H200"):
            says = "backend %s: %s" % (name, reason)
            self.fails("run", "tiny.yaml", "-q", "--backend", name, code=69, says=says)
            self.fails("plan", "tiny.yaml", "--backend", name, code=69, says=says)
        self.assertFalse(os.path.exists(self.path("runs")))
        done = self.lehr("run", "tiny.yaml", "--backend", "auto")
        notes = [line for line in done.stderr.splitlines() if "auto" in line]
        self.assertEqual(notes, ["lehr: backend auto: cpu (%s)" % reason])
        again = self.lehr("run", "tiny.yaml", "-q", "-o", "quiet", "--backend", "auto", "--json")
        self.assertEqual(strict_json(again.stdout)["backend"], "cpu")
        self.assertEqual(again.stderr, "")

    def test_on_the_cpu_touches_no_cache(self):
        home = dict(os.environ, HOME=self.path("home"), XDG_CACHE_HOME=self.path("cache"))
        self.lehr("run", "tiny.yaml", "-q", "--backend", "cpu", env=home)
        self.assertFalse(os.path.exists(self.path("home")))
        self.assertFalse(os.path.exists(self.path("cache")))


class FullDisk(ProgramTest):
    def test_before_the_run_leaves_nothing(self):
        self.fails(
            "run",
            "tiny.yaml",
            "-q",
            "-o",
            "out",
            code=74,
            says="out/config.yaml: cannot write: File too large",
            preexec_fn=limit_file_size(100),
        )
        self.assertEqual(self.left_behind(), ["tiny.yaml"])

    def test_during_the_run_is_said_with_the_file_and_leaves_no_part_of_one(self):
        """events.jsonl grows first; with few events the checkpoint does not fit. Where there
        is room again, the run goes on."""
        for words, file, limit in (
            (("-s", "output.observe=1", "-s", "stop.scans=200"), "events.jsonl", 5000),
            (("-s", "output.observe=1000000"), "ckpt/a.safetensors", 4096),
            ((), "ckpt/a.safetensors", 2000),
        ):
            with self.subTest(file=file):
                out = "out-%d" % limit
                self.fails(
                    "run",
                    "tiny.yaml",
                    "-q",
                    "-o",
                    out,
                    *words,
                    code=74,
                    says="%s/%s" % (out, file),
                    preexec_fn=limit_file_size(limit)
                )
                self.assertEqual(
                    [name for name in self.left_behind(out) if name.startswith(".")], []
                )
                status = strict_json(self.read(out, "status.json"))
                self.assertEqual(status["state"], "failed")
                self.assertIn(file, status["error"])
                again = self.run_json("tiny.yaml", "-o", out, *words)
                whole = self.run_json("tiny.yaml", "-o", out + "-whole", *words)
                self.assertEqual(again["state_hash"], whole["state_hash"])

    def test_of_a_real_file_system_says_how_much_is_free(self):
        """20 KiB of tmpfs, where mounting is allowed."""
        disk = self.path("disk")
        os.mkdir(disk)
        mount = shutil.which("mount")
        if (
            mount is None
            or subprocess.run(
                [mount, "-t", "tmpfs", "-o", "size=20k", "tmpfs", disk],
                stderr=subprocess.DEVNULL,
                check=False,
            ).returncode
            != 0
        ):
            self.skipTest("mounting is not allowed")
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=False)
        done = self.fails(
            "run",
            "tiny.yaml",
            "-q",
            "-o",
            "disk/out",
            "-s",
            "output.observe=1",
            "-s",
            "stop.scans=500",
            code=74,
            says="disk/out/",
        )
        self.assertRegex(
            done.stderr, r"No space left on device \(\d+ bytes needed, \d+ bytes free\)"
        )
        self.assertEqual(
            [name for name in self.left_behind("disk", "out") if name.startswith(".")], []
        )

    def test_of_stdout_leaves_the_run_whole(self):
        with open("/dev/full", "wb") as full:
            self.lehr("run", "tiny.yaml", "-o", "out", code=74, stdout=full)
        self.assertEqual(strict_json(self.read("out", "status.json"))["state"], "done")
        reader, writer = os.pipe()
        os.close(reader)
        self.lehr("run", "tiny.yaml", "-o", "pipe", code=74, stdout=writer)
        os.close(writer)
        self.assertEqual(self.left_behind("pipe"), FILES)


class Trace(ProgramTest):
    def test_has_every_energy_asked_for_and_changes_nothing(self):
        plain = self.run_json("tiny.yaml", "-o", "plain")
        traced = self.run_json("tiny.yaml", "-o", "traced", "-s", "output.trace.energy=7")
        self.assertEqual(plain["state_hash"], traced["state_hash"])
        self.assertEqual(plain["id"], traced["id"])
        self.assertEqual(self.left_behind("traced", "trace"), ["energy-000000.npy"])
        content = self.read_bytes("traced", "trace", "energy-000000.npy")
        length = struct.unpack("<H", content[8:10])[0]
        self.assertEqual((content[:8], (10 + length) % 64), (b"\x93NUMPY\x01\x00", 0))
        self.assertEqual(
            eval(content[10 : 10 + length].decode()),
            {"descr": "<f8", "fortran_order": False, "shape": (8, 5)},
        )
        numbers = struct.unpack("<40d", content[10 + length :])
        self.assertEqual(numbers[::5], tuple(float(7 * i) for i in range(1, 9)))

    def test_rotates_whole_chunks(self):
        self.lehr(
            "run", "tiny.yaml", "-o", "out", "-s", "output.trace.energy=1", "-s", "stop.scans=5000"
        )
        names = self.left_behind("out", "trace")
        self.assertEqual(names, ["energy-000000.npy", "energy-000001.npy"])
        sizes = [os.path.getsize(self.path("out/trace", name)) for name in names]
        self.assertEqual(sizes, [128 + 4096 * 5 * 8, 128 + 904 * 5 * 8])


class RealData(ProgramTest):
    def test_of_each_task_has_its_scores(self):
        self.write(
            "iris.yaml",
            "data: {source: %s/iris.csv}\nnetwork: {hidden: [4]}\nstop: {scans: 50}\n" % DATA,
        )
        self.write(
            "diabetes.yaml",
            "data: {source: %s/diabetes.csv, task: regression}\nnetwork: {hidden: []}\n"
            "loss: {kind: mse}\nstop: {scans: 50}\n" % DATA,
        )
        iris = self.run_json("iris.yaml", "-o", "iris")
        self.assertEqual(set(iris["best"]["test"]), {"loss", "accuracy"})
        diabetes = self.run_json("diabetes.yaml", "-o", "diabetes")
        self.assertEqual(set(diabetes["best"]["test"]), {"loss", "r2", "rmse"})
        self.assertIn("rmse", self.lehr("run", "diabetes.yaml", "-o", "diabetes").stdout)
        metadata = read_safetensors(self.path("iris/best.safetensors"))[1]
        self.assertEqual(metadata["task"], "classification")
        self.assertEqual(len(strict_json(metadata["classes"])), 3)


if __name__ == "__main__":
    unittest.main()
