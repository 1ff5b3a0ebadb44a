"""`lehr predict` and `lehr export` against a forward pass of this file, in Python's doubles."""

import csv
import io
import math
import os
import subprocess
import sys
import unittest

from program import BUILD, DATA, ProgramTest, read_safetensors, strict_json

CONFIGS = {
    "iris": "data: {source: %s/iris.csv}\nnetwork: {hidden: [5]}\nstop: {scans: 300}\n",
    "breast_cancer": "data: {source: %s/breast_cancer.csv}\nnetwork: {hidden: [3]}\n"
    "loss: {kind: binary_cross_entropy}\nstop: {scans: 100}\n",
    "diabetes": "data: {source: %s/diabetes.csv, task: regression}\n"
    "network: {hidden: [4], bias: false}\n"
    "loss: {kind: mse}\nstop: {scans: 200}\n",
    "hinge": "data: {source: %s/iris.csv}\nnetwork: {hidden: [], activation: relu}\n"
    "loss: {kind: hinge}\n"
    "stop: {scans: 100}\n",
    "components": "data: {source: %s/breast_cancer.csv, standardize: true,\n"
    "  project: {kind: pca, components: 6}}\n"
    "network: {hidden: [3]}\nstop: {scans: 100}\n",
    "centered": "data: {source: %s/diabetes.csv, task: regression, standardize: false,\n"
    "  project: {kind: pca, components: 3}}\n"
    "network: {hidden: [4], bias: false}\n"
    "loss: {kind: mse}\nstop: {scans: 100}\n",
}
SMALL = "temperatures: {rungs: 4, min: 1e-3, max: 1e-1, copies: 1}\nthreads: 1\n"

ACTIVATIONS = {"identity": lambda z: z, "tanh": math.tanh, "relu": lambda z: max(z, 0.0)}


def forward(tensors, metadata, row):
    """Outputs of the network for one row of raw inputs, in the data's units."""
    mean, scale = tensors["input.mean"][1], tensors["input.scale"][1]
    x = [(value - m) / s for value, m, s in zip(row, mean, scale)]
    if "input.projection" in tensors:
        (high, wide), loading = tensors["input.projection"]
        x = [sum(loading[c * wide + d] * x[d] for d in range(wide)) for c in range(high)]
    layer = 0
    while "layers.%d.weight" % layer in tensors:
        (high, wide), weight = tensors["layers.%d.weight" % layer]
        bias = tensors.get("layers.%d.bias" % layer, ([high], [0.0] * high))[1]
        last = "layers.%d.weight" % (layer + 1) not in tensors
        activate = ACTIVATIONS[metadata["output" if last else "activation"]]
        x = [
            activate(bias[o] + sum(weight[o * wide + i] * x[i] for i in range(wide)))
            for o in range(high)
        ]
        layer += 1
    return [
        value * s + m
        for value, s, m in zip(x, tensors["output.scale"][1], tensors["output.mean"][1])
    ]


def answers(tensors, metadata, row):
    """(class or None, values) as `lehr predict` shows them."""
    z = forward(tensors, metadata, row)
    if metadata["task"] == "regression":
        return None, z
    classes = strict_json(metadata["classes"])
    if len(z) == 1:
        label = classes[int(z[0] >= 0)]
        p = 1 / (1 + math.exp(-z[0]))
        return label, [1 - p, p] if metadata["loss"] == "binary_cross_entropy" else z
    label = classes[z.index(max(z))]
    if metadata["loss"] != "cross_entropy":
        return label, z
    exps = [math.exp(value - max(z)) for value in z]
    return label, [value / sum(exps) for value in exps]


def table(name):
    """Header, input rows and targets of a file whose last column is the target."""
    with open(os.path.join(DATA, name), newline="", encoding="utf-8") as file:
        lines = list(csv.reader(file))
    rows = [[float(value) for value in line[:-1]] for line in lines[1:]]
    return lines[0], rows, [line[-1] for line in lines[1:]]


class ModelTest(ProgramTest):
    def train(self, name, *words):
        self.write(name + ".yaml", CONFIGS[name] % DATA + SMALL)
        return self.run_json(name + ".yaml", "-o", name, *words)

    def assert_close(self, got, expected, tolerance):
        """NMSE: float32 chains against doubles."""
        error = sum((a - b) ** 2 for a, b in zip(got, expected))
        self.assertLessEqual(error, tolerance * sum(b * b for b in expected) + 1e-300)


class Predict(ModelTest):
    def test_equals_a_forward_pass_by_hand(self):
        for name, data in (
            ("iris", "iris.csv"),
            ("breast_cancer", "breast_cancer.csv"),
            ("diabetes", "diabetes.csv"),
            ("hinge", "iris.csv"),
            ("components", "breast_cancer.csv"),
            ("centered", "diabetes.csv"),
        ):
            with self.subTest(name=name):
                self.train(name)
                tensors, metadata = read_safetensors(self.path(name, "best.safetensors"))
                header, rows, _ = table(data)
                self.assertEqual(strict_json(metadata["inputs"]), header[:-1])
                out = self.lehr("predict", name, os.path.join(DATA, data), "-q").stdout
                lines = list(csv.reader(io.StringIO(out)))[1:]
                expected = [answers(tensors, metadata, row) for row in rows]
                self.assertEqual(len(lines), len(rows))
                first = 0 if metadata["task"] == "regression" else 1
                if first:
                    self.assertEqual([line[0] for line in lines], [label for label, _ in expected])
                got = [float(value) for line in lines for value in line[first:]]
                self.assert_close(got, [value for _, values in expected for value in values], 1e-9)

    def test_counts_as_the_run_counted(self):
        result = self.train("iris")
        points = {"train": 105, "validation": 15, "test": 30}
        right = sum(
            round(result["best"][part]["accuracy"] * count) for part, count in points.items()
        )
        answer = strict_json(self.lehr("predict", "iris", DATA + "/iris.csv", "--json").stdout)
        self.assertEqual(answer["compared"], 150)
        self.assertEqual(
            round(answer["accuracy"] * 150), right
        )  # EXACT: the same bits are classified

    def test_says_the_same_as_csv_and_json_and_in_a_file(self):
        self.train("iris")
        done = self.lehr("predict", "iris/best.safetensors", DATA + "/iris.csv")
        lines = list(csv.DictReader(io.StringIO(done.stdout)))
        self.assertIn("accuracy", done.stderr)
        answer = strict_json(
            self.lehr("predict", "iris", DATA + "/iris.csv", "--json", "-q").stdout
        )
        self.assertEqual([line["prediction"] for line in lines], answer["predictions"])
        self.assertEqual(
            list(lines[0]), ["prediction"] + ["p_" + name for name in answer["classes"]]
        )
        self.assertEqual(len(answer["probabilities"]), 150)
        self.assertAlmostEqual(sum(answer["probabilities"][0]), 1, places=6)

        short = self.lehr("predict", "iris", DATA + "/iris.csv", "-o", "p.csv")
        self.assertEqual(self.read("p.csv"), done.stdout)
        self.assertIn("accuracy", short.stdout)
        self.fails(
            "predict", "iris", DATA + "/iris.csv", "-o", "p.csv", code=73, says="p.csv exists"
        )
        self.assertEqual(self.read("p.csv"), done.stdout)
        summary = strict_json(
            self.lehr("predict", "iris", DATA + "/iris.csv", "-o", "q.csv", "--json").stdout
        )
        self.assertEqual(summary, {key: answer[key] for key in ("points", "compared", "accuracy")})

    def test_finds_columns_by_name_and_goes_without_a_target(self):
        self.train("iris")
        header, rows, targets = table("iris.csv")
        expected = self.lehr("predict", "iris", DATA + "/iris.csv", "-q").stdout
        self.write(
            "turned.csv",
            ",".join(header[::-1])
            + "\n"
            + "".join(
                ",".join([target] + ["%r" % value for value in row[::-1]]) + "\n"
                for row, target in zip(rows, targets)
            ),
        )
        self.write(
            "bare.csv", "".join(",".join("%r" % value for value in row) + "\n" for row in rows)
        )
        for name, compared in (("turned.csv", 150), ("bare.csv", 0)):
            with self.subTest(name=name):
                self.assertEqual(self.lehr("predict", "iris", name, "-q").stdout, expected)
                answer = strict_json(self.lehr("predict", "iris", name, "--json").stdout)
                self.assertEqual(answer["compared"], compared)
                self.assertEqual(answer["accuracy"] is None, compared == 0)

    def test_reports_r2_and_rmse_of_a_regression(self):
        self.train("diabetes")
        answer = strict_json(
            self.lehr("predict", "diabetes", DATA + "/diabetes.csv", "--json").stdout
        )
        truth = [float(value) for value in table("diabetes.csv")[2]]
        mean = sum(truth) / len(truth)
        error = sum((a - b) ** 2 for a, b in zip(answer["predictions"], truth))
        self.assertAlmostEqual(answer["rmse"], math.sqrt(error / len(truth)), places=6)
        self.assertAlmostEqual(
            answer["r2"], 1 - error / sum((b - mean) ** 2 for b in truth), places=6
        )

    def test_of_what_is_no_model_or_no_data_is_one_sentence(self):
        self.train("iris")
        whole = self.read_bytes("iris", "best.safetensors")
        os.mkdir(self.path("empty"))
        for name, content in (
            ("cut", whole[:-1]),
            ("long", whole + b"\0"),
            ("zero", b""),
            ("text", b"hello world"),
            ("flat", whole.replace(b"layers.0.weight", b"layers.9.weight")),
            ("name", whole.replace(b'"tanh"', b'"tanx"').replace(b"tanh", b"tanx")),
        ):
            self.write(name, content)
            with self.subTest(name=name):
                self.fails("predict", name, DATA + "/iris.csv", code=2, says=name + ": ")
        self.fails("predict", "none", DATA + "/iris.csv", code=74, says="none")
        self.fails("predict", "empty", DATA + "/iris.csv", code=74, says="empty/best.safetensors")
        self.fails("predict", "iris", "none.csv", code=74, says="none.csv")
        self.fails("predict", "iris", "iris", code=74, says="iris")
        self.write("bad.csv", "sepal length (cm),1\n")
        self.fails("predict", "iris", "bad.csv", code=2, says="bad.csv:1:1: ")


class Export(ModelTest):
    def test_folds_the_scaling_and_predicts_the_same(self):
        for name, data in (
            ("iris", "iris.csv"),
            ("diabetes", "diabetes.csv"),
            ("components", "breast_cancer.csv"),
            ("centered", "diabetes.csv"),
        ):
            with self.subTest(name=name):
                self.train(name)
                done = self.lehr("export", name)
                self.assertEqual(done.stdout, "%s/export.safetensors\n" % name)
                tensors, metadata = read_safetensors(self.path(name, "export.safetensors"))
                self.assertNotIn("input.projection", tensors)
                self.assertEqual(set(tensors["input.mean"][1] + tensors["output.mean"][1]), {0.0})
                self.assertEqual(set(tensors["input.scale"][1] + tensors["output.scale"][1]), {1.0})
                before = strict_json(self.lehr("predict", name, DATA + "/" + data, "--json").stdout)
                after = strict_json(
                    self.lehr(
                        "predict", name + "/export.safetensors", DATA + "/" + data, "--json"
                    ).stdout
                )
                if metadata["task"] == "classification":
                    self.assertEqual(after["predictions"], before["predictions"])
                    self.assert_close(
                        sum(after["probabilities"], []), sum(before["probabilities"], []), 1e-9
                    )
                else:
                    self.assert_close(after["predictions"], before["predictions"], 1e-9)

    def test_csv_has_the_same_numbers(self):
        self.train("iris")
        self.lehr("export", "iris", "-o", "a.safetensors")
        self.lehr("export", "iris/best.safetensors", "--format", "csv", "-o", "a.csv")
        tensors, _ = read_safetensors(self.path("a.safetensors"))
        lines = list(csv.DictReader(io.StringIO(self.read("a.csv"))))
        self.assertEqual(list(lines[0]), ["layer", "kind", "output", "input", "value"])
        self.assertEqual(
            len(lines),
            sum(len(values) for name, (_, values) in tensors.items() if "layers" in name),
        )
        for line in lines:
            shape, values = tensors["layers.%s.%s" % (line["layer"], line["kind"])]
            at = int(line["output"])
            if line["kind"] == "weight":
                at = at * shape[1] + int(line["input"])
            self.assertAlmostEqual(
                float(line["value"]) / values[at], 1, places=8
            )  # nine printed digits

    def test_never_overwrites(self):
        self.train("iris")
        self.write("mine", "keep")
        self.fails("export", "iris", "-o", "mine", code=73, says="mine exists")
        self.assertEqual(self.read("mine"), "keep")
        self.lehr("export", "iris", "--format", "csv")
        self.fails("export", "iris", "--format", "csv", code=73, says="export.csv exists")
        self.fails("export", "iris", "-o", "none/x", code=74, says="none")
        self.assertEqual([name for name in self.left_behind("iris") if name.startswith(".")], [])


class Package(ModelTest):
    """The file as Python's own safetensors package reads it."""

    @staticmethod
    def python():
        """A Python with the package: this one, or an environment kept in the build folder."""
        check = [sys.executable, "-c", "import safetensors.numpy"]
        if subprocess.run(check, stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return sys.executable
        folder = os.path.join(BUILD, "tests", "venv-safetensors")
        python = os.path.join(folder, "bin", "python3")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": False}
        if (
            subprocess.run(["test", "-e", os.path.join(folder, "ready")], check=False).returncode
            != 0
        ):
            for words in (
                [sys.executable, "-m", "venv", folder],
                [
                    python,
                    "-m",
                    "pip",
                    "install",
                    "-q",
                    "--timeout",
                    "10",
                    "--retries",
                    "1",
                    "safetensors",
                    "numpy",
                ],
                ["touch", os.path.join(folder, "ready")],
            ):
                try:
                    if subprocess.run(words, timeout=90, **quiet).returncode != 0:
                        return None
                except (OSError, subprocess.TimeoutExpired):
                    return None
        return python

    def test_opens_the_file_in_one_line(self):
        python = self.python()
        if python is None:
            self.skipTest(
                "the package safetensors cannot be installed here; other tests read by hand"
            )
        self.train("iris")
        program = (
            "from safetensors.numpy import load_file; t = load_file('iris/best.safetensors')\n"
            "from safetensors import safe_open; f = safe_open('iris/best.safetensors', 'numpy')\n"
            "import json; t = {k: [list(v.shape), v.ravel().tolist()] for k, v in t.items()}\n"
            "print(json.dumps([t, "
            "f.metadata()]))"
        )
        env = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
        done = subprocess.run(
            [python, "-c", program], cwd=self.folder, env=env, stdout=subprocess.PIPE, check=True
        )
        tensors, metadata = strict_json(done.stdout.decode())
        by_hand, metadata_by_hand = read_safetensors(self.path("iris", "best.safetensors"))
        self.assertEqual(metadata, metadata_by_hand)
        self.assertEqual(
            tensors, {name: [shape, list(values)] for name, (shape, values) in by_hand.items()}
        )


if __name__ == "__main__":
    unittest.main()
