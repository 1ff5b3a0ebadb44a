"""`lehr bench speed` prints what bench/README.md says; nothing is timed: --quick, figures > 0

`lehr bench chains` is in test_report.py, beside its page.
"""

import json
import os
import subprocess
import tempfile
import unittest

LEHR = os.environ.get("LEHR_BIN", "build/release/lehr")

POSITIVE = ("proposals_per_s_per_core", "fraction_of_bound", "threads_ratio", "core_share",
            "bound_proposals_per_s", "fma_peak_gflops", "flop_per_proposal", "wall_s", "rows",
            "best_fraction_of_bound")

SAVED = ("proposals_per_s_per_core", "full_proposals_per_s_per_core", "ratio_to_full", "rows",
         "wall_s")

# The table of bench/README.md, counted by hand: network, P, N, FLOP.
SHAPES = {"a": ("2-16-16-1 tanh", 2 * 16 + 16 + 16 * 16 + 16 + 16 + 1, 200, 121600),
          "b": ("64-32-10 tanh", 64 * 32 + 32 + 32 * 10 + 10, 1797, 8510592),
          "c": ("784-128-10 tanh", 784 * 128 + 128 + 128 * 10 + 10, 1024, 208142336)}

CONFIG = """name: tiny
data: {generator: {kind: moons, points: 50, noise: 0.1}, test_fraction: 0.2, validation_fraction: 0}
network: {hidden: [4]}
stop: {scans: 10}
"""


def lehr(*words):
    return subprocess.run([LEHR, "bench", *words], capture_output=True, text=True, check=False)


def speed(*words):
    done = lehr("speed", "--quick", "--json", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Bench(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        workloads = speed()["workloads"]
        cls.built_in, cls.savings = workloads[:3], workloads[3:]

    def check(self, workload):
        for key in POSITIVE:
            self.assertGreater(workload[key], 0, key)
        self.assertTrue(0 <= workload["acceptance"] <= 1)

    def test_the_built_in_workloads_have_their_shapes_and_all_keys(self):
        self.assertEqual([w["name"] for w in self.built_in], ["a", "b", "c"])
        for workload in self.built_in:
            self.check(workload)
            self.assertEqual((workload["shape"], workload["parameters"], workload["points"],
                              workload["flop_per_proposal"]), SHAPES[workload["name"]])

    def test_savings_are_rates_beside_those_of_full_evaluation(self):
        shapes = {"a-early": SHAPES["a"], "b-neuron": SHAPES["b"], "c-neuron": SHAPES["c"]}
        self.assertEqual([w["name"] for w in self.savings], list(shapes))
        for w in self.savings:
            self.assertEqual((w["shape"], w["parameters"], w["points"]), shapes[w["name"]][:3])
            self.assertTrue(0 <= w["acceptance"] <= 1)
            for key in SAVED:
                self.assertGreater(w[key], 0, key)

    def test_a_saving_is_timed_alone(self):
        workloads = speed("--workload", "b-neuron")["workloads"]
        self.assertEqual([w["name"] for w in workloads], ["b-neuron"])

    def test_the_bound_is_the_formula_at_the_measured_peak(self):
        activations = {"a": 6400, "b": 57504, "c": 131072}
        for w in self.built_in:
            peak = w["fma_peak_gflops"] * 1e9
            others = activations[w["name"]] / 3.4e9 + w["parameters"] / 0.65e9
            seconds = w["flop_per_proposal"] / peak + others * 1e11 / peak
            # Printed digits only: both sides are the same double arithmetic.
            self.assertAlmostEqual(w["bound_proposals_per_s"] * seconds, 1, places=9)

    def test_scaling_gives_the_cost_over_rows(self):
        flatness = speed("--workload", "a", "--scaling")["workloads"][0]["rows_flatness"]
        self.assertEqual(list(flatness), ["16", "64", "256", "1024", "4096", "16384"])
        self.assertEqual(flatness["16"], 1)
        self.assertTrue(all(cost > 0 for cost in flatness.values()))

    def test_a_config_is_timed_on_its_training_part(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "tiny.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(CONFIG)
            workload = speed(path, "-s", "network.hidden=[5]")["workloads"][0]
        self.check(workload)
        self.assertEqual((workload["name"], workload["shape"], workload["points"]),
                         ("tiny", "2-5-2 tanh", 40))

    def test_another_backend_is_timed_by_rows(self):
        workload = speed("--workload", "a", "--backend", "auto")["workloads"][0]
        rates = workload["proposals_per_s_by_rows"]
        self.assertEqual(list(rates), ["1024", "4096", "16384"])
        self.assertTrue(all(rate > 0 for rate in rates.values()))
        self.assertEqual((workload["backend"], workload["shape"], workload["points"]),
                         ("auto", "2-16-16-1 tanh", 200))

    def test_a_backend_that_is_not_there_is_not_replaced(self):
        done = lehr("speed", "--quick", "--workload", "a", "--backend", "cuda:77")
        self.assertEqual((done.returncode, done.stdout), (69, ""))

    def test_the_table_has_a_line_per_workload(self):
        done = lehr("speed", "--quick", "--workload", "a")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"(?m)^a +2-16-16-1 tanh +200 +337 ")

    def test_what_is_wrong_is_a_usage_error(self):
        cases = ((("fast",), "unknown bench 'fast'"),
                 (("speed", "--workload", "d"), "unknown workload 'd'"),
                 ((), "missing argument"),
                 (("speed", "-s", "seed=1"), "--set"),
                 (("speed", "x.yaml", "--workload", "a"), "--workload"))
        for words, sentence in cases:
            done = lehr(*words)
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)
            self.assertIn(sentence, done.stderr)

    def test_a_missing_config_is_an_input_error(self):
        self.assertEqual(lehr("speed", "no/such.yaml").returncode, 74)


if __name__ == "__main__":
    unittest.main()
