"""Every call of the CUDA runtime fails once in a run: the exit code, one sentence, and files."""

import os
import shutil
import subprocess
import unittest

from cuda_program import CudaTest, need_shim
from program import LEHR, strict_json
from test_faults import injecting, traceable

# cudaError code, how it fails, what the sentence says. Out of memory, a launch that does not
# start, and a kernel that died: from then on every call fails.
KINDS = (
    ("2", "out of device memory"),
    ("701", "too many resources requested for launch|cuBLAS says CUBLAS_STATUS_"),
    ("719:sticky", "unspecified launch failure"),
)

# Under sanitizers some of the calls.
EACH, SOME = (10, 40) if os.environ.get("LEHR_SANITIZE") else (1, 5)

# What a run leaves that failed on its way; and checkpoints, once it had begun.
FAILED = ["config.yaml", "events.jsonl", "lock", "status.json"]
ABOUT = ("wall_s", "proposals_per_s", "backend", "device", "gpus", "threads", "dir", "checkpoints")
FINISHED = ["best.safetensors", "ckpt", *FAILED[:3], "result.json", "status.json"]
OFTEN = ("-s", "output.checkpoint_s=1e-9")  # the first one after the first slice


class Faults(CudaTest):
    def check_failure(self, done, out, words):
        """Exit code 69, one sentence with the device, nothing on stdout; what is left is a failed
        run or nothing."""
        self.assertEqual(done.returncode, 69, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertRegex(done.stderr, r"^lehr: (cuda:\d|backend cuda|one copy needs \d+ bytes)")
        self.assertRegex(done.stderr, words)
        if not os.path.exists(self.path(out)):
            return  # it failed before it began
        self.check_failed(out)
        status = strict_json(self.read(out, "status.json"))
        self.assertEqual(status["state"], "failed")
        self.assertEqual("lehr: %s\n" % status["error"], done.stderr)
        for line in self.read(out, "events.jsonl").splitlines():
            strict_json(line)

    def check_failed(self, out):
        self.assertEqual([name for name in self.left_behind(out) if name != "ckpt"], FAILED)

    def check_success(self, done, out):
        """Some calls may fail without harm, and a smaller plan answers a lack of memory: the run is
        whole and its bits are right."""
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.left_behind(out), FINISHED)
        self.assertEqual(self.bits(out), self.bits("right"))
        self.assertEqual(self.read(out, "result.json"), done.stdout)

    def bits(self, out):
        """What a run found, without where and how fast."""
        result = strict_json(self.read(out, "result.json"))
        return (
            {key: value for key, value in result.items() if key not in ABOUT},
            self.read_bytes(out, "best.safetensors"),
        )

    def fail_at(self, n, kind, words, device):
        """A program whose n-th call fails, when it has ended."""
        process = self.start(
            *words, "--json", "-q", device={**device, "LEHR_DEVICE_FAIL": "%d:%s" % (n, kind)}
        )
        out, err = process.communicate(timeout=60)
        process.stdout, process.stderr = out.decode(), err.decode()
        return process

    def fail_each(self, kinds, *words, device=None, step=EACH):
        """Each call in turn; how many runs ended well all the same, of how many."""
        device = device or {}
        words = ("run", "small.yaml", "--backend", *words)
        calls = self.calls(*words, "-q", "-o", "healthy", device=device)
        self.assertGreater(len(calls), 60)
        old = self.tree("right")
        well = 0
        for kind, says in kinds:
            for n in range(1, len(calls) + 1, step):
                with self.subTest(kind=kind, n=n, call=calls[n - 1]):
                    done = self.fail_at(n, kind, (*words, "-o", "new"), device)
                    if done.returncode == 0 or (kind == "2" and calls[n - 1] == "cudaMalloc"):
                        self.check_success(done, "new")
                        well += 1
                    else:
                        self.check_failure(done, "new", says)
                    self.assertEqual(self.tree("right"), old, "a finished run was touched")
                shutil.rmtree(self.path("new"), ignore_errors=True)
        self.assertEqual(
            self.left_behind(), ["healthy", "lib", "right", "small.yaml", "tiny.yaml"]
        )
        shutil.rmtree(self.path("healthy"))
        return well, len(kinds) * len(range(0, len(calls), step))

    def test_of_every_call_in_every_way_end_in_one_sentence(self):
        self.right_hash()
        well, of = self.fail_each(KINDS, "cuda")
        self.assertLess(well, of / 3, "most calls matter")

    def test_of_one_of_two_devices_end_the_same(self):
        self.right_hash()
        self.fail_each(KINDS[2:], "cuda:all", device={"LEHR_DEVICE_COUNT": "2"}, step=SOME)

    def test_with_tiled_kernels_and_cublas_end_the_same(self):
        words = ("cuda", "-s", "numerics=fast")
        self.run_json("small.yaml", "-o", "right", "--backend", *words)
        self.fail_each(KINDS[1:2], *words, step=SOME)

    def fail_last_exchange(self, *words):
        """The setting with which the last exchange of a run fails."""
        calls = self.calls("run", "small.yaml", "--backend", "cuda", "-o", "healthy", *words)
        return {
            "LEHR_DEVICE_FAIL": "%d:719" % (len(calls) - calls[::-1].index("lehr_settle_kernel"))
        }

    def test_in_the_middle_of_a_run_come_after_its_first_line(self):
        fail = self.fail_last_exchange()
        words = ("run", "small.yaml", "--backend", "cuda", "-o", "new")
        done = self.lehr(*words, code=69, device=fail)
        *_, first, last = done.stderr.splitlines()  # before them, perhaps, that there is no NVRTC
        self.assertRegex(first, r"^lehr: run small [0-9a-f]+ on cuda:0 \(lehr test device, ")
        self.assertRegex(last, r"^lehr: cuda:0: exchanging: .*719.* is lost$")
        self.check_failed("new")

    def test_leave_a_run_that_goes_on_on_any_device(self):
        """From its last checkpoint, before the fault: a lost device is asked for nothing more."""
        self.right_hash()
        fail = self.fail_last_exchange("-q", *OFTEN)
        for backend in ("cuda", "cpu"):
            words = ("run", "small.yaml", "-o", backend, *OFTEN)
            self.lehr(*words, "-q", "--backend", "cuda", code=69, device=fail)
            self.assertEqual(self.left_behind(backend, "ckpt"), ["a.safetensors"])
            done = self.lehr(*words, "--backend", backend)
            self.assertRegex(done.stderr, r"(?m)^lehr: goes on from scan [123]$")
            self.assertEqual(self.bits(backend), self.bits("right"))

    @unittest.skipUnless(traceable(), "strace cannot send signals here")
    def test_need_not_be_for_a_run_to_change_to_a_device(self):
        words = ("run", "small.yaml", "-o", "new", "-s", "stop.scans=20")
        self.right_hash("-s", "stop.scans=20")
        traced = injecting("write", "signal=TERM", 6)
        env = {**os.environ, "ASAN_OPTIONS": "exitcode=99:detect_leaks=0"}
        command = [*traced, LEHR, *words, "--backend", "cpu", "-q"]
        done = subprocess.run(command, cwd=self.folder, env=env, timeout=60, check=False)
        self.assertEqual(done.returncode, 85)
        done = self.lehr(*words, "--backend", "cuda")
        self.assertRegex(done.stderr, r"(?m)^lehr: goes on from scan [1-9]\d?$")
        self.assertEqual(self.bits("new"), self.bits("right"))

    def test_do_not_reach_a_run_that_is_finished(self):
        first = self.small("right")
        before = self.tree("right")
        self.assertEqual(self.small("right", device={"LEHR_DEVICE_FAIL": "1:719:sticky"}), first)
        self.assertEqual(self.small("right", device={"LEHR_DEVICE_COUNT": "-1"}), first)
        self.assertEqual(self.tree("right"), before)


if __name__ == "__main__":
    need_shim()
    unittest.main()
