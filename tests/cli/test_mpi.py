"""Runs on several MPI ranks: the files of one process, whatever stops them on the way."""

import os
import signal
import subprocess
import unittest

from mpi_program import RanksTest, need_mpi
from program import LEHR, strict_json

LONG = ("-s", "stop.scans=1000000", "-s", "exchange.every=100")
LONG += ("-s", "output.observe=5000", "-s", "output.checkpoint_s=0.2")
TIMES = ("wall_s", "proposals_per_s", "dir", "ranks", "checkpoints", "threads")


class Ranks(RanksTest):
    def result(self, name):
        result = strict_json(self.read(name, "result.json"))
        return {key: value for key, value in result.items() if key not in TIMES}

    def alone(self, *words):
        self.lehr("run", "tiny.yaml", "-q", "-o", "alone", *words)
        return self.result("alone")

    def test_any_number_of_them_leaves_the_same_result(self):
        words = ("-s", "temperatures.copies=2", "-s", "output.trace.energy=7")
        expected = self.alone(*words)
        for count in (1, 2, 3, 4):
            name = "ranks%d" % count
            code, out, err = self.end(self.ranks(count, "run", "tiny.yaml", "-q", "-o", name, *words))
            self.assertEqual((code, err), (0, ""))
            self.assertEqual(out.count("state "), 1, "only rank 0 prints")
            self.assertEqual(self.result(name), expected)
            self.assertEqual(
                strict_json(self.read(name, "result.json"))["ranks"], count, "ranks in the result"
            )
            for file in self.left_behind("alone", "trace"):
                self.assertEqual(
                    self.read_bytes(name, "trace", file), self.read_bytes("alone", "trace", file)
                )

    def test_one_that_was_asked_to_leave_goes_on_with_other_ranks(self):
        expected = self.alone(*LONG)
        process = self.ranks(2, "run", "tiny.yaml", "-q", "-o", "out", *LONG)
        self.wait_for("out", "ckpt", "a.safetensors")
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(self.end(process)[0], 85)
        self.assertEqual(strict_json(self.read("out", "status.json"))["state"], "checkpointed")
        self.assertEqual(self.end(self.ranks(3, "resume", "out", "-q"))[0], 0)
        self.assertEqual(self.result("out"), expected)

    def test_the_death_of_a_rank_ends_all_and_leaves_a_checkpoint(self):
        expected = self.alone(*LONG)
        process = self.ranks(2, "run", "tiny.yaml", "-q", "-o", "out", *LONG)
        self.wait_for("out", "ckpt", "a.safetensors")
        ranks = subprocess.run(
            ["pgrep", "-P", str(process.pid), "-f", "run tiny.yaml"], capture_output=True, text=True
        ).stdout.split()
        self.assertEqual(len(ranks), 2)
        os.kill(int(ranks[1]), signal.SIGKILL)
        code, _, err = self.end(process)
        self.assertNotIn(code, (0, 85))
        self.lehr("resume", "out", "-q")
        self.assertEqual(self.result("out"), expected)

    def test_one_that_is_finished_prints_its_result_again(self):
        expected = self.alone()
        code, out, _ = self.end(self.ranks(2, "run", "tiny.yaml", "-q", "--json", "-o", "alone"))
        self.assertEqual(code, 0)
        self.assertEqual(strict_json(out)["state_hash"], expected["state_hash"])

    def test_what_is_wrong_for_all_is_said_once(self):
        self.write("bad.yaml", self.read("tiny.yaml") + "hiden: [4]\n")
        for words, code, says in (
            (("run", "bad.yaml"), 2, "bad.yaml:12:1: unknown key 'hiden'"),
            (("run", "tiny.yaml", "-s", "seed=x"), 2, "-s seed=x: "),
            (("run", "missing.yaml"), 74, "missing.yaml: "),
            (("resume", "missing"), 74, "missing/config.yaml: "),
        ):
            for _ in range(2):
                seen, out, err = self.end(self.ranks(3, *words))
                self.assertEqual((seen, out, err.count("lehr: ")), (code, "", 1), err)
                self.assertIn(says, err)

    def test_what_only_one_rank_cannot_read_is_said_by_it(self):
        """As on a cluster, where not every machine has the same files: here each rank has a folder of its own."""
        launch = ["mpirun", "-q", "--oversubscribe", "--allow-run-as-root"]
        for bad in (0, 1):
            for rank in (0, 1):
                os.makedirs(self.path("%d" % bad, "%d" % rank))
                if rank != bad:
                    self.write("%d/%d/tiny.yaml" % (bad, rank), self.read("tiny.yaml"))
            each = [["-n", "1", "--wdir", self.path("%d" % bad, "%d" % rank), LEHR, "run", "tiny.yaml"] for rank in (0, 1)]
            process = subprocess.Popen(launch + each[0] + [":"] + each[1], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            code, _, err = self.end(process)
            self.assertEqual((code, err.count("lehr: tiny.yaml: cannot be read")), (74, 1), err)

    def test_what_cannot_be_ends_all_with_one_exit_code(self):
        code, out, err = self.end(self.ranks(2, "run", "missing.yaml"))
        self.assertEqual((code, out), (self.lehr("run", "missing.yaml", code=74).returncode, ""))
        self.assertIn("missing.yaml", err)
        code, _, err = self.end(self.ranks(5, "run", "tiny.yaml", "-q"))
        self.assertEqual(code, 2)
        self.assertIn("5 ranks are more than the 4 rows", err)
        os.mkdir(self.path("taken"))
        code, _, err = self.end(self.ranks(2, "run", "tiny.yaml", "-q", "-o", "taken"))
        self.assertEqual(code, 73)
        self.assertIn("taken", err)


if __name__ == "__main__":
    need_mpi()
    unittest.main()
