"""Runs on several MPI ranks with GPUs: who takes which, what is said of it, and the fault of one."""

import re
import shutil
import unittest

from cuda_program import LEHR_SHIM, CudaTest, need_shim
from mpi_program import RanksTest, need_mpi
from program import strict_json

OFTEN = ("-s", "output.checkpoint_s=1e-9")  # the first one after the first slice
SEEN = {"LEHR_DEVICE_TRACE": "1"}


class CudaRanks(CudaTest, RanksTest):
    program = LEHR_SHIM

    def run_ranks(self, each, out, *words, backend="cuda", devices=1, code=0):
        """What a small run on ranks printed, its result or None, and what it said."""
        common = {**self.device, "LEHR_DEVICE_COUNT": str(devices)}
        each = [{}] * each if isinstance(each, int) else each
        words = ("run", "small.yaml", "--json", "-o", out, "--backend", backend, *words)
        done, text, said = self.end(self.ranks([{**common, **one} for one in each], *words))
        self.assertEqual(done, code, said)
        return strict_json(text) if done == 0 else None, said

    def check_result(self, result, right, **about):
        self.assertEqual(result["state_hash"], right)
        self.assertEqual(result["device"], about.pop("device", "lehr test device"))
        for key, value in about.items():
            self.assertEqual(result[key], value, key)

    def test_take_one_device_each_or_their_share_of_a_list(self):
        right = self.right_hash()
        share = "%d ranks share %d GPU"
        for i, (ranks, devices, backend, where, gpus, notice) in enumerate(
            (
                (2, 2, "cuda", "cuda:0,1", 2, None),
                (2, 4, "auto", "cuda:0,1", 2, None),
                (3, 2, "cuda", "cuda:0,1", 2, share % (3, 2) + "s"),
                (3, 4, "cuda:all", "cuda:0,1,2,3", 4, None),
                (2, 3, "cuda:2,0", "cuda:2,0", 2, None),
                (2, 2, "cuda:1", "cuda:1", 1, share % (2, 1)),
            )
        ):
            with self.subTest(ranks=ranks, devices=devices, backend=backend):
                result, said = self.run_ranks(
                    ranks, "new%d" % i, backend=backend, devices=devices
                )
                self.check_result(result, right, backend=where, gpus=gpus, ranks=ranks)
                self.assertRegex(said, r"(?m)^lehr: run small \w+ on %s \(lehr test" % where)
                self.assertEqual(re.findall(r"(?m)^lehr: (\d ranks.*)$", said), [notice] * bool(notice))

    def test_that_see_one_device_each_share_none(self):
        """As a batch system binds them: the same number, and another device."""
        right = self.right_hash()
        each = [{"LEHR_DEVICE_FIRST": str(i)} for i in range(2)]
        result, said = self.run_ranks(each, "new")
        self.check_result(result, right, backend="cuda:0", gpus=2, ranks=2)
        self.assertNotIn("share", said)
        each[1]["LEHR_DEVICE_FIRST"] = "0"
        result, said = self.run_ranks(each, "shared")
        self.check_result(result, right, backend="cuda:0", gpus=1, ranks=2)
        self.assertIn("2 ranks share 1 GPU\n", said)

    def test_one_without_a_device_is_said_and_auto_puts_all_on_the_cpu(self):
        right = self.right_hash()
        each = [{}, {"LEHR_DEVICE_COUNT": "-1"}]
        result, said = self.run_ranks(each, "new", backend="auto")
        self.assertEqual(result["state_hash"], right)
        self.assertEqual((result["backend"], result["gpus"]), ("cpu", 0))
        notice = "lehr: rank 1: backend auto: cpu (no NVIDIA driver)"
        self.assertEqual(said.splitlines()[0], notice)
        _, said = self.run_ranks(each, "none", code=69)
        self.assertEqual(said, "lehr: rank 1: backend cuda: no NVIDIA driver\n")
        self.assertNotIn("none", self.left_behind())

    def test_devices_that_are_not_there_end_all(self):
        for backend, devices, code, says in (
            ("cuda:0,1", 1, 69, "there is no device 1, only 1 CUDA device, counted from 0"),
            ("cuda:all", 0, 69, "backend cuda:all: the NVIDIA driver sees no device"),
            ("cuda:lehr", 2, 2, "backend cuda:lehr fits devices 0 and 1"),
        ):
            with self.subTest(backend=backend):
                _, said = self.run_ranks(2, "new", backend=backend, devices=devices, code=code)
                self.assertIn(says, said)
        self.assertEqual(self.left_behind(), ["lib", "small.yaml", "tiny.yaml"])

    def rank_calls(self, rank, *words):
        """Calls of one rank of 3 in a run where none fails."""
        each = [SEEN if i == rank else {} for i in range(3)]
        _, said = self.run_ranks(each, "healthy", "-q", *words, devices=3)
        shutil.rmtree(self.path("healthy"))
        return re.findall(r"(?m)^test device: call \d+ (\S+): ", said)

    def test_the_fault_of_one_device_ends_all_and_leaves_a_checkpoint(self):
        right = self.right_hash(*OFTEN)
        calls = self.rank_calls(1, *OFTEN)
        self.assertNotIn("lehr_settle_kernel", calls, "all that rank 1 has is cut")
        last = max(n for n, call in enumerate(calls, 1) if call.startswith("lehr_scan"))
        fault = {"LEHR_DEVICE_FAIL": "%d:719:sticky" % last}
        _, said = self.run_ranks([{}, fault, {}], "new", "-q", *OFTEN, devices=3, code=69)
        self.assertRegex(said, r"(?m)^lehr: rank 1: cuda:1: .*719.* is lost$")
        self.assertIn("a.safetensors", self.left_behind("new", "ckpt"))
        result, said = self.run_ranks(2, "new", *OFTEN, devices=2)
        self.assertRegex(said, r"(?m)^lehr: goes on from scan [123]$")
        self.check_result(result, right, backend="cuda:0,1", ranks=2)

    def test_the_fault_of_the_first_is_written_down(self):
        calls = self.rank_calls(0, *OFTEN)
        last = max(n for n, call in enumerate(calls, 1) if call.startswith("lehr_scan"))
        fault = {"LEHR_DEVICE_FAIL": "%d:719:sticky" % last}
        _, said = self.run_ranks([fault, {}, {}], "new", "-q", *OFTEN, devices=3, code=69)
        status = strict_json(self.read("new", "status.json"))
        self.assertEqual(status["state"], "failed")
        self.assertIn("lehr: rank 0: %s\n" % status["error"], said)

    def test_a_fault_anywhere_hangs_nobody(self):
        right = self.right_hash()
        calls = self.rank_calls(1)
        ends = set()
        for n in range(1, len(calls) + 1, len(calls) // 8):
            with self.subTest(n=n, call=calls[n - 1]):
                fault = {"LEHR_DEVICE_FAIL": "%d:719:sticky" % n, "LEHR_DEVICE_COUNT": "3"}
                words = ("run", "small.yaml", "--json", "-q", "-o", "new", "--backend", "cuda")
                common = {**self.device, "LEHR_DEVICE_COUNT": "3"}
                code, out, said = self.end(
                    self.ranks([common, {**common, **fault}, common], *words)
                )
                ends.add(code)
                self.assertIn(code, (0, 69), said)
                if code == 0:
                    self.assertEqual(strict_json(out)["state_hash"], right)
                else:
                    self.assertRegex(said, r"(?m)^lehr: rank 1: ")
                shutil.rmtree(self.path("new"), ignore_errors=True)
        self.assertIn(69, ends)


if __name__ == "__main__":
    need_shim()
    need_mpi()
    unittest.main()
